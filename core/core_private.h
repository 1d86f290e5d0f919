/* SPDX-License-Identifier: Apache-2.0
 * core_private.h - the functions that the core's files share; what they work on
 * is in tables.h. Seen by this folder only. */
#ifndef TAKT_CORE_CORE_PRIVATE_H
#define TAKT_CORE_CORE_PRIVATE_H

#include "core/follow.h"
#include "core/asks.h"
#include "core/tables.h"

struct reader; /* record_bytes.h */

/* core.c */
void core_arm(struct core *core, struct timer *timer, int64_t at_ms, bool appointment);
void core_disarm(struct core *core, struct timer *timer);
uint32_t core_source(struct core *core, struct slice name); /* interned */
bool core_has_room_for_source(const struct core *core, struct slice name);

/* histogram.c */
int64_t histogram_top_us(uint32_t bucket);
void histogram_add(struct histogram *histogram, int64_t us);
int64_t histogram_quantile_us(const struct histogram *histogram, double q);

/* leads.c */
struct lead *leads_find(const struct core *core, struct id id);
struct lead *leads_add(struct core *core, struct id id); /* not there yet */
void leads_fini(struct core *core);
void leads_set_input(struct lead *lead, const struct feature *features, uint32_t n_features, struct slice raw,
                     struct slice added);
struct past *leads_past(struct lead *lead); /* made when it has none */

/* lead.c */
extern const char *const lead_move_labels[LEAD_MOVES]; /* as labels of a metric */
void lead_touch(struct core *core, struct lead *lead); /* must be sealed with this beat */
void lead_noted(struct core *core, struct lead *lead); /* its owner wrote a note */
/* The only writer of lead->state: asserts that the move is in lead_states.def,
 * keeps every count, raises the fence where the list says so, and arms the
 * deadline of the new state. `agent` is the owner from now on, or NONE. */
void lead_move(struct core *core, struct lead *lead, enum lead_event event, enum lead_state to, uint32_t agent,
               enum reason reason);
void lead_pool(struct core *core, struct lead *lead, enum lead_event event, enum ring ring, uint32_t team,
               enum reason reason);
void lead_pipeline(struct core *core, struct lead *lead, int64_t appointment_ms); /* 0: by the attempt gaps */
/* HELD (not out of a hand) or COOLING, until the appointment, or 0: by the policy */
void lead_wait(struct core *core, struct lead *lead, enum lead_state to, int64_t appointment_ms, enum reason reason);
void lead_transfer(struct core *core, struct lead *lead, uint32_t programme); /* while it is in no pool */
int64_t lead_gap_ms(const struct core *core, const struct lead *lead);        /* from its last attempt to the next */
void lead_attach(struct core *core, struct lead *lead); /* load: pool, owner's list, counts, timer */
void lead_exclude(struct core *core, struct lead *lead, uint32_t agent, enum reason reason, int64_t until_ms);
void lead_admit(struct core *core, struct lead *lead, uint32_t agent); /* no longer excluded */
const struct exclude *lead_excluded(const struct lead *lead, uint32_t agent, int64_t run_now_ms);
void lead_reorder(struct core *core, struct lead *lead);
void lead_requeue(struct core *core, struct lead *lead);  /* back into its pool's heap after a request */
void lead_due_fire(struct core *core, struct lead *lead); /* its deadline is over */
void lead_handed(struct core *core, struct lead *lead);   /* it is in a hand for the first time */
uint32_t pool_index(uint32_t programme, enum ring ring, uint32_t team);
struct pool *pool_of(struct core *core, const struct lead *lead);
const char *pool_member(const struct core *core, enum ring ring, uint32_t team); /* whose it is; "" of no one's */
void pool_name(const struct core *core, const struct pool *pool, char ret_name[POOL_NAME_MAX]);
void pool_name_of(struct slice programme, enum ring ring, struct slice team, char ret_name[POOL_NAME_MAX]);

/* lead_order.c */
enum pool_timer { POOL_OFFER, POOL_FIRST_ACTION, POOL_UNCLAIMED };
int64_t lead_timer_ms(const struct core *core, const struct lead *lead,
                      enum pool_timer timer); /* of its pool or team */
const struct policy_order *lead_order(const struct core *core, const struct lead *lead);
struct heap_key lead_key(const struct core *core, const struct lead *lead); /* its place among those that wait */
struct heap_key lead_key_in(const struct core *core, const struct pool *pool,
                            const struct lead *lead); /* as if it waited there */
double lead_rank(const struct core *core, const struct lead *lead);

/* calling.c */
int64_t calling_opens_ms(const struct core *core, const struct lead *lead); /* now, or when it may be called next */
static inline bool calling_closed(const struct core *core, const struct lead *lead)
{
    return programme_of(core, lead->programme)->n_calling > 0 && calling_opens_ms(core, lead) > now_ms(core);
}
const struct zone *calling_zone(const struct core *core, const struct lead *lead);
bool calling_hold(struct core *core, struct lead *lead); /* a waiting one, if it may not be called; returns whether */

/* cards.c */
struct agent *agent_find(struct core *core, struct slice name);
void agent_indexes(struct core *core, uint32_t given);                         /* so many at least were given so far */
struct agent *agent_new(struct core *core, struct slice name, uint32_t index); /* NULL: there are too many */
void agent_drop(struct core *core, struct agent *agent);                       /* nothing points to it any more */
void agent_touch(struct core *core, struct agent *agent);
void agent_set_present(struct core *core, struct agent *agent, bool present);
uint32_t agent_scopes(struct core *core, const struct agent *agent, struct scope *ret_scopes[SCOPES]);
void agent_leave_scopes(struct core *core, struct agent *agent); /* until the next agent_update() */
void agent_update(struct core *core, struct agent *agent);       /* after anything that may change its cards */
void agent_hold(struct agent *agent, unsigned state, int by);    /* counts by lead state */
void agent_freed(struct core *core, struct agent *agent); /* a lead left its hands: the idle clock runs from now */
/* How many, and why none; ret_lead NULL: what is owed on which lead is not looked up */
uint32_t agent_cards(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead);
uint32_t agent_slots(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead);
uint32_t agent_due_cards(const struct core *core, const struct agent *agent); /* for leads of its own pipeline */
uint32_t agent_free_due(const struct core *core, const struct agent *agent, enum ring ring);
static inline struct agent *agent_at(const struct heap_node *node)
{
    return heap_entry(node, struct agent_node, node)->agent;
}
/* Team, programme, weight and place in the list, as the policy has them now. A turn counts within one programme. */
void agent_set_team(struct core *core, struct agent *agent, uint32_t team);
bool agent_earns(const struct core *core, const struct agent *agent); /* its cards are earned, not standing */
void agent_missed(struct core *core, struct agent *agent);
void agent_declined(struct core *core, struct agent *agent);

/* duty.c */
static inline bool duty_is_planned(const struct core *core, const struct agent *agent) /* else it always is on duty */
{
    return core->policy.n_hours > 0 || agent->absent_until_ms > 0;
}
enum reason duty_judge(const struct core *core, const struct agent *agent);
static inline enum reason duty_why_not(const struct core *core, const struct agent *agent) /* OK: it is on duty */
{
    return duty_is_planned(core, agent) ? duty_judge(core, agent) : REASON_OK;
}
int64_t duty_begins_ms(const struct core *core, const struct agent *agent); /* now, or when; CALENDAR_NEVER */
void duty_arm(struct core *core, struct agent *agent);                      /* of agent_update() alone */
void duty_follow(struct core *core, struct agent *agent);                   /* its team or the policy is another */
void duty_timer_fire(struct core *core, struct agent *agent);
#define ABSENT_UNTIL_MAX_MS INT64_C(253402300800000) /* the end of the year 9999 */
bool duty_plan_absence(struct core *core, struct slice name, int64_t from_ms,
                       int64_t until_ms); /* false: no such agent */

/* presence.c */
void presence_timer_fire(struct core *core, struct agent *agent);
void agent_ready_consume(struct core *core, struct agent *agent, struct id lead);
void agent_ready_refuse(struct core *core, struct agent *agent, enum reason reason);
void presence_hello(struct core *core, uint32_t peer, const struct msg *msg);
void presence_bye(struct core *core, uint32_t peer, const struct msg *msg);
void presence_heartbeat(struct core *core, uint32_t peer, const struct msg *msg);
void presence_heard(struct core *core, uint32_t peer, const struct msg *msg);
void presence_peer_gone(struct core *core, uint32_t peer);
void presence_ready(struct core *core, struct agent *agent, const struct msg_agent_says *says);
void presence_intent(struct core *core, struct agent *agent, const struct msg_agent_says *says);

/* turnover.c: agents that are gone are forgotten */
/* Whom a lead that has not ended names; without `all`, only who must let go of it. */
void turnover_names(struct core *core, const struct lead *lead, int by, bool all);
int64_t turnover_due_ms(const struct core *core, const struct agent *agent); /* run clock: when to look; INT64_MAX */
bool turnover_check(struct core *core, struct agent *agent);                 /* true: it is no more */
bool turnover_make_room(struct core *core);                                  /* for a newcomer */
enum reason turnover_forget(struct core *core, struct slice name);           /* by an operator */

/* activity.c */
void activity_seen(struct core *core, struct agent *agent, uint32_t evidence); /* it works: enum evidence */
void activity_given(struct core *core, struct agent *agent);                   /* a lead, new or its own again */
int64_t activity_ends_ms(const struct core *core, const struct agent *agent);  /* run clock; INT64_MAX = not awaited */
void activity_check(struct core *core, struct agent *agent);                   /* is the time over? */
void activity_intent(struct core *core, struct agent *agent);                  /* it says that it is there */
bool activity_pause(struct core *core, struct slice name, struct slice note);  /* false: nobody of this name */
bool activity_resume(struct core *core, struct slice name);

/* intake.c */
uint32_t intake_programme_of(const struct core *core, struct slice source); /* NONE: it is refused */
void import_drop(struct core *core, struct import *import);                 /* sealed, if ever it changed */
void imports_loaded(struct core *core);                                     /* their rows came in any order */
void intake_manifest(struct core *core, uint32_t peer, const struct msg *msg);
void intake_chunk(struct core *core, uint32_t peer, const struct msg *msg);

/* allocate.c */
void allocate_mark(struct core *core, struct pool *pool);
void allocate_agent(struct core *core, struct agent *agent); /* a card came free */
void allocate_run(struct core *core);                        /* refill, then ask or decide, until nothing moves */
enum { POOLS_FOR_ONE = 2 * POLICY_PROGRAMMES_MAX + POLICY_UNITS_DEEP + 2 };
uint32_t allocate_pools_for(struct core *core, const struct agent *agent,
                            struct pool *ret[POOLS_FOR_ONE]); /* its own */

uint32_t allocate_free_slots(const struct core *core, const struct agent *agent,
                             enum ring ring); /* less what is lent */
bool allocate_in_scope(const struct core *core, const struct pool *pool, const struct agent *agent);
bool allocate_is_upstream(const struct core *core,
                          const struct pool *pool);                   /* of limited pools: nobody takes from it */
struct scope *pool_scope(struct core *core, const struct pool *pool); /* whose agents may take from it */
struct heap *pool_cards(struct core *core, const struct pool *pool);  /* those of them who could now */
void allocate_back(struct core *core, const struct agent *agent);     /* slots that were lent to a request, unused */
void allocate_mark_short(struct core *core);                          /* pools that some agents were missing from */

/* window.c */
/* With `only`, that agent's own due leads compete with the pool's for its cards. NULL: nobody may have the first lead,
 * which stands aside now. */
struct ask *window_build(struct core *core, struct pool *pool, struct agent *only);
struct ask *window_ask_of(struct core *core, uint64_t id);
void window_end(struct core *core, struct ask *ask);

/* verdicts.c */
void verdict_tell(struct core *core, struct lead *lead, struct agent *agent); /* what it was handed */
void verdict_decision(struct core *core, uint32_t peer, const struct msg *msg);
uint32_t verdict_plain(struct core *core, struct ask *ask); /* returns how many were granted; ends the request */
void verdict_chosen(struct core *core, struct lead *lead, struct agent *agent); /* POOLED, and all was checked */
void verdict_lapsed(struct core *core, struct ask *ask);
void verdict_withdraw(struct core *core, struct ask *ask); /* its worker is gone before the deadline: the next one */

/* units.c: the tree of units and teams; `unit` is an index in policy.teams, of a team or what is above it */
void units_arrange(struct core *core); /* the policy changed */
void units_fini(struct core *core);
uint32_t unit_find(const struct core *core, uint32_t programme, struct slice name); /* or NONE */
uint32_t team_find(const struct core *core, struct slice name);                     /* of any programme; or NONE */
static inline uint32_t unit_above(const struct core *core, uint32_t unit)
{
    const uint32_t in = core->policy.teams[unit].in;
    return in ? in - 1 : NONE;
}
static inline bool unit_is_team(const struct core *core, uint32_t unit)
{
    return core->policy.teams[unit].name[0] && core->policy.teams[unit].kind < UNIT_OFFICE;
}
bool unit_has(const struct core *core, uint32_t unit, uint32_t team); /* it is that team, or above it */
void unit_refresh(struct core *core, uint32_t team);                  /* its pool or its people became more or fewer */
uint32_t team_depth_max(const struct core *core, uint32_t team);
bool unit_has_room(const struct core *core, uint32_t unit); /* a team in it could take one more */
void unit_refill(struct core *core, struct pool *upstream); /* its leads go down into pools of teams with room */

/* units_record.c */
void unit_turn(struct core *core, struct pool *upstream, uint32_t team); /* was the last one; NONE: begin anew */
void units_keep_turns(struct core *core, const struct policy *new, bool loading); /* before it is in force */
uint32_t units_seal(struct core *core, struct buf *body);
bool units_apply(struct core *core, struct slice key, struct reader *reader);
void units_dump(const struct core *core, struct buf *body);

/* place.c: which pool a lead waits in */
/* As the rules of its programme say; without one the programme's. Every lead that comes in, and every one that was
 * taken back, enters its pool here. */
void place_lead(struct core *core, struct lead *lead, enum lead_event event, enum route_set set, enum reason reason);
/* It was held, or its pool is no more. */
void place_back(struct core *core, struct lead *lead, enum lead_event event, enum reason reason);
/* With this agent, if it may have it; else false, and nothing is done. */
bool place_with(struct core *core, struct lead *lead, enum lead_event event, struct agent *agent, enum reason reason);
void place_wider(struct core *core, struct lead *lead); /* nobody took it in time */

struct pool *place_of_agent(struct agent *agent);               /* for leads that nobody else may have */
void place_leave_agent(struct core *core, struct agent *agent); /* its team may be another one now */
struct facts place_facts(const struct core *core, const struct lead *lead, struct feature ret_room[FEATURES_MAX + 1]);

/* pair.c: may this agent have this lead at all? The one home of what stands between the two: past owners, declines,
 * filters, licences. *ret_why is REASON_OK when it may. */
bool pair_has_rules(const struct core *core,
                    uint32_t programme); /* filters or licences: else only what the lead says */
enum reason pair_rules(const struct core *core, const struct lead *lead,
                       const struct agent *agent); /* but exclusions */
bool pair_allowed(const struct core *core, const struct lead *lead, const struct agent *agent, enum reason *ret_why);
struct pair_lead { /* a lead that is held against many agents */
    const struct lead *lead;
    uint32_t n_facts; /* 0: no rules are about it */
    struct feature room[FEATURES_MAX + 1];
};
void pair_begin(const struct core *core, const struct lead *lead, struct pair_lead *ret);
bool pair_may(const struct core *core, const struct pair_lead *pair, const struct agent *agent, enum reason *ret_why);
enum reason pair_kind(const struct core *core, const struct pair_lead *pair, const struct agent *agent);
uint64_t pair_kind_of(const struct core *core, const struct lead *lead);
static inline bool
pair_is_of_kind(enum reason why) /* it keeps all leads of the kind from the agent, not this one only */
{
    return why == REASON_NO_LICENCE || why == REASON_FILTERED || why == REASON_BUDGET;
}

/* aside.c: leads of a pool that nobody with a card may have */
struct aside { /* those of one kind */
    uint64_t kind;
    UT_hash_handle hh;
    uint32_t index;
    struct heap leads;     /* by rank */
    struct heap_node open; /* in its pool's while somebody may have them */
    struct aside *next;    /* while not used */
};
static inline struct aside *aside_at(const struct heap_node *node)
{
    return heap_entry(node, struct aside, open);
}
static inline bool aside_any(const struct pool *pool) /* there is such a one */
{
    return pool->waiting.n || pool->open.n;
}
static inline const struct heap_item *aside_first_item(const struct pool *pool) /* that somebody may have, or NULL */
{
    const struct heap_item *item = pool->waiting.n ? pool->waiting.at : NULL;
    if (pool->open.n && (!item || heap_before(pool->open.at[0].key, item->key)))
        item = aside_at(heap_first(&pool->open))->leads.at;
    return item;
}
static inline struct lead *aside_first(const struct pool *pool)
{
    const struct heap_item *item = aside_first_item(pool);
    return item ? heap_entry(item->node, struct lead, place) : NULL;
}
void aside_forsake(struct core *core, struct pool *pool, struct lead *lead); /* its group */
static inline void aside_leave(struct core *core, struct pool *pool, struct lead *lead)
{ /* it stands in none of the pool's heaps any more */
    if (lead->aside)
        aside_forsake(core, pool, lead);
    else
        heap_remove(lead->passed ? &pool->passed : &pool->waiting, &lead->place);
}
void aside_moved(struct core *core, struct pool *pool, struct lead *lead); /* its rank is another */
bool aside_join(struct core *core, struct pool *pool, struct lead *lead);  /* if its kind stands aside already */
void aside_kind(struct core *core, struct pool *pool, struct lead *lead);  /* all of its kind: rules keep it from all */
void aside_pass(struct core *core, struct pool *pool, struct lead *lead);  /* it alone */
bool aside_is_for(const struct core *core, const struct aside *aside, const struct agent *agent);
void aside_open(struct core *core, struct pool *pool, const struct agent *agent); /* kinds that this agent may have */
void aside_look(struct core *core, struct pool *pool, const struct agent *agent); /* and single leads, too */
void aside_retry(struct core *core, struct pool *pool);  /* single leads: everybody is asked about them again */
void aside_due(struct core *core, struct pool *pool);    /* those of which an exclusion is over */
void aside_end(struct core *core, struct pool *pool);    /* all wait: rules change, or the pool does */
const struct lead *aside_front(const struct pool *pool); /* of all in it, aside or not */
void aside_fini(struct core *core, struct pool *pool);
void aside_forget(struct core *core); /* after that of all pools */

/* workers.c */
void worker_hello(struct core *core, uint32_t peer, const struct msg *msg);
void worker_leave(struct core *core, uint32_t index);
struct worker *worker_pick(struct core *core, uint32_t *ret_index);
bool worker_may_be_asked(const struct worker *worker);
bool worker_any(const struct core *core); /* that may be asked, busy or not */
void worker_busy(struct worker *worker, int64_t now_us, uint32_t spent_us);
uint32_t worker_busy_permille(const struct worker *worker, int64_t now_us); /* of the last BUSY_SECONDS */
bool worker_drain(struct core *core, struct slice name, bool drained);      /* false: there is none of this name */

/* check.c */
bool check_is_dead(const struct lead *lead);

/* acts.c */
enum lead_state lead_final_state(int class); /* of a class of dispositions; 0: is not final */
void acts_say(struct core *core, uint32_t peer, const struct msg *msg);

/* balance.c: easy leads and hard ones, alike for all of a team */
void balance_joins(struct core *core, const struct agent *agent); /* it is present from now on */
void balance_leaves(struct core *core, const struct agent *agent);
void balance_arrange(struct core *core); /* rows were loaded, or the policy is another */
void balance_worked(struct core *core, struct agent *agent, struct lead *lead); /* it did not just give it back */
bool balance_window(const struct core *core, struct ask *ask); /* returns whether somebody stands aside from a lead */
uint32_t balance_permille(uint32_t quality);                   /* for people */

/* forecast.c */
uint32_t forecast_ms(struct core *core, const struct agent *agent); /* until something may come; 0 = not known */

/* pull.c: what an agent sees of a lead, and when */
void pull_show(struct core *core, struct lead *lead, const struct agent *agent,
               int64_t answer_ms);                                      /* an offer leaves */
bool pull_previews(const struct core *core, const struct agent *agent); /* who asks is offered a lead, not given it */
bool pull_skip(struct core *core, struct agent *agent); /* declined a preview; false: without one left, it costs */
void pull_list(struct core *core, struct agent *agent, const struct msg_agent_says *says); /* to choose from */
enum reason pull_take(struct core *core, struct agent *agent,
                      struct id id); /* with a card: OK, it is his, or why not */

/* revoke.c */
bool revoke_is_unseen(const struct core *core,
                      const struct lead *lead); /* since its last move, whatever was shown is over */
void revoke_begin(struct core *core, struct lead *lead, enum reason reason);  /* the owner must let go, then the pool */
void revoke_let_go(struct core *core, struct lead *lead, enum reason reason); /* it did, or cannot hold it any more */

/* followup.c */
const struct follow *followup_look(const struct lead *lead); /* all zero when it has none */
struct follow *followup_of(struct lead *lead);               /* made when it has none */
void followup_intake(struct core *core, struct lead *lead);
bool followup_is_vetted(const struct core *core, const struct lead *lead);     /* before anybody has it */
void followup_assign_to(struct core *core, struct lead *lead, uint32_t agent); /* when REVOKING is over; or NONE */
void followup_by_hand(const struct core *core, struct lead *lead);             /* it is given to an agent by an order */
void followup_taken(struct core *core, struct lead *lead, enum reason reason); /* its ownership ends */
void followup_free(struct core *core, struct lead *lead, enum reason reason);  /* REVOKING is over */
void followup_dispose(struct core *core, struct lead *lead, int class, int64_t at_ms); /* not final */
void followup_due_fire(struct core *core, struct lead *lead);                          /* HELD, COOLING */
bool followup_ends_by_age(struct core *core, struct lead *lead); /* nobody holds it: ended here when it is too old */
int64_t followup_age_end_ms(const struct core *core, const struct lead *lead);
uint32_t followup_attempts(const struct lead *lead);                             /* of all rounds */
void followup_recycle(struct core *core, struct lead *lead, enum reason reason); /* COOLING: the next round */
void followup_begin_again(struct core *core, struct lead *lead);

/* orders.c */
void orders_take(struct core *core, uint32_t peer, const struct msg *msg);
bool orders_assign(struct core *core, struct lead *lead); /* to whom an operator said, if it is still there */

/* report.c */
void report_query(struct core *core, uint32_t peer, const struct msg *msg);
void report_lead_answer(struct core *core, uint32_t peer, struct id lead, enum reason reason); /* to an order */
void report_applied(struct core *core, uint32_t peer, enum reason reason, struct slice why);   /* why: lines */

/* policy_places.c */
void policy_place_pools(struct core *core);
uint32_t policy_place_now(const struct core *core, const struct policy *policy,
                          uint32_t i); /* of its team `i`, or NONE */
bool policy_stays(const struct core *core, const struct policy *policy, uint32_t programme);
bool policy_is_empty(const struct core *core, uint32_t programme);
struct policy *policy_arrange(const struct core *core, const struct policy *policy); /* in our places; free() it */
void policy_set(struct core *core, const struct policy *arranged, uint32_t version);
bool policy_is_same_unit(const struct policy_team *a, const struct policy_team *b);

/* policy_change.c */
void policy_apply(struct core *core, uint32_t peer, const struct msg *msg);
void policy_keep(struct core *core, uint32_t version, int64_t at_us, struct slice text, bool dirty);
struct policy_kept *policy_kept_of(struct core *core, uint32_t version);
void policy_loaded(struct core *core);
uint32_t policy_retire(struct core *core, struct slice name); /* its place, or NONE */
uint32_t policy_first_team(const struct core *core);
void agent_keep_open(struct core *core, struct agent *agent); /* its limit or its programme changed */

/* record_gone.c */
void record_agent_gone(struct core *core, const struct agent *agent);
void record_meter_gone(struct core *core, const char *key);
void record_import_gone(struct core *core, struct id id);
bool record_apply_gone(struct core *core, const struct row_ref *row);

/* record.c */
void record_lead(const struct core *core, const struct lead *lead, struct buf *body);
bool record_apply_input(struct core *core, struct lead *lead, struct reader *reader);
bool record_apply_lead(struct core *core, struct lead *lead, struct reader *reader);
void record_input(const struct core *core, const struct lead *lead, struct buf *body);
void record_place_lead(struct core *core, struct lead *lead);

/* snapshot.c */
void record_snapshot(struct core *core, const struct ask *ask);

/* effects.c: what the handlers write down */
void effects_error(struct effects *effects, uint32_t peer, enum reason reason, uint64_t seq, const char *text,
                   uint32_t retry_after_ms);
void effects_msg(struct effects *effects, uint32_t peer, const struct msg *msg); /* copies what it borrows */
void effects_result(struct effects *effects, uint32_t peer, const struct act_result *result);
void effects_withdrawal(struct effects *effects, uint32_t peer, const struct withdrawal *withdrawal);
void effects_offer(struct effects *effects, uint32_t peer, const struct offer *offer);         /* row is borrowed */
void effects_candidate(struct effects *effects, uint32_t peer, const struct offer *candidate); /* likewise */
void effects_ready(struct effects *effects, uint32_t peer, const struct ready_result *result);
void effects_ask(struct effects *effects, const struct core *core, const struct ask *ask);
struct msg_request ask_request(const struct core *core, const struct ask *ask); /* borrows from both */
void effects_answered(struct effects *effects, int64_t asked_us);

#endif
