/* SPDX-License-Identifier: Apache-2.0
 * main.c - takt-worker: a request in, a decision out. It owns nothing: leads,
 * agents and slots come with each request, contact data never; kill it at any
 * time. It remembers the scorings of the last few policy versions, for one
 * session only, since another broker may count its versions anew. Whether a
 * decision holds is for the broker to judge. Asked to end, it says so first and
 * answers what is on its way: the broker waits for nothing that does not come. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/session.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net.h"
#include "worker/score.h"

enum { VERSIONS_KEPT = 4, WAITING_MAX = 64, FRAMES_QUEUED = 256, LEAVE_MS = 2000 };
enum { EXIT_USAGE = 2 };

struct known_policy {
    uint32_t version, n_programmes; /* 0 programmes = empty */
    struct scoring scorings[POLICY_PROGRAMMES_MAX];
};

struct worker {
    struct session *session;
    struct scorer *scorer;
    struct known_policy known[VERSIONS_KEPT];
    uint32_t at_known; /* the one to be overwritten next */
    uint64_t n_decided;
    int signals;        /* signalfd */
    int64_t leave_us;   /* it leaves, at the latest then; 0 = it stays */
    uint64_t leave_seq; /* of the heartbeat that said so */
    bool left;          /* that one was heard: no request follows */
};

struct worker_options {
    const char *endpoint, *name;
    uint32_t capacity;
};

static const struct scoring *find_scoring(const struct worker *worker, const struct msg_request *request)
{
    for (const struct known_policy *known = worker->known; known < worker->known + VERSIONS_KEPT; known++)
        if (known->n_programmes > request->programme && known->version == request->policy_version)
            return &known->scorings[request->programme];
    return NULL;
}

static void learn(struct worker *worker, const struct msg_request *request)
{
    struct known_policy *known = &worker->known[worker->at_known];
    known->version = request->policy_version;
    if (scoring_decode(request->policy, known->scorings, &known->n_programmes)) {
        worker->at_known = (worker->at_known + 1) % VERSIONS_KEPT;
        return;
    }
    known->n_programmes = 0;
    log_line(LOG_WARN, "worker.policy_unreadable", "version=%" PRIu32 " bytes=%" PRIu32, request->policy_version,
             request->policy.len);
}

static void answer(struct worker *worker, const struct msg_request *request)
{
    int64_t start_us = clock_mono_us();
    struct msg reply = {.kind = MSG_DECISION};
    if (request->policy.len > 0 && find_scoring(worker, request) == NULL)
        learn(worker, request);
    const struct scoring *scoring = find_scoring(worker, request);
    if (scoring != NULL)
        score_request(worker->scorer, scoring, request, &reply.decision);
    else
        reply.decision = (struct msg_decision){
            .id = request->id, .reason = REASON_NEED_POLICY, .policy_version = request->policy_version};
    int64_t now_us = clock_mono_us();
    reply.decision.spent_us = (uint32_t) (now_us - start_us);
    worker->n_decided++;
    /* Not sent means that the broker does not read: past its deadline it decides by itself. */
    if (session_send(worker->session, &reply, now_us) == 0)
        log_line(LOG_WARN, "worker.unsent", "request=%" PRIu64, request->id);
}

/* Takes all news there is. Returns false when the broker wants no such worker. */
static bool take_news(struct worker *worker)
{
    struct msg msg;
    for (;;) {
        switch (session_step(worker->session, clock_mono_us(), &msg)) {
        case SESSION_QUIET:
            return true;
        case SESSION_IS_UP:
            memset(worker->known, 0, sizeof worker->known);
            log_line(LOG_INFO, "worker.up", "epoch=%" PRIu64, msg.welcome.epoch);
            break;
        case SESSION_IS_DOWN:
            log_line(LOG_WARN, "worker.down", "decided=%" PRIu64, worker->n_decided);
            break;
        case SESSION_IS_REFUSED:
            log_line(LOG_ERROR, "worker.refused", "reason=%s", reason_name(session_refusal(worker->session)));
            return false;
        case SESSION_GOT:
            if (msg.kind == MSG_REQUEST)
                answer(worker, &msg.request);
            else if (msg.kind == MSG_HEARD && worker->leave_us != 0 && msg.heard.seq >= worker->leave_seq)
                worker->left = true;
            break;
        }
    }
}

/* Returns true when a signal asks to end. */
static bool wait_for_news(struct worker *worker)
{
    struct sock *sock = session_sock(worker->session);
    struct wait_fd end = {.fd = worker->signals};
    struct signalfd_siginfo info;
    int64_t next_us = session_next_us(worker->session);
    if (worker->leave_us != 0 && worker->leave_us < next_us)
        next_us = worker->leave_us;
    int64_t left_us = next_us - clock_mono_us();
    int wait_ms = next_us == INT64_MAX ? -1
                  : left_us <= 0       ? 0
                  : left_us > 60000000 ? 60000
                                       : (int) (left_us / 1000 + 1);
    net_wait(&sock, sock != NULL ? 1 : 0, &end, 1, wait_ms);
    return end.readable && read(worker->signals, &info, sizeof info) == sizeof info;
}

static void begin_to_leave(struct worker *worker)
{
    int64_t now_us = clock_mono_us();
    worker->leave_us = now_us + LEAVE_MS * 1000;
    worker->leave_seq =
        session_send(worker->session, &(struct msg){.kind = MSG_HEARTBEAT, .heartbeat = {.draining = true}}, now_us);
    worker->left = worker->leave_seq == 0; /* nobody is there who could wait for an answer */
}

static bool has_left(const struct worker *worker)
{
    return worker->leave_us != 0 &&
           (worker->left || !session_is_up(worker->session) || clock_mono_us() >= worker->leave_us);
}

static int run(struct worker *worker)
{
    for (;;) {
        if (!take_news(worker))
            return EXIT_FAILURE;
        bool asked_again = false;
        if (!has_left(worker) && wait_for_news(worker)) {
            asked_again = worker->leave_us != 0;
            begin_to_leave(worker);
        }
        if (asked_again || has_left(worker)) {
            log_line(LOG_INFO, "worker.stopped", "decided=%" PRIu64, worker->n_decided);
            return EXIT_SUCCESS;
        }
    }
}

static const char help[] = "usage: takt-worker --endpoint URL [--name NAME] [--capacity N]\n"
                           "\n"
                           "Scores leads and allocates them to agents for a broker. Keeps nothing: start as\n"
                           "many as you like, stop any at any time: SIGTERM lets it finish what it has.\n"
                           "Connections are not encrypted yet, so only endpoints of this machine are taken.\n"
                           "\n"
                           "  --endpoint URL   the broker's socket for workers\n"
                           "  --name NAME      shown in reports; must differ from other workers' (default: made up)\n"
                           "  --capacity N     requests that may wait here at once, 1 to 64 (default: 4)\n"
                           "  --help           this text\n"
                           "\n"
                           "example:\n"
                           "  takt-worker --endpoint tcp://127.0.0.1:7703 --name worker-1\n";

static bool is_name(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= NAME_BYTES_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-") == len;
}

/* Returns -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct worker_options *ret)
{
    static const struct option known[] = {{"endpoint", required_argument, NULL, 'e'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"capacity", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    char *end = "";
    unsigned long capacity = ret->capacity;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'e')
            ret->endpoint = optarg;
        else if (option == 'n')
            ret->name = optarg;
        else if (option == 'c')
            capacity = strtoul(optarg, &end, 10);
        else if (option == 'h')
            return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        else
            return EXIT_USAGE;
    }
    if (optind < argc || ret->endpoint == NULL || !is_name(ret->name) || *end != '\0' || capacity < 1 ||
        capacity > WAITING_MAX) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    ret->capacity = (uint32_t) capacity;
    return -1;
}

/* SIGTERM and SIGINT become readable, so that a request in hand is finished first. */
static int take_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        abort();
    return fd;
}

/* "host/pid", for operators. */
static void find_place(char *ret, size_t room)
{
    char host[48] = "";
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "localhost");
    snprintf(ret, room, "%s/%d", host, (int) getpid());
}

int main(int argc, char **argv)
{
    char name[32], place[NAME_BYTES_MAX + 1], why[160] = "";
    uint32_t random;
    clock_random(&random, sizeof random);
    snprintf(name, sizeof name, "worker-%08" PRIx32, random);
    struct worker_options options = {.name = name, .capacity = 4};
    int exit_code = read_options(argc, argv, &options);
    if (exit_code >= 0)
        return exit_code;

    find_place(place, sizeof place);
    log_open("takt-worker", LOG_INFO);
    static struct worker worker; /* the scorings kept make it too large for a stack */
    worker.signals = take_signals();
    struct net *net = net_new();
    worker.session =
        session_new(&(struct session_options){.net = net,
                                              .endpoint = options.endpoint,
                                              .hwm = FRAMES_QUEUED,
                                              .hello = {.role = ROLE_WORKER,
                                                        .name = slice_of(options.name, strlen(options.name)),
                                                        .capacity = options.capacity,
                                                        .place = slice_of(place, strlen(place))}},
                    why);
    if (worker.session == NULL) {
        fprintf(stderr, "takt-worker: %s: %s\n", options.endpoint, why);
        net_destroy(&net);
        return EXIT_USAGE;
    }
    log_line(LOG_INFO, "worker.started", "name=%s capacity=%" PRIu32, options.name, options.capacity);
    worker.scorer = scorer_new();
    exit_code = run(&worker);
    scorer_destroy(&worker.scorer);
    session_destroy(&worker.session);
    net_destroy(&net);
    close(worker.signals);
    return exit_code;
}
