/* SPDX-License-Identifier: Apache-2.0
 * report.c - tales into groups, groups into rows. See report.h. By team or agent a
 * lead counts once for each that was offered it, with what happened in their
 * hands; the row of all together counts every lead once, whatever the key. */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "report/report_group.h"

enum counts { COUNTS_LEADS, COUNTS_CLAIMS, COUNTS_STAFF };

static const struct {
    enum counts counts;
    enum fact sort;
} plans[] = {
#define REPORT(NAME, word, COUNTS, FIRST_KEY, KEYS, SORT, text) {COUNTS_##COUNTS, FACT_##SORT},
#include "report/reports.def"
};

struct making {
    const struct tales *tales;
    const struct report_asked *asked;
    struct names *keys;
    struct groups groups;
    struct report_table *table;
    bool wants[MEASURES];
    uint32_t programme; /* names_number() of the one asked for */
};

static struct slice text_of(const char *text)
{
    return slice_of(text, strlen(text));
}

static struct group *group_of(struct making *making, struct slice key)
{
    struct group *group;
    const uint32_t name = names_number(making->keys, key);
    HASH_FIND(hh, making->groups.first, &name, sizeof name, group);
    if (group)
        return group;
    group = calloc(1, sizeof *group);
    assert(group);
    group->name = name;
    HASH_ADD(hh, making->groups.first, name, sizeof group->name, group);
    return group;
}

/* ---- what a lead adds, or a lead in one agent's hands ------------------------------------------- */

static void measure(const struct making *making, struct group *group, enum measure measure, int64_t us)
{
    if (making->wants[measure] && us >= 0)
        buf_add(&group->measures[measure], &us, sizeof us);
}

static enum fact end_of(uint8_t state)
{
    switch (state) {
    case LEAD_CLOSED_WON:
        return FACT_WON;
    case LEAD_CLOSED_LOST:
        return FACT_LOST;
    case LEAD_CLOSED_INVALID:
        return FACT_INVALID;
    case LEAD_SUPPRESSED:
        return FACT_SUPPRESSED;
    case LEAD_DUPLICATE:
        return FACT_MERGED;
    case LEAD_EXHAUSTED:
        return FACT_EXHAUSTED;
    default:
        return FACT_OPEN;
    }
}

static void add_times(const struct making *making, struct group *group, const struct tale *tale,
                      const struct deeds *deeds)
{
    static const struct {
        enum fact fact;
        int64_t us;
    } steps[] = {{FACT_WITHIN_10S, INT64_C(10000000)},  {FACT_WITHIN_60S, INT64_C(60000000)},
                 {FACT_WITHIN_5M, INT64_C(300000000)},  {FACT_WITHIN_30M, INT64_C(1800000000)},
                 {FACT_WITHIN_1H, INT64_C(3600000000)}, {FACT_WITHIN_1D, INT64_C(86400000000)}};
    const bool touched = deeds->did & DEED_TOUCHED, timed = touched && deeds->touched_us > 0;
    const int64_t took_us = timed ? deeds->touched_us - tale->received_us : INT64_MAX;
    const int64_t age_us = tales_now_us(making->tales) - tale->received_us;
    uint64_t *facts = group->facts;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        facts[steps[i].fact] += took_us <= steps[i].us;
    facts[FACT_WITHIN_TARGET] += took_us <= making->asked->target_us;
    facts[FACT_WITHIN_LIMIT] += took_us <= making->asked->limit_us;
    facts[FACT_DUE_TARGET] += timed || (!touched && age_us > making->asked->target_us);
    facts[FACT_DUE_LIMIT] += timed || (!touched && age_us > making->asked->limit_us);
    facts[FACT_NEVER] += !touched;
    if (deeds->offered_us > 0)
        measure(making, group, MEASURE_TO_OFFER, deeds->offered_us - tale->received_us);
    if (deeds->accepted_us > 0)
        measure(making, group, MEASURE_TO_ACCEPT, deeds->accepted_us - tale->received_us);
    if (timed)
        measure(making, group, MEASURE_TO_CONTACT, took_us);
}

static uint64_t value_of(const struct making *making, const struct tale *tale)
{
    if (tale->value_cents > 0)
        return tale->value_cents;
    const struct programme *programme =
        staff_programme(tales_staff(making->tales), names_text(tales_names(making->tales), tale->programme));
    return programme ? programme->scoring.value_cents : 0;
}

static void add_lead(const struct making *making, struct group *group, const struct tale *tale,
                     const struct deeds *deeds)
{
    uint64_t *facts = group->facts;
    const bool whole = deeds == &tale->deeds;
    facts[FACT_LEADS]++;
    facts[FACT_OFFERED] += (deeds->did & DEED_OFFERED) != 0;
    facts[FACT_ACCEPTED] += (deeds->did & DEED_ACCEPTED) != 0;
    facts[FACT_TOUCHED] += (deeds->did & DEED_TOUCHED) != 0;
    facts[FACT_CONTACTED] += (deeds->did & DEED_CONTACTED) != 0;
    facts[FACT_DISPOSED] += (deeds->did & DEED_DISPOSED) != 0;
    facts[end_of(deeds->end)]++;
    facts[FACT_DISPOSITIONS] += deeds->dispositions;
    facts[FACT_COST_CENTS] += whole || (deeds->did & DEED_ACCEPTED) ? tale->cost_cents : 0;
    if (deeds->end == LEAD_CLOSED_WON)
        facts[FACT_VALUE_CENTS] += value_of(making, tale);
    add_times(making, group, tale, deeds);
}

static void add_claim(const struct making *making, struct group *group, const struct hand *hand)
{
    group->facts[FACT_CLAIMS]++;
    measure(making, group, MEASURE_TO_CLAIM, hand->claim_us);
}

/* ---- whose it is ------------------------------------------------------------------------------------ */

static struct slice mode_of(const struct making *making, uint32_t programme)
{
    static const char *const modes[] = {
        [0] = "", [MODE_PUSH] = "push", [MODE_PULL] = "pull", [MODE_PUSH_PULL] = "push_pull"};
    const struct programme *found =
        staff_programme(tales_staff(making->tales), names_text(tales_names(making->tales), programme));
    return text_of(modes[found ? found->mode : 0]);
}

static uint32_t team_of(const struct making *making, uint32_t agent)
{
    const struct duty *duty = staff_duty(tales_staff(making->tales), agent);
    return duty ? duty->team : 0;
}

static struct slice agent_of(const struct making *making, uint32_t agent)
{
    const struct duty *duty = staff_duty(tales_staff(making->tales), agent);
    return names_text(tales_names(making->tales), duty ? duty->name : 0);
}

static struct group *group_of_lead(struct making *making, const struct tale *tale)
{
    const struct names *names = tales_names(making->tales);
    struct buf digits = {0};
    struct slice key;
    switch (making->asked->key) {
    case KEY_SOURCE:
        return group_of(making, names_text(names, tale->source));
    case KEY_CAMPAIGN:
        return group_of(making, names_text(names, tale->campaign));
    case KEY_PROGRAMME:
        return group_of(making, names_text(names, tale->programme));
    case KEY_MODE:
        return group_of(making, mode_of(making, tale->programme));
    default:
        buf_printf(&digits, "%u", tale->deeds.dispositions);
        key = slice_of(digits.at, digits.len);
        struct group *group = group_of(making, key);
        buf_fini(&digits);
        return group;
    }
}

static void earlier(int64_t *first_us, int64_t us, bool was)
{
    if (was && (*first_us == 0 || (us > 0 && us < *first_us)))
        *first_us = us;
}

static void merge(struct deeds *into, const struct deeds *from)
{
    earlier(&into->offered_us, from->offered_us, from->did & DEED_OFFERED);
    earlier(&into->accepted_us, from->accepted_us, from->did & DEED_ACCEPTED);
    earlier(&into->touched_us, from->touched_us, from->did & DEED_TOUCHED);
    into->dispositions += from->dispositions;
    into->did |= from->did;
    into->end = into->end ? into->end : from->end;
}

/* What happened in the hands of a team: each agent's deeds together, at the first of them. */
static void add_of_team(struct making *making, const struct tale *tale, const struct hand *hand)
{
    const uint32_t team = team_of(making, hand->agent);
    struct deeds deeds = {0};
    for (const struct hand *other = tale->hands; other != hand; other = other->next)
        if (team_of(making, other->agent) == team)
            return;
    for (const struct hand *other = hand; other; other = other->next)
        if (team_of(making, other->agent) == team)
            merge(&deeds, &other->deeds);
    add_lead(making, group_of(making, names_text(tales_names(making->tales), team)), tale, &deeds);
}

static void count_lead(struct making *making, const struct tale *tale)
{
    const enum report_key key = making->asked->key;
    add_lead(making, &making->groups.all, tale, &tale->deeds);
    if (key != KEY_TEAM && key != KEY_AGENT) {
        add_lead(making, group_of_lead(making, tale), tale, &tale->deeds);
        return;
    }
    if (!tale->hands)
        add_lead(making, group_of(making, text_of("")), tale, &tale->deeds);
    for (const struct hand *hand = tale->hands; hand; hand = hand->next)
        if (key == KEY_TEAM)
            add_of_team(making, tale, hand);
        else
            add_lead(making, group_of(making, agent_of(making, hand->agent)), tale, &hand->deeds);
}

static struct group *group_of_claim(struct making *making, const struct tale *tale, const struct hand *hand)
{
    const struct names *names = tales_names(making->tales);
    switch (making->asked->key) {
    case KEY_POOL:
        return group_of(making, names_text(names, hand->pool));
    case KEY_TEAM:
        return group_of(making, names_text(names, team_of(making, hand->agent)));
    case KEY_PROGRAMME:
        return group_of(making, names_text(names, tale->programme));
    default:
        break;
    }
    struct buf digits = {0};
    buf_printf(&digits, "%u", hand->pool_agents);
    struct group *group = group_of(making, slice_of(digits.at, digits.len));
    buf_fini(&digits);
    return group;
}

static void count_claims(struct making *making, const struct tale *tale)
{
    for (const struct hand *hand = tale->hands; hand; hand = hand->next) {
        if (hand->claim_us < 0)
            continue;
        add_claim(making, &making->groups.all, hand);
        add_claim(making, group_of_claim(making, tale, hand), hand);
    }
}

/* ---- agents ------------------------------------------------------------------------------------------- */

static struct slice programme_of_agent(const struct making *making, const struct duty *duty)
{
    const struct programme *programme =
        staff_programme_of_team(tales_staff(making->tales), names_text(tales_names(making->tales), duty->team));
    return text_of(programme ? programme->name : "");
}

static struct group *group_of_agent(struct making *making, uint32_t agent)
{
    const struct names *names = tales_names(making->tales);
    const struct duty *duty = staff_duty(tales_staff(making->tales), agent);
    if (!duty)
        return NULL;
    const struct slice programme = programme_of_agent(making, duty);
    if (making->asked->programme &&
        names_number(making->keys, programme) != names_number(making->keys, text_of(making->asked->programme)))
        return NULL;
    return group_of(making, making->asked->key == KEY_AGENT  ? names_text(names, duty->name)
                            : making->asked->key == KEY_TEAM ? names_text(names, duty->team)
                                                             : programme);
}

static void add_staff(struct making *making, uint32_t agent, enum fact fact, uint64_t n)
{
    struct group *group = group_of_agent(making, agent);
    if (!group)
        return;
    group->facts[fact] += n;
    making->groups.all.facts[fact] += n;
}

static void count_staff(struct making *making)
{
    const struct staff *staff = tales_staff(making->tales);
    for (uint32_t i = 0; i < staff_n(staff); i++) {
        const struct duty *duty = staff_duty(staff, i);
        add_staff(making, i, FACT_DUTY_US, duty ? (uint64_t) duty->duty_us : 0);
        add_staff(making, i, FACT_DISPOSED_NOW, tales_dispositions(making->tales, i));
    }
    for (const struct tale *tale = tales_first(making->tales); tale; tale = tale_next(tale))
        for (const struct hand *hand = tale->hands; hand; hand = hand->next)
            if (hand->deeds.touched_us > 0 && window_has(&making->asked->window, hand->deeds.touched_us))
                add_staff(making, hand->agent, FACT_WORKED, 1);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static void count_rows_of_imports(struct making *making)
{
    const struct names *names = tales_names(making->tales);
    struct row_counts rows;
    making->groups.has_rows = making->asked->key == KEY_SOURCE;
    for (uint32_t i = 0; !making->asked->programme && i < tales_n_sources(making->tales); i++) {
        if (!tales_rows(making->tales, i, &rows))
            continue;
        making->groups.all.facts[FACT_ROWS_DUPLICATE] += rows.duplicate;
        making->groups.all.facts[FACT_ROWS_REJECTED] += rows.rejected;
        if (!making->groups.has_rows)
            continue;
        struct group *group = group_of(making, names_text(names, i));
        group->facts[FACT_ROWS_DUPLICATE] += rows.duplicate;
        group->facts[FACT_ROWS_REJECTED] += rows.rejected;
    }
}

static void count_leads(struct making *making)
{
    const struct report_asked *asked = making->asked;
    for (const struct tale *tale = tales_first(making->tales); tale; tale = tale_next(tale)) {
        /* without a time of its own it is newer than the log that was read */
        if (tale->received_us == 0 || tale->received_us > tales_now_us(making->tales) ||
            !window_has(&asked->window, tale->received_us) ||
            (asked->programme && tale->programme != making->programme))
            continue;
        making->table->leads++;
        making->table->states[tale->state]++;
        making->table->older += !tale->from_input;
        if (plans[asked->name].counts == COUNTS_LEADS)
            count_lead(making, tale);
        else if (plans[asked->name].counts == COUNTS_CLAIMS)
            count_claims(making, tale);
    }
    if (plans[asked->name].counts == COUNTS_LEADS)
        count_rows_of_imports(making);
    if (plans[asked->name].counts == COUNTS_STAFF)
        count_staff(making);
}

static int by_text(struct slice a, struct slice b)
{
    const uint32_t least = a.len < b.len ? a.len : b.len;
    const int by = memcmp(a.at, b.at, least);
    return by ? by : (a.len > b.len) - (a.len < b.len);
}

struct place {
    struct group *group;
    struct slice key;
    enum fact sort;
    bool digits;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const uint64_t n = x->group->facts[x->sort], m = y->group->facts[y->sort];
    if (n != m)
        return n < m ? 1 : -1;
    if (x->digits && x->key.len != y->key.len)
        return x->key.len < y->key.len ? -1 : 1;
    return by_text(x->key, y->key);
}

/* Cells are counted from the beginning of the text until it is complete: it moves while it grows. */
static void put_row(struct making *making, struct group *group, struct slice key, uint32_t row)
{
    struct report_table *table = making->table;
    for (uint32_t c = 0; c < table->n_columns; c++) {
        const size_t begin = table->text.len;
        if (c == 0)
            buf_add(&table->text, key.at, key.len);
        else
            report_cell(making->asked->name, c - 1, group, &making->groups, &table->text);
        table->cells[(size_t) row * table->n_columns + c] = (struct slice){NULL, (uint32_t) (table->text.len - begin)};
    }
}

static void put_rows(struct making *making)
{
    struct report_table *table = making->table;
    const bool digits = making->asked->key == KEY_ATTEMPTS || making->asked->key == KEY_SIZE;
    struct place *places = calloc(table->n_rows + 1u, sizeof *places);
    const enum fact sort = plans[making->asked->name].sort;
    uint32_t n = 0;
    assert(places);
    for (struct group *group = making->groups.first; group; group = group->hh.next) {
        if (sort != FACT_NONE && group->facts[sort] == 0)
            continue;
        places[n++] = (struct place){group, names_text(making->keys, group->name), sort, digits};
        for (unsigned f = 0; f < FACTS; f++)
            making->groups.sums[f] += group->facts[f];
    }
    qsort(places, n, sizeof *places, by_place);
    for (uint32_t i = 0; i < n; i++)
        put_row(making, places[i].group, places[i].key, i);
    put_row(making, &making->groups.all, text_of(""), n);
    table->n_rows = n;
    free(places);
    const uint8_t *at = table->text.at;
    for (size_t i = 0; i < (size_t) (n + 1) * table->n_columns; i++) {
        table->cells[i].at = at;
        at += table->cells[i].len;
    }
}

static void open_table(struct making *making)
{
    const struct report_asked *asked = making->asked;
    struct report_table *table = making->table;
    char types[REPORT_COLUMNS + 2] = "s";
    table->columns = calloc(REPORT_COLUMNS + 1, sizeof *table->columns);
    assert(table->columns);
    table->columns[0] = report_key_word(asked->key);
    table->n_columns = 1 + report_columns(asked->name, table->columns + 1, types + 1);
    if (asked->key == KEY_ATTEMPTS || asked->key == KEY_SIZE)
        types[0] = 'n';
    table->types = strdup(types);
    table->n_rows = HASH_COUNT(making->groups.first);
    table->cells = calloc((size_t) (table->n_rows + 1) * table->n_columns, sizeof *table->cells);
    assert(table->types && table->cells);
}

static void free_group(struct group *group)
{
    for (unsigned m = 0; m < MEASURES; m++)
        buf_fini(&group->measures[m]);
}

void report_make(const struct tales *tales, const struct report_asked *asked, struct report_table *ret)
{
    struct making making = {.tales = tales, .asked = asked, .keys = names_new(), .table = ret};
    struct group *group, *next;
    *ret = (struct report_table){0};
    if (asked->programme)
        making.programme = names_number(tales_names(tales), text_of(asked->programme));
    for (unsigned m = 0; m < MEASURES; m++)
        making.wants[m] = report_wants(asked->name, (enum measure) m);
    count_leads(&making);
    open_table(&making);
    put_rows(&making);
    HASH_ITER(hh, making.groups.first, group, next)
    {
        HASH_DEL(making.groups.first, group);
        free_group(group);
        free(group);
    }
    free_group(&making.groups.all);
    names_destroy(&making.keys);
}

void report_fini(struct report_table *table)
{
    free(table->columns);
    free((char *) table->types);
    free(table->cells);
    buf_fini(&table->text);
}
