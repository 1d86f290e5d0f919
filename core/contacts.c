/* SPDX-License-Identifier: Apache-2.0
 * contacts.c - the same person again. See contacts.h. Linear hashing: with each
 * lead one more bucket, split off an old one. */
#include "core/contacts.h"

#include <stdlib.h>
#include <string.h>

#include "core/contact.h"
#include "core/core_private.h"

/* How many leads of a chain are compared at intake: a number that a thousand rows share proves nothing any more. */
enum { LOOKED_AT_MAX = 64, HEADS_MIN = 1024 };

/* ---- the index --------------------------------------------------------------------- */

static struct slice field_of(const struct row_contact *contact, enum contact_kind kind)
{
    return kind == CONTACT_PHONE ? contact->phone : contact->email;
}

/* False: there is nothing in it to compare. */
static bool plain(enum contact_kind kind, struct slice text, struct contact_text *ret)
{
    return kind == CONTACT_PHONE ? contact_plain_phone(text, ret) : contact_plain_email(text, ret);
}

static bool same_text(const struct contact_text *a, const struct contact_text *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

static uint32_t bucket_of(const struct contact_index *index, uint64_t hash)
{
    const uint64_t mask = (UINT64_C(2) << (63 - __builtin_clzll(index->n_heads))) - 1; /* under twice the heads */
    const uint64_t at = hash & mask;
    return (uint32_t) (at < index->n_heads ? at : at & mask >> 1);
}

static void hang(struct contact_index *index, uint32_t place, uint64_t hash)
{
    uint32_t *head = &index->heads[bucket_of(index, hash)];
    index->next[place] = *head;
    *head = place + 1;
}

static bool hash_of_lead(const struct core *core, enum contact_kind kind, uint32_t place, uint64_t *ret_hash)
{
    const struct lead *lead = lead_at(&core->leads, place);
    const struct row_contact contact = row_contact(slice_of(lead->raw, lead->given_len));
    struct contact_text text;
    if (!plain(kind, field_of(&contact, kind), &text))
        return false;
    *ret_hash = contact_hash(core->policy.cell, "pe"[kind], text.at, text.len);
    return true;
}

static void make_heads(struct contact_index *index, uint32_t room)
{
    index->heads = reallocarray(index->heads, room, sizeof *index->heads);
    assert(index->heads);
    index->heads_room = room;
}

static void split(struct core *core, enum contact_kind kind)
{
    struct contact_index *index = &core->contacts.index[kind];
    if (index->n_heads == index->heads_room)
        make_heads(index, index->heads_room * 2);
    const uint32_t new = index->n_heads++, old = new & ~(UINT32_C(1) << (31 - __builtin_clz(new)));
    uint32_t at = index->heads[old], next;
    uint32_t *ends[2] = {&index->heads[old], &index->heads[new]};
    *ends[0] = *ends[1] = 0;
    for (; at; at = next) { /* in order: the newest stay in front */
        uint64_t hash = 0;
        next = index->next[at - 1];
        hash_of_lead(core, kind, at - 1, &hash);
        const bool moves = bucket_of(index, hash) == new;
        *ends[moves] = at;
        index->next[at - 1] = 0;
        ends[moves] = &index->next[at - 1];
    }
}

static void add(struct core *core, enum contact_kind kind, uint32_t place)
{
    struct contact_index *index = &core->contacts.index[kind];
    uint64_t hash;
    if (!hash_of_lead(core, kind, place, &hash))
        return;
    if (place >= index->next_room) {
        index->next_room = place + place / 4 + HEADS_MIN;
        index->next = reallocarray(index->next, index->next_room, sizeof *index->next);
        assert(index->next);
    }
    hang(index, place, hash);
    if (++index->n > index->n_heads)
        split(core, kind);
}

static void make_index(struct core *core)
{
    struct contacts *contacts = &core->contacts;
    if (contacts->indexed)
        return;
    contacts->indexed = true;
    for (int kind = 0; kind < CONTACT_KINDS; kind++) {
        struct contact_index *index = &contacts->index[kind];
        make_heads(index, HEADS_MIN);
        index->n_heads = HEADS_MIN;
        memset(index->heads, 0, HEADS_MIN * sizeof *index->heads);
        for (uint32_t place = 0; place < core->leads.n; place++)
            if (lead_at(&core->leads, place)->state != LEAD_DUPLICATE)
                add(core, (enum contact_kind) kind, place);
    }
}

void contacts_loaded(struct core *core)
{
    bool needed = core->contacts.n_on > 0;
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        needed |= programme_of(core, i)->duplicates != DUPLICATES_ACCEPT;
    if (needed)
        make_index(core);
}

void contacts_fini(struct core *core)
{
    for (int kind = 0; kind < CONTACT_KINDS; kind++) {
        free(core->contacts.index[kind].heads);
        free(core->contacts.index[kind].next);
    }
    free(core->contacts.slots);
    buf_fini(&core->contacts.dirty);
}

/* Those at `at` and behind it; *ret_theirs is filled for each that has this contact. */
static struct lead *next_same(const struct core *core, enum contact_kind kind, const struct contact_text *text,
                              uint32_t *at, uint32_t *room, struct row_contact *ret_theirs)
{
    const struct contact_index *index = &core->contacts.index[kind];
    for (; *at && *room; --*room) {
        struct lead *lead = lead_at(&core->leads, *at - 1);
        struct contact_text other;
        *at = index->next[*at - 1];
        *ret_theirs = row_contact(slice_of(lead->raw, lead->given_len));
        if (plain(kind, field_of(ret_theirs, kind), &other) && same_text(text, &other))
            return lead;
    }
    return NULL;
}

static uint32_t chain_of(const struct core *core, enum contact_kind kind, const struct contact_text *text)
{
    const struct contact_index *index = &core->contacts.index[kind];
    return index->heads[bucket_of(index, contact_hash(core->policy.cell, "pe"[kind], text -> at, text -> len))];
}

void contacts_each(struct core *core, enum contact_kind kind, struct slice contact, contacts_fn *each)
{
    struct contact_text text;
    struct row_contact theirs;
    struct lead *lead;
    uint32_t room = UINT32_MAX;
    if (!plain(kind, contact, &text))
        return;
    make_index(core);
    for (uint32_t at = chain_of(core, kind, &text); (lead = next_same(core, kind, &text, &at, &room, &theirs));)
        if (!lead_terminal(lead))
            each(core, lead);
}

/* ---- duplicates ------------------------------------------------------------------------ */

static bool same_words(struct slice a, struct slice b)
{
    struct contact_text x, y;
    return contact_plain_words(a, &x) && contact_plain_words(b, &y) && same_text(&x, &y);
}

static bool agree(const struct row_contact *a, const struct row_contact *b)
{
    return same_words(a->name, b->name) || same_words(a->street, b->street);
}

struct found {
    struct lead *first; /* the same person's: of several the oldest */
    bool phone;         /* a lead has this phone */
};

static void look(struct core *core, uint32_t programme, enum contact_kind kind, const struct row_contact *mine,
                 struct found *found)
{
    const int64_t since_us = core->now_us - programme_of(core, programme)->look_back_ms * 1000;
    struct contact_text text;
    struct row_contact theirs;
    struct lead *lead;
    uint32_t room = LOOKED_AT_MAX;
    if (!plain(kind, field_of(mine, kind), &text))
        return;
    for (uint32_t at = chain_of(core, kind, &text); (lead = next_same(core, kind, &text, &at, &room, &theirs));) {
        if (lead->programme != programme || lead->received_us < since_us)
            continue;
        found->phone = found->phone || kind == CONTACT_PHONE;
        if (kind == CONTACT_PHONE && !agree(mine, &theirs))
            continue;
        if (!found->first || lead->seq < found->first->seq)
            found->first = lead;
    }
}

struct newcomer contacts_judge(struct core *core, uint32_t programme, struct slice raw)
{
    struct newcomer newcomer = {.refused = REASON_OK};
    const enum duplicates duplicates = programme_of(core, programme)->duplicates;
    if (core->contacts.n_on > 0 && suppress_has(core, raw)) {
        newcomer.refused = REASON_SUPPRESSED_CONTACT;
        return newcomer;
    }
    if (duplicates == DUPLICATES_ACCEPT)
        return newcomer;
    struct found found = {0};
    const struct row_contact mine = row_contact(raw);
    make_index(core);
    for (int kind = 0; kind < CONTACT_KINDS; kind++)
        look(core, programme, (enum contact_kind) kind, &mine, &found);
    newcomer.first = found.first;
    if (!found.first)
        newcomer.warnings = found.phone ? ROW_WARNING_PHONE_KNOWN : 0;
    else if (duplicates == DUPLICATES_REJECT)
        newcomer.refused = REASON_DUPLICATE_CONTACT;
    else
        newcomer.warnings = duplicates == DUPLICATES_MERGE ? ROW_WARNING_MERGED : ROW_WARNING_SAME_PERSON;
    return newcomer;
}

/* Both say so: each names the other, and the first counts them. */
static void merge(struct core *core, struct lead *lead, struct lead *first)
{
    leads_past(lead)->kin = first->id;
    lead_move(core, lead, MOVE_MERGE, LEAD_DUPLICATE, NONE, REASON_MERGED);
    leads_past(first)->kin = lead->id;
    first->past->merged++;
    lead_touch(core, first);
}

void contacts_place(struct core *core, struct lead *lead, const struct newcomer *newcomer)
{
    const enum duplicates duplicates = programme_of(core, lead->programme)->duplicates;
    struct lead *first = newcomer->first;
    if (first && duplicates == DUPLICATES_MERGE) {
        merge(core, lead, first);
        return;
    }
    if (!first || first->owner == NONE || followup_is_vetted(core, lead) ||
        !place_with(core, lead, MOVE_INTAKE, core->agents[first->owner], REASON_ATTACHED))
        followup_intake(core, lead);
    if (core->contacts.indexed)
        for (int kind = 0; kind < CONTACT_KINDS; kind++)
            add(core, (enum contact_kind) kind, core->leads.n - 1);
}
