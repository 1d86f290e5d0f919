/* SPDX-License-Identifier: Apache-2.0
 * tale.c - see tale.h. One function says what a step means for a lead and for the
 * agent that has it: take_step(). */
#include "report/tale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/entry.h"
#include "common/buf.h"
#include "policy/policy_yaml.h"
#include "proto/wire.h"

struct import_seen {
    struct id id;
    UT_hash_handle hh;
    uint32_t duplicate, rejected;
};

struct tales {
    struct window window;
    struct tale_watch watch;
    enum reason told; /* of the last step */
    struct image *image;
    struct wire *wire;
    struct names *names;
    struct staff *staff;
    struct tale *by_id;
    struct import_seen *imports;
    struct buf rows;         /* struct row_counts by source */
    struct buf dispositions; /* uint64_t by agent */
    int64_t now_us;
};

struct tales *tales_new(const struct window *window, const struct tale_watch *watch)
{
    struct tales *tales = calloc(1, sizeof *tales);
    assert(tales);
    tales->window = *window;
    if (watch)
        tales->watch = *watch;
    tales->image = image_new();
    tales->wire = wire_new();
    tales->names = names_new();
    tales->staff = staff_new(tales->names, window);
    return tales;
}

void tales_destroy(struct tales **tales_p)
{
    struct tales *tales = *tales_p;
    struct tale *tale, *next_tale;
    struct import_seen *import, *next_import;
    if (!tales)
        return;
    HASH_ITER(hh, tales->by_id, tale, next_tale)
    {
        HASH_DEL(tales->by_id, tale);
        for (struct hand *hand = tale->hands, *next; hand; hand = next) {
            next = hand->next;
            free(hand);
        }
        free(tale);
    }
    HASH_ITER(hh, tales->imports, import, next_import)
    {
        HASH_DEL(tales->imports, import);
        free(import);
    }
    image_destroy(&tales->image);
    wire_destroy(&tales->wire);
    staff_destroy(&tales->staff);
    names_destroy(&tales->names);
    buf_fini(&tales->rows);
    buf_fini(&tales->dispositions);
    free(tales);
    *tales_p = NULL;
}

/* Item `number` of a list that grows with zeros. */
static void *item_at(struct buf *list, size_t number, size_t size)
{
    if (list->len < (number + 1) * size) {
        const size_t more = (number + 1) * size - list->len;
        memset(buf_more(list, more), 0, more);
    }
    return list->at + number * size;
}

/* Moves that an agent made by saying so; all others takt decided. */
static const struct {
    enum reason reason;
    bool disposed;
} of_agents[] = {{REASON_ACCEPTED, false},      {REASON_DECLINED, false},      {REASON_ACTION, false},
                 {REASON_ATTEMPT_ENDED, false}, {REASON_NOTED, false},         {REASON_RELEASED, false},
                 {REASON_WITHDRAWN, false},     {REASON_DISPOSED_FINAL, true}, {REASON_DISPOSED_PIPELINE, true},
                 {REASON_MAX_ATTEMPTS, true},   {REASON_MAX_AGE, true}};

/* A disposition comes from whoever has it in hand; later the same reason may say why it ended. */
static bool is_agents(enum reason reason, uint8_t before, bool *ret_disposed)
{
    const bool in_hand = before == LEAD_OWNED || before == LEAD_WORKING || before == LEAD_WRAP_UP;
    for (size_t i = 0; i < sizeof of_agents / sizeof *of_agents; i++)
        if (of_agents[i].reason == reason) {
            *ret_disposed = of_agents[i].disposed && in_hand;
            return !of_agents[i].disposed || in_hand;
        }
    return false;
}

/* ---- one lead ---------------------------------------------------------------------------------- */

static struct tale *tale_of(struct tales *tales, struct id id)
{
    struct tale *tale;
    HASH_FIND(hh, tales->by_id, &id, sizeof id, tale);
    if (tale)
        return tale;
    tale = calloc(1, sizeof *tale);
    assert(tale);
    tale->id = id;
    tale->holder = TALE_NOBODY;
    HASH_ADD(hh, tales->by_id, id, sizeof tale->id, tale);
    return tale;
}

static struct hand *hand_of(struct tale *tale, uint32_t agent)
{
    struct hand *hand = tale->hands;
    while (hand && hand->agent != agent)
        hand = hand->next;
    if (hand || agent == TALE_NOBODY)
        return hand;
    hand = calloc(1, sizeof *hand);
    assert(hand);
    hand->agent = agent;
    hand->claim_us = -1;
    hand->next = tale->hands;
    tale->hands = hand;
    return hand;
}

static void mark(struct deeds *deeds, enum deed deed, int64_t at_us)
{
    int64_t *first_us = deed == DEED_OFFERED    ? &deeds->offered_us
                        : deed == DEED_ACCEPTED ? &deeds->accepted_us
                        : deed == DEED_TOUCHED  ? &deeds->touched_us
                                                : NULL;
    if (first_us && !(deeds->did & deed))
        *first_us = at_us;
    deeds->did = (uint8_t) (deeds->did | deed);
}

static void mark_both(struct tale *tale, struct hand *hand, enum deed deed, int64_t at_us)
{
    mark(&tale->deeds, deed, at_us);
    if (hand)
        mark(&hand->deeds, deed, at_us);
}

static bool spoken_to(uint32_t disposition)
{
    const int class = disposition_class(disposition);
    return class != 0 && class != CLASS_RETRY && class != CLASS_INVALID;
}

static void accept(const struct tales *tales, struct tale *tale, struct hand *hand, int64_t at_us)
{
    mark_both(tale, hand, DEED_OFFERED, at_us);
    mark_both(tale, hand, DEED_ACCEPTED, at_us);
    if (hand && tale->pool_us > 0 && hand->claim_us < 0) {
        const struct slice pool = names_text(tales->names, tale->pool);
        hand->claim_us = at_us - tale->pool_us;
        hand->pool = tale->pool;
        hand->pool_agents = staff_of_pool(tales->staff, (const char *) pool.at);
    }
    tale->pool_us = 0;
}

static void dispose(struct tales *tales, struct tale *tale, struct hand *hand, uint32_t disposition, int64_t at_us)
{
    mark_both(tale, hand, DEED_TOUCHED, at_us);
    mark_both(tale, hand, DEED_DISPOSED, at_us);
    if (spoken_to(disposition))
        mark_both(tale, hand, DEED_CONTACTED, at_us);
    tale->deeds.dispositions++;
    if (!hand)
        return;
    hand->deeds.dispositions++;
    if (window_has(&tales->window, at_us))
        ++*(uint64_t *) item_at(&tales->dispositions, hand->agent, sizeof(uint64_t));
}

/* The clock of a claim goes on while offers from this pool come to nothing; in another pool it begins anew. */
static void wait_in(struct tale *tale, uint32_t pool, int64_t at_us)
{
    if (tale->pool_us > 0 && tale->pool == pool)
        return;
    tale->pool = pool;
    tale->pool_us = at_us;
}

static void take_step(struct tales *tales, struct tale *tale, const struct image_lead *image,
                      const struct image_step *step, int64_t at_us)
{
    const uint32_t agent = step->agent != TALE_NOBODY ? step->agent : tale->holder;
    struct hand *hand = hand_of(tale, agent);
    const bool terminal = step->state >= LEAD_CLOSED_WON;
    bool disposed = false;
    const bool by_agent = is_agents(step->reason, tale->state, &disposed);
    /* that it was let go for the same reason is the second half of what was told */
    const bool again = tale->state == LEAD_REVOKING && step->reason == tales->told;
    if (id_equal(tale->id, tales->watch.id) && !again)
        tales->watch.step(tales->watch.arg, &(struct tale_step){at_us, step->state, step->reason, agent, by_agent,
                                                                disposed, false, image});
    tales->told = step->reason;
    if (step->reason == REASON_NOTED)
        return;
    if (step->state == LEAD_OFFERED)
        mark_both(tale, hand, DEED_OFFERED, at_us);
    else if (step->state == LEAD_OWNED) /* also out of its own pipeline: then it is accepted already */
        accept(tales, tale, hand, at_us);
    else if (step->state == LEAD_WORKING)
        mark_both(tale, hand, DEED_TOUCHED, at_us);
    else if (step->state == LEAD_POOLED) /* where exactly only the beat's last step knows */
        wait_in(tale,
                *image->pool ? names_number(tales->names, slice_of(image->pool, strlen(image->pool))) : tale->programme,
                at_us);
    else if (step->state == LEAD_HELD) /* nobody could claim it */
        tale->pool_us = 0;
    if (disposed)
        dispose(tales, tale, hand, image->disposition, at_us);
    tale->deeds.end = terminal ? (uint8_t) step->state : 0;
    for (struct hand *one = tale->hands; one && step->reason == REASON_REOPENED; one = one->next)
        one->deeds.end = 0;
    if (hand && (terminal || step->agent != TALE_NOBODY))
        hand->deeds.end = tale->deeds.end;
    tale->holder = step->state == LEAD_REVOKING ? agent : step->agent;
    tale->state = (uint8_t) step->state;
}

/* The first that is heard of it is not its beginning: what the row says of its past, mostly without a time. */
static void take_found(struct tales *tales, struct tale *tale, const struct image_lead *image)
{
    struct deeds *deeds = &tale->deeds;
    struct hand *hand = hand_of(tale, image->owner != TALE_NOBODY ? image->owner : image->winner);
    if (id_equal(tale->id, tales->watch.id))
        tales->watch.step(tales->watch.arg, &(struct tale_step){.at_us = image->state_us,
                                                                .state = image->state,
                                                                .reason = image->reason,
                                                                .agent = image->owner,
                                                                .found = true,
                                                                .image = image});
    tale->state = (uint8_t) image->state;
    tale->holder = image->owner;
    if (image->winner != TALE_NOBODY || image->handed_us > 0)
        mark(deeds, DEED_OFFERED, 0);
    if (image->handed_us > 0)
        mark(deeds, DEED_ACCEPTED, image->handed_us);
    if (image->worked_on || image->disposition)
        mark(deeds, DEED_TOUCHED, 0);
    if (image->disposition)
        mark(deeds, DEED_DISPOSED, 0);
    if (spoken_to(image->disposition))
        mark(deeds, DEED_CONTACTED, 0);
    deeds->dispositions = image->attempts > 0 ? image->attempts : image->disposition > 0;
    deeds->end = image->terminal ? (uint8_t) image->state : 0;
    if (hand)
        hand->deeds = *deeds;
    if (*image->pool)
        tale->pool = names_number(tales->names, slice_of(image->pool, strlen(image->pool)));
}

static bool take_lead(struct tales *tales, const struct row_ref *row, int64_t at_us)
{
    struct image_lead image;
    if (!image_lead(tales->image, row, &image))
        return false;
    struct tale *tale = tale_of(tales, image.id);
    const bool is_first = tale->state == 0;
    tale->programme = names_number(tales->names, slice_of(image.programme, strlen(image.programme)));
    if (is_first && !tale->from_input) {
        take_found(tales, tale, &image);
    } else {
        for (uint32_t i = 0; i < image.n_steps; i++) {
            const bool is_its_move = image.moved_last && (i + 1 == image.n_steps || image.state_us < at_us);
            take_step(tales, tale, &image, &image.steps[i], is_its_move ? image.state_us : at_us);
        }
    }
    return true;
}

static bool take_input(struct tales *tales, const struct row_ref *row, bool from_log)
{
    static const char word[] = "campaign";
    struct image_input input;
    struct row lead;
    if (!image_input(row, &input))
        return false;
    struct tale *tale = tale_of(tales, input.id);
    if (tale->received_us > 0)
        return true;
    tale->from_input = from_log && tale->state == 0;
    tale->received_us = input.received_us;
    tale->value_cents = input.value_cents;
    tale->cost_cents = input.cost_cents;
    tale->source = names_number(tales->names, input.source);
    if (wire_decode_row(tales->wire, input.raw, slice_of("", 0), &lead) != REASON_OK)
        return false;
    for (uint32_t i = 0; i < lead.n_attributes; i++) {
        const struct attribute *attribute = &lead.attributes[i];
        char digits[24];
        if (!slice_is(attribute->name, word))
            continue;
        const int len = snprintf(digits, sizeof digits, "%lld", (long long) attribute->number);
        tale->campaign =
            names_number(tales->names, attribute->text.at ? attribute->text : slice_of(digits, (size_t) len));
    }
    return true;
}

/* ---- the rest ------------------------------------------------------------------------------------- */

static bool forget_import(struct tales *tales, const struct row_ref *row)
{
    struct import_seen *seen;
    if (row->key.len != 16)
        return false;
    const struct id id = id_from_bytes(row->key.at);
    HASH_FIND(hh, tales->imports, &id, sizeof id, seen);
    if (seen)
        HASH_DEL(tales->imports, seen);
    free(seen);
    return true;
}

static bool take_import(struct tales *tales, const struct row_ref *row, int64_t at_us)
{
    struct image_import image;
    struct import_seen *seen;
    if (row_is_gone(row)) /* counted already; whatever comes under its id begins at 0 */
        return forget_import(tales, row);
    if (!image_import(row, &image))
        return false;
    HASH_FIND(hh, tales->imports, &image.id, sizeof image.id, seen);
    if (!seen) {
        seen = calloc(1, sizeof *seen);
        assert(seen);
        seen->id = image.id;
        HASH_ADD(hh, tales->imports, id, sizeof seen->id, seen);
    }
    struct row_counts *rows =
        item_at(&tales->rows, names_number(tales->names, image.source), sizeof(struct row_counts));
    if (window_has(&tales->window, at_us)) {
        rows->duplicate += image.duplicate - seen->duplicate;
        rows->rejected += image.rejected - seen->rejected;
    }
    seen->duplicate = image.duplicate;
    seen->rejected = image.rejected;
    return true;
}

/* A state from before the log: only of what the log said nothing of. */
static bool is_news(const struct tales *tales, const struct row_ref *row)
{
    struct image_agent agent;
    const struct tale *tale = NULL;
    const struct import_seen *import = NULL;
    const struct id id = row->key.len == 16 ? id_from_bytes(row->key.at) : (struct id){0};
    if (row->type == ROW_LEAD)
        HASH_FIND(hh, tales->by_id, &id, sizeof id, tale);
    if (row->type == ROW_IMPORT)
        HASH_FIND(hh, tales->imports, &id, sizeof id, import);
    if (row->type == ROW_AGENT)
        return image_agent(row, &agent) && !staff_duty(tales->staff, agent.index);
    return (!tale || tale->state == 0) && !import;
}

bool tales_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct tales *tales = arg;
    const int64_t at_us = entry ? entry->time_ms * 1000 : tales->now_us;
    if (!entry && !is_news(tales, row))
        return true;
    tales->now_us = at_us > tales->now_us ? at_us : tales->now_us;
    if (tales->watch.step && (row->type == ROW_LEAD || row->type == ROW_INPUT) && row->key.len == 16 &&
        !id_equal(id_from_bytes(row->key.at), tales->watch.id))
        return true;
    switch (row->type) {
    case ROW_LEAD:
        return take_lead(tales, row, at_us);
    case ROW_INPUT:
        return take_input(tales, row, entry != NULL);
    case ROW_AGENT:
        return staff_agent(tales->staff, row, at_us);
    case ROW_IMPORT:
        return take_import(tales, row, at_us);
    case ROW_POLICY:
        return staff_policy(tales->staff, row);
    case ROW_CELL:
        return staff_cell(tales->staff, row, at_us);
    case ROW_PROGRAMME:
    case ROW_SUPPRESSED:
    case ROW_SNAPSHOT:
    case ROW_METER:
    case ROW_TURN:
        break;
    }
    return true;
}

void tales_end(struct tales *tales)
{
    staff_end(tales->staff, tales->now_us);
}

struct tale *tales_first(const struct tales *tales)
{
    return tales->by_id;
}

int64_t tales_now_us(const struct tales *tales)
{
    return tales->now_us;
}

struct names *tales_names(const struct tales *tales)
{
    return tales->names;
}

const struct staff *tales_staff(const struct tales *tales)
{
    return tales->staff;
}

uint64_t tales_dispositions(const struct tales *tales, uint32_t agent)
{
    const uint64_t *counts = (const uint64_t *) (const void *) tales->dispositions.at;
    return agent < tales->dispositions.len / sizeof *counts ? counts[agent] : 0;
}

uint32_t tales_n_sources(const struct tales *tales)
{
    return (uint32_t) (tales->rows.len / sizeof(struct row_counts));
}

bool tales_rows(const struct tales *tales, uint32_t source, struct row_counts *ret)
{
    const struct row_counts *rows = (const struct row_counts *) (const void *) tales->rows.at;
    if (source >= tales->rows.len / sizeof *rows)
        return false;
    *ret = rows[source];
    return ret->duplicate > 0 || ret->rejected > 0;
}
