/* SPDX-License-Identifier: Apache-2.0
 * takt_operator.c - what an operator asks and reads.
 *
 * A Report does not name the Query it answers. So one is out at a time, and one
 * that stays unanswered is asked again in a new session: a late answer to the
 * first belongs to the old session and is dropped there. */
#include <string.h>

#include "client/takt_private.h"
#include "common/gzip.h"

unsigned takt_query_by_name(const char *name)
{
#define QUERY(number, word, text)                                                                                      \
    if (!strcmp(name, #word))                                                                                          \
        return number;
#include "proto/queries.def"
#undef QUERY
    return 0;
}

/* A request whose bytes are a copy of `*bytes`, which then points to them; NULL after saying why. */
static struct request *ask(struct takt *takt, struct slice *bytes, int *ret_code)
{
    const struct id none = {0};
    if (requests_find(&takt->requests, REQUEST_QUERY, none)) {
        *ret_code = takt_fail(takt, TAKT_EBUSY, "a query waits for its answer");
        return NULL;
    }
    char *kept = malloc(bytes->len + 1);
    struct request *request = kept ? requests_add(&takt->requests, REQUEST_QUERY, none) : NULL;
    if (!request) {
        free(kept);
        *ret_code = takt_fail(takt, TAKT_ENOMEM, "no memory");
        return NULL;
    }
    if (bytes->len > 0)
        memcpy(kept, bytes->at, bytes->len);
    bytes->at = (const uint8_t *) kept;
    request->bytes = kept;
    request->policy = (struct slice){0};
    request->order = NULL;
    request->suppress = (struct msg_suppress){0};
    *ret_code = TAKT_OK;
    return request;
}

int takt_query(takt_t *takt, unsigned what, const char *arg, uint32_t limit)
{
    int code = takt_may(takt, TAKT_OPERATOR);
    if (code)
        return code;
    struct msg_query query = {
        .what = (enum query_what) what, .arg = slice_of(arg, arg ? strlen(arg) : 0), .limit = limit};
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_QUERY, .query = query});
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    struct request *request = ask(takt, &query.arg, &code);
    if (request)
        request->query = query;
    return code;
}

/* The answer is a Report of POLICIES. */
int takt_apply(takt_t *takt, const char *text, size_t len)
{
    int code = takt_may(takt, TAKT_OPERATOR);
    if (code)
        return code;
    struct buf packed = {0};
    struct slice policy = slice_of(text, len);
    if (len == 0)
        return takt_fail(takt, TAKT_EUSAGE, "the policy is empty");
    if (len > APPLY_BYTES_MAX && len <= POLICY_TEXT_MAX) {
        gzip_pack(policy, &packed);
        policy = slice_of(packed.at, packed.len);
    }
    struct request *request = NULL;
    if (len > POLICY_TEXT_MAX || policy.len > APPLY_BYTES_MAX)
        code = takt_fail(takt, TAKT_ETOOBIG, "a policy is at most 2 MiB, and 240 KiB as gzip");
    else
        request = ask(takt, &policy, &code);
    if (request) {
        request->query = (struct msg_query){.what = QUERY_POLICIES};
        request->policy = policy;
    }
    buf_fini(&packed);
    return code;
}

unsigned takt_order_by_word(const char *word)
{
    return order_by_word(word);
}

/* The order and its texts in one piece of memory, which is copied once more by ask(): orders are rare. */
int takt_order(takt_t *takt, unsigned what, takt_id lead, const char *agent, unsigned code, const char *actor,
               const char *why)
{
    const char *texts[] = {agent ? agent : "", actor ? actor : "", why ? why : ""};
    struct slice bytes = {.len = sizeof(struct msg_order)};
    int result = takt_may(takt, TAKT_OPERATOR);
    if (result)
        return result;
    struct msg_order order = {.op = takt_next_op(takt), .lead = takt_id_in(lead), .what = what, .code = code};
    struct slice *const to[] = {&order.agent, &order.actor, &order.why};
    for (size_t i = 0; i < 3; i++)
        *to[i] = slice_of(texts[i], strlen(texts[i]));
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_ORDER, .order = order});
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    uint8_t whole[sizeof order + 2 * NAME_BYTES_MAX + WHY_BYTES_MAX];
    for (size_t i = 0; i < 3; i++) {
        memcpy(whole + bytes.len, to[i]->at, to[i]->len);
        bytes.len += to[i]->len;
    }
    bytes.at = whole;
    struct request *request = ask(takt, &bytes, &result);
    if (!request)
        return result;
    const uint8_t *at = bytes.at + sizeof order;
    for (size_t i = 0; i < 3; at += to[i]->len, i++)
        to[i]->at = at;
    memcpy(request->bytes, &order, sizeof order);
    request->order = request->bytes;
    request->query = (struct msg_query){.what = QUERY_LEAD};
    return TAKT_OK;
}

/* The answer is a Report of SUPPRESSED. */
int takt_suppress(takt_t *takt, const char *contacts, size_t len, bool remove)
{
    int code = takt_may(takt, TAKT_OPERATOR);
    if (code)
        return code;
    struct slice text = slice_of(contacts, len);
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_SUPPRESS, .suppress = {.contacts = text}});
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    struct request *request = ask(takt, &text, &code);
    if (request) {
        request->query = (struct msg_query){.what = QUERY_SUPPRESSED};
        request->suppress = (struct msg_suppress){text, remove};
    }
    return code;
}

bool operator_send(struct takt *takt, struct request *request, int64_t now_us)
{
    struct msg msg = {.kind = MSG_QUERY, .query = request->query};
    if (request->policy.len > 0)
        msg = (struct msg){.kind = MSG_APPLY, .apply = {.text = request->policy}};
    else if (request->order)
        msg = (struct msg){.kind = MSG_ORDER, .order = *request->order};
    else if (request->suppress.contacts.len > 0)
        msg = (struct msg){.kind = MSG_SUPPRESS, .suppress = request->suppress};
    uint64_t seq = session_send(takt->session, &msg, now_us);
    if (!seq)
        return false;
    requests_sent(&takt->requests, request, seq, now_us);
    return true;
}

static bool make_room(struct takt *takt, size_t n)
{
    if (n <= takt->cells_room)
        return true;
    takt_text *cells = realloc(takt->cells, n * sizeof *cells);
    if (!cells)
        return false;
    takt->cells = cells;
    takt->cells_room = n;
    return true;
}

static takt_text text_of_slice(struct slice slice)
{
    return (takt_text){(const char *) slice.at, slice.len};
}

bool operator_tell(struct takt *takt, struct takt_event *ret_event)
{
    const struct msg_report *report = &takt->got.report;
    struct request *request = requests_find(&takt->requests, REQUEST_QUERY, (struct id){0});
    if (!request || request->query.what != report->what)
        return false;
    if (takt_is_busy(report->reason))
        return takt_put_off(takt, request, 0, ret_event);
    size_t n_cells = (size_t) report->n_columns * report->n_rows;
    if (!make_room(takt, 1 + report->n_columns + n_cells))
        return false; /* asked again when its time is over */
    requests_done(&takt->requests, request);
    for (size_t i = 0; i < report->n_columns; i++)
        takt->cells[i] = text_of_slice(report->columns[i]);
    for (size_t i = 0; i < n_cells; i++)
        takt->cells[report->n_columns + i] = text_of_slice(report->cells[i]);
    *ret_event = (struct takt_event){.kind = TAKT_REPORT, .reason = report->reason};
    ret_event->report.what = report->what;
    ret_event->report.n_columns = report->n_columns;
    ret_event->report.n_rows = report->n_rows;
    ret_event->report.columns = takt->cells;
    ret_event->report.cells = takt->cells + report->n_columns;
    ret_event->report.types = report->types;
    ret_event->report.more = report->more;
    return true;
}
