/* SPDX-License-Identifier: Apache-2.0
 * effects.c - what must now happen, gathered over one beat. What one agent is
 * told within a beat (results, withdrawals, offers) shares a frame; everything
 * else is a message of its own, in order, before those. */
#include "core/core_private.h"
#include "core/snapshot.h"

#include <stdlib.h>
#include <string.h>

enum { HEARS_BYTES_MAX = 200 * 1024, ITEM_BYTES = 96, BLOCK_BYTES = 64 * 1024 };
enum item_kind { ITEM_RESULT, ITEM_WITHDRAWAL, ITEM_OFFER, ITEM_CANDIDATE, ITEM_READY };

struct item {
    enum item_kind kind;
    uint32_t next; /* 1 + index of the peer's next item */
    union {
        struct act_result result;
        struct withdrawal withdrawal;
        struct offer offer;
        struct ready_result ready;
    };
};

struct single {
    uint32_t peer;
    struct msg msg;
};
struct chain {
    uint32_t first, last;
}; /* 1 + item index */
struct asked {
    const struct core *core;
    const struct ask *ask;
    uint64_t id;
};
struct block {
    struct block *next;
    size_t used, room;
    uint8_t bytes[];
};

struct effects {
    struct item *items;
    struct single *singles;
    struct chain *chains; /* by peer */
    uint32_t *peers;      /* that have a chain */
    struct asked *asks;
    uint32_t n_items, items_room, n_singles, singles_room, chains_room, n_peers, peers_room, n_asks, asks_room;
    uint32_t at_single, at_peer, at_ask;
    int64_t oldest_ask_us;      /* of the requests that came to their end in this beat; 0 = none */
    struct block *blocks;       /* copies of what messages borrow */
    struct act_result *results; /* of the AgentHears in hand */
    struct withdrawal *withdrawals;
    struct offer *offers, candidates[CANDIDATES_MAX];
    uint32_t out_room;
};

struct effects *effects_new(void)
{
    struct effects *effects = calloc(1, sizeof *effects);
    assert(effects);
    return effects;
}

static void free_blocks(struct effects *effects, bool keep_one)
{
    while (effects->blocks && (!keep_one || effects->blocks->next)) {
        struct block *next = effects->blocks->next;
        free(effects->blocks);
        effects->blocks = next;
    }
    if (effects->blocks)
        effects->blocks->used = 0;
}

void effects_destroy(struct effects **effects_p)
{
    struct effects *effects = *effects_p;
    if (!effects)
        return;
    free_blocks(effects, false);
    free(effects->items);
    free(effects->asks);
    free(effects->singles);
    free(effects->chains);
    free(effects->peers);
    free(effects->results);
    free(effects->withdrawals);
    free(effects->offers);
    free(effects);
    *effects_p = NULL;
}

void effects_clear(struct effects *effects)
{
    for (uint32_t i = 0; i < effects->n_peers; i++)
        effects->chains[effects->peers[i]] = (struct chain){0};
    effects->n_items = effects->n_singles = effects->n_peers = effects->n_asks = 0;
    effects->at_single = effects->at_peer = effects->at_ask = 0;
    effects->oldest_ask_us = 0;
    free_blocks(effects, true);
}

static void *more(void *at, uint32_t need, uint32_t *room, size_t size)
{
    if (need <= *room)
        return at;
    uint32_t more = *room ? *room * 2 : 64;
    while (more < need)
        more *= 2;
    at = realloc(at, more * size);
    assert(at);
    *room = more;
    return at;
}

static void *keep(struct effects *effects, const void *bytes, size_t len)
{
    if (len == 0)
        return NULL;
    const size_t need = (len + 7) & ~(size_t) 7;
    struct block *block = effects->blocks;
    if (!block || block->room - block->used < need) {
        const size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        block = malloc(sizeof *block + room);
        assert(block);
        *block = (struct block){.next = effects->blocks, .room = room};
        effects->blocks = block;
    }
    void *at = block->bytes + block->used;
    block->used += need;
    return memcpy(at, bytes, len);
}

static void keep_slice(struct effects *effects, struct slice *slice)
{
    slice->at = keep(effects, slice->at, slice->len);
}

static void keep_report(struct effects *effects, struct msg_report *report)
{
    const uint32_t n_cells = report->n_columns * report->n_rows;
    struct slice *columns = keep(effects, report->columns, report->n_columns * sizeof *columns);
    struct slice *cells = keep(effects, report->cells, n_cells * sizeof *cells);
    for (uint32_t i = 0; i < report->n_columns; i++)
        keep_slice(effects, &columns[i]);
    for (uint32_t i = 0; i < n_cells; i++)
        keep_slice(effects, &cells[i]);
    report->columns = columns;
    report->cells = cells;
    report->types = keep(effects, report->types, report->n_columns);
}

void effects_msg(struct effects *effects, uint32_t peer, const struct msg *msg)
{
    effects->singles = more(effects->singles, effects->n_singles + 1, &effects->singles_room, sizeof(struct single));
    struct single *single = &effects->singles[effects->n_singles++];
    *single = (struct single){peer, *msg};
    switch (msg->kind) {
    case MSG_WELCOME:
        keep_slice(effects, &single->msg.welcome.cell);
        break;
    case MSG_ERROR:
        keep_slice(effects, &single->msg.error.text);
        break;
    case MSG_MANIFEST_STATE:
        keep_slice(effects, &single->msg.manifest_state.standing);
        break;
    case MSG_RECEIPT: {
        struct msg_receipt *receipt = &single->msg.receipt;
        receipt->leads = keep(effects, receipt->leads, receipt->n_rows * sizeof *receipt->leads);
        receipt->outcomes = keep(effects, receipt->outcomes, receipt->n_rows * sizeof *receipt->outcomes);
        receipt->warnings = keep(effects, receipt->warnings, receipt->n_rows * sizeof *receipt->warnings);
        break;
    }
    case MSG_REPORT:
        keep_report(effects, &single->msg.report);
        break;
    default:
        assert(msg->kind == MSG_HEARD);
    }
}

void effects_error(struct effects *effects, uint32_t peer, enum reason reason, uint64_t seq, const char *text,
                   uint32_t retry_after_ms)
{
    effects_msg(effects, peer,
                &(struct msg){.kind = MSG_ERROR, .error = {reason, seq, slice_of(text, strlen(text)), retry_after_ms}});
}

static struct item *item_new(struct effects *effects, uint32_t peer, enum item_kind kind)
{
    assert(peer > 0);
    effects->items = more(effects->items, effects->n_items + 1, &effects->items_room, sizeof(struct item));
    if (peer >= effects->chains_room) {
        const uint32_t before = effects->chains_room;
        effects->chains = more(effects->chains, peer + 1, &effects->chains_room, sizeof(struct chain));
        memset(effects->chains + before, 0, (effects->chains_room - before) * sizeof(struct chain));
    }
    struct chain *chain = &effects->chains[peer];
    const uint32_t number = ++effects->n_items;
    if (chain->first) {
        effects->items[chain->last - 1].next = number;
    } else {
        effects->peers = more(effects->peers, effects->n_peers + 1, &effects->peers_room, sizeof *effects->peers);
        effects->peers[effects->n_peers++] = peer;
        chain->first = number;
    }
    chain->last = number;
    struct item *item = &effects->items[number - 1];
    item->kind = kind;
    item->next = 0;
    return item;
}

void effects_result(struct effects *effects, uint32_t peer, const struct act_result *result)
{
    item_new(effects, peer, ITEM_RESULT)->result = *result;
}

void effects_withdrawal(struct effects *effects, uint32_t peer, const struct withdrawal *withdrawal)
{
    item_new(effects, peer, ITEM_WITHDRAWAL)->withdrawal = *withdrawal;
}

void effects_offer(struct effects *effects, uint32_t peer, const struct offer *offer)
{
    item_new(effects, peer, ITEM_OFFER)->offer = *offer;
}

void effects_candidate(struct effects *effects, uint32_t peer, const struct offer *candidate)
{
    item_new(effects, peer, ITEM_CANDIDATE)->offer = *candidate;
}

void effects_ready(struct effects *effects, uint32_t peer, const struct ready_result *result)
{
    item_new(effects, peer, ITEM_READY)->ready = *result;
}

void effects_ask(struct effects *effects, const struct core *core, const struct ask *ask)
{
    effects->asks = more(effects->asks, effects->n_asks + 1, &effects->asks_room, sizeof(struct asked));
    effects->asks[effects->n_asks++] = (struct asked){core, ask, ask->id};
}

void effects_answered(struct effects *effects, int64_t asked_us)
{
    if (asked_us && (!effects->oldest_ask_us || asked_us < effects->oldest_ask_us))
        effects->oldest_ask_us = asked_us;
}

int64_t effects_oldest_ask_us(const struct effects *effects)
{
    return effects->oldest_ask_us;
}

struct msg_request ask_request(const struct core *core, const struct ask *ask)
{
    return (struct msg_request){.id = ask->id,
                                .seed = snapshot_seed(ask->id),
                                .rotation = ask->rotation,
                                .policy_version = core->policy.version,
                                .programme = ask->programme,
                                .deadline_ms = (uint32_t) core->policy.scorer_deadline_ms,
                                .strategy = (enum strategy) ask->strategy,
                                .leads = ask->request_leads,
                                .n_leads = ask->n_leads,
                                .agents = ask->request_agents,
                                .n_agents = ask->n_agents,
                                .excluded = ask->excluded,
                                .n_excluded = ask->n_excluded};
}

bool effects_next_ask(struct effects *effects, uint32_t *ret_peer, struct msg *ret, bool *ret_wants_policy)
{
    while (effects->at_ask < effects->n_asks) {
        const struct asked *asked = &effects->asks[effects->at_ask++];
        const struct ask *ask = asked->ask;
        const struct core *core = asked->core;
        if (ask->id != asked->id)
            continue; /* it ended before it left */
        *ret_peer = core->workers[ask->worker].peer;
        *ret_wants_policy = ask->needs_policy;
        *ret = (struct msg){.kind = MSG_REQUEST, .request = ask_request(core, ask)};
        return true;
    }
    return false;
}

static void gather(struct effects *effects, struct chain *chain, struct msg_agent_hears *hears)
{
    uint32_t results = 0, withdrawals = 0, offers = 0;
    size_t bytes = 0;
    uint32_t at = chain->first;
    while (at && bytes < HEARS_BYTES_MAX) {
        const struct item *item = &effects->items[at - 1];
        if (results + withdrawals + offers + 1 > effects->out_room) {
            const uint32_t room = effects->out_room ? effects->out_room * 2 : 256;
            effects->results = realloc(effects->results, room * sizeof *effects->results);
            effects->withdrawals = realloc(effects->withdrawals, room * sizeof *effects->withdrawals);
            effects->offers = realloc(effects->offers, room * sizeof *effects->offers);
            assert(effects->results && effects->withdrawals && effects->offers);
            effects->out_room = room;
        }
        if (item->kind == ITEM_CANDIDATE && hears->n_candidates == CANDIDATES_MAX)
            break;
        if (item->kind == ITEM_WITHDRAWAL && offers) /* it may be of one of these: a client hears offers last */
            break;
        bytes += ITEM_BYTES;
        if (item->kind == ITEM_RESULT) {
            effects->results[results++] = item->result;
        } else if (item->kind == ITEM_WITHDRAWAL) {
            effects->withdrawals[withdrawals++] = item->withdrawal;
        } else if (item->kind == ITEM_OFFER) {
            effects->offers[offers++] = item->offer;
            bytes += item->offer.row.len;
        } else if (item->kind == ITEM_CANDIDATE) {
            effects->candidates[hears->n_candidates++] = item->offer;
            bytes += item->offer.row.len;
        } else {
            hears->has_ready = true; /* one ready at a time: a later answer replaces an earlier one */
            hears->ready = item->ready;
        }
        at = item->next;
    }
    chain->first = at;
    hears->results = effects->results;
    hears->withdrawals = effects->withdrawals;
    hears->offers = effects->offers;
    hears->candidates = effects->candidates;
    hears->n_results = results;
    hears->n_withdrawals = withdrawals;
    hears->n_offers = offers;
}

bool effects_next_out(struct effects *effects, uint32_t *ret_peer, struct msg *ret)
{
    if (effects->at_single < effects->n_singles) {
        const struct single *single = &effects->singles[effects->at_single++];
        *ret_peer = single->peer;
        *ret = single->msg;
        return true;
    }
    while (effects->at_peer < effects->n_peers) {
        const uint32_t peer = effects->peers[effects->at_peer];
        struct chain *chain = &effects->chains[peer];
        if (!chain->first) {
            effects->at_peer++;
            continue;
        }
        *ret_peer = peer;
        *ret = (struct msg){.kind = MSG_AGENT_HEARS};
        gather(effects, chain, &ret->hears);
        return true;
    }
    return false;
}

bool effects_has_out(const struct effects *effects)
{
    return effects->n_singles || effects->n_peers;
}
