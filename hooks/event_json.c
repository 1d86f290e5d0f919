/* SPDX-License-Identifier: Apache-2.0
 * event_json.c - see event_json.h. */
#include "hooks/event_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "proto/wire.h"

static void set(json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        abort(); /* short memory, or text that nobody checked to be UTF-8 */
}

static json_t *text_or_null(struct slice text)
{
    return text.len > 0 ? json_stringn((const char *) text.at, text.len) : json_null();
}

static json_t *moment(int64_t at_ms)
{
    const time_t at_s = (time_t) (at_ms / 1000);
    struct tm utc;
    char text[48];
    gmtime_r(&at_s, &utc);
    const size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, sizeof text - len, ".%03dZ", (int) (at_ms % 1000));
    return json_string(text);
}

static void dump(json_t *object, struct buf *ret)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (text == NULL)
        abort();
    ret->len = 0;
    buf_add(ret, text, strlen(text));
    free(text);
}

void event_json(const struct event_facts *facts, struct buf *ret_line)
{
    const struct image_lead *now = facts->now;
    const enum reason reason = facts->told.reason;
    const char *event = hook_event_word(facts->told.event);
    char hex[33], id[EVENT_ID_MAX], entry[48];
    id_to_hex(facts->lead, hex);
    snprintf(id, sizeof id, "%s-%" PRIx64 "-%s-%" PRIx64 "-%x", hex, facts->told.fence, event, (uint64_t) now->state_us,
             (unsigned) reason);
    snprintf(entry, sizeof entry, "%" PRIu64 "-%" PRIu64, facts->entry.epoch, facts->entry.beat);
    json_t *object = json_object();
    set(object, "id", json_string(id));
    set(object, "event", json_string(event));
    set(object, "at", moment(now->state_us / 1000));
    set(object, "at_ms", json_integer(now->state_us / 1000));
    set(object, "cell", json_string(facts->cell));
    set(object, "lead", json_string(hex));
    set(object, "fence", json_integer((json_int_t) facts->told.fence));
    set(object, "programme", json_string(now->programme));
    set(object, "team", text_or_null(facts->team));
    set(object, "agent", text_or_null(facts->agent));
    set(object, "state", json_string(lead_state_name(now->state)));
    set(object, "reason", reason != REASON_OK ? json_string(reason_name(reason)) : json_null());
    set(object, "text", json_string(reason != REASON_OK ? reason_text(reason) : hook_event_text(facts->told.event)));
    set(object, "deadline_ms", facts->told.event == HOOK_OFFER ? json_integer(now->due_ms) : json_null());
    set(object, "attempts", json_integer(now->attempts));
    set(object, "contacted", json_boolean(now->worked_on));
    set(object, "disposition", now->disposition != 0 ? json_string(disposition_word(now->disposition)) : json_null());
    set(object, "entry", json_string(entry));
    dump(object, ret_line);
    json_decref(object);
}

bool event_json_head(struct slice line, struct event_head *ret)
{
    const char *id, *word, *lead, *entry;
    json_int_t at_ms;
    char *end;
    struct event_head head;
    json_t *object = json_loadb((const char *) line.at, line.len, 0, NULL);
    bool good = json_unpack(object, "{s:s, s:s, s:s, s:s, s:I}", "id", &id, "event", &word, "lead", &lead, "entry",
                            &entry, "at_ms", &at_ms) == 0;
    good = good && strlen(id) < sizeof head.id && strlen(word) < sizeof head.word && id_from_hex(lead, &head.lead);
    if (good) {
        snprintf(head.id, sizeof head.id, "%s", id);
        snprintf(head.word, sizeof head.word, "%s", word);
        head.at_ms = at_ms;
        head.entry.epoch = strtoull(entry, &end, 10);
        head.entry.beat = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
        *ret = head;
    }
    json_decref(object);
    return good;
}

/* ---- with the lead ------------------------------------------------------------------------- */

static void put_attributes(json_t *data, const struct row *row)
{
    json_t *attributes = json_object();
    for (uint32_t i = 0; i < row->n_attributes; i++) {
        const struct attribute *one = &row->attributes[i];
        char name[ATTRIBUTE_NAME_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int) one->name.len, (const char *) one->name.at);
        set(attributes, name,
            one->text.at != NULL ? json_stringn((const char *) one->text.at, one->text.len)
                                 : json_integer(one->number));
    }
    set(data, "attributes", attributes);
}

static json_t *lead_data(enum hook_fields fields, struct slice input, struct wire *wire)
{
    struct image_input came;
    struct row_ref row_of;
    struct row row;
    uint32_t at = 0;
    if (row_next(input, &at, &row_of) != 1 || !image_input(&row_of, &came) ||
        wire_decode_row(wire, came.raw, came.source, &row) != REASON_OK)
        return json_null();
    const struct {
        const char *key;
        struct slice text;
    } contact[] = {{"name", row.name}, {"phone", row.phone}, {"email", row.email},    {"street", row.street},
                   {"web", row.web},   {"ref", row.ref},     {"remarks", row.remarks}};
    json_t *data = json_object();
    set(data, "source", text_or_null(came.source));
    set(data, "received_ms", json_integer(came.received_us / 1000));
    set(data, "priority", json_integer(row.priority));
    set(data, "value_cents", json_integer((json_int_t) row.value_cents));
    put_attributes(data, &row);
    for (size_t i = 0; fields == FIELDS_FULL && i < sizeof contact / sizeof *contact; i++)
        set(data, contact[i].key, text_or_null(contact[i].text));
    if (fields == FIELDS_FULL)
        set(data, "key", text_or_null(row.key));
    return data;
}

void event_json_whole(struct slice line, enum hook_fields fields, struct slice input, struct wire *wire,
                      struct buf *ret_body)
{
    if (fields == FIELDS_NONE) {
        ret_body->len = 0;
        buf_add(ret_body, line.at, line.len);
        return;
    }
    json_t *object = json_loadb((const char *) line.at, line.len, 0, NULL);
    set(object, "lead_data", lead_data(fields, input, wire));
    dump(object, ret_body);
    json_decref(object);
}

void event_json_sample(const char *cell, int64_t at_ms, struct buf *ret_line)
{
    static const char agent[] = "sample-agent";
    const struct image_lead now = {
        .state = LEAD_OFFERED, .programme = "sample", .state_us = at_ms * 1000, .due_ms = at_ms + 30 * 1000};
    const struct event_facts facts = {.told = {.event = HOOK_OFFER, .fence = 1, .reason = REASON_SCORED},
                                      .now = &now,
                                      .agent = slice_of(agent, sizeof agent - 1),
                                      .cell = cell};
    event_json(&facts, ret_line);
}
