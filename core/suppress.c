/* SPDX-License-Identifier: Apache-2.0
 * suppress.c - the contacts that must not be called: kept as hashes, put on the list
 * by operators and by agents whose customer asked for it, and in force at once, for
 * rows that come and for leads that are there. One that is in an agent's hands is
 * withdrawn, and ends when it was let go.
 *
 * What is taken off the list stays in it, marked: then the last row of the log is
 * right whatever came before. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/contact.h"
#include "core/contacts.h"
#include "core/record_bytes.h"
#include "core/report_private.h"

enum { SLOTS_MIN = 256 };

/* ---- the list ------------------------------------------------------------------------- */

static struct suppressed *slot_of(const struct contacts *contacts, uint64_t hash)
{
    uint64_t at = hash & (contacts->n_slots - 1);
    while (contacts->slots[at].hash && contacts->slots[at].hash != hash)
        at = (at + 1) & (contacts->n_slots - 1);
    return &contacts->slots[at];
}

static void grow(struct contacts *contacts)
{
    struct contacts old = *contacts;
    if (contacts->n_used < contacts->n_slots / 4 * 3)
        return;
    contacts->n_slots = old.n_slots ? 2 * old.n_slots : SLOTS_MIN;
    contacts->slots = calloc(contacts->n_slots, sizeof *contacts->slots);
    assert(contacts->slots);
    for (uint32_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].hash)
            *slot_of(contacts, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

static struct suppressed *entry_of(struct contacts *contacts, uint64_t hash)
{
    grow(contacts);
    struct suppressed *entry = slot_of(contacts, hash);
    contacts->n_used += entry->hash == 0;
    entry->hash = hash;
    return entry;
}

static bool hash_of(const struct core *core, enum contact_kind kind, struct slice text, uint64_t *ret_hash)
{
    struct contact_text plain;
    if (!(kind == CONTACT_PHONE ? contact_plain_phone(text, &plain) : contact_plain_email(text, &plain)))
        return false;
    *ret_hash = contact_hash(core->policy.cell, "pe"[kind], plain.at, plain.len);
    return true;
}

static bool listed(const struct core *core, enum contact_kind kind, struct slice text)
{
    uint64_t hash;
    return hash_of(core, kind, text, &hash) && slot_of(&core->contacts, hash)->on;
}

bool suppress_has(const struct core *core, struct slice raw)
{
    if (core->contacts.n_on == 0)
        return false;
    const struct row_contact contact = row_contact(raw);
    return listed(core, CONTACT_PHONE, contact.phone) || listed(core, CONTACT_EMAIL, contact.email);
}

/* ---- in force ---------------------------------------------------------------------------- */

static void end(struct core *core, struct lead *lead)
{
    if (lead->owner != NONE)
        revoke_begin(core, lead, REASON_SUPPRESSED_CONTACT);
    else if (lead->state != LEAD_REVOKING) /* which ends here when it is let go */
        lead_move(core, lead, MOVE_SUPPRESS, LEAD_SUPPRESSED, NONE, REASON_SUPPRESSED_CONTACT);
}

bool suppress_ends(struct core *core, struct lead *lead)
{
    if (!suppress_has(core, slice_of(lead->raw, lead->given_len)))
        return false;
    if (followup_look(lead)->assign_to != NONE) /* whoever was to get it by hand */
        followup_assign_to(core, lead, NONE);
    lead_move(core, lead, MOVE_SUPPRESS, LEAD_SUPPRESSED, NONE, REASON_SUPPRESSED_CONTACT);
    return true;
}

enum put { PUT_UNREADABLE, PUT_AS_IT_WAS, PUT_CHANGED };

static enum put put(struct core *core, enum contact_kind kind, struct slice text, bool on)
{
    struct contacts *contacts = &core->contacts;
    uint64_t hash;
    if (!hash_of(core, kind, text, &hash))
        return PUT_UNREADABLE;
    if (!on && contacts->n_on == 0)
        return PUT_AS_IT_WAS;
    struct suppressed *entry = entry_of(contacts, hash);
    if (entry->on == on)
        return PUT_AS_IT_WAS;
    entry->on = on;
    entry->since_us = core->now_us;
    contacts->n_on += on ? 1 : UINT32_MAX;
    if (!entry->dirty)
        buf_add(&contacts->dirty, &hash, sizeof hash);
    entry->dirty = true;
    if (on)
        contacts_each(core, kind, text, end);
    return PUT_CHANGED;
}

void suppress_lead(struct core *core, const struct lead *lead)
{
    const struct row_contact contact = row_contact(slice_of(lead->raw, lead->given_len));
    put(core, CONTACT_PHONE, contact.phone, true);
    put(core, CONTACT_EMAIL, contact.email, true);
}

/* ---- an operator's order --------------------------------------------------------------------- */

static uint64_t ended(const struct core *core)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        sum += core->programmes[p].count[LEAD_SUPPRESSED];
    return sum;
}

void report_suppressed(struct table *table, const struct msg_query *query)
{
    (void) query;
    number(table, table->core->contacts.n_on);
    number(table, ended(table->core));
    for (int i = 0; i < 3; i++)
        number(table, 0);
}

void suppress_take(struct core *core, uint32_t peer, const struct msg *msg)
{
    static const char *const columns[] = SUPPRESSED_COLUMNS;
    const struct slice text = msg->suppress.contacts;
    uint64_t puts[PUT_CHANGED + 1] = {0};
    for (uint32_t at = 0; at < text.len;) {
        const uint8_t *line = text.at + at, *stop = memchr(line, '\n', text.len - at);
        const struct slice contact = slice_of(line, stop ? (size_t) (stop - line) : text.len - at);
        const bool email = contact.len > 0 && memchr(contact.at, '@', contact.len);
        at += contact.len + 1;
        if (contact.len > 0)
            puts[put(core, email ? CONTACT_EMAIL : CONTACT_PHONE, contact, !msg->suppress.remove)]++;
    }
    struct msg answer = {.kind = MSG_REPORT};
    struct table table = {.core = core, .report = &answer.report};
    answer.report =
        (struct msg_report){.what = QUERY_SUPPRESSED, .types = SUPPRESSED_TYPES, .n_columns = strlen(SUPPRESSED_TYPES)};
    core->report.len = 0;
    number(&table, core->contacts.n_on);
    number(&table, ended(core));
    number(&table, puts[PUT_CHANGED]);
    number(&table, puts[PUT_AS_IT_WAS]);
    number(&table, puts[PUT_UNREADABLE]);
    report_cut(&table, columns);
    effects_msg(core->effects, peer, &answer);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void record(const struct suppressed *entry, struct buf *body)
{
    struct writer row = row_begin(body, ROW_SUPPRESSED, &entry->hash, sizeof entry->hash, 2 * NUMBER_BYTES_MAX);
    put_uint(&row, entry->on);
    put_int(&row, entry->since_us);
    row_end(&row);
}

uint32_t suppress_seal(struct core *core, struct buf *body)
{
    struct contacts *contacts = &core->contacts;
    const uint64_t *hashes = (const uint64_t *) (const void *) contacts->dirty.at;
    const uint32_t n = (uint32_t) (contacts->dirty.len / sizeof *hashes);
    for (uint32_t i = 0; i < n; i++) {
        struct suppressed *entry = slot_of(contacts, hashes[i]);
        record(entry, body);
        entry->dirty = false;
    }
    contacts->dirty.len = 0;
    return n;
}

static int by_hash(const void *a, const void *b)
{
    const uint64_t x = ((const struct suppressed *) a)->hash, y = ((const struct suppressed *) b)->hash;
    return x < y ? -1 : x > y;
}

void suppress_dump(const struct core *core, struct buf *body)
{
    const struct contacts *contacts = &core->contacts;
    struct suppressed *all = malloc((contacts->n_used + 1u) * sizeof *all);
    uint32_t n = 0;
    assert(all);
    for (uint32_t i = 0; i < contacts->n_slots; i++)
        if (contacts->slots[i].hash)
            all[n++] = contacts->slots[i];
    qsort(all, n, sizeof *all, by_hash);
    for (uint32_t i = 0; i < n; i++)
        record(&all[i], body);
    free(all);
}

bool suppress_apply(struct core *core, struct slice key, struct reader *reader)
{
    struct contacts *contacts = &core->contacts;
    uint64_t hash = 0;
    const bool on = get_u8(reader) != 0;
    const int64_t since_us = get_int(reader);
    if (key.len == sizeof hash)
        memcpy(&hash, key.at, sizeof hash);
    if (hash == 0 || reader->bad || reader->at != reader->end)
        return false;
    struct suppressed *entry = entry_of(contacts, hash);
    contacts->n_on += (on ? 1u : 0u) - (entry->on ? 1u : 0u);
    entry->on = on;
    entry->since_us = since_us;
    return true;
}
