/* SPDX-License-Identifier: Apache-2.0
 * import_send.c - rows to the broker, outcomes to the tally. See import_send.h. */
#include "cli/import_send.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/rejects.h"
#include "client/takt.h"
#include "common/clock.h"

enum {
    WINDOW_MAX = 64,
    TURN_MS = 200, /* how often progress is looked at while waiting */
    HELLO_PATIENCE_US = 2000 * 1000,
    KEPT_BYTES_MAX = 1024 * 1024, /* of refused rows with no row to send among them */
};

struct entry { /* a row of a flight that is, or may turn out to be, a reject */
    uint64_t line;
    enum reason reason;           /* OK: its outcome is in the receipt */
    size_t why_at, cells_at, end; /* in kept */
};

struct flight { /* a chunk, from its first row to its settlement */
    uint64_t chunk;
    struct id op;
    bool known, answered;
    struct buf entries, kept; /* of struct entry; sentences and cells */
    uint32_t n_rows;          /* sent ones */
    enum reason refusal;      /* of the whole chunk */
    uint32_t outcomes[CHUNK_ROWS_MAX], warnings[CHUNK_ROWS_MAX];
    struct id leads[CHUNK_ROWS_MAX]; /* of DUPLICATE_CONTACT the first one */
};

struct chunk_rows { /* the rows of the chunk in work; the library copies them */
    struct takt_lead leads[CHUNK_ROWS_MAX];
    struct takt_attribute attributes[CHUNK_ROWS_MAX * ROW_ATTRIBUTES_MAX];
    char texts[FRAME_BYTES_MAX];
    size_t n_attributes, used;
};

struct send {
    takt_t *takt;
    struct intake *intake;
    const struct intake_plan *plan;
    const struct send_options *options;
    struct tally *tally;
    FILE *rejects;
    struct progress progress;
    struct flight flights[WINDOW_MAX + 1]; /* a ring; the newest is the chunk in work */
    uint32_t oldest, n_flights, window;
    struct chunk_rows rows;
    struct id import; /* of the part in work */
    uint64_t part;
    bool part_open, away_said;
    uint8_t standing[CHUNKS_MAX / 8];
    uint64_t settled, sent;
    int64_t start_us, moved_us; /* since when; last progress */
    enum send_result result;
};

/* ---- settling ------------------------------------------------------------------ */

static struct flight *flight_at(struct send *send, uint32_t i)
{
    return &send->flights[(send->oldest + i) % (WINDOW_MAX + 1)];
}

static struct flight *in_work(struct send *send)
{
    return flight_at(send, send->n_flights - 1);
}

static void begin_flight(struct send *send, uint64_t chunk)
{
    assert(send->n_flights <= WINDOW_MAX);
    struct flight *flight = flight_at(send, send->n_flights++);
    flight->chunk = chunk;
    flight->known = flight->answered = false;
    flight->entries.len = flight->kept.len = 0;
    flight->n_rows = 0;
    flight->refusal = REASON_OK;
    send->rows.n_attributes = send->rows.used = 0;
}

static void settle_entry(struct send *send, struct flight *flight, const struct entry *entry, uint32_t *next_row)
{
    uint32_t outcome = entry->reason, warnings = 0;
    struct slice kept = {0}; /* nothing was kept of any: then there is no byte to point at */
    const char *why = "";
    char hex[33], named[128];
    if (entry->end > 0) {
        why = (const char *) flight->kept.at + entry->why_at;
        kept = slice_of(flight->kept.at + entry->cells_at, entry->end - entry->cells_at);
    }
    if (entry->reason == REASON_OK) {
        uint32_t row = (*next_row)++;
        outcome = flight->refusal != REASON_OK ? flight->refusal : flight->outcomes[row];
        warnings = flight->refusal != REASON_OK ? 0 : flight->warnings[row];
        why = reason_text(outcome);
        if (outcome == REASON_DUPLICATE_CONTACT) {
            id_to_hex(flight->leads[row], hex);
            snprintf(named, sizeof named, "%s: %s", why, hex);
            why = named;
        }
    }
    tally_add(send->tally, outcome, warnings, flight->known);
    if (send->rejects && outcome != REASON_OK && outcome != REASON_DUPLICATE_KEY)
        rejects_write(send->rejects, entry->line, (enum reason) outcome, why, kept);
}

static void settle(struct send *send, struct flight *flight)
{
    uint32_t row = 0;
    size_t n = flight->entries.len / sizeof(struct entry);
    const struct entry *entries = (const struct entry *) (const void *) flight->entries.at;
    for (size_t i = 0; i < n; i++)
        settle_entry(send, flight, &entries[i], &row);
    send->settled += n;
}

static void settle_answered(struct send *send)
{
    while (send->n_flights > 0 && send->flights[send->oldest].answered) {
        settle(send, &send->flights[send->oldest]);
        send->oldest = (send->oldest + 1) % (WINDOW_MAX + 1);
        send->n_flights--;
    }
}

/* ---- the conversation ---------------------------------------------------------- */

static struct id id_of(takt_id id)
{
    return id_from_bytes(id.bytes);
}

static takt_id id_out(struct id id)
{
    takt_id out;
    id_to_bytes(id, out.bytes);
    return out;
}

static void say(struct send *send, const char *text, const char *more)
{
    progress_clear(&send->progress);
    cli_say("%s%s", text, more);
}

static void take_receipt(struct send *send, const struct takt_event *event)
{
    for (uint32_t i = 0; i < send->n_flights; i++) {
        struct flight *flight = flight_at(send, i);
        if (flight->answered || !id_equal(flight->op, id_of(event->op)))
            continue;
        flight->refusal = (enum reason) event->reason;
        if (event->reason == REASON_OK && event->receipt.n_rows != flight->n_rows)
            flight->refusal = REASON_OP_ID_REUSED; /* an answer to other rows than these */
        for (uint32_t row = 0; flight->refusal == REASON_OK && row < flight->n_rows; row++) {
            flight->outcomes[row] = event->receipt.outcomes[row];
            flight->warnings[row] = event->receipt.warnings[row];
            flight->leads[row] = id_of(event->receipt.ids[row]);
        }
        flight->answered = true;
    }
    settle_answered(send);
}

static void take_manifest(struct send *send, const struct takt_event *event)
{
    if (!id_equal(id_of(event->manifest.import), send->import))
        return;
    if (event->reason != REASON_OK) {
        say(send, "the broker does not take this import: ", reason_text(event->reason));
        send->result = SEND_REFUSED;
        return;
    }
    size_t len = event->manifest.standing_len;
    memset(send->standing, 0, sizeof send->standing);
    if (len > 0)
        memcpy(send->standing, event->manifest.standing, len < sizeof send->standing ? len : sizeof send->standing);
    send->part_open = true;
}

static void take_event(struct send *send, const struct takt_event *event)
{
    bool moved = true;
    switch (event->kind) {
    case TAKT_CONNECTED:
        if (send->away_said)
            say(send, "the broker is back; going on", "");
        send->away_said = false;
        break;
    case TAKT_DISCONNECTED:
        say(send, "the broker is away; trying again until --timeout", "");
        send->away_said = true;
        moved = false;
        break;
    case TAKT_REFUSED:
        say(send, "the broker refuses this session: ", reason_text(event->reason));
        send->result = SEND_REFUSED;
        break;
    case TAKT_RECEIPT:
        take_receipt(send, event);
        break;
    case TAKT_MANIFEST:
        take_manifest(send, event);
        break;
    default: /* BUSY: the library waits and repeats by itself; not progress */
        moved = false;
    }
    if (moved)
        send->moved_us = clock_mono_us();
}

/* Wait for at most one event. Returns false when the import is over. */
static bool turn(struct send *send, int64_t timeout_ms)
{
    struct takt_event event;
    int got = takt_next(send->takt, &event, (int) (timeout_ms < TURN_MS ? timeout_ms : TURN_MS));
    if (got > 0)
        take_event(send, &event);
    int64_t silent_us = clock_mono_us() - send->moved_us;
    if (!send->away_said && !takt_connected(send->takt) && silent_us > HELLO_PATIENCE_US) {
        say(send, "no broker answers yet; trying until --timeout: ", send->options->endpoint);
        send->away_said = true;
    }
    if (got < 0 && send->result == SEND_DONE) {
        say(send, takt_why(send->takt), "");
        send->result = SEND_REFUSED;
    } else if (silent_us / 1000 > send->options->timeout_ms && send->result == SEND_DONE) {
        send->result = SEND_SILENT;
    }
    progress_show(&send->progress, send->settled);
    return send->result == SEND_DONE;
}

/* ---- sending ------------------------------------------------------------------- */

/* Wait until at most `n` flights besides the one in work are not settled. */
static bool drain(struct send *send, uint32_t n)
{
    while (send->n_flights > n + 1)
        if (!turn(send, TURN_MS))
            return false;
    return true;
}

static bool open_part(struct send *send, uint64_t part)
{
    if (!drain(send, 0))
        return false;
    uint64_t first = part * CHUNKS_MAX, chunks = send->plan->chunks - first;
    send->part = part;
    send->part_open = false;
    send->import = intake_import_id(send->intake, send->plan, (uint32_t) part);
    if (takt_manifest(send->takt, id_out(send->import), intake_source(send->intake), send->plan->part_rows[part],
                      (uint32_t) (chunks < CHUNKS_MAX ? chunks : CHUNKS_MAX)) != 0) {
        say(send, takt_why(send->takt), "");
        send->result = SEND_REFUSED;
        return false;
    }
    while (!send->part_open)
        if (!turn(send, TURN_MS))
            return false;
    return true;
}

/* Not before the rate allows it. */
static bool pace(struct send *send)
{
    if (send->options->rate == 0)
        return true;
    int64_t due_us = send->start_us + (int64_t) (send->sent * 1000000 / (uint64_t) send->options->rate), now_us;
    while ((now_us = clock_mono_us()) < due_us) {
        if (!turn(send, (due_us - now_us) / 1000 + 1))
            return false;
        if (send->n_flights <= 1)
            send->moved_us = clock_mono_us(); /* nothing is owed to us: no silence */
    }
    return true;
}

/* The chunk in work leaves, or is settled when it holds rejects only. */
static bool finish_flight(struct send *send)
{
    struct flight *flight = in_work(send);
    if (flight->n_rows == 0) {
        flight->answered = true;
        settle_answered(send);
        return true;
    }
    uint64_t part = flight->chunk / CHUNKS_MAX;
    uint32_t number = (uint32_t) (flight->chunk % CHUNKS_MAX);
    if (flight->chunk >= send->plan->chunks) {
        say(send, "the file changed while it was read", "");
        send->result = SEND_FILE;
        return false;
    }
    if ((part != send->part || !send->part_open) && !open_part(send, part))
        return false;
    if (!pace(send) || !drain(send, send->window - 1))
        return false;
    flight->op = intake_op(send->import, number);
    flight->known = send->standing[number / 8] >> number % 8 & 1;
    takt_id import = id_out(send->import);
    int failed;
    while ((failed = takt_chunk(send->takt, id_out(flight->op), intake_source(send->intake), &import, number,
                                send->rows.leads, flight->n_rows)) == TAKT_EBUSY)
        if (!turn(send, TURN_MS))
            return false;
    if (failed) {
        say(send, takt_why(send->takt), "");
        send->result = SEND_REFUSED;
        return false;
    }
    send->sent += flight->n_rows;
    return true;
}

static takt_text keep_text(struct chunk_rows *rows, struct slice text)
{
    if (!text.at)
        return (takt_text){0};
    char *to = rows->texts + rows->used;
    assert(rows->used + text.len <= sizeof rows->texts); /* its encoding fits a frame */
    memcpy(to, text.at, text.len);
    rows->used += text.len;
    return (takt_text){to, text.len};
}

static void add_lead(struct chunk_rows *rows, uint32_t at, const struct row *row)
{
    struct takt_attribute *attributes = &rows->attributes[rows->n_attributes];
    for (uint32_t i = 0; i < row->n_attributes; i++) {
        const struct attribute *from = &row->attributes[i];
        attributes[i].name = keep_text(rows, from->name);
        attributes[i].text = keep_text(rows, from->text);
        attributes[i].number = from->number;
    }
    rows->n_attributes += row->n_attributes;
    rows->leads[at] = (struct takt_lead){.key = keep_text(rows, row->key),
                                         .name = keep_text(rows, row->name),
                                         .phone = keep_text(rows, row->phone),
                                         .email = keep_text(rows, row->email),
                                         .street = keep_text(rows, row->street),
                                         .web = keep_text(rows, row->web),
                                         .ref = keep_text(rows, row->ref),
                                         .remarks = keep_text(rows, row->remarks),
                                         .priority = row->priority,
                                         .value_cents = row->value_cents,
                                         .cost_cents = row->cost_cents,
                                         .attributes = attributes,
                                         .n_attributes = row->n_attributes};
}

static bool take_row(struct send *send, const struct intake_row *row)
{
    if (send->n_flights > 0 && (in_work(send)->chunk != row->chunk ||
                                (in_work(send)->n_rows == 0 && in_work(send)->kept.len > KEPT_BYTES_MAX))) {
        if (in_work(send)->n_rows == 0 && !drain(send, 0))
            return false;
        if (!finish_flight(send))
            return false;
        begin_flight(send, row->chunk);
    } else if (send->n_flights == 0) {
        begin_flight(send, row->chunk);
    }
    struct flight *flight = in_work(send);
    struct entry entry = {.line = row->line, .reason = row->reason, .why_at = flight->kept.len};
    if (row->reason != REASON_OK)
        buf_add(&flight->kept, row->why, strlen(row->why) + 1);
    entry.cells_at = flight->kept.len;
    if (send->rejects)
        rejects_keep(&flight->kept, row->cells, row->n_cells);
    entry.end = flight->kept.len;
    buf_add(&flight->entries, &entry, sizeof entry);
    if (row->reason == REASON_OK)
        add_lead(&send->rows, flight->n_rows++, &row->row);
    return true;
}

static void send_all(struct send *send)
{
    struct intake_row row;
    int got;
    while ((got = intake_next(send->intake, &row)) == 1)
        if (!take_row(send, &row))
            return;
    if (got < 0) {
        say(send, intake_why(send->intake), "");
        send->result = SEND_FILE;
        return;
    }
    if (send->n_flights > 0 && finish_flight(send))
        while (send->n_flights > 0 && turn(send, TURN_MS))
            ;
    if (send->result == SEND_DONE && intake_changed(send->intake, send->plan)) {
        say(send, "the file changed while it was read; import it once more", "");
        send->result = SEND_FILE;
    }
}

static takt_t *open_session(const struct send_options *options)
{
    char name[32], why[160] = "no memory";
    uint32_t random;
    clock_random(&random, sizeof random); /* two imports for one source must not fence each other */
    snprintf(name, sizeof name, "import-%08x", random);
    struct takt_options session = {.role = TAKT_SOURCE, .endpoint = options->endpoint, .name = name};
    takt_t *takt = takt_open(&session, why);
    if (!takt)
        cli_say("%s", why);
    return takt;
}

enum send_result import_send(struct intake *intake, const struct intake_plan *plan, const struct send_options *options,
                             struct tally *tally, FILE *rejects)
{
    struct send *send = calloc(1, sizeof *send);
    if (!send)
        abort();
    send->intake = intake;
    send->plan = plan;
    send->options = options;
    send->tally = tally;
    send->rejects = rejects;
    send->takt = open_session(options);
    send->result = send->takt ? SEND_DONE : SEND_REFUSED;
    if (send->takt) {
        uint32_t most = takt_window(send->takt);
        most = most < WINDOW_MAX ? most : WINDOW_MAX;
        send->window = options->window > 0 && options->window < most ? (uint32_t) options->window : most;
        send->start_us = send->moved_us = clock_mono_us();
        progress_begin(&send->progress, "rows", plan->rows);
        send_all(send);
        progress_clear(&send->progress);
    }
    enum send_result result = send->result;
    takt_close(&send->takt);
    for (uint32_t i = 0; i <= WINDOW_MAX; i++) {
        buf_fini(&send->flights[i].entries);
        buf_fini(&send->flights[i].kept);
    }
    free(send);
    return result;
}
