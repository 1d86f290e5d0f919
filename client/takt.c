/* SPDX-License-Identifier: Apache-2.0
 * takt.c - owns the handle: opening, the one loop behind takt_next(), and the
 * names. What each role says and hears is in takt_source.c, takt_agent.c and
 * takt_operator.c.
 *
 * All handles of a process share one ZeroMQ context, the library's only global:
 * a context costs a thread, and hundreds of handles in one process are normal.
 * It is made with the first handle and goes with the last. */
#include "client/takt.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "client/takt_private.h"
#include "common/clock.h"
#include "core/lead_states.h"

enum { HWM = 256 };

static struct {
    pthread_mutex_t lock;
    struct net *net;
    unsigned handles;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct net *take_net(void)
{
    pthread_mutex_lock(&shared.lock);
    if (!shared.net)
        shared.net = net_new();
    struct net *net = shared.net;
    if (net)
        shared.handles++;
    pthread_mutex_unlock(&shared.lock);
    return net;
}

static void release_net(struct net *net)
{
    if (!net)
        return;
    pthread_mutex_lock(&shared.lock);
    if (--shared.handles == 0)
        net_destroy(&shared.net);
    pthread_mutex_unlock(&shared.lock);
}

/* ---- small things ------------------------------------------------------------- */

int takt_fail(struct takt *takt, int code, const char *why)
{
    snprintf(takt->why, sizeof takt->why, "%s", why);
    return code;
}

int takt_may(struct takt *takt, enum takt_role role)
{
    if (takt->refused)
        return takt_fail(takt, TAKT_EREFUSED, "the broker refused this handle for good");
    if (takt->role != role)
        return takt_fail(takt, TAKT_EUSAGE, "this handle was opened with another role");
    if (HASH_COUNT(takt->requests.by_key) >= REQUESTS_MAX)
        return takt_fail(takt, TAKT_EBUSY, "too many requests wait for an answer");
    return TAKT_OK;
}

struct id takt_next_op(struct takt *takt)
{
    takt->next_op.lo++;
    return takt->next_op;
}

takt_id takt_new_op(takt_t *takt)
{
    return takt_id_out(takt_next_op(takt));
}

const char *takt_why(const takt_t *takt)
{
    return takt->why;
}

bool takt_connected(const takt_t *takt)
{
    return session_is_up(takt->session);
}

unsigned takt_out(const takt_t *takt)
{
    unsigned intents = requests_find((struct requests *) &takt->requests, REQUEST_INTENT, (struct id){0}) ? 1 : 0;
    return HASH_COUNT(takt->requests.by_key) - intents; /* an intent is told, not asked */
}

/* ---- open and close ----------------------------------------------------------- */

static struct slice keep(char **at, const char *text)
{
    if (!text)
        return (struct slice){0};
    size_t len = strlen(text);
    struct slice kept = slice_of(*at, len);
    memcpy(*at, text, len);
    *at += len;
    return kept;
}

/* Copies the strings of the options, so that the session can borrow them. */
static const char *make_hello(struct takt *takt, const struct takt_options *options, struct msg_hello *ret_hello)
{
    size_t room = 1 + (options->name ? strlen(options->name) : 0) + (options->team ? strlen(options->team) : 0);
    uint32_t n_skills = 0;
    for (; options->skills && options->skills[n_skills]; n_skills++) {
        if (n_skills == SKILLS_MAX)
            return "more than 16 skills";
        room += strlen(options->skills[n_skills]);
    }
    char *at = takt->strings = malloc(room);
    if (!at)
        return "no memory";
    *ret_hello = (struct msg_hello){.protocol = PROTOCOL_VERSION,
                                    .role = (enum role) options->role,
                                    .name = keep(&at, options->name),
                                    .team = keep(&at, options->team),
                                    .intent = (enum intent) options->intent,
                                    .capacity = options->capacity,
                                    .n_skills = n_skills};
    for (uint32_t i = 0; i < n_skills; i++)
        ret_hello->skills[i] = keep(&at, options->skills[i]);
    return wire_check_msg(&(struct msg){.kind = MSG_HELLO, .hello = *ret_hello});
}

static bool open_session(struct takt *takt, const struct takt_options *options, char why[160])
{
    struct session_options session = {.endpoint = options->endpoint, .hwm = HWM};
    const char *wrong = make_hello(takt, options, &session.hello);
    if (!options->endpoint)
        wrong = "no endpoint";
    else if (options->role == TAKT_WORKER)
        wrong = "a worker is not a client of this library: see takt-worker";
    if (!wrong) {
        session.net = takt->net = take_net();
        wrong = session.net ? NULL : "no memory";
    }
    if (wrong)
        snprintf(why, 160, "%s", wrong);
    else
        takt->session = session_new(&session, why);
    return takt->session;
}

takt_t *takt_open(const struct takt_options *options, char *why)
{
    char unread[160];
    struct takt *takt = calloc(1, sizeof *takt);
    if (!takt)
        return NULL;
    clock_random(&takt->next_op, sizeof takt->next_op);
    takt->role = options->role;
    if (!open_session(takt, options, why ? why : unread))
        takt_close(&takt);
    return takt;
}

void takt_close(takt_t **takt_p)
{
    struct takt *takt = *takt_p;
    if (!takt)
        return;
    if (takt->session)
        takt_flush(takt);
    session_destroy(&takt->session);
    requests_fini(&takt->requests);
    agent_fini(takt);
    free(takt->strings);
    free(takt->scratch);
    free(takt->cells);
    release_net(takt->net);
    free(takt);
    *takt_p = NULL;
}

/* ---- sending ------------------------------------------------------------------ */

static bool flush(struct takt *takt, int64_t now_us)
{
    if (takt->role == TAKT_AGENT)
        return agent_flush(takt, now_us);
    while (takt->requests.waiting) {
        struct request *request = takt->requests.waiting;
        bool sent =
            takt->role == TAKT_SOURCE ? source_send(takt, request, now_us) : operator_send(takt, request, now_us);
        if (!sent)
            return false;
    }
    return true;
}

int takt_flush(takt_t *takt)
{
    if (takt->refused)
        return takt_fail(takt, TAKT_EREFUSED, "the broker refused this handle for good");
    if (session_is_up(takt->session))
        flush(takt, clock_mono_us());
    return TAKT_OK;
}

/* ---- hearing ------------------------------------------------------------------ */

bool takt_is_busy(enum reason reason)
{
    return reason == REASON_BUSY || reason == REASON_NOT_ACTIVE || reason == REASON_STATE_ROLLED_BACK;
}

bool takt_put_off(struct takt *takt, struct request *request, uint32_t wait_ms, struct takt_event *ret_event)
{
    if (!wait_ms)
        wait_ms = BUSY_MS;
    requests_put_off(&takt->requests, request, clock_mono_us() + (int64_t) wait_ms * 1000);
    *ret_event = (struct takt_event){.kind = TAKT_BUSY, .op = takt_id_out(request->key.id), .wait_ms = wait_ms};
    return true;
}

/* An Error about one frame: what left in it is put off, or refused and told next. */
static bool tell_error(struct takt *takt, const struct msg_error *error, int64_t now_us, struct takt_event *ret_event)
{
    if (!error->seq)
        return false;
    if (!takt_is_busy(error->reason)) {
        snprintf(takt->why, sizeof takt->why, "%.*s", (int) error->text.len, (const char *) error->text.at);
        requests_refuse_seq(&takt->requests, error->seq, error->reason);
        return false;
    }
    uint32_t wait_ms = error->retry_after_ms ? error->retry_after_ms : BUSY_MS;
    if (!requests_put_off_seq(&takt->requests, error->seq, now_us + (int64_t) wait_ms * 1000))
        return false; /* a heartbeat */
    *ret_event = (struct takt_event){.kind = TAKT_BUSY, .reason = error->reason, .wait_ms = wait_ms};
    return true;
}

static bool tell_refused(struct takt *takt, struct takt_event *ret_event)
{
    static const enum takt_event_kind kinds[] = {
        [REQUEST_ACT] = TAKT_ACTED,         [REQUEST_READY] = TAKT_READY_ANSWER, [REQUEST_INTENT] = 0,
        [REQUEST_MANIFEST] = TAKT_MANIFEST, [REQUEST_CHUNK] = TAKT_RECEIPT,      [REQUEST_QUERY] = TAKT_REPORT,
    };
    struct request *request = takt->requests.refused;
    if (!request)
        return false;
    enum request_kind kind = (enum request_kind) request->key.kind;
    *ret_event =
        (struct takt_event){.kind = kinds[kind], .op = takt_id_out(request->key.id), .reason = request->refusal};
    if (kind == REQUEST_ACT) {
        ret_event->lead_id = takt_id_out(request->act.lead);
        ret_event->fence = request->act.fence;
    } else if (kind == REQUEST_MANIFEST) {
        ret_event->manifest.import = takt_id_out(request->key.id);
    } else if (kind == REQUEST_QUERY) {
        ret_event->report.what = request->query.what;
    }
    requests_done(&takt->requests, request);
    return ret_event->kind != 0;
}

static bool tell_got(struct takt *takt, int64_t now_us, struct takt_event *ret_event)
{
    switch (takt->got.kind) {
    case MSG_HEARD:
        agent_heard(takt, &takt->got.heard);
        return false;
    case MSG_ERROR:
        return tell_error(takt, &takt->got.error, now_us, ret_event);
    case MSG_AGENT_HEARS:
        takt->told_results = takt->told_withdrawals = takt->told_offers = takt->told_candidates = 0;
        takt->telling = takt->role == TAKT_AGENT;
        return false;
    case MSG_RECEIPT:
    case MSG_MANIFEST_STATE:
        return takt->role == TAKT_SOURCE && source_tell(takt, ret_event);
    case MSG_REPORT:
        return takt->role == TAKT_OPERATOR && operator_tell(takt, ret_event);
    default:
        return false;
    }
}

/* Returns true when there is an event; *ret_quiet: nothing more can come without waiting. */
static bool step(struct takt *takt, int64_t now_us, struct takt_event *ret_event, bool *ret_quiet)
{
    *ret_quiet = false;
    switch (session_step(takt->session, now_us, &takt->got)) {
    case SESSION_QUIET:
        *ret_quiet = true;
        return false;
    case SESSION_GOT:
        return tell_got(takt, now_us, ret_event);
    case SESSION_IS_UP:
        agent_session_ended(takt, false);
        requests_again(&takt->requests);
        *ret_event = (struct takt_event){.kind = TAKT_CONNECTED};
        ret_event->position.epoch = takt->got.welcome.epoch;
        ret_event->position.beat = takt->got.welcome.beat;
        return true;
    case SESSION_IS_DOWN:
        agent_session_ended(takt, false);
        requests_again(&takt->requests);
        *ret_event = (struct takt_event){.kind = TAKT_DISCONNECTED};
        return true;
    case SESSION_IS_REFUSED:
        agent_session_ended(takt, true);
        takt->refused = true;
        *ret_event = (struct takt_event){.kind = TAKT_REFUSED, .reason = session_refusal(takt->session)};
        return true;
    }
    return false;
}

static int64_t earliest(const struct takt *takt)
{
    int64_t next_us = takt->requests.next_us;
    return takt->held_next_us < next_us ? takt->held_next_us : next_us;
}

int takt_next(takt_t *takt, struct takt_event *ret_event, int timeout_ms)
{
    int64_t now_us = clock_mono_us();
    const int64_t until_us = timeout_ms < 0 ? INT64_MAX : now_us + (int64_t) timeout_ms * 1000;
    for (;; now_us = clock_mono_us()) {
        bool quiet;
        if (agent_tell_next(takt, now_us, ret_event) || tell_refused(takt, ret_event) ||
            agent_tell_ended(takt, now_us, ret_event))
            return 1;
        if (takt->refused)
            return takt_fail(takt, TAKT_EREFUSED, "the broker refused this handle for good");
        if (requests_due(&takt->requests, now_us))
            session_restart(takt->session);
        if (session_is_up(takt->session))
            flush(takt, now_us);
        if (step(takt, now_us, ret_event, &quiet))
            return 1;
        if (!quiet)
            continue;
        if (now_us >= until_us)
            return 0;
        int64_t next_us = earliest(takt);
        session_wait(takt->session, next_us < until_us ? next_us : until_us);
    }
}

int takt_fd(const takt_t *takt)
{
    return session_fd(takt->session);
}

int takt_timeout_ms(const takt_t *takt)
{
    bool pending = takt->telling || takt->requests.refused;
    bool to_send = (takt->requests.waiting || takt->n_acks) && session_is_up(takt->session);
    if (pending || to_send)
        return 0;
    int64_t next_us = earliest(takt), session_us = session_next_us(takt->session);
    if (session_us < next_us)
        next_us = session_us;
    if (next_us == INT64_MAX)
        return -1;
    int64_t left_us = next_us - clock_mono_us();
    return left_us <= 0 ? 0 : left_us > 60000000 ? 60000 : (int) ((left_us + 999) / 1000);
}

/* ---- names -------------------------------------------------------------------- */

const char *takt_reason_name(unsigned reason)
{
    return reason_name(reason);
}

const char *takt_reason_text(unsigned reason)
{
    return reason_text(reason);
}

const char *takt_state_name(unsigned state)
{
    return lead_state_name(state);
}

const char *takt_disposition_word(unsigned code)
{
    return disposition_word(code);
}

unsigned takt_disposition(const char *word)
{
    return disposition_by_word(word);
}

void takt_id_text(takt_id id, char ret_text[33])
{
    id_to_hex(takt_id_in(id), ret_text);
}

bool takt_id_parse(const char *text, takt_id *ret_id)
{
    struct id id;
    if (!id_from_hex(text, &id))
        return false;
    *ret_id = takt_id_out(id);
    return true;
}
