/* SPDX-License-Identifier: Apache-2.0
 * load.c - a source that makes its own leads. See load.h. */
#include "cli/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { FLIGHTS_MAX = 64, ATTRIBUTES = 3 };

struct flight { /* a chunk without its receipt; n 0 = free */
    takt_id op;
    uint32_t n;
    int64_t sent_us;
};

struct row_text {
    char key[48], name[32], phone[20], email[48];
    struct takt_attribute attributes[ATTRIBUTES];
};

struct load {
    struct load_plan plan;
    takt_t *takt;
    char run[9]; /* of the keys */
    uint32_t next;
    int64_t start_us; /* 0 = not begun */
    bool ended;
    const char *why;
    struct flight flights[FLIGHTS_MAX];
    int64_t *sent_us; /* by number; 0 = handed over */
    struct row_text texts[CHUNK_ROWS_MAX];
    struct takt_lead leads[CHUNK_ROWS_MAX];
    struct load_counts counts;
};

struct load *load_new(const struct load_plan *plan, char why[160])
{
    char name[32];
    uint32_t random;
    clock_random(&random, sizeof random);
    snprintf(name, sizeof name, "bench-%08" PRIx32, random);
    takt_t *takt =
        takt_open(&(struct takt_options){.role = TAKT_SOURCE, .endpoint = plan->endpoint, .name = name}, why);
    if (!takt)
        return NULL;
    struct load *load = calloc(1, sizeof *load);
    if (!load || !(load->sent_us = calloc(plan->leads, sizeof *load->sent_us)))
        abort();
    load->plan = *plan;
    load->takt = takt;
    load->why = "";
    snprintf(load->run, sizeof load->run, "%08" PRIx32, random);
    return load;
}

void load_destroy(struct load **load_p)
{
    struct load *load = *load_p;
    if (!load)
        return;
    takt_close(&load->takt);
    buf_fini(&load->counts.receipt_us);
    free(load->sent_us);
    free(load);
    *load_p = NULL;
}

/* ---- leads ---------------------------------------------------------------------- */

static takt_text text_of(const char *text)
{
    return (takt_text){text, strlen(text)};
}

static void make_lead(const struct load *load, uint32_t number, struct row_text *text, struct takt_lead *ret)
{
    static const char *const states[] = {"CA", "TX", "FL", "NY", "OH", "WA", "CO", "AZ"};
    static const char *const products[] = {"purchase", "refinance", "equity"};
    snprintf(text->key, sizeof text->key, LOAD_KEY_PREFIX "%s-%" PRIu32, load->run, number);
    snprintf(text->name, sizeof text->name, "Bench Lead %" PRIu32, number);
    snprintf(text->phone, sizeof text->phone, "+1 303 555 %04" PRIu32, number % 10000);
    snprintf(text->email, sizeof text->email, "bench.lead%" PRIu32 "@example.test", number);
    text->attributes[0] = (struct takt_attribute){.name = text_of("state"), .text = text_of(states[number % 8])};
    text->attributes[1] = (struct takt_attribute){.name = text_of("product"), .text = text_of(products[number % 3])};
    text->attributes[2] =
        (struct takt_attribute){.name = text_of("amount"), .number = 100000 + (int64_t) (number % 400) * 1000};
    *ret = (struct takt_lead){.key = text_of(text->key),
                              .name = text_of(text->name),
                              .phone = text_of(text->phone),
                              .email = text_of(text->email),
                              .remarks = text_of("made by takt bench: not a person"),
                              .attributes = text->attributes,
                              .n_attributes = ATTRIBUTES};
}

int64_t load_handed(struct load *load, takt_text key, int64_t now_us)
{
    char text[48], run[9], more;
    uint32_t number;
    if (key.len >= sizeof text)
        return -1;
    memcpy(text, key.at, key.len);
    text[key.len] = '\0';
    if (sscanf(text, LOAD_KEY_PREFIX "%8[0-9a-f]-%" SCNu32 "%c", run, &number, &more) != 2 ||
        strcmp(run, load->run) != 0 || number >= load->next || load->sent_us[number] == 0)
        return -1;
    const int64_t took_us = now_us - load->sent_us[number];
    load->sent_us[number] = 0;
    return took_us;
}

/* ---- sending -------------------------------------------------------------------- */

bool load_is_connected(const struct load *load)
{
    return takt_connected(load->takt);
}

void load_begin(struct load *load, int64_t now_us)
{
    load->start_us = now_us;
}

void load_end(struct load *load)
{
    load->ended = true;
}

static int64_t due_us(const struct load *load, uint32_t number)
{
    return load->start_us + (int64_t) ((uint64_t) number * 1000000 / (uint64_t) load->plan.rate);
}

static struct flight *free_flight(struct load *load)
{
    struct flight *flight = load->flights;
    while (flight < load->flights + FLIGHTS_MAX && flight->n > 0)
        flight++;
    return flight < load->flights + FLIGHTS_MAX ? flight : NULL;
}

/* How many leads are due now. */
static uint32_t due_now(const struct load *load, int64_t now_us)
{
    uint32_t n = load->plan.leads - load->next;
    if (n > load->plan.a_chunk)
        n = load->plan.a_chunk;
    if (load->start_us == 0 || load->ended)
        return 0;
    return n == 0 || (load->plan.rate > 0 && due_us(load, load->next + n - 1) > now_us) ? 0 : n;
}

static bool send_chunk(struct load *load, uint32_t n, int64_t now_us)
{
    struct flight *flight = free_flight(load);
    if (!flight || takt_out(load->takt) >= takt_window(load->takt))
        return false;
    for (uint32_t i = 0; i < n; i++)
        make_lead(load, load->next + i, &load->texts[i], &load->leads[i]);
    const takt_id op = takt_new_op(load->takt);
    if (takt_chunk(load->takt, op, load->plan.source, NULL, 0, load->leads, n) != TAKT_OK)
        return false;
    *flight = (struct flight){.op = op, .n = n, .sent_us = now_us};
    for (uint32_t i = 0; i < n; i++)
        load->sent_us[load->next + i] = load->plan.rate > 0 ? due_us(load, load->next + i) : now_us;
    if (load->plan.rate > 0)
        flight->sent_us = due_us(load, load->next + n - 1);
    load->next += n;
    load->counts.sent += n;
    load->counts.chunks++;
    return true;
}

static void hear_receipt(struct load *load, const struct takt_event *event, int64_t now_us)
{
    for (struct flight *flight = load->flights; flight < load->flights + FLIGHTS_MAX; flight++) {
        if (flight->n == 0 || memcmp(flight->op.bytes, event->op.bytes, sizeof event->op.bytes) != 0)
            continue;
        const uint32_t us = (uint32_t) (now_us - flight->sent_us);
        buf_add(&load->counts.receipt_us, &us, sizeof us);
        for (uint32_t i = 0; i < flight->n; i++) {
            const unsigned outcome = event->reason               ? event->reason
                                     : i < event->receipt.n_rows ? event->receipt.outcomes[i]
                                                                 : REASON_OP_ID_REUSED; /* an answer to other rows */
            *(outcome ? &load->counts.rejected : &load->counts.accepted) += 1;
            if (outcome)
                load->counts.rejected_reason = outcome;
        }
        flight->n = 0;
    }
}

bool load_turn(struct load *load, int64_t now_us)
{
    bool heard;
    do {
        struct takt_event event;
        heard = false;
        while (takt_next(load->takt, &event, 0) == 1) {
            heard = true;
            load->counts.busy += event.kind == TAKT_BUSY;
            if (event.kind == TAKT_RECEIPT)
                hear_receipt(load, &event, clock_mono_us());
            if (event.kind == TAKT_REFUSED)
                load->why = takt_reason_text(event.reason);
        }
        if (load->plan.send_us > 0 && load->start_us > 0 && now_us - load->start_us >= load->plan.send_us)
            load->ended = true;
        for (uint32_t n; (n = due_now(load, now_us)) > 0 && send_chunk(load, n, now_us);)
            heard = true;
        takt_flush(load->takt);
    } while (heard); /* the descriptor is edge-triggered: leave nothing in it */
    return load->why[0] == '\0';
}

const char *load_why(const struct load *load)
{
    return load->why;
}

int load_fd(const struct load *load)
{
    return takt_fd(load->takt);
}

int64_t load_next_us(const struct load *load, int64_t now_us)
{
    const int wait_ms = takt_timeout_ms(load->takt);
    int64_t next_us = wait_ms < 0 ? INT64_MAX : now_us + (int64_t) wait_ms * 1000;
    const bool sends = load->start_us > 0 && !load->ended && load->next < load->plan.leads;
    if (sends && load->plan.rate > 0 && takt_out(load->takt) < takt_window(load->takt)) {
        uint32_t last = load->next + load->plan.a_chunk - 1;
        if (last >= load->plan.leads)
            last = load->plan.leads - 1;
        if (due_us(load, last) < next_us)
            next_us = due_us(load, last);
    }
    return next_us;
}

bool load_is_over(const struct load *load)
{
    return (load->ended || load->next == load->plan.leads) &&
           load->counts.accepted + load->counts.rejected == load->counts.sent;
}

const struct load_counts *load_counts(const struct load *load)
{
    return &load->counts;
}
