/* SPDX-License-Identifier: Apache-2.0
 * takt_source.c - what a lead source says and hears: manifests, chunks, receipts.
 *
 * A chunk's rows are encoded once, when it is handed over, and kept as bytes
 * until the receipt: the caller's strings are free at once, and each repetition
 * sends the same bytes under the same op. */
#include <string.h>

#include "client/takt_private.h"

enum { CHUNK_HEAD_BYTES = 256, ROW_HEAD_BYTES = 4 };

unsigned takt_window(const takt_t *takt)
{
    (void) takt;
    return WINDOW;
}

int takt_manifest(takt_t *takt, takt_id import, const char *source, uint32_t rows, uint32_t chunks)
{
    int failed = takt_may(takt, TAKT_SOURCE);
    if (failed)
        return failed;
    struct msg_manifest manifest = {
        .import = takt_id_in(import), .source = slice_of(source, strlen(source)), .rows = rows, .chunks = chunks};
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_MANIFEST, .manifest = manifest});
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    if (requests_find(&takt->requests, REQUEST_MANIFEST, manifest.import))
        return takt_fail(takt, TAKT_EBUSY, "this import is being asked about already");
    char *kept = strdup(source);
    struct request *request = kept ? requests_add(&takt->requests, REQUEST_MANIFEST, manifest.import) : NULL;
    if (!request) {
        free(kept);
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    }
    manifest.source.at = (const uint8_t *) kept;
    request->manifest = manifest;
    request->bytes = kept;
    return TAKT_OK;
}

/* ---- chunks ------------------------------------------------------------------- */

static struct slice slice_of_text(takt_text text)
{
    return text.at ? slice_of(text.at, text.len) : (struct slice){0};
}

/* Returns the bytes it took, 0 when there is no room. */
static size_t encode_lead(const struct takt_lead *lead, uint8_t *to, size_t room)
{
    struct attribute attributes[ROW_ATTRIBUTES_MAX];
    for (size_t i = 0; i < lead->n_attributes; i++)
        attributes[i] = (struct attribute){.name = slice_of_text(lead->attributes[i].name),
                                           .text = slice_of_text(lead->attributes[i].text),
                                           .number = lead->attributes[i].number};
    struct row row = {.key = slice_of_text(lead->key),
                      .name = slice_of_text(lead->name),
                      .phone = slice_of_text(lead->phone),
                      .email = slice_of_text(lead->email),
                      .street = slice_of_text(lead->street),
                      .web = slice_of_text(lead->web),
                      .ref = slice_of_text(lead->ref),
                      .remarks = slice_of_text(lead->remarks),
                      .priority = lead->priority,
                      .value_cents = lead->value_cents,
                      .cost_cents = lead->cost_cents,
                      .attributes = attributes,
                      .n_attributes = (uint32_t) lead->n_attributes};
    return wire_encode_row(&row, to, room);
}

/* Encodes into takt->scratch; raws point there. Returns the bytes, 0 when they are too many. */
static size_t encode_leads(struct takt *takt, const struct takt_lead *leads, size_t n, struct slice *raws)
{
    size_t used = 0, room = FRAME_BYTES_MAX - CHUNK_HEAD_BYTES - n * ROW_HEAD_BYTES;
    for (size_t i = 0; i < n; i++) {
        if (leads[i].n_attributes > ROW_ATTRIBUTES_MAX)
            return 0;
        size_t len = encode_lead(&leads[i], takt->scratch + used, room - used);
        if (!len)
            return 0;
        raws[i] = slice_of(takt->scratch + used, len);
        used += len;
    }
    return used;
}

/* One block behind the request: raws, their bytes, the source's name. */
static bool keep_chunk(struct takt *takt, const struct msg_chunk *chunk, const struct slice *raws, size_t len)
{
    size_t raws_len = chunk->n_rows * sizeof *raws;
    uint8_t *block = malloc(raws_len + len + chunk->source.len);
    struct request *request = block ? requests_add(&takt->requests, REQUEST_CHUNK, chunk->op) : NULL;
    if (!request) {
        free(block);
        return false;
    }
    struct slice *kept = (struct slice *) (void *) block;
    uint8_t *bytes = block + raws_len;
    memcpy(bytes, takt->scratch, len);
    memcpy(bytes + len, chunk->source.at, chunk->source.len);
    for (uint32_t i = 0; i < chunk->n_rows; i++)
        kept[i] = slice_of(bytes + (raws[i].at - takt->scratch), raws[i].len);
    request->chunk.chunk = *chunk;
    request->chunk.chunk.source.at = bytes + len;
    request->chunk.raws = kept;
    request->bytes = block;
    return true;
}

int takt_chunk(takt_t *takt, takt_id op, const char *source, const takt_id *import, uint32_t number,
               const struct takt_lead *leads, size_t n)
{
    struct slice raws[CHUNK_ROWS_MAX];
    int failed = takt_may(takt, TAKT_SOURCE);
    if (failed)
        return failed;
    if (takt->requests.n_chunks >= WINDOW)
        return takt_fail(takt, TAKT_EBUSY, "as many chunks as may be are out");
    struct msg_chunk chunk = {.op = takt_id_in(op),
                              .import = import ? takt_id_in(*import) : (struct id){0},
                              .number = number,
                              .source = slice_of(source, strlen(source)),
                              .n_rows = n > UINT32_MAX ? UINT32_MAX : (uint32_t) n};
    const char *wrong = wire_check_msg(&(struct msg){.kind = MSG_CHUNK, .chunk = chunk});
    if (!wrong && requests_find(&takt->requests, REQUEST_CHUNK, chunk.op))
        wrong = "a chunk of this op is out";
    if (wrong)
        return takt_fail(takt, TAKT_EUSAGE, wrong);
    if (!takt->scratch && !(takt->scratch = malloc(FRAME_BYTES_MAX)))
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    size_t len = encode_leads(takt, leads, n, raws);
    if (!len)
        return takt_fail(takt, TAKT_ETOOBIG, "over 256 KiB, or a lead of more than 48 attributes: send fewer");
    return keep_chunk(takt, &chunk, raws, len) ? TAKT_OK : takt_fail(takt, TAKT_ENOMEM, "no memory");
}

bool source_send(struct takt *takt, struct request *request, int64_t now_us)
{
    struct row rows[CHUNK_ROWS_MAX];
    struct msg msg;
    if (request->key.kind == REQUEST_MANIFEST) {
        msg = (struct msg){.kind = MSG_MANIFEST, .manifest = request->manifest};
    } else {
        msg = (struct msg){.kind = MSG_CHUNK, .chunk = request->chunk.chunk};
        for (uint32_t i = 0; i < msg.chunk.n_rows; i++)
            rows[i] = (struct row){.raw = request->chunk.raws[i]};
        msg.chunk.rows = rows;
    }
    uint64_t seq = session_send(takt->session, &msg, now_us);
    if (!seq)
        return false;
    requests_sent(&takt->requests, request, seq, now_us);
    return true;
}

/* ---- answers ------------------------------------------------------------------ */

static bool tell_receipt(struct takt *takt, const struct msg_receipt *receipt, struct takt_event *ret_event)
{
    struct request *request = requests_find(&takt->requests, REQUEST_CHUNK, receipt->op);
    if (!request)
        return false; /* a second answer */
    if (takt_is_busy(receipt->reason))
        return takt_put_off(takt, request, receipt->retry_after_ms, ret_event);
    requests_done(&takt->requests, request);
    session_saw(takt->session, receipt->epoch, receipt->beat);
    *ret_event = (struct takt_event){.kind = TAKT_RECEIPT, .op = takt_id_out(receipt->op), .reason = receipt->reason};
    ret_event->receipt.n_rows = receipt->n_rows;
    ret_event->receipt.ids = takt->receipt_ids;
    ret_event->receipt.outcomes = receipt->outcomes;
    ret_event->receipt.warnings = receipt->warnings;
    ret_event->receipt.epoch = receipt->epoch;
    ret_event->receipt.beat = receipt->beat;
    ret_event->receipt.level = receipt->level;
    for (uint32_t i = 0; i < receipt->n_rows; i++)
        takt->receipt_ids[i] = takt_id_out(receipt->leads[i]);
    return true;
}

static bool tell_manifest(struct takt *takt, const struct msg_manifest_state *state, struct takt_event *ret_event)
{
    struct request *request = requests_find(&takt->requests, REQUEST_MANIFEST, state->import);
    if (!request)
        return false;
    if (takt_is_busy(state->reason))
        return takt_put_off(takt, request, 0, ret_event);
    requests_done(&takt->requests, request);
    *ret_event = (struct takt_event){.kind = TAKT_MANIFEST, .op = takt_id_out(state->import), .reason = state->reason};
    ret_event->manifest.import = takt_id_out(state->import);
    ret_event->manifest.standing = state->standing.at;
    ret_event->manifest.standing_len = state->standing.len;
    ret_event->manifest.accepted = state->accepted;
    ret_event->manifest.duplicate = state->duplicate;
    ret_event->manifest.rejected = state->rejected;
    return true;
}

bool source_tell(struct takt *takt, struct takt_event *ret_event)
{
    return takt->got.kind == MSG_RECEIPT ? tell_receipt(takt, &takt->got.receipt, ret_event)
                                         : tell_manifest(takt, &takt->got.manifest_state, ret_event);
}
