/* SPDX-License-Identifier: Apache-2.0
 * watch.c - see watch.h. */
#include "cli/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/screen.h"

enum { COLUMNS_MAX = 32, LEADS_SHOWN_US = 60 * 1000 * 1000 };

struct kept { /* a table with its own bytes */
    struct print_table table;
    struct buf bytes;
    takt_text *texts;
    char types[COLUMNS_MAX + 1];
};

struct totals {
    double received, handed, plain, ended, waiting, in_hand, alerts, never_contacted, oldest_ms, agents, present,
        workers, ready;
};

struct watch {
    struct kept kept[WATCH_TABLES];
    struct totals now, before;
    double in_s, handed_s, plain_s, ended_s; /* negative: not known yet */
    int64_t mono_us, wall_ms, unclaimed_us, never_contacted_us;
    bool answered, any, hooks_failing;
    bool raised[WATCH_ALERTS];
};

static const struct {
    const char *query, *title, *const *columns; /* what of it is shown */
} parts[WATCH_TABLES] = {
    [WATCH_STATUS] = {"STATUS", "programmes",
                      (const char *const[]){"programme", "mode", "waiting", "offered", "owned", "working", "wrap_up",
                                            "pipeline", "ended", "scored", "plain", "alerts", "never_contacted", NULL}},
    [WATCH_POOLS] = {"POOLS", "pools",
                     (const char *const[]){"pool", "waiting", "depth_max", "oldest", "with_card", NULL}},
    [WATCH_TEAMS] = {"TEAMS", "agents",
                     (const char *const[]){"team", "programme", "agents", "present", "available", "on_demand", "away",
                                           "lost", "with_card", "offered", "owned", "working", "wrap_up", NULL}},
    [WATCH_WORKERS] = {"WORKERS", "workers",
                       (const char *const[]){"worker", "place", "state", "capacity", "requests", "decided", "busy_pct",
                                             "mean_us", "lapsed", "too_late", "dropped", "heard", NULL}},
};

static const struct {
    const char *name, *text;
} alerts[WATCH_ALERTS] = {
#define ALERT(name, text) {#name, text},
#include "cli/watch_alerts.def"
#undef ALERT
};

struct watch *watch_new(void)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        abort();
    watch->in_s = watch->handed_s = watch->plain_s = watch->ended_s = -1;
    watch->unclaimed_us = watch->never_contacted_us = -LEADS_SHOWN_US;
    return watch;
}

void watch_destroy(struct watch **watch_p)
{
    struct watch *watch = *watch_p;
    if (!watch)
        return;
    for (int i = 0; i < WATCH_TABLES; i++) {
        buf_fini(&watch->kept[i].bytes);
        free(watch->kept[i].texts);
    }
    free(watch);
    *watch_p = NULL;
}

const char *watch_query(enum watch_table which)
{
    return parts[which].query;
}

void watch_take(struct watch *watch, enum watch_table which, const struct print_table *table)
{
    struct kept *kept = &watch->kept[which];
    const size_t columns = table->n_columns < COLUMNS_MAX ? table->n_columns : COLUMNS_MAX;
    const size_t n = columns + columns * table->n_rows;
    kept->texts = realloc(kept->texts, (n + 1) * sizeof *kept->texts);
    if (!kept->texts)
        abort();
    kept->bytes.len = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t cell = i - columns;
        const takt_text from =
            i < columns ? table->columns[i] : table->cells[cell / columns * table->n_columns + cell % columns];
        kept->texts[i].len = from.len;
        buf_add(&kept->bytes, from.len ? from.at : "", from.len ? from.len : 1); /* at is never NULL: absent differs */
    }
    const char *at = (const char *) kept->bytes.at;
    for (size_t i = 0; i < n; i++) {
        kept->texts[i].at = at;
        at += kept->texts[i].len ? kept->texts[i].len : 1;
    }
    memcpy(kept->types, table->types, columns);
    kept->table = (struct print_table){.n_columns = columns,
                                       .n_rows = table->n_rows,
                                       .columns = kept->texts,
                                       .types = kept->types,
                                       .cells = kept->texts + columns};
}

void watch_note_hooks(struct watch *watch, bool failing)
{
    watch->hooks_failing = failing;
}

/* ---- figures -------------------------------------------------------------------- */

static void add_up(const struct watch *watch, struct totals *ret)
{
    const struct print_table *status = &watch->kept[WATCH_STATUS].table, *pools = &watch->kept[WATCH_POOLS].table,
                             *teams = &watch->kept[WATCH_TEAMS].table, *workers = &watch->kept[WATCH_WORKERS].table;
    *ret = (struct totals){.received = ask_sum(status, "received"),
                           .plain = ask_sum(status, "plain"),
                           .handed = ask_sum(status, "plain") + ask_sum(status, "scored"),
                           .ended = ask_sum(status, "ended"),
                           .waiting = ask_sum(status, "waiting"),
                           .in_hand = ask_sum(status, "offered") + ask_sum(status, "owned") +
                                      ask_sum(status, "working") + ask_sum(status, "wrap_up"),
                           .alerts = ask_sum(status, "alerts"),
                           .never_contacted = ask_sum(status, "never_contacted"),
                           .agents = ask_sum(teams, "agents"),
                           .present = ask_sum(teams, "present"),
                           .workers = (double) workers->n_rows};
    for (size_t row = 0; row < pools->n_rows; row++)
        if (ask_number(pools, row, "oldest") > ret->oldest_ms)
            ret->oldest_ms = ask_number(pools, row, "oldest");
    for (size_t row = 0; row < workers->n_rows; row++)
        ret->ready += print_text_is(ask_cell(workers, row, "state"), "ready");
}

/* Leads wait in a programme none of whose teams has anybody here. */
static bool nobody_is_here(const struct watch *watch)
{
    const struct print_table *status = &watch->kept[WATCH_STATUS].table, *teams = &watch->kept[WATCH_TEAMS].table;
    for (size_t row = 0; row < status->n_rows; row++) {
        const takt_text programme = ask_cell(status, row, "programme");
        double present = 0;
        if (ask_number(status, row, "waiting") == 0)
            continue;
        for (size_t t = 0; t < teams->n_rows; t++) {
            const takt_text own = ask_cell(teams, t, "programme");
            if (own.len == programme.len && memcmp(own.at, programme.at, own.len) == 0)
                present += ask_number(teams, t, "present");
        }
        if (present == 0)
            return true;
    }
    return false;
}

static bool a_worker_is_late(const struct watch *watch)
{
    const struct print_table *workers = &watch->kept[WATCH_WORKERS].table;
    for (size_t row = 0; row < workers->n_rows; row++)
        if (print_text_is(ask_cell(workers, row, "state"), "late"))
            return true;
    return false;
}

static void raise_alerts(struct watch *watch)
{
    const struct totals *now = &watch->now;
    bool *raised = watch->raised;
    if (watch->any && now->alerts > watch->before.alerts)
        watch->unclaimed_us = watch->mono_us;
    if (watch->any && now->never_contacted > watch->before.never_contacted)
        watch->never_contacted_us = watch->mono_us;
    raised[WATCH_NOBODY_HERE] = nobody_is_here(watch);
    raised[WATCH_UNCLAIMED] = watch->mono_us - watch->unclaimed_us < LEADS_SHOWN_US;
    raised[WATCH_NEVER_CONTACTED] = watch->mono_us - watch->never_contacted_us < LEADS_SHOWN_US;
    raised[WATCH_NO_WORKER] = now->ready == 0;
    raised[WATCH_WORKER_LATE] = a_worker_is_late(watch);
    raised[WATCH_FALLBACKS] = now->ready > 0 && watch->plain_s > 0;
    raised[WATCH_HOOK_FAILING] = watch->hooks_failing;
    raised[WATCH_AGENTS_LOST] = ask_sum(&watch->kept[WATCH_TEAMS].table, "lost") > 0;
}

static double rate(double now, double before, int64_t span_us)
{
    return span_us > 0 ? (now - before) * 1e6 / (double) span_us : 0;
}

void watch_refresh(struct watch *watch, int64_t mono_us, int64_t wall_ms, bool answered)
{
    watch->raised[WATCH_NO_ANSWER] = !answered;
    watch->answered = answered;
    watch->wall_ms = wall_ms;
    if (!answered)
        return;
    watch->before = watch->now;
    add_up(watch, &watch->now);
    const int64_t span_us = mono_us - watch->mono_us;
    watch->mono_us = mono_us;
    if (watch->any) {
        watch->in_s = rate(watch->now.received, watch->before.received, span_us);
        watch->handed_s = rate(watch->now.handed, watch->before.handed, span_us);
        watch->plain_s = rate(watch->now.plain, watch->before.plain, span_us);
        watch->ended_s = rate(watch->now.ended, watch->before.ended, span_us);
    }
    raise_alerts(watch);
    watch->any = true;
}

bool watch_is_raised(const struct watch *watch, enum watch_alert alert)
{
    return watch->raised[alert];
}

/* ---- showing -------------------------------------------------------------------- */

static void put_moment(const struct watch *watch, FILE *to)
{
    char text[24], shown[PRINT_CELL_MAX];
    const int len = snprintf(text, sizeof text, "%" PRId64, watch->wall_ms);
    print_cell(print_text(text, (size_t) len), 't', shown);
    fputs(shown, to);
}

static void put_rate(FILE *to, const char *name, double a_second)
{
    char count[32];
    if (a_second < 0)
        fprintf(to, "  %s -/s", name);
    else
        fprintf(to, "  %s %s/s", name, print_count((uint64_t) (a_second + 0.5), count));
}

static void put_totals(const struct watch *watch, FILE *to)
{
    char a[32], b[32], c[32];
    fprintf(to, "waiting %s  in hand %s  oldest %s", print_count((uint64_t) watch->now.waiting, a),
            print_count((uint64_t) watch->now.in_hand, b), print_duration((int64_t) watch->now.oldest_ms, c));
    put_rate(to, "in", watch->in_s);
    put_rate(to, "handed", watch->handed_s);
    put_rate(to, "ended", watch->ended_s);
    put_rate(to, "plain", watch->plain_s);
}

/* A pool in which nothing waits is not worth its line: there are three a programme and one a team. */
static bool is_shown(const struct print_table *all, size_t row, enum watch_table which)
{
    return which != WATCH_POOLS || ask_number(all, row, "waiting") > 0;
}

/* The columns shown, in their order; one that the broker does not have is left out. */
static void put_part(const struct watch *watch, enum watch_table which, FILE *to)
{
    const struct print_table *all = &watch->kept[which].table;
    size_t from[COLUMNS_MAX], n = 0, rows = 0;
    for (const char *const *name = parts[which].columns; *name; name++)
        for (size_t c = 0; c < all->n_columns && n < COLUMNS_MAX; c++)
            if (print_text_is(all->columns[c], *name))
                from[n++] = c;
    takt_text *texts = calloc(n * (all->n_rows + 1) + 1, sizeof *texts);
    char types[COLUMNS_MAX];
    if (!texts)
        abort();
    for (size_t c = 0; c < n; c++) {
        texts[c] = all->columns[from[c]];
        types[c] = all->types[from[c]];
    }
    for (size_t row = 0; row < all->n_rows; row++) {
        if (!is_shown(all, row, which))
            continue;
        rows++;
        for (size_t c = 0; c < n; c++)
            texts[n * rows + c] = all->cells[row * all->n_columns + from[c]];
    }
    fprintf(to, "\n" SCREEN_BOLD "%s\n", parts[which].title);
    if (rows > 0)
        print_table(to, &(struct print_table){
                            .n_columns = n, .n_rows = rows, .columns = texts, .types = types, .cells = texts + n});
    else
        fputs(which == WATCH_POOLS ? "nothing waits\n" : "none\n", to);
    free(texts);
}

void watch_text(const struct watch *watch, struct buf *to)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    if (!file)
        abort();
    fputs(SCREEN_BOLD "takt  ", file);
    put_moment(watch, file);
    fputs("   q quits\n", file);
    put_totals(watch, file);
    fputc('\n', file);
    for (int i = 0; i < WATCH_ALERTS; i++)
        if (watch->raised[i])
            fprintf(file, SCREEN_REVERSE "%s: %s\n", alerts[i].name, alerts[i].text);
    for (enum watch_table which = 0; which < WATCH_TABLES; which++)
        put_part(watch, which, file);
    if (fclose(file) != 0)
        abort();
    to->len = 0;
    buf_add(to, text, len);
    free(text);
}

void watch_line(const struct watch *watch, FILE *to)
{
    put_moment(watch, to);
    fputs("  ", to);
    put_totals(watch, to);
    fprintf(to, "  agents %.0f of %.0f  workers %.0f of %.0f", watch->now.present, watch->now.agents, watch->now.ready,
            watch->now.workers);
    const char *before = "  alerts ";
    for (int i = 0; i < WATCH_ALERTS; i++)
        if (watch->raised[i]) {
            fprintf(to, "%s%s", before, alerts[i].name);
            before = ",";
        }
    fputc('\n', to);
    fflush(to);
}

static void put_json_rate(FILE *to, const char *name, double a_second)
{
    if (a_second < 0)
        fprintf(to, ", \"%s\": null", name);
    else
        fprintf(to, ", \"%s\": %.1f", name, a_second);
}

void watch_json(const struct watch *watch, FILE *to)
{
    fprintf(to,
            "{\"at_ms\": %" PRId64 ", \"answered\": %s, \"received\": %.0f, \"handed\": %.0f, \"plain\": %.0f"
            ", \"ended\": %.0f, \"waiting\": %.0f, \"in_hand\": %.0f, \"oldest_ms\": %.0f",
            watch->wall_ms, watch->answered ? "true" : "false", watch->now.received, watch->now.handed,
            watch->now.plain, watch->now.ended, watch->now.waiting, watch->now.in_hand, watch->now.oldest_ms);
    put_json_rate(to, "in_per_s", watch->in_s);
    put_json_rate(to, "handed_per_s", watch->handed_s);
    put_json_rate(to, "ended_per_s", watch->ended_s);
    put_json_rate(to, "plain_per_s", watch->plain_s);
    fputs(", \"alerts\": [", to);
    const char *before = "";
    for (int i = 0; i < WATCH_ALERTS; i++)
        if (watch->raised[i]) {
            fprintf(to, "%s\"%s\"", before, alerts[i].name);
            before = ", ";
        }
    fputc(']', to);
    for (enum watch_table which = 0; which < WATCH_TABLES; which++) {
        fprintf(to, ", \"%s\": ", parts[which].title);
        print_json_rows(to, &watch->kept[which].table);
    }
    fputs("}\n", to);
    fflush(to);
}
