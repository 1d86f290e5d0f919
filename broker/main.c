/* SPDX-License-Identifier: Apache-2.0
 * main.c - takt-broker: options, take over the cell, load it, open the door, run
 * beats. It holds no truth: killing it at any instant is safe. */
#include <assert.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "broker/beat.h"
#include "broker/metrics.h"
#include "broker/places.h"
#include "broker/recover_row.h"
#include "common/clock.h"
#include "common/log.h"
#include "policy/policy_yaml.h"

enum {
    EXIT_USAGE = 2,
    EXIT_UNSAFE = 3,
    EXIT_FENCED = 4,
    EXIT_DAMAGED = 5,
    EXIT_AWAY = 6,
    OPEN_TRIES = 100,
    FDS_MAX = 200 * 1000, /* more connections than a broker can serve */
};

struct options {
    const char *cell, *redis, *policy, *metrics, *geo;
    const char *endpoints[DOOR_ROLES];
    bool create_cell;
};

struct given { /* by --policy */
    const struct policy *policy;
    struct buf text;
};

static const char help[] = "Usage: takt-broker --redis unix:PATH [--policy FILE] [options]\n"
                           "\n"
                           "Takes over a cell, keeps its leads and agents, gives each lead to one agent.\n"
                           "\n"
                           "  --redis ADDRESS      unix:/path/to/socket or 127.0.0.1:PORT\n"
                           "  --policy FILE        the policy of a cell that has none yet; one that has goes on with\n"
                           "                       its own, which `takt policy apply` changes\n"
                           "  --cell NAME          cell to take over (default: the policy's)\n"
                           "  --create-cell        make the cell if it is not there\n"
                           "  --source, --agent, --worker, --operator ENDPOINT\n"
                           "                       where each role connects (default tcp://127.0.0.1:7701..7704)\n"
                           "  --metrics ADDRESS    Prometheus text, such as 127.0.0.1:7705 (default: none)\n"
                           "  --geo FILE           what `takt geo build` made: gives leads their place\n"
                           "  --help\n"
                           "\n"
                           "Example: takt-broker --redis unix:/run/takt/redis.sock --policy policy.yaml --create-cell\n"
                           "Exit: 0 left on a signal, 2 usage or policy, 3 the store could lose data, 4 fenced by\n"
                           "another broker, 5 the stored state is damaged, 6 the store cannot be reached.\n";

static int parse(int argc, char **argv, struct options *ret)
{
    enum { REDIS = 1, POLICY, CELL, CREATE, METRICS, GEO, HELP, SOURCE };
    static const struct option table[] = {{"redis", required_argument, NULL, REDIS},
                                          {"policy", required_argument, NULL, POLICY},
                                          {"cell", required_argument, NULL, CELL},
                                          {"create-cell", no_argument, NULL, CREATE},
                                          {"metrics", required_argument, NULL, METRICS},
                                          {"geo", required_argument, NULL, GEO},
                                          {"help", no_argument, NULL, HELP},
                                          {"source", required_argument, NULL, SOURCE},
                                          {"agent", required_argument, NULL, SOURCE + 1},
                                          {"worker", required_argument, NULL, SOURCE + 2},
                                          {"operator", required_argument, NULL, SOURCE + 3},
                                          {0}};
    *ret = (struct options){
        .endpoints = {"tcp://127.0.0.1:7701", "tcp://127.0.0.1:7702", "tcp://127.0.0.1:7703", "tcp://127.0.0.1:7704"}};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (option) {
        case REDIS:
            ret->redis = optarg;
            break;
        case POLICY:
            ret->policy = optarg;
            break;
        case CELL:
            ret->cell = optarg;
            break;
        case CREATE:
            ret->create_cell = true;
            break;
        case METRICS:
            ret->metrics = optarg;
            break;
        case GEO:
            ret->geo = optarg;
            break;
        case HELP:
            fputs(help, stdout);
            exit(0);
        case '?':
            return -1;
        default:
            ret->endpoints[option - SOURCE] = optarg;
        }
    }
    return ret->redis && (ret->policy || ret->cell) && optind == argc ? 0 : -1;
}

static int exit_code(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return 0;
    case STORE_FENCED:
        return EXIT_FENCED;
    case STORE_UNSAFE:
    case STORE_NO_CELL:
        return EXIT_UNSAFE;
    case STORE_DAMAGED:
    case STORE_ROLLED_BACK:
        return EXIT_DAMAGED;
    case STORE_AWAY:
    case STORE_REFUSING:
        break;
    }
    return EXIT_AWAY;
}

static enum store_status take_over(struct store *store, struct core *core, bool create)
{
    uint64_t epoch = 0;
    int64_t last_ms = 0;
    enum store_status status = STORE_AWAY;
    for (int tries = 0; tries < OPEN_TRIES && (status == STORE_AWAY || status == STORE_REFUSING); tries++) {
        if (tries)
            usleep(100 * 1000);
        status = create ? store_create_cell(store) : STORE_OK;
        if (status == STORE_OK)
            status = store_open(store, (struct position){0}, &epoch);
    }
    const int64_t begun_us = clock_mono_us();
    if (status == STORE_OK)
        status = store_load(store, recover_row, core, &last_ms);
    if (status == STORE_OK && !core_loaded(core))
        status = STORE_DAMAGED;
    if (status != STORE_OK)
        return status;
    const int64_t wall_ms = clock_wall_ms(); /* which may have been set back */
    core_epoch(core, epoch, (wall_ms > last_ms ? wall_ms : last_ms) * 1000, true);
    struct core_levels levels;
    core_levels(core, &levels);
    log_line(LOG_INFO, "broker.loaded", "epoch=%llu leads=%llu waiting=%llu load_ms=%lld", (unsigned long long) epoch,
             (unsigned long long) levels.leads, (unsigned long long) levels.waiting,
             (long long) ((clock_mono_us() - begun_us) / 1000));
    return STORE_OK;
}

/* The file is for a cell that has no policy yet; otherwise only whether it differs is told. */
static const char *settle_policy(struct core *core, const struct given *given)
{
    const struct slice now = core_policy_text(core);
    if (core_policy(core)->version == 0 && given->policy == NULL)
        return NULL;
    if (core_policy(core)->version == 0) {
        struct buf why = {0};
        const enum reason reason =
            core_change_policy(core, given->policy, slice_of(given->text.at, given->text.len), &why);
        assert(reason == REASON_OK || why.len > 0);
        log_line(reason == REASON_OK ? LOG_INFO : LOG_ERROR, "policy.first", "why=\"%.*s\"", (int) why.len,
                 why.at ? (const char *) why.at : "");
        buf_fini(&why);
        return reason == REASON_OK ? "first" : NULL;
    }
    if (given->policy == NULL)
        return "none";
    return now.len == given->text.len && memcmp(now.at, given->text.at, now.len) == 0 ? "same" : "differs";
}

static int run(const struct options *options, const struct given *given, struct core *core, struct store *store,
               struct places *places)
{
    char why[160];
    enum store_status status = take_over(store, core, options->create_cell);
    if (status != STORE_OK) {
        log_line(LOG_ERROR, "broker.refused", "why=\"%s\"", store_why(store));
        return exit_code(status);
    }
    const char *file = settle_policy(core, given);
    if (file == NULL) {
        log_line(LOG_ERROR, "broker.refused", "why=\"the cell has no policy; give one with --policy FILE\"");
        return EXIT_USAGE;
    }
    if (strcmp(file, "differs") == 0)
        log_line(LOG_WARN, "policy.differs", "why=\"the file is not the policy in force; takt policy apply FILE\"");
    struct beat_parts parts = {.store = store, .core = core, .places = places};
    if (!(parts.door = door_open(options->endpoints, why)) ||
        (options->metrics && !(parts.metrics = metrics_open(options->metrics, core, store, parts.door, why)))) {
        log_line(LOG_ERROR, "broker.refused", "why=\"%s\"", why);
        door_close(&parts.door);
        return EXIT_USAGE;
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    parts.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct beat *beat = beat_new(&parts, core_now_us(core));
    if (parts.metrics)
        metrics_beat(parts.metrics, beat);
    log_line(LOG_INFO, "broker.ready", "cell=%s policy=%u file=%s source=%s agent=%s worker=%s operator=%s",
             core_policy(core)->cell, core_policy(core)->version, file, door_endpoint(parts.door, ROLE_SOURCE),
             door_endpoint(parts.door, ROLE_AGENT), door_endpoint(parts.door, ROLE_WORKER),
             door_endpoint(parts.door, ROLE_OPERATOR));
    status = beat_run(beat);
    log_line(status == STORE_OK ? LOG_INFO : LOG_ERROR, "broker.left", "why=\"%s\"",
             status == STORE_OK ? "signal" : store_why(store));
    metrics_close(&parts.metrics);
    beat_destroy(&beat);
    door_close(&parts.door);
    close(parts.signal_fd);
    return exit_code(status);
}

/* Bodies of beats come and go by the hundred KiB: from the heap, so that their
 * pages stay ours. And enough for an import of some 30,000 leads is touched now:
 * to be given pages in the midst of one costs a tenth of the broker's time. */
static void prepare_heap(void)
{
    enum { PIECES = 4, PIECE_BYTES = 16 << 20, PAGE_BYTES = 4096 };
    char *pieces[PIECES];
    mallopt(M_MMAP_THRESHOLD, 2 * PIECE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_TOP_PAD, 4 << 20);
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE_BYTES);
        for (size_t at = 0; pieces[i] && at < PIECE_BYTES; at += PAGE_BYTES)
            ((volatile char *) pieces[i])[at] = 0;
    }
    for (int i = 0; i < PIECES; i++)
        free(pieces[i]);
}

static bool read_policy(const char *path, struct policy *policy, struct given *ret)
{
    struct policy_findings findings = {0};
    struct buf lines = {0};
    const bool good = policy_read_file(path, &ret->text, &findings) == 0 &&
                      policy_read((const char *) ret->text.at, ret->text.len, policy, &findings) == 0;
    findings_print(&findings, path, &lines);
    fprintf(stderr, "%.*s", (int) lines.len, lines.at ? (const char *) lines.at : "");
    buf_fini(&lines);
    findings_fini(&findings);
    ret->policy = good ? policy : NULL;
    return good;
}

/* False: a file was named and is not good. Without one, leads get their area code. */
static bool open_geo(const char *path, struct geo **ret)
{
    char why[GEO_WHY_BYTES];
    if (path && !(*ret = geo_open(path, why))) {
        fprintf(stderr, "takt-broker: %s\n", why);
        return false;
    }
    if (path)
        log_line(LOG_INFO, "geo.open", "zips=%u", geo_counts(*ret).zips);
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    struct geo *geo = NULL;
    struct given given = {0};
    struct policy *policy = calloc(1, sizeof *policy);
    char id[32];
    prepare_heap();
    net_raise_fds(FDS_MAX);
    signal(SIGPIPE, SIG_IGN);
    log_open("takt-broker", LOG_INFO);
    if (!policy || parse(argc, argv, &options) < 0) {
        fputs("takt-broker: --redis, and --policy or --cell, are needed; see takt-broker --help\n", stderr);
        return EXIT_USAGE;
    }
    if (!open_geo(options.geo, &geo))
        return EXIT_USAGE;
    policy_defaults(policy);
    if (options.policy && !read_policy(options.policy, policy, &given))
        return EXIT_USAGE;
    if (options.cell && given.policy && strcmp(options.cell, policy->cell) != 0) {
        fprintf(stderr, "takt-broker: %s is for the cell %s, not %s\n", options.policy, policy->cell, options.cell);
        return EXIT_USAGE;
    }
    if (options.cell)
        snprintf(policy->cell, sizeof policy->cell, "%.32s", options.cell);
    policy->version = 0; /* the cell's number, once it is there */
    snprintf(id, sizeof id, "broker-%d", (int) getpid());
    struct core *core = core_new(policy);
    struct store *store = store_redis_new(&(struct store_redis_options){
        .address = options.redis, .cell = options.cell ? options.cell : policy->cell, .broker_id = id});
    struct places *places = places_new(geo);
    const int code = run(&options, &given, core, store, places);
    places_destroy(&places);
    geo_close(&geo);
    store_close(&store);
    core_destroy(&core);
    buf_fini(&given.text);
    free(policy);
    return code;
}
