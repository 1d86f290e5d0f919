/* SPDX-License-Identifier: Apache-2.0
 * bench_load.c - the outside of a measurement: one source and many agents, as
 * any user's program would be, over client/takt.h alone. bench/run starts the
 * broker, the worker and this, and makes one figure of several runs.
 *
 *   import   a process sends all leads, another one holds the agents and accepts
 *            each offer at once; the time runs from before the first frame is
 *            sent until the last accept is known to be durable
 *   fresh    one lead at a time on an idle system, from sending it to the
 *            offer at an agent
 *
 * The two processes of `import` share one page of counters and the list of
 * accepted ids, so that comparing them costs the measurement nothing. Results
 * leave as `name value` lines. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_agents.h"
#include "common/clock.h"

enum {
    CHUNK_ROWS = 256,
    ATTRIBUTES = 4,
    SETUP_MS = 15000, /* for everything to connect */
    REST_MS = 3,      /* between two fresh leads: the system is idle again */
    FRESH_WARM_UP = 100,
};

/* The next event of one kind on one handle; anything else on the way is dropped. */
static void await(takt_t *handle, enum takt_event_kind kind, int limit_ms, struct takt_event *ret_event)
{
    const int64_t end_us = clock_mono_us() + (int64_t) limit_ms * 1000;

    for (;;) {
        const int64_t left_ms = (end_us - clock_mono_us()) / 1000;
        if (left_ms <= 0)
            bench_die("timed out", takt_why(handle));
        const int got = takt_next(handle, ret_event, (int) left_ms);
        if (got < 0 || (got == 1 && ret_event->kind == TAKT_REFUSED))
            bench_die("refused", takt_why(handle));
        if (got == 1 && ret_event->kind == kind)
            return;
    }
}

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

static void make_lead(uint32_t number, const char *series, struct row_text *text, struct takt_lead *ret_lead)
{
    static const char *const states[] = {"CA", "TX", "FL", "NY", "OH", "WA", "CO", "AZ"};
    static const char *const products[] = {"purchase", "refinance", "equity"};
    static const char remarks[] = "Would like to be called in the afternoon, has spoken to two lenders, wants a fixed "
                                  "rate and asks what papers are needed";

    snprintf(text->key, sizeof text->key, "%s-%07" PRIu32, series, number);
    snprintf(text->name, sizeof text->name, "Ada Morgan %" PRIu32, number);
    snprintf(text->phone, sizeof text->phone, "+1303555%04" PRIu32, number % 10000);
    snprintf(text->email, sizeof text->email, "ada.morgan%" PRIu32 "@example.test", number);
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

static void send_chunk(takt_t *source, const struct options *options, const takt_id *import, uint32_t number,
                       uint32_t first, uint32_t n)
{
    static struct row_text texts[CHUNK_ROWS];
    static struct takt_lead leads[CHUNK_ROWS];

    for (uint32_t i = 0; i < n; i++)
        make_lead(first + i, options->mode, &texts[i], &leads[i]);
    if (takt_chunk(source, takt_new_op(source), options->source_name, import, number, leads, n) != 0)
        bench_die("chunk", takt_why(source));
}

/* ---- what the broker says about itself ---------------------------------------- */

/* The text of the metrics port, or what of it fits. */
static void fetch_metrics(const struct options *options, char *to, size_t room)
{
    static const char get[] = "GET /metrics HTTP/1.0\r\n\r\n";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;
    ssize_t got = 1;

    at.sin_port = htons((uint16_t) options->metrics_port);
    if (connect(fd, (struct sockaddr *) &at, sizeof at) != 0 || write(fd, get, sizeof get - 1) < 0)
        bench_die("metrics", strerror(errno));
    for (; len + 1 < room && got > 0; len += (size_t) got) {
        got = read(fd, to + len, room - 1 - len);
        if (got < 0)
            bench_die("metrics", strerror(errno));
    }
    to[len] = '\0';
    close(fd);
}

/* The sum of a metric's samples, with and without labels. */
static double sum_metric(const char *metrics, const char *name)
{
    const size_t len = strlen(name);
    double sum = 0;
    bool found = false;

    for (const char *line = metrics; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) != 0 || (line[len] != ' ' && line[len] != '{'))
            continue;
        const char *labels_end = line[len] == '{' ? strchr(line, '}') : NULL;
        sum += strtod(labels_end != NULL ? labels_end + 1 : line + len, NULL);
        found = true;
    }
    if (!found)
        bench_die("not among the broker's metrics", name);
    return sum;
}

static void ask(takt_t *operator_, const char *query, struct takt_event *ret_report)
{
    if (takt_query(operator_, takt_query_by_name(query), NULL, 0) != 0)
        bench_die("query", takt_why(operator_));
    await(operator_, TAKT_REPORT, SETUP_MS, ret_report);
}

static takt_t *open_operator(const struct options *options)
{
    takt_t *operator_ = bench_open(options, TAKT_OPERATOR, "bench-operator");
    struct takt_event event;
    const int64_t end_us = clock_mono_us() + SETUP_MS * 1000;

    await(operator_, TAKT_CONNECTED, SETUP_MS, &event);
    do {
        if (clock_mono_us() > end_us)
            bench_die("no worker came", "start takt-worker");
        usleep(10000);
        ask(operator_, "WORKERS", &event);
    } while (event.report.n_rows == 0);
    return operator_;
}

/* After the load: how the leads were decided, and when Redis' view had caught up. */
static void print_broker(const struct options *options, int64_t done_us)
{
    static char metrics[256 * 1024];
    const int64_t end_us = clock_mono_us() + SETUP_MS * 1000;

    do {
        usleep(2000);
        fetch_metrics(options, metrics, sizeof metrics);
    } while (sum_metric(metrics, "takt_view_rows_behind") > 0 && clock_mono_us() < end_us);
    const double caught_up_ms = (double) (clock_mono_us() - done_us) / 1000;
    const double scored = sum_metric(metrics, "takt_decisions_scored_total");
    const double plain = sum_metric(metrics, "takt_decisions_plain_total");
    printf("view_caught_up_ms %.1f\n", caught_up_ms);
    printf("fallback_share %.4f\n", scored + plain > 0 ? plain / (scored + plain) : 0);
}

/* CPU time of this process with all its threads. */
static int64_t cpu_us(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (int64_t) spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

/* ---- import --------------------------------------------------------------------- */

/* The agents' process, until the other end of `stop` is closed, by intent or by death. */
static void run_agents(const struct options *options, struct shared *shared, int stop)
{
    static struct agents agents;

    agents_open(&agents, options, shared);
    agents_watch(&agents, stop, WATCH_STOP);
    const int64_t start_us = cpu_us();
    while (agents_serve(&agents, SWEEP_MS))
        continue;
    shared->cpu_us = cpu_us() - start_us;
    agents_close(&agents);
}

static void check_receipt(const struct takt_event *event, takt_id *ids)
{
    if (event->reason != 0)
        bench_die("a chunk was refused", takt_reason_name(event->reason));
    for (size_t i = 0; i < event->receipt.n_rows; i++) {
        if (event->receipt.outcomes[i] != 0)
            bench_die("a row was refused", takt_reason_name(event->receipt.outcomes[i]));
        ids[i] = event->receipt.ids[i];
    }
}

/* Send all chunks within the window, take all receipts. Returns when the first
 * frame left; ids of the leads in no particular order. */
static int64_t send_import(takt_t *source, const struct options *options, takt_id *ids)
{
    const uint32_t chunks = (options->leads + CHUNK_ROWS - 1) / CHUNK_ROWS;
    const takt_id import = takt_new_op(source);
    const int64_t start_us = clock_mono_us();
    uint32_t sent = 0, n_ids = 0;
    struct takt_event event;

    if (takt_manifest(source, import, options->source_name, options->leads, chunks) != 0)
        bench_die("manifest", takt_why(source));
    while (n_ids < options->leads) {
        while (sent < chunks && takt_out(source) < takt_window(source)) {
            const uint32_t left = options->leads - sent * CHUNK_ROWS;
            send_chunk(source, options, &import, sent, sent * CHUNK_ROWS, left < CHUNK_ROWS ? left : CHUNK_ROWS);
            sent++;
        }
        const int got = takt_next(source, &event, SWEEP_MS);
        if (got < 0 || clock_mono_us() - start_us > (int64_t) options->limit_s * 1000000)
            bench_die("import", takt_why(source));
        if (got == 1 && event.kind == TAKT_RECEIPT) {
            check_receipt(&event, ids + n_ids);
            n_ids += (uint32_t) event.receipt.n_rows;
        }
    }
    return start_us;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(takt_id));
}

/* Both lists sorted are equal and hold no id twice: each lead was accepted exactly once. */
static void check_exactly_once(const struct options *options, struct shared *shared, takt_id *ids)
{
    qsort(ids, options->leads, sizeof *ids, compare_ids);
    qsort(shared->ids, options->leads, sizeof *ids, compare_ids);
    for (uint32_t i = 1; i < options->leads; i++) {
        if (compare_ids(&shared->ids[i - 1], &shared->ids[i]) == 0)
            bench_die("check", "a lead was accepted twice");
    }
    if (memcmp(ids, shared->ids, options->leads * sizeof *ids) != 0)
        bench_die("check", "the accepted leads are not the ones sent");
    if (shared->extra > 0)
        bench_die("check", "more accepts than leads");
}

/* The source goes on living while it waits: its heartbeats keep the session. */
static void await_count(const struct options *options, takt_t *handle, const uint32_t *count, uint32_t wanted,
                        int64_t limit_us)
{
    struct takt_event event;
    const int64_t end_us = clock_mono_us() + limit_us;

    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < wanted) {
        if (clock_mono_us() > end_us) {
            fprintf(stderr, "bench_load: %" PRIu32 " of %" PRIu32 " (%s)\n", *count, wanted, options->mode);
            bench_die("timed out", takt_why(handle));
        }
        if (takt_next(handle, &event, 1) < 0)
            bench_die("source", takt_why(handle));
    }
}

static void run_import(const struct options *options, struct shared *shared)
{
    struct takt_event event;
    takt_id *ids = calloc(options->leads, sizeof *ids);
    takt_t *source = bench_open(options, TAKT_SOURCE, "bench-source");
    takt_t *operator_ = open_operator(options);

    await(source, TAKT_CONNECTED, SETUP_MS, &event);
    await_count(options, source, &shared->connected, options->agents, SETUP_MS * 1000);
    const int64_t start_cpu_us = cpu_us();
    const int64_t start_us = send_import(source, options, ids);
    const int64_t received_us = clock_mono_us();
    await_count(options, source, &shared->accepted, options->leads, (int64_t) options->limit_s * 1000000);
    const int64_t source_cpu_us = cpu_us() - start_cpu_us;
    const double wall_s = (double) (shared->accepted_us - start_us) / 1e6;

    print_broker(options, shared->accepted_us);
    check_exactly_once(options, shared, ids);
    printf("leads %" PRIu32 "\nagents %" PRIu32 "\n", options->leads, options->agents);
    printf("receipts_ms %.1f\nwall_ms %.1f\n", (double) (received_us - start_us) / 1000, wall_s * 1000);
    printf("cpu_us_source %" PRId64 "\n", source_cpu_us);
    printf("leads_per_s %.0f\n", options->leads / wall_s);
    printf("offers %" PRIu32 "\nrefused_accepts %" PRIu32 "\n", shared->offered, shared->refused);
    takt_close(&operator_);
    takt_close(&source);
    free(ids);
}

/* ---- fresh ------------------------------------------------------------------------ */

static void drain_source(takt_t *source)
{
    struct takt_event event;
    takt_id ids[CHUNK_ROWS];
    int got;

    takt_flush(source);
    while ((got = takt_next(source, &event, 0)) == 1) {
        if (event.kind == TAKT_RECEIPT)
            check_receipt(&event, ids);
    }
    if (got < 0)
        bench_die("source", takt_why(source));
}

/* Serve source and agents until `count` has reached `wanted`, or for `rest_ms` when count is NULL. */
static void serve_all(struct agents *agents, takt_t *source, const uint32_t *count, uint32_t wanted, int limit_ms)
{
    const int64_t end_us = clock_mono_us() + (int64_t) limit_ms * 1000;

    while (count == NULL || *count < wanted) {
        drain_source(source);
        agents_serve(agents, 1);
        if (clock_mono_us() > end_us && count == NULL)
            return;
        if (clock_mono_us() > end_us)
            bench_die("fresh", "no lead came in time");
    }
}

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

static void run_fresh(const struct options *options, struct shared *shared)
{
    static struct agents agents;
    const uint32_t n = options->leads - FRESH_WARM_UP;
    int64_t *spent_us = calloc(options->leads, sizeof *spent_us);
    takt_t *operator_ = open_operator(options);
    takt_t *source = bench_open(options, TAKT_SOURCE, "bench-source");
    struct takt_event event;

    agents_open(&agents, options, shared);
    agents_watch(&agents, takt_fd(source), WATCH_OTHER);
    await(source, TAKT_CONNECTED, SETUP_MS, &event);
    serve_all(&agents, source, &shared->connected, options->agents, SETUP_MS);
    for (uint32_t i = 0; i < options->leads; i++) {
        const int64_t start_us = clock_mono_us();
        send_chunk(source, options, NULL, 0, i, 1);
        serve_all(&agents, source, &shared->offered, i + 1, SETUP_MS);
        spent_us[i] = shared->offered_us - start_us;
        serve_all(&agents, source, &shared->accepted, i + 1, SETUP_MS);
        serve_all(&agents, source, NULL, 0, REST_MS);
    }
    qsort(spent_us + FRESH_WARM_UP, n, sizeof *spent_us, compare_times);
    print_broker(options, shared->accepted_us);
    const int64_t *sorted_us = spent_us + FRESH_WARM_UP;
    const int64_t p50_us = sorted_us[n / 2], p99_us = sorted_us[(size_t) n * 99 / 100], max_us = sorted_us[n - 1];
    printf("leads %" PRIu32 "\np50_ms %.3f\np99_ms %.3f\nmax_ms %.3f\n", n, (double) p50_us / 1000,
           (double) p99_us / 1000, (double) max_us / 1000);
    agents_close(&agents);
    takt_close(&source);
    takt_close(&operator_);
    free(spent_us);
}

/* ---- main ----------------------------------------------------------------------------- */

static int usage(void)
{
    fputs("usage: bench_load import|fresh --source EP --agent EP --operator EP --metrics-port N\n"
          "                  [--leads N] [--agents N] [--team NAME] [--source-name NAME] [--limit SECONDS]\n",
          stderr);
    return 2;
}

static bool read_options(int argc, char **argv, struct options *ret_options)
{
    struct options o = {.team = "bench", .source_name = "bench", .agents = 100, .limit_s = 60};
    const struct {
        const char *flag;
        const char **text;
        uint32_t *number;
    } flags[] = {
        {"--source", &o.source, NULL},
        {"--agent", &o.agent, NULL},
        {"--operator", &o.operator_, NULL},
        {"--leads", NULL, &o.leads},
        {"--agents", NULL, &o.agents},
        {"--team", &o.team, NULL},
        {"--source-name", &o.source_name, NULL},
        {"--limit", NULL, &o.limit_s},
        {"--metrics-port", NULL, &o.metrics_port},
    };

    if (argc < 2)
        return false;
    o.mode = argv[1];
    o.leads = strcmp(o.mode, "import") == 0 ? 16000 : 1000 + FRESH_WARM_UP;
    for (int i = 2; i < argc; i += 2) {
        size_t k = 0;
        while (k < sizeof flags / sizeof *flags && strcmp(flags[k].flag, argv[i]) != 0)
            k++;
        if (k == sizeof flags / sizeof *flags || i + 1 == argc)
            return false;
        if (flags[k].text != NULL)
            *flags[k].text = argv[i + 1];
        else
            *flags[k].number = (uint32_t) strtoul(argv[i + 1], NULL, 10);
    }
    *ret_options = o;
    return o.source != NULL && o.agent != NULL && o.operator_ != NULL && o.metrics_port > 0 && o.agents > 0 &&
           o.agents < AGENTS_MAX && o.leads > FRESH_WARM_UP &&
           (strcmp(o.mode, "import") == 0 || strcmp(o.mode, "fresh") == 0);
}

/* The agents live in a child that is forked before any socket is made. */
static void run_import_in_two(const struct options *options, struct shared *shared)
{
    int stop[2];

    if (pipe(stop) != 0)
        bench_die("pipe", strerror(errno));
    const pid_t child = fork();
    if (child == 0) {
        close(stop[1]);
        run_agents(options, shared, stop[0]);
        exit(0);
    }
    close(stop[0]);
    run_import(options, shared);
    close(stop[1]);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0)
        bench_die("agents", "their process failed");
    printf("cpu_us_agents %" PRId64 "\n", shared->cpu_us);
}

int main(int argc, char **argv)
{
    struct options options;

    if (!read_options(argc, argv, &options))
        return usage();
    const size_t size = sizeof(struct shared) + options.leads * sizeof(takt_id);
    struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        bench_die("memory", strerror(errno));
    if (strcmp(options.mode, "import") == 0)
        run_import_in_two(&options, shared);
    else
        run_fresh(&options, shared);
    munmap(shared, size);
    return 0;
}
