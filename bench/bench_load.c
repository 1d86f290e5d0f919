/* SPDX-License-Identifier: Apache-2.0
 * bench_load.c - the outside of a measurement: one source, and the agents of
 * bench_agents.c, over client/takt.h alone. It does what it is told on stdin, a
 * command a line, and answers each with one JSON object a line; what a
 * measurement is, says bench/run, which starts everything and reads CPU and
 * memory of the processes between two commands.
 *
 *   agents N TEAM INTENT CAPACITY   a crew comes, before the first import
 *   import N SOURCE                 as fast as the window allows; answered with the last receipt
 *   accepted N                      so many leads in all are in somebody's hand
 *   available | away | close        orders to the crew; close waits until nothing is held
 *   offered N                       so many offers in all were heard
 *   fresh N SOURCE                  one at a time, each on an idle house: time to the agent's program
 *   pull N                          one ready at a time: time to the lead in hand
 *   check                           each accepted lead is one that was sent, and was accepted once */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_agents.h"
#include "common/clock.h"

enum {
    CHUNK_ROWS = 256,
    ATTRIBUTES = 4,
    WARM_UP = 100, /* of the single leads: not counted */
    REST_MS = 3,   /* between two of them: the house is idle again */
    WAIT_MS = 1,
    SETTLE_MS = 20,
};

struct load {
    const char *source_endpoint, *agent_endpoint;
    uint32_t limit_s; /* for one command */
    struct tally *tally;
    struct crew crew;
    char team[64];
    takt_t *source;
    takt_id *ids; /* of all leads sent */
    uint32_t n_ids, numbers;
};

/* ---- leads ------------------------------------------------------------------ */

static takt_text text_of(const char *text)
{
    return (takt_text){text, strlen(text)};
}

/* Rows of about 290 bytes on the wire, like those of the floor. */
struct row_text {
    char key[24], name[24], phone[16], email[48];
    struct takt_attribute attributes[ATTRIBUTES];
};

/* snprintf() would be a third of what this program spends on a lead, and it is takt that is measured. */
static void put_digits(char *at, unsigned n, uint32_t number)
{
    for (; n > 0; number /= 10)
        at[--n] = (char) ('0' + number % 10);
}

static void make_lead(uint32_t number, struct row_text *text, struct takt_lead *ret_lead)
{
    static const char *const states[] = {"CA", "TX", "FL", "NY", "OH", "WA", "CO", "AZ"};
    static const char *const products[] = {"purchase", "refinance", "equity"};
    static const char remarks[] = "Would like to be called in the afternoon, has spoken to two lenders, wants a fixed "
                                  "rate and asks what papers are needed";

    *text = (struct row_text){.key = "import-0000000",
                              .name = "Ada Morgan 0000000",
                              .phone = "+13035550000",
                              .email = "ada.morgan0000000@example.test"};
    put_digits(text->key + 7, 7, number);
    put_digits(text->name + 11, 7, number);
    put_digits(text->phone + 8, 4, number);
    put_digits(text->email + 10, 7, number);
    text->attributes[0] = (struct takt_attribute){.name = text_of("state"), .text = text_of(states[number % 8])};
    text->attributes[1] = (struct takt_attribute){.name = text_of("product"), .text = text_of(products[number % 3])};
    text->attributes[2] = (struct takt_attribute){.name = text_of("zip"), .text = text_of("80203")};
    text->attributes[3] =
        (struct takt_attribute){.name = text_of("amount"), .number = 100000 + (int64_t) (number % 400) * 1000};
    *ret_lead = (struct takt_lead){
        .key = text_of(text->key),
        .name = text_of(text->name),
        .phone = text_of(text->phone),
        .email = text_of(text->email),
        .street = text_of("12 Long Street, Denver"),
        .remarks = text_of(remarks),
        .attributes = text->attributes,
        .n_attributes = ATTRIBUTES,
    };
}

static void send_chunk(struct load *load, const char *name, const takt_id *import, uint32_t number, uint32_t n)
{
    static struct row_text texts[CHUNK_ROWS];
    static struct takt_lead leads[CHUNK_ROWS];

    for (uint32_t i = 0; i < n; i++)
        make_lead(load->numbers++, &texts[i], &leads[i]);
    if (takt_chunk(load->source, takt_new_op(load->source), name, import, number, leads, n) != 0)
        bench_die("chunk", takt_why(load->source));
}

static void take_receipt(struct load *load, const struct takt_event *event)
{
    if (event->reason != 0)
        bench_die("a chunk was refused", takt_reason_name(event->reason));
    for (size_t i = 0; i < event->receipt.n_rows; i++) {
        if (event->receipt.outcomes[i] != 0)
            bench_die("a row was refused", takt_reason_name(event->receipt.outcomes[i]));
        load->ids[load->n_ids++] = event->receipt.ids[i];
    }
}

/* ---- waiting -------------------------------------------------------------------- */

static int64_t limit_us(const struct load *load)
{
    return clock_mono_us() + (int64_t) load->limit_s * 1000000;
}

/* The source goes on living while it waits: its heartbeats keep the session. */
static void serve_source(struct load *load, int wait_ms)
{
    struct takt_event event;
    int got;

    if (load->source == NULL) {
        usleep((useconds_t) wait_ms * 1000);
        return;
    }
    while ((got = takt_next(load->source, &event, wait_ms)) == 1) {
        if (event.kind == TAKT_REFUSED || event.kind == TAKT_DISCONNECTED)
            bench_die("the source lost its session", takt_why(load->source));
        if (event.kind == TAKT_RECEIPT)
            take_receipt(load, &event);
        wait_ms = 0;
    }
    if (got < 0)
        bench_die("source", takt_why(load->source));
}

static void await_count(struct load *load, const uint32_t *count, uint32_t wanted, const char *what)
{
    const int64_t end_us = limit_us(load);

    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < wanted) {
        if (clock_mono_us() > end_us) {
            fprintf(stderr, "bench_load: %" PRIu32 " of %" PRIu32 " %s\n", *count, wanted, what);
            exit(1);
        }
        serve_source(load, WAIT_MS);
    }
}

/* ---- the crew --------------------------------------------------------------------- */

static void start_crew(struct load *load, uint32_t n, char **words)
{
    static const char *const intents[] = {"offline", "available", "on-demand", "away"};
    uint32_t intent = 0;

    while (intent < 4 && strcmp(intents[intent], words[1]) != 0)
        intent++;
    if (intent == 4 || load->source != NULL || load->crew.n > 0)
        bench_die("agents", "they come once, before the first import, as available, on-demand or away");
    snprintf(load->team, sizeof load->team, "%s", words[0]);
    load->crew = (struct crew){.endpoint = load->agent_endpoint,
                               .team = load->team,
                               .intent = (enum takt_intent) intent,
                               .n = n,
                               .capacity = (uint32_t) strtoul(words[2], NULL, 10)};
    crew_start(&load->crew, load->tally);
    await_count(load, &load->tally->connected, n, "agents connected");
    printf("{\"pids\":[");
    for (uint32_t i = 0; i < load->crew.n_parts; i++)
        printf("%s%d", i > 0 ? "," : "", (int) load->crew.pids[i]);
    printf("]}\n");
}

static void make_available(struct load *load, uint32_t n, char **words)
{
    (void) n;
    (void) words;
    crew_order(&load->crew, ORDER_AVAILABLE);
    printf("{}\n");
}

static void send_away(struct load *load, uint32_t n, char **words)
{
    (void) n;
    (void) words;
    crew_order(&load->crew, ORDER_AWAY);
    printf("{}\n");
}

static void close_leads(struct load *load, uint32_t n, char **words)
{
    (void) n;
    (void) words;
    crew_order(&load->crew, ORDER_CLOSE);
    await_count(load, &load->tally->closed, load->tally->accepted, "leads closed");
    printf("{}\n");
}

/* ---- import ----------------------------------------------------------------------- */

static void open_source(struct load *load)
{
    char why[160] = "";
    const int64_t end_us = limit_us(load);

    if (load->source != NULL)
        return;
    load->source = takt_open(
        &(struct takt_options){.role = TAKT_SOURCE, .endpoint = load->source_endpoint, .name = "bench-source"}, why);
    if (load->source == NULL)
        bench_die("source", why);
    while (!takt_connected(load->source)) {
        if (clock_mono_us() > end_us)
            bench_die("source", "it is not let in");
        serve_source(load, SETTLE_MS);
    }
}

static void expect_ids(struct load *load, uint32_t n)
{
    if (n > ACCEPTS_MAX - load->n_ids)
        bench_die("import", "more leads than can be checked");
    load->ids = reallocarray(load->ids, load->n_ids + n, sizeof *load->ids);
    if (load->ids == NULL)
        bench_die("import", "no memory");
}

static void import(struct load *load, uint32_t n, char **words)
{
    open_source(load);
    expect_ids(load, n);
    const uint32_t chunks = (n + CHUNK_ROWS - 1) / CHUNK_ROWS, wanted = load->n_ids + n;
    const takt_id id = takt_new_op(load->source);
    const int64_t start_us = clock_mono_us(), end_us = limit_us(load);
    uint32_t sent = 0;

    if (takt_manifest(load->source, id, words[0], n, chunks) != 0)
        bench_die("manifest", takt_why(load->source));
    while (load->n_ids < wanted) {
        for (; sent < chunks && takt_out(load->source) < takt_window(load->source); sent++)
            send_chunk(load, words[0], &id, sent, sent + 1 < chunks ? CHUNK_ROWS : n - sent * CHUNK_ROWS);
        if (clock_mono_us() > end_us)
            bench_die("import", "not all receipts came in time");
        serve_source(load, SETTLE_MS);
    }
    printf("{\"start_us\":%" PRId64 ",\"receipts_us\":%" PRId64 "}\n", start_us, clock_mono_us());
}

static void await_accepted(struct load *load, uint32_t n, char **words)
{
    (void) words;
    await_count(load, &load->tally->accepted, n, "leads accepted");
    printf("{\"accepted_us\":%" PRId64 "}\n", load->tally->accepted_us);
}

static void await_offered(struct load *load, uint32_t n, char **words)
{
    (void) words;
    await_count(load, &load->tally->offered, n, "offers heard");
    printf("{\"offered_us\":%" PRId64 "}\n", load->tally->offered_us);
}

/* ---- one at a time ------------------------------------------------------------------ */

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

static void rest(struct load *load)
{
    const int64_t end_us = clock_mono_us() + REST_MS * 1000;

    while (clock_mono_us() < end_us)
        serve_source(load, WAIT_MS);
}

static void print_times(int64_t *spent_us, uint32_t n)
{
    qsort(spent_us, n, sizeof *spent_us, compare_times);
    const int64_t p50_us = spent_us[n / 2], p99_us = spent_us[(size_t) n * 99 / 100], max_us = spent_us[n - 1];
    printf("{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", (double) p50_us / 1000, (double) p99_us / 1000,
           (double) max_us / 1000);
}

/* `again` starts one; it is over when there is one more of `until`. What counts is from *from_us to the offer. */
static void time_singles(struct load *load, uint32_t n, const char *source, const int64_t *from_us,
                         const uint32_t *until)
{
    const uint32_t before = *until, offers = load->tally->offered;
    int64_t *spent_us = calloc(n, sizeof *spent_us);

    for (uint32_t i = 0; i < WARM_UP + n; i++) {
        const int64_t sent_us = clock_mono_us();
        if (source != NULL)
            send_chunk(load, source, NULL, 0, 1);
        else
            crew_order(&load->crew, ORDER_READY);
        await_count(load, &load->tally->offered, offers + i + 1, "offers heard");
        if (i >= WARM_UP)
            spent_us[i - WARM_UP] = load->tally->offered_us - (from_us != NULL ? *from_us : sent_us);
        await_count(load, until, before + i + 1, "leads taken");
        rest(load);
    }
    print_times(spent_us, n);
    free(spent_us);
}

static void fresh(struct load *load, uint32_t n, char **words)
{
    open_source(load);
    expect_ids(load, WARM_UP + n);
    time_singles(load, n, words[0], NULL, &load->tally->accepted);
}

static void pull(struct load *load, uint32_t n, char **words)
{
    (void) words;
    time_singles(load, n, NULL, &load->tally->asked_us, &load->tally->closed);
}

/* ---- each lead exactly one owner ------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(takt_id));
}

static void check(struct load *load, uint32_t n, char **words)
{
    const struct tally *tally = load->tally;
    takt_id *taken = malloc((tally->accepted + 1) * sizeof *taken);
    uint32_t at = 0;

    (void) n;
    (void) words;
    if (taken == NULL || tally->n_ids != tally->accepted)
        bench_die("check", "something still moves");
    memcpy(taken, tally->ids, tally->accepted * sizeof *taken);
    qsort(taken, tally->accepted, sizeof *taken, compare_ids);
    qsort(load->ids, load->n_ids, sizeof *load->ids, compare_ids);
    for (uint32_t i = 0; i < tally->accepted; i++) {
        if (i > 0 && compare_ids(&taken[i - 1], &taken[i]) == 0)
            bench_die("check", "a lead was accepted twice");
        while (at < load->n_ids && compare_ids(&load->ids[at], &taken[i]) < 0)
            at++;
        if (at == load->n_ids || compare_ids(&load->ids[at], &taken[i]) != 0)
            bench_die("check", "a lead was accepted that was not sent");
    }
    for (uint32_t i = 1; i < load->n_ids; i++)
        if (compare_ids(&load->ids[i - 1], &load->ids[i]) == 0)
            bench_die("check", "two rows became one lead");
    free(taken);
    printf("{\"sent\":%" PRIu32 ",\"accepted\":%" PRIu32 ",\"closed\":%" PRIu32 ",\"refused\":%" PRIu32 "}\n",
           load->n_ids, tally->accepted, tally->closed, tally->refused);
}

/* ---- main ----------------------------------------------------------------------------- */

enum { WORDS_MAX = 5 };

static bool obey(struct load *load, char *line)
{
    static const struct {
        const char *name;
        int n_words;
        void (*run)(struct load *load, uint32_t n, char **words);
    } commands[] = {
        {"agents", 5, start_crew},
        {"import", 3, import},
        {"accepted", 2, await_accepted},
        {"available", 1, make_available},
        {"away", 1, send_away},
        {"close", 1, close_leads},
        {"offered", 2, await_offered},
        {"fresh", 3, fresh},
        {"pull", 2, pull},
        {"check", 1, check},
    };
    char *words[WORDS_MAX] = {NULL}, *rest_of = NULL;
    int n_words = 0;

    for (char *word = strtok_r(line, " \n", &rest_of); word != NULL && n_words < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest_of))
        words[n_words++] = word;
    for (size_t i = 0; n_words > 0 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, words[0]) != 0 || commands[i].n_words != n_words)
            continue;
        commands[i].run(load, n_words > 1 ? (uint32_t) strtoul(words[1], NULL, 10) : 0, words + 2);
        fflush(stdout);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct load load;
    char line[256];

    if (argc != 4) {
        fputs("usage: bench_load SOURCE-ENDPOINT AGENT-ENDPOINT SECONDS <commands, see bench_load.c\n", stderr);
        return 2;
    }
    load = (struct load){.source_endpoint = argv[1],
                         .agent_endpoint = argv[2],
                         .limit_s = (uint32_t) strtoul(argv[3], NULL, 10),
                         .tally = tally_new()};
    while (fgets(line, sizeof line, stdin) != NULL)
        if (!obey(&load, line))
            bench_die("no such command, or not its number of words", line);
    takt_close(&load.source);
    crew_stop(&load.crew);
    free(load.ids);
    return 0;
}
