/* SPDX-License-Identifier: Apache-2.0
 * takt_agent.c - what an agent says and hears, and which leads it may show.
 *
 * A lead is shown until (a frame of ours was sent) + the validity that came with
 * its offer - the guard, all on this machine's monotonic clock; the broker gives
 * it to somebody else later than that. A Heard extends what was offered in this
 * session and nothing else: what the broker did not offer again after a loss is
 * no longer ours to extend.
 *
 * A withdrawal is acknowledged with the next acts, so after the caller has come
 * back from the event that told it to stop. */
#include <string.h>

#include "client/takt_private.h"
#include "common/clock.h"
#include "core/lead_states.h"

enum { ACT_BYTES = 96, SAYS_BYTES = 256 }; /* at most, without the note */

/* ---- acts --------------------------------------------------------------------- */

static int act(struct takt *takt, const struct act *wanted)
{
    int failed = takt_may(takt, TAKT_AGENT);
    if (failed)
        return failed;
    struct act made = *wanted;
    made.op = takt_next_op(takt);
    const struct msg_agent_says says = {.acts = &made, .n_acts = 1};
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_AGENT_SAYS, .says = says});
    if (wrong)
        return takt_fail(takt, made.note.len > NOTE_BYTES_MAX ? TAKT_ETOOBIG : TAKT_EUSAGE, wrong);
    uint8_t *note = NULL;
    if (made.note.len && !(note = malloc(made.note.len)))
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    struct request *request = requests_add(&takt->requests, REQUEST_ACT, made.op);
    if (!request) {
        free(note);
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    }
    if (note)
        memcpy(note, made.note.at, made.note.len);
    made.note.at = note;
    request->act = made;
    request->bytes = note;
    return takt->requests.n_waiting % ACTS_MAX ? TAKT_OK : takt_flush(takt);
}

static int act_plainly(struct takt *takt, takt_id lead, uint64_t fence, enum act_verb verb)
{
    return act(takt, &(struct act){.lead = takt_id_in(lead), .fence = fence, .verb = verb});
}

static struct slice slice_of_note(const char *note)
{
    return note ? slice_of(note, strlen(note)) : (struct slice){0};
}

int takt_accept(takt_t *takt, takt_id lead, uint64_t fence)
{
    return act_plainly(takt, lead, fence, VERB_ACCEPT);
}

int takt_decline(takt_t *takt, takt_id lead, uint64_t fence)
{
    return act_plainly(takt, lead, fence, VERB_DECLINE);
}

int takt_action(takt_t *takt, takt_id lead, uint64_t fence)
{
    return act_plainly(takt, lead, fence, VERB_ACTION);
}

int takt_attempt_end(takt_t *takt, takt_id lead, uint64_t fence)
{
    return act_plainly(takt, lead, fence, VERB_ATTEMPT_END);
}

int takt_release(takt_t *takt, takt_id lead, uint64_t fence)
{
    return act_plainly(takt, lead, fence, VERB_RELEASE);
}

int takt_note(takt_t *takt, takt_id lead, uint64_t fence, const char *note)
{
    return act(takt,
               &(struct act){.lead = takt_id_in(lead), .fence = fence, .verb = VERB_NOTE, .note = slice_of_note(note)});
}

int takt_dispose(takt_t *takt, takt_id lead, uint64_t fence, unsigned disposition, const char *note, int64_t at_ms)
{
    return act(takt, &(struct act){.lead = takt_id_in(lead),
                                   .fence = fence,
                                   .verb = VERB_DISPOSITION,
                                   .code = disposition,
                                   .note = slice_of_note(note),
                                   .at_ms = at_ms});
}

int takt_intent(takt_t *takt, enum takt_intent intent, uint32_t away_code)
{
    const struct id none = {0};
    int failed = takt_may(takt, TAKT_AGENT);
    if (failed)
        return failed;
    const struct msg_agent_says says = {.has_intent = true, .intent = (enum intent) intent, .away_code = away_code};
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_AGENT_SAYS, .says = says});
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    struct request *request = requests_find(&takt->requests, REQUEST_INTENT, none);
    if (request)
        requests_done(&takt->requests, request); /* only the newest matters */
    request = requests_add(&takt->requests, REQUEST_INTENT, none);
    if (!request)
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    request->intent.intent = (enum intent) intent;
    request->intent.away_code = away_code;
    session_set_intent(takt->session, (enum intent) intent);
    return TAKT_OK;
}

/* ---- one frame for all that waits --------------------------------------------- */

/* Adds the request to the frame unless it must go into the next one. */
static bool add_to_says(struct request *request, struct act acts[ACTS_MAX], struct msg_agent_says *says, size_t *bytes)
{
    size_t len = ACT_BYTES + (request->key.kind == REQUEST_ACT ? request->act.note.len : 0);
    if (*bytes + len > FRAME_BYTES_MAX || says->n_acts == ACTS_MAX)
        return false;
    *bytes += len;
    switch ((enum request_kind) request->key.kind) {
    case REQUEST_ACT:
        acts[says->n_acts++] = request->act;
        return true;
    case REQUEST_READY:
        says->has_ready = true;
        says->ready_op = request->key.id;
        says->ready_wait_ms = request->ready.wait_ms;
        says->ready_list = request->ready.list;
        says->ready_take = request->ready.take;
        return true;
    case REQUEST_INTENT:
        says->has_intent = true;
        says->intent = request->intent.intent;
        says->away_code = request->intent.away_code;
        return true;
    default: /* requests of other roles: takt_may() keeps them out */
        abort();
    }
}

static bool send_says(struct takt *takt, int64_t now_us)
{
    struct act acts[ACTS_MAX];
    struct msg msg = {.kind = MSG_AGENT_SAYS, .says.acts = acts};
    size_t bytes = SAYS_BYTES;
    uint32_t n_acks = takt->n_acks < ACTS_MAX ? takt->n_acks : ACTS_MAX, n = 0;
    if (n_acks)
        memcpy(acts, takt->acks, n_acks * sizeof *acts);
    msg.says.n_acts = n_acks;
    bytes += (size_t) n_acks * ACT_BYTES;
    for (struct request *at = takt->requests.waiting; at && add_to_says(at, acts, &msg.says, &bytes); at = at->next)
        n++;
    uint64_t seq = session_send(takt->session, &msg, now_us);
    if (!seq)
        return false;
    takt->n_acks -= n_acks;
    if (takt->n_acks)
        memmove(takt->acks, takt->acks + n_acks, takt->n_acks * sizeof *takt->acks);
    for (; n; n--)
        requests_sent(&takt->requests, takt->requests.waiting, seq, now_us);
    return true;
}

bool agent_flush(struct takt *takt, int64_t now_us)
{
    while (takt->requests.waiting || takt->n_acks)
        if (!send_says(takt, now_us))
            return false;
    return true;
}

/* ---- what may be shown -------------------------------------------------------- */

static struct held *find_held(struct takt *takt, struct id lead)
{
    struct held *held;
    HASH_FIND(hh, takt->held, &lead, sizeof lead, held);
    return held;
}

static struct held *hold(struct takt *takt, struct id lead)
{
    struct held *held = takt->spare_held;
    if (held)
        takt->spare_held = held->spare;
    else
        held = malloc(sizeof *held);
    if (!held)
        return NULL;
    *held = (struct held){.lead = lead};
    HASH_ADD(hh, takt->held, lead, sizeof held->lead, held);
    return held;
}

static void let_go(struct takt *takt, struct held *held)
{
    HASH_DEL(takt->held, held);
    held->spare = takt->spare_held;
    takt->spare_held = held;
}

static void end_at(struct takt *takt, struct held *held, int64_t end_us, enum reason why)
{
    held->end_us = end_us;
    held->why = why;
    if (end_us < takt->held_next_us)
        takt->held_next_us = end_us;
}

static int64_t end_of_validity(const struct takt *takt, uint64_t seq, uint32_t valid_ms)
{
    int64_t sent_us = session_sent_us(takt->session, seq);
    int64_t shown_ms = (int64_t) valid_ms - session_welcome(takt->session)->guard_ms;
    return sent_us ? sent_us + shown_ms * 1000 : 0;
}

void agent_heard(struct takt *takt, const struct msg_heard *heard)
{
    int64_t end_us = end_of_validity(takt, heard->seq, heard->valid_ms);
    int64_t now_us = clock_mono_us(); /* what is over by now stays over, however late this is read */
    struct held *held, *next;
    HASH_ITER(hh, takt->held, held, next)
    if (held->confirmed && held->end_us > now_us && end_us > held->end_us)
        held->end_us = end_us; /* later than held_next_us: a bound stays one */
    struct request *intent = requests_find(&takt->requests, REQUEST_INTENT, (struct id){0});
    if (intent && intent->seq && intent->seq <= heard->seq)
        requests_done(&takt->requests, intent);
}

void agent_session_ended(struct takt *takt, bool for_good)
{
    struct held *held, *next;
    HASH_ITER(hh, takt->held, held, next)
    {
        held->confirmed = false;
        if (for_good)
            end_at(takt, held, 0, session_refusal(takt->session));
    }
    takt->n_acks = 0; /* the broker asks again in the next session, if it still wants to know */
}

bool agent_tell_ended(struct takt *takt, int64_t now_us, struct takt_event *ret_event)
{
    if (now_us < takt->held_next_us)
        return false;
    struct held *held, *next;
    takt->held_next_us = INT64_MAX;
    HASH_ITER(hh, takt->held, held, next)
    {
        if (held->end_us <= now_us) {
            *ret_event = (struct takt_event){
                .kind = TAKT_WITHDRAWN, .lead_id = takt_id_out(held->lead), .fence = held->fence, .reason = held->why};
            if (held->confirmed && held->why == REASON_VALIDITY_OVER)
                session_restart(takt->session); /* the broker may count it as ours still: have it offered again */
            let_go(takt, held);
            takt->held_next_us = 0; /* there may be more */
            return true;
        }
        if (held->end_us < takt->held_next_us)
            takt->held_next_us = held->end_us;
    }
    return false;
}

void agent_fini(struct takt *takt)
{
    struct held *held, *next;
    HASH_ITER(hh, takt->held, held, next)
    let_go(takt, held);
    while ((held = takt->spare_held)) {
        takt->spare_held = held->spare;
        free(held);
    }
    free(takt->acks);
}

/* ---- events out of an AgentHears ---------------------------------------------- */

static bool state_is_held(unsigned state)
{
    return state >= LEAD_OFFERED && state <= LEAD_WRAP_UP;
}

static bool tell_result(struct takt *takt, const struct act_result *result, struct takt_event *ret_event)
{
    struct request *request = requests_find(&takt->requests, REQUEST_ACT, result->op);
    if (!request)
        return false; /* a second answer, or to a WITHDRAWN */
    if (takt_is_busy(result->reason))
        return takt_put_off(takt, request, 0, ret_event);
    *ret_event = (struct takt_event){.kind = TAKT_ACTED,
                                     .op = takt_id_out(result->op),
                                     .lead_id = takt_id_out(request->act.lead),
                                     .fence = request->act.fence,
                                     .reason = result->reason,
                                     .state = result->state};
    const bool given_up = result->reason == REASON_OK && !state_is_held(result->state);
    const bool lost = result->reason == REASON_STALE_FENCE || result->reason == REASON_UNKNOWN_LEAD;
    struct held *held = given_up || lost ? find_held(takt, request->act.lead) : NULL;
    if (held && held->fence == request->act.fence) {
        if (given_up)
            let_go(takt, held);
        else
            end_at(takt, held, 0, result->reason); /* not ours any more: told next */
    }
    requests_done(&takt->requests, request);
    return true;
}

static void acknowledge(struct takt *takt, const struct withdrawal *withdrawal)
{
    if (takt->n_acks == takt->acks_room) {
        uint32_t room = takt->acks_room ? takt->acks_room * 2 : 16;
        struct act *acks = realloc(takt->acks, room * sizeof *acks);
        if (!acks)
            return; /* it is asked again, or waits for the end of the validity */
        takt->acks = acks;
        takt->acks_room = room;
    }
    takt->acks[takt->n_acks++] = (struct act){
        .op = takt_next_op(takt), .lead = withdrawal->lead, .fence = withdrawal->fence, .verb = VERB_WITHDRAWN};
}

static bool tell_withdrawal(struct takt *takt, const struct withdrawal *withdrawal, struct takt_event *ret_event)
{
    acknowledge(takt, withdrawal);
    struct held *held = find_held(takt, withdrawal->lead);
    if (!held || held->fence > withdrawal->fence)
        return false;
    *ret_event = (struct takt_event){
        .kind = TAKT_WITHDRAWN, .lead_id = takt_id_out(held->lead), .fence = held->fence, .reason = withdrawal->reason};
    let_go(takt, held);
    return true;
}

static takt_text text_of_slice(struct slice slice)
{
    return (takt_text){(const char *) slice.at, slice.len};
}

static void show_row(struct takt *takt, const struct row *row, struct takt_lead *ret_lead)
{
    for (uint32_t i = 0; i < row->n_attributes; i++)
        takt->attributes[i] = (struct takt_attribute){.name = text_of_slice(row->attributes[i].name),
                                                      .text = text_of_slice(row->attributes[i].text),
                                                      .number = row->attributes[i].number};
    *ret_lead = (struct takt_lead){.key = text_of_slice(row->key),
                                   .name = text_of_slice(row->name),
                                   .phone = text_of_slice(row->phone),
                                   .email = text_of_slice(row->email),
                                   .street = text_of_slice(row->street),
                                   .web = text_of_slice(row->web),
                                   .ref = text_of_slice(row->ref),
                                   .remarks = text_of_slice(row->remarks),
                                   .priority = row->priority,
                                   .value_cents = row->value_cents,
                                   .cost_cents = row->cost_cents,
                                   .attributes = takt->attributes,
                                   .n_attributes = row->n_attributes};
}

/* Opens the row of an offer, or what of it is shown. */
static bool open_row(struct takt *takt, const struct offer *offer, struct row *ret_row)
{
    struct wire *wire = session_wire(takt->session);
    const enum reason reason = offer->see ? wire_decode_part(wire, offer->row, ret_row)
                                          : wire_decode_row(wire, offer->row, (struct slice){0}, ret_row);
    return reason == REASON_OK;
}

/* An offer of what is held renews it silently, unless it shows more than the one before. One that is over already, or
 * older than what is held, or unreadable, is not shown; the broker takes it back. */
static bool tell_offer(struct takt *takt, const struct offer *offer, int64_t now_us, struct takt_event *ret_event)
{
    int64_t end_us = end_of_validity(takt, offer->valid_seq, offer->valid_ms);
    struct held *held = find_held(takt, offer->lead);
    if (end_us <= now_us || (held && held->fence > offer->fence))
        return false;
    if (held && held->fence == offer->fence && held->end_us && held->see <= offer->see) {
        held->confirmed = true;
        if (end_us > held->end_us)
            held->end_us = end_us;
        return false;
    }
    struct row row;
    if (!open_row(takt, offer, &row))
        return false;
    if (!held && !(held = hold(takt, offer->lead)))
        return false;
    held->fence = offer->fence;
    held->see = offer->see;
    held->confirmed = true;
    end_at(takt, held, end_us, REASON_VALIDITY_OVER);
    *ret_event = (struct takt_event){.kind = TAKT_OFFER,
                                     .lead_id = takt_id_out(offer->lead),
                                     .fence = offer->fence,
                                     .state = offer->state,
                                     .answer_ms = offer->answer_ms,
                                     .attempts = offer->attempts,
                                     .score = offer->score,
                                     .see = (enum takt_see) offer->see};
    show_row(takt, &row, &ret_event->lead);
    return true;
}

/* Of a list to choose from: nobody's, so nothing is held. */
static bool tell_candidate(struct takt *takt, const struct offer *candidate, struct takt_event *ret_event)
{
    struct row row;
    if (!open_row(takt, candidate, &row))
        return false;
    *ret_event = (struct takt_event){.kind = TAKT_CANDIDATE,
                                     .lead_id = takt_id_out(candidate->lead),
                                     .state = candidate->state,
                                     .attempts = candidate->attempts,
                                     .see = (enum takt_see) candidate->see};
    show_row(takt, &row, &ret_event->lead);
    return true;
}

static bool tell_ready(struct takt *takt, const struct ready_result *result, struct takt_event *ret_event)
{
    struct request *request = requests_find(&takt->requests, REQUEST_READY, result->op);
    if (!request)
        return false;
    if (takt_is_busy(result->reason))
        return takt_put_off(takt, request, result->wait_ms, ret_event);
    requests_done(&takt->requests, request);
    *ret_event = (struct takt_event){.kind = TAKT_READY_ANSWER,
                                     .op = takt_id_out(result->op),
                                     .lead_id = takt_id_out(result->lead),
                                     .reason = result->reason,
                                     .wait_ms = result->wait_ms};
    return true;
}

bool agent_tell_next(struct takt *takt, int64_t now_us, struct takt_event *ret_event)
{
    if (!takt->telling)
        return false;
    const struct msg_agent_hears *hears = &takt->got.hears;
    while (takt->told_results < hears->n_results)
        if (tell_result(takt, &hears->results[takt->told_results++], ret_event))
            return true;
    while (takt->told_withdrawals < hears->n_withdrawals)
        if (tell_withdrawal(takt, &hears->withdrawals[takt->told_withdrawals++], ret_event))
            return true;
    while (takt->told_offers < hears->n_offers)
        if (tell_offer(takt, &hears->offers[takt->told_offers++], now_us, ret_event))
            return true;
    while (takt->told_candidates < hears->n_candidates)
        if (tell_candidate(takt, &hears->candidates[takt->told_candidates++], ret_event))
            return true;
    takt->telling = false;
    return hears->has_ready && tell_ready(takt, &hears->ready, ret_event);
}
