/* SPDX-License-Identifier: Apache-2.0
 * follow_state.c - where a follower is, and what it remembers, in a file. JSON:
 * it is small, people may look at it, and half of a file does not parse. */
#include "hooks/follow_private.h"

#include <string.h>

#include <jansson.h>

#include "common/file.h"

enum { STATE_VERSION = 2 };

static json_t *agents_json(const struct follow *follow)
{
    json_t *list = json_array();
    for (const struct agent_name *agent = follow->agents; agent != NULL; agent = agent->hh.next)
        json_array_append_new(list, json_pack("[i, s, s]", (int) agent->index, agent->name, agent->team));
    return list;
}

static json_t *held_json(const struct follow *follow)
{
    json_t *list = json_array();
    for (const struct held_lead *one = follow->held; one != NULL; one = one->hh.next) {
        char lead[33];
        id_to_hex(one->lead, lead);
        json_array_append_new(list, json_pack("[s, i, i, I, I]", lead, (int) one->held.state, (int) one->held.owner,
                                              (json_int_t) one->held.fence, (json_int_t) one->held.due_ms));
    }
    return list;
}

bool follow_save(const struct follow *follow, const char *path)
{
    if (!follow->is_there)
        return true;
    json_t *state = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "version", STATE_VERSION, "cell",
                              follow->cell, "epoch", (json_int_t) follow->at.epoch, "beat",
                              (json_int_t) follow->at.beat, "beat_us", (json_int_t) follow->beat_us, "missed",
                              (json_int_t) follow->missed, "agents", agents_json(follow), "held", held_json(follow));
    char *text = json_dumps(state, JSON_COMPACT);
    if (text == NULL)
        abort();
    const bool saved = file_put(path, text, strlen(text), 0600);
    free(text);
    json_decref(state);
    return saved;
}

static bool load_agent(struct follow *follow, json_t *item)
{
    const char *name, *team;
    int index;
    if (json_unpack(item, "[i, s, s!]", &index, &name, &team) != 0 || index < 0)
        return false;
    follow_set_agent(follow, (uint32_t) index, slice_of(name, strlen(name)), slice_of(team, strlen(team)));
    return true;
}

static bool load_held(struct follow *follow, json_t *item)
{
    const char *hex;
    int state, owner;
    json_int_t fence, due_ms;
    struct id lead;
    if (json_unpack(item, "[s, i, i, I, I!]", &hex, &state, &owner, &fence, &due_ms) != 0 || !id_from_hex(hex, &lead))
        return false;
    const struct held held = {(uint32_t) state, (uint32_t) owner, (uint64_t) fence, due_ms};
    follow_set_held(follow, lead, &held);
    return true;
}

static bool load(struct follow *follow, json_t *state)
{
    const char *cell;
    json_int_t epoch, beat, beat_us, missed;
    json_t *agents, *held, *item;
    int version;
    size_t i;
    if (json_unpack(state, "{s:i, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "version", &version, "cell", &cell, "epoch",
                    &epoch, "beat", &beat, "beat_us", &beat_us, "missed", &missed, "agents", &agents, "held",
                    &held) != 0 ||
        version != STATE_VERSION || strcmp(cell, follow->cell) != 0)
        return false;
    json_array_foreach(agents, i, item) if (!load_agent(follow, item)) return false;
    json_array_foreach(held, i, item) if (!load_held(follow, item)) return false;
    follow->at = (struct position){(uint64_t) epoch, (uint64_t) beat};
    follow->beat_us = beat_us;
    follow->missed = (uint64_t) missed;
    return true;
}

bool follow_load(struct follow *follow, const char *path)
{
    follow_forget(follow);
    json_t *state = json_load_file(path, 0, NULL);
    const bool is_whole = state != NULL && load(follow, state);
    json_decref(state);
    if (!is_whole)
        follow_forget(follow);
    follow->is_there = is_whole;
    return is_whole;
}
