/* SPDX-License-Identifier: Apache-2.0
 * followup.c - what becomes of a lead after an attempt, and after it was taken
 * back: the owner's next attempt, another owner, a rest and then people who never
 * had it, or the end. revoke.c sees to it that the former owner has let go; who
 * gets the lead then is allocation's business, as for any other.
 *
 * A round is what attempts_max and distributions_max count; cool_off lies between
 * two. Neither they nor recycles_max end a lead that had fewer contacts than
 * attempts_min: it goes round again, with an alert, and only age_max ends it. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

const struct follow *followup_look(const struct lead *lead)
{
    static const struct follow none = {.assign_to = NONE, .back_from = NONE};
    return lead->past && lead->past->follow ? lead->past->follow : &none;
}

struct follow *followup_of(struct lead *lead)
{
    struct past *past = leads_past(lead);
    if (past->follow)
        return past->follow;
    past->follow = calloc(1, sizeof *past->follow);
    assert(past->follow);
    past->follow->assign_to = past->follow->back_from = NONE;
    return past->follow;
}

void followup_assign_to(struct core *core, struct lead *lead, uint32_t agent)
{
    turnover_names(core, lead, -1, true);
    followup_of(lead)->assign_to = agent;
    turnover_names(core, lead, +1, true);
}

uint32_t followup_attempts(const struct lead *lead)
{
    return lead->attempts + (uint32_t) followup_look(lead)->attempts_before;
}

/* ---- days and age -------------------------------------------------------------------- */

/* The day where the lead is: attempts a day are counted by it. */
static uint32_t day_of(const struct core *core, const struct lead *lead)
{
    const struct zone *zone = calling_zone(core, lead);
    return (uint32_t) (zone ? calendar_day(zone, now_ms(core)) : now_ms(core) / DAY_MS);
}

static int64_t next_day_ms(const struct core *core, const struct lead *lead)
{
    const struct zone *zone = calling_zone(core, lead);
    const int64_t day = (int64_t) day_of(core, lead) + 1;
    return zone ? calendar_day_begins_ms(zone, day) : day * DAY_MS;
}

static bool day_is_used_up(const struct core *core, const struct lead *lead)
{
    const struct follow *follow = followup_look(lead);
    const uint32_t most = programme_of(core, lead->programme)->attempts_day;
    return most && follow->attempts_day >= most && follow->day == day_of(core, lead);
}

int64_t followup_age_end_ms(const struct core *core, const struct lead *lead)
{
    const int64_t renewed_us = followup_look(lead)->renewed_us,
                  age_max_ms = programme_of(core, lead->programme)->age_max_ms;
    return age_max_ms ? (renewed_us ? renewed_us : lead->received_us) / 1000 + age_max_ms : INT64_MAX;
}

static bool is_old(const struct core *core, const struct lead *lead)
{
    return now_ms(core) >= followup_age_end_ms(core, lead);
}

/* ---- the end of a round, and of all -------------------------------------------------------- */

static bool lacks_contacts(const struct core *core, const struct lead *lead)
{
    return followup_attempts(lead) < programme_of(core, lead->programme)->attempts_min;
}

static void alert(struct core *core, struct lead *lead)
{
    lead->alerted = true;
    core->programmes[lead->programme].alerts++;
    core->programmes[lead->programme].dirty = true;
}

static void exhaust(struct core *core, struct lead *lead, enum reason why)
{
    if (!lead->contacted || lacks_contacts(core, lead))
        alert(core, lead);
    core->programmes[lead->programme].never_contacted += !lead->contacted;
    lead_move(core, lead, MOVE_EXHAUST, LEAD_EXHAUSTED, NONE, why);
}

bool followup_ends_by_age(struct core *core, struct lead *lead)
{
    if (!is_old(core, lead))
        return false;
    exhaust(core, lead, REASON_MAX_AGE);
    return true;
}

/* What of its round is used up; OK: nothing. */
static enum reason used_up(const struct core *core, const struct lead *lead)
{
    const struct programme *programme = programme_of(core, lead->programme);
    return lead->attempts >= programme->attempts_max             ? REASON_MAX_ATTEMPTS
           : lead->distributions >= programme->distributions_max ? REASON_MAX_DISTRIBUTIONS
                                                                 : REASON_OK;
}

static uint32_t past_owners(const struct lead *lead)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < lead->n_excludes; i++)
        n += lead->excludes[i].reason == REASON_EXCLUDED_PAST_OWNER;
    return n;
}

/* Nobody gets it before the day is over in which it was tried as often as it may be. */
static void cool_or_exhaust(struct core *core, struct lead *lead, enum reason why)
{
    const struct programme *programme = programme_of(core, lead->programme);
    const bool last = followup_look(lead)->recycles >= programme->recycles_max;
    if (past_owners(lead) >= POLICY_OWNERS_MAX || (last && !lacks_contacts(core, lead))) {
        exhaust(core, lead, why);
        return;
    }
    if (last)
        alert(core, lead);
    const bool late = day_is_used_up(core, lead) && next_day_ms(core, lead) > now_ms(core) + programme->cool_off_ms;
    lead_wait(core, lead, LEAD_COOLING, late ? next_day_ms(core, lead) : 0, why);
}

/* ---- who gets it --------------------------------------------------------------------------- */

static void redirect(struct core *core, struct lead *lead)
{
    const uint32_t to = programme_of(core, lead->programme)->redistribute_to;
    followup_of(lead)->redirected = to > 0;
    if (to)
        lead_transfer(core, lead, to - 1);
}

void followup_taken(struct core *core, struct lead *lead, enum reason reason)
{
    struct follow *follow = followup_of(lead);
    follow->owned = true;
    follow->back_us = core->now_us;
    follow->back_from = lead->owner;
    follow->back_reason = (uint16_t) reason;
}

/* Its way through the rings begins anew with each hand it was in. Who is only handed round, declined or not answered,
 * is told of when all rings would have been over: nobody else would. */
static void alert_of_untouched(struct core *core, struct lead *lead)
{
    const int64_t rings_us = 3 * 1000 * programme_of(core, lead->programme)->unclaimed_ms;
    if (!lead->contacted && !lead->alerted && core->now_us - lead->pooled_us >= rings_us)
        alert(core, lead);
}

static void pool_again(struct core *core, struct lead *lead, enum reason reason)
{
    alert_of_untouched(core, lead);
    if (day_is_used_up(core, lead))
        lead_wait(core, lead, LEAD_HELD, next_day_ms(core, lead), REASON_ATTEMPTS_DAY);
    else
        place_lead(core, lead, MOVE_LET_GO, ROUTES_AGAIN, reason);
}

/* WHICH lead comes back and WHEN was a deadline's, its owner's or an operator's decision; here it is where it goes. */
void followup_free(struct core *core, struct lead *lead, enum reason reason)
{
    const struct follow *follow = followup_look(lead);
    const bool by_hand = lead->reason == REASON_TAKEN_BY_HAND, owned = follow->owned;
    const enum reason why = used_up(core, lead);
    lead->noted = false;
    if (owned)
        followup_of(lead)->owned = false;
    if (follow->assign_to != NONE && orders_assign(core, lead))
        return;
    if (by_hand) {
        place_lead(core, lead, MOVE_LET_GO, ROUTES_AGAIN, REASON_TAKEN_BY_HAND);
    } else if (is_old(core, lead)) {
        exhaust(core, lead, REASON_MAX_AGE);
    } else if (why != REASON_OK) {
        cool_or_exhaust(core, lead, why);
    } else {
        if (owned)
            redirect(core, lead);
        pool_again(core, lead, reason);
    }
}

static void begin_round(struct lead *lead)
{
    struct follow *follow = followup_of(lead);
    follow->attempts_before = (uint16_t) (follow->attempts_before + lead->attempts);
    follow->distributions_before = (uint16_t) (follow->distributions_before + lead->distributions);
    lead->attempts = lead->distributions = 0;
}

/* A round that was used up does not go on in the hand of who gets it by an order. */
void followup_by_hand(const struct core *core, struct lead *lead)
{
    if (lead->state == LEAD_COOLING || used_up(core, lead) != REASON_OK)
        begin_round(lead);
}

void followup_recycle(struct core *core, struct lead *lead, enum reason reason)
{
    begin_round(lead);
    struct follow *follow = followup_of(lead);
    follow->recycles =
        (uint8_t) (follow->recycles + (follow->recycles < programme_of(core, lead->programme)->recycles_max));
    redirect(core, lead);
    place_lead(core, lead, MOVE_RECYCLE, ROUTES_AGAIN, reason);
}

/* As if it had come today; who had it is not forgotten. */
void followup_begin_again(struct core *core, struct lead *lead)
{
    begin_round(lead);
    followup_of(lead)->recycles = 0;
    followup_of(lead)->renewed_us = core->now_us;
    lead->alerted = false;
}

/* ---- before anybody has it -------------------------------------------------------------------- */

bool followup_is_vetted(const struct core *core, const struct lead *lead)
{
    const struct programme *programme = programme_of(core, lead->programme);
    for (uint32_t i = 0; programme->vet_some && i < core->policy.n_sources; i++)
        if (strcmp(core->policy.sources[i].name, core->sources[lead->source]) == 0)
            return programme->vet || core->policy.sources[i].vet;
    return programme->vet;
}

void followup_intake(struct core *core, struct lead *lead)
{
    if (followup_is_vetted(core, lead))
        lead_wait(core, lead, LEAD_HELD, 0, REASON_VETTING);
    else
        place_lead(core, lead, MOVE_INTAKE, ROUTES_FIRST, REASON_INTAKE);
}

void followup_due_fire(struct core *core, struct lead *lead)
{
    if (followup_ends_by_age(core, lead))
        return;
    if (lead->state == LEAD_COOLING)
        followup_recycle(core, lead, REASON_RECYCLED);
    else if (lead->reason != REASON_VETTING)
        place_back(core, lead, MOVE_OPEN, lead->reason == REASON_LEAD_OUT_OF_HOURS ? REASON_HOURS_OPEN : lead->reason);
    else if (programme_of(core, lead->programme)->vet_rejects_late)
        lead_move(core, lead, MOVE_REJECT, LEAD_CLOSED_INVALID, NONE, REASON_VET_LATE);
    else
        place_back(core, lead, MOVE_OPEN, REASON_VET_LATE);
}

/* ---- after an attempt --------------------------------------------------------------------------- */

static void charge_attempt(struct core *core, struct lead *lead)
{
    struct follow *follow = followup_of(lead);
    const uint32_t day = day_of(core, lead);
    if (follow->day != day)
        follow->attempts_day = 0;
    follow->day = day;
    follow->attempts_day = (uint8_t) (follow->attempts_day + (follow->attempts_day < UINT8_MAX));
    lead->attempts = (uint8_t) (lead->attempts + (lead->attempts < UINT8_MAX));
}

/* An agreed time stands, whatever was tried before; the rest goes by the gaps, and not twice too often a day. */
void followup_dispose(struct core *core, struct lead *lead, int class, int64_t at_ms)
{
    if (class != CLASS_PROGRESS)
        charge_attempt(core, lead);
    lead->noted = false;
    if (class == CLASS_RETRY && lead->attempts >= programme_of(core, lead->programme)->attempts_max)
        revoke_begin(core, lead, REASON_MAX_ATTEMPTS);
    else if (class == CLASS_RETRY && is_old(core, lead) && !lacks_contacts(core, lead))
        revoke_begin(core, lead, REASON_MAX_AGE);
    else if (class == CLASS_CALLBACK)
        lead_pipeline(core, lead, at_ms);
    else if (day_is_used_up(core, lead) && next_day_ms(core, lead) > now_ms(core) + lead_gap_ms(core, lead))
        lead_pipeline(core, lead, next_day_ms(core, lead));
    else
        lead_pipeline(core, lead, 0);
}
