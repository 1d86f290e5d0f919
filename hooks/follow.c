/* SPDX-License-Identifier: Apache-2.0
 * follow.c - see follow.h. It reads what others have published and changes nothing
 * in the cell, so it can neither delay nor lose a lead. Chains of hashes are the
 * archive's and fsck's to check; here entries need only follow one another. */
#include "hooks/follow_private.h"

#include <inttypes.h>
#include <string.h>

#include "common/log.h"

struct follow *follow_new(const char *cell)
{
    struct follow *follow = calloc(1, sizeof *follow);
    if (follow == NULL)
        abort();
    strncpy(follow->cell, cell, CELL_NAME_MAX);
    follow->image = image_new();
    return follow;
}

void follow_forget(struct follow *follow)
{
    for (struct held_lead *one = follow->held, *next; one != NULL; one = next) {
        next = one->hh.next;
        HASH_DEL(follow->held, one);
        free(one);
    }
    while (follow->agents != NULL)
        follow_drop_agent(follow, follow->agents->index);
    follow->is_there = false;
}

void follow_destroy(struct follow **follow_p)
{
    if (*follow_p == NULL)
        return;
    follow_forget(*follow_p);
    follow_forget_inputs(*follow_p);
    image_destroy(&(*follow_p)->image);
    free(*follow_p);
    *follow_p = NULL;
}

struct position follow_at(const struct follow *follow)
{
    return follow->at;
}

uint64_t follow_missed(const struct follow *follow)
{
    return follow->missed;
}

/* ---- what is remembered ---------------------------------------------------------------- */

static void set_text(char to[NAME_BYTES_MAX + 1], struct slice text)
{
    const uint32_t len = text.len <= NAME_BYTES_MAX ? text.len : NAME_BYTES_MAX;
    if (len > 0)
        memcpy(to, text.at, len);
    to[len] = '\0';
}

void follow_set_agent(struct follow *follow, uint32_t index, struct slice name, struct slice team)
{
    struct agent_name *agent;
    HASH_FIND(hh, follow->agents, &index, sizeof index, agent);
    if (agent == NULL) {
        agent = calloc(1, sizeof *agent);
        if (agent == NULL)
            abort();
        agent->index = index;
        HASH_ADD(hh, follow->agents, index, sizeof agent->index, agent);
    }
    set_text(agent->name, name);
    set_text(agent->team, team);
}

void follow_drop_agent(struct follow *follow, uint32_t index)
{
    struct agent_name *agent;
    HASH_FIND(hh, follow->agents, &index, sizeof index, agent);
    if (agent == NULL)
        return;
    HASH_DEL(follow->agents, agent);
    free(agent);
}

void follow_set_held(struct follow *follow, struct id lead, const struct held *held)
{
    struct held_lead *one;
    HASH_FIND(hh, follow->held, &lead, sizeof lead, one);
    if (held == NULL && one != NULL) {
        HASH_DEL(follow->held, one);
        free(one);
    } else if (held != NULL && one == NULL) {
        one = calloc(1, sizeof *one);
        if (one == NULL)
            abort();
        one->lead = lead;
        HASH_ADD(hh, follow->held, lead, sizeof one->lead, one);
    }
    if (held != NULL)
        one->held = *held;
}

/* ---- rows ------------------------------------------------------------------------------- */

static struct slice text_slice(const char *text)
{
    return slice_of(text, strlen(text));
}

static void tell(const struct follow *follow, const struct told *told, const struct image_lead *now, struct id lead,
                 struct position entry)
{
    const struct agent_name *agent;
    HASH_FIND(hh, follow->agents, &told->agent, sizeof told->agent, agent);
    struct event_facts facts = {
        .told = *told,
        .now = now,
        .lead = lead,
        .agent = agent != NULL ? text_slice(agent->name) : (struct slice){0},
        .team = agent != NULL ? text_slice(agent->team) : text_slice(now->team),
        .cell = follow->cell,
        .entry = entry,
    };
    follow_input(follow, lead, &facts.input);
    follow->each(follow->arg, &facts);
}

static bool is_reopened(const struct image_lead *now)
{
    uint32_t i = 0;
    while (i < now->n_steps && now->steps[i].reason != REASON_REOPENED)
        i++;
    return i < now->n_steps;
}

static bool take_lead(struct follow *follow, const struct row_ref *row, struct position entry)
{
    struct image_lead now;
    struct held_lead *before;
    struct held held;
    struct told told[TOLD_MAX];
    if (!image_lead(follow->image, row, &now))
        return false;
    const struct id lead = now.id;
    HASH_FIND(hh, follow->held, &lead, sizeof lead, before);
    if (follow->each != NULL) {
        const uint32_t n = event_derive(before != NULL ? &before->held : NULL, &now, told);
        for (uint32_t i = 0; i < n; i++)
            tell(follow, &told[i], &now, lead, entry);
    }
    follow_set_held(follow, lead, event_is_held(&now, &held) ? &held : NULL);
    if (event_is_end(&now))
        follow_end_input(follow, lead);
    else if (is_reopened(&now))
        follow_reopen_input(follow, lead);
    return true;
}

static bool take_agent(struct follow *follow, const struct row_ref *row)
{
    struct image_agent agent;
    if (!image_agent(row, &agent))
        return false;
    if (agent.gone)
        follow_drop_agent(follow, agent.index);
    else
        follow_set_agent(follow, agent.index, agent.name, agent.team);
    return true;
}

static bool take_cell(struct follow *follow, const struct row_ref *row)
{
    struct image_cell cell;
    if (!image_cell(row, &cell))
        return false;
    follow->beat_us = cell.now_us;
    return true;
}

static bool take_row(struct follow *follow, const struct row_ref *row, struct position entry)
{
    switch (row->type) {
    case ROW_LEAD:
        return take_lead(follow, row, entry);
    case ROW_INPUT:
        if (row->key.len == 16)
            follow_set_input(follow, id_from_bytes(row->key.at), row->whole);
        return true;
    case ROW_AGENT:
        return take_agent(follow, row);
    case ROW_CELL:
        return take_cell(follow, row);
    default:
        return true;
    }
}

enum turn { TURN_KNOWN, TURN_LEADS, TURN_GONE };
static enum turn turn_of(const struct row_ref *row)
{
    return row->type != ROW_AGENT ? TURN_LEADS : row_is_gone(row) ? TURN_GONE : TURN_KNOWN;
}

/* Agents first, since a lead may be in the hand of one that came in the same beat; and those that went last. */
bool follow_body(struct follow *follow, struct slice body, struct position at, follow_fn *each, void *arg)
{
    follow->each = each;
    follow->arg = arg;
    for (enum turn turn = TURN_KNOWN; turn <= TURN_GONE; turn++) {
        struct row_ref row;
        uint32_t from = 0;
        int got;
        while ((got = row_next(body, &from, &row)) > 0)
            if (turn_of(&row) == turn && !take_row(follow, &row, at))
                return false;
        if (got < 0)
            return false;
    }
    return true;
}

static bool is_next(struct position before, const struct tap_entry *entry)
{
    const struct position at = entry->id;
    return entry->entry.takeover ? at.epoch == before.epoch + 1 && at.beat == 0
                                 : at.epoch == before.epoch && at.beat == before.beat + 1;
}

static bool take_entry(void *arg, const struct tap_entry *entry)
{
    struct follow *follow = arg;
    const struct position at = entry->id, before = follow->at;
    if (follow->is_there && !is_next(before, entry)) {
        follow->is_gap = true;
        follow->missed += at.epoch == before.epoch ? at.beat - before.beat - 1 : at.beat + 1;
        log_line(LOG_WARN, "hooks.gap", "after=%" PRIu64 "-%" PRIu64 " log_begins=%" PRIu64 "-%" PRIu64, before.epoch,
                 before.beat, at.epoch, at.beat);
        return false;
    }
    const bool is_read = entry->entry.takeover || follow_body(follow, entry->entry.body, at, follow->each, follow->arg);
    if (!is_read && !follow->is_told_damaged)
        log_line(LOG_ERROR, "hooks.damaged", "entry=%" PRIu64 "-%" PRIu64, at.epoch, at.beat);
    follow->missed += !is_read; /* and on: what follows is worth telling, too */
    follow->is_told_damaged = !is_read;
    follow->at = at;
    return true;
}

/* ---- beginning anew ----------------------------------------------------------------------- */

static bool take_view_row(void *arg, const struct row_ref *row)
{
    return take_row(arg, row, (struct position){0});
}

/* The view, and silently what the log has behind it: state at the log's end. */
static enum store_status begin(struct follow *follow, struct tap *tap)
{
    struct tap_marks marks, end;
    follow_forget(follow);
    follow_forget_inputs(follow);
    follow->each = NULL;
    follow->beat_us = 0;
    enum store_status status = tap_marks(tap, &marks);
    if (status == STORE_OK && marks.last.epoch == 0)
        return STORE_OK; /* no broker has written anything yet */
    if (status == STORE_OK)
        status = tap_view(tap, take_view_row, follow);
    if (status == STORE_OK)
        status = tap_marks(tap, &end);
    follow->has_inputs = true; /* of the view; a lead that is reopened behind it has none */
    follow->at = marks.view;
    while (status == STORE_OK && position_compare(follow->at, end.last) < 0) {
        uint32_t n;
        status = tap_log(tap, follow->at, false, take_entry, follow, &n);
        if (status == STORE_OK && n == 0)
            break; /* trimmed meanwhile: what it held is in the view by now */
    }
    follow->is_there = status == STORE_OK && position_compare(follow->at, end.last) >= 0;
    follow->has_inputs = follow->has_inputs && follow->is_there;
    if (follow->is_there)
        log_line(LOG_INFO, "hooks.begin", "at=%" PRIu64 "-%" PRIu64 " agents=%u in_hand=%u", follow->at.epoch,
                 follow->at.beat, HASH_COUNT(follow->agents), HASH_COUNT(follow->held));
    return status;
}

enum store_status follow_join(struct follow *follow, struct tap *tap)
{
    struct tap_marks marks;
    const enum store_status status = tap_marks(tap, &marks);
    if (status == STORE_OK && follow->is_there && position_compare(marks.last, follow->at) < 0) {
        log_line(LOG_WARN, "hooks.other_log", "at=%" PRIu64 "-%" PRIu64 " last=%" PRIu64 "-%" PRIu64, follow->at.epoch,
                 follow->at.beat, marks.last.epoch, marks.last.beat);
        follow->is_there = false;
    }
    return status;
}

enum store_status follow_read(struct follow *follow, struct tap *tap, follow_fn *each, void *arg, uint32_t *ret_n)
{
    *ret_n = 0;
    if (!follow->is_there) {
        const enum store_status status = begin(follow, tap);
        if (status != STORE_OK || !follow->is_there)
            return status;
    }
    if (follow->wanted != NULL && !follow->has_inputs) {
        const enum store_status status = follow_fill_inputs(follow, tap);
        if (status != STORE_OK)
            return status;
    }
    follow->each = each;
    follow->arg = arg;
    follow->is_gap = false;
    const enum store_status status = tap_log(tap, follow->at, false, take_entry, follow, ret_n);
    if (!follow->is_gap)
        return status;
    follow->is_there = false;
    *ret_n = 0;
    return STORE_OK;
}
