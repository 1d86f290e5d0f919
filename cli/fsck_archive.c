/* SPDX-License-Identifier: Apache-2.0
 * fsck_archive.c - each segment read through, then whether each begins within the
 * one before. A torn tail of the last one is no finding: it is being written, or
 * was when the power went; what it lacks was never called archived. */
#include "cli/fsck_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "archive/archive.h"
#include "broker/digest.h"
#include "cli/cli.h"
#include "cli/logs.h"
#include "cli/print.h"

enum { FSCK_CLEAN = 0, FSCK_FOUND = 1, FSCK_UNREADABLE = 2 };

struct looking {
    const char *folder;
    bool json;
    json_t *segments, *findings;
    struct archive_end before; /* where the segment before ended */
    uint64_t found;
};

static void find(struct looking *looking, const char *name, const char *segment, const char *detail)
{
    looking->found++;
    json_array_append_new(looking->findings,
                          json_pack("{s:s, s:s, s:s}", "name", name, "id", segment, "detail", detail));
    if (!looking->json)
        printf("%s %s: %s\n", name, segment, detail);
}

static bool take_row(void *arg, const struct row_ref *row)
{
    digest_row(arg, row);
    return true;
}

static bool take_entry(void *arg, const struct tap_entry *entry)
{
    uint32_t at = 0;
    struct row_ref row;
    while (!entry->entry.takeover && row_next(entry->entry.body, &at, &row) > 0)
        digest_row(arg, &row);
    return true;
}

static void tell(struct looking *looking, const char *name, const struct archive_segment *segment)
{
    char first[48], last[48];
    logs_position(segment->first.at, first);
    logs_position(segment->end.at, last);
    json_array_append_new(looking->segments,
                          json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "segment", name, "first", first, "last",
                                    last, "rows", (json_int_t) segment->rows, "entries", (json_int_t) segment->entries,
                                    "bytes", (json_int_t) segment->bytes, "torn_bytes",
                                    (json_int_t) segment->torn_bytes));
    if (looking->json)
        return;
    printf("%s: image of %" PRIu64 " rows, %" PRIu64 " entries %s to %s, %" PRIu64 " bytes", name, segment->rows,
           segment->entries, first, last, segment->bytes);
    if (segment->torn_bytes > 0)
        printf(", and %" PRIu64 " of a block that was never finished", segment->torn_bytes);
    putchar('\n');
}

static void look_at(struct looking *looking, struct position begin, bool is_last, struct digest *digest)
{
    const struct archive_visitor visitor = {digest ? take_row : NULL, digest ? take_entry : NULL, digest};
    struct archive_segment segment;
    struct buf why = {0};
    char name[SEGMENT_NAME_MAX];
    segment_name(begin, name);
    const enum store_status status = archive_read(looking->folder, begin, &visitor, &segment, NULL, &why);
    buf_add(&why, "", 1);
    if (status != STORE_OK)
        find(looking, "SEGMENT_DAMAGED", name, (const char *) why.at);
    else
        tell(looking, name, &segment);
    if (status == STORE_OK && segment.torn_bytes > 0 && !is_last)
        find(looking, "SEGMENT_TORN", name, "it was never the last one when this happened");
    if (status == STORE_OK && looking->before.there && position_compare(segment.first.at, looking->before.at) > 0)
        find(looking, "ARCHIVE_GAP", name, "entries between it and the segment before are in neither");
    looking->before = segment.end;
    buf_fini(&why);
}

int fsck_archive(const char *folder, bool with_digest, bool json)
{
    struct looking looking = {.folder = folder, .json = json, .segments = json_array(), .findings = json_array()};
    struct position *begins = NULL;
    struct digest *digest = NULL;
    char text[33] = "";
    const int64_t n = archive_list(folder, &begins);
    for (int64_t i = 0; i < n; i++) {
        if (with_digest && i == n - 1)
            digest = digest_new();
        look_at(&looking, begins[i], i == n - 1, digest);
    }
    if (digest)
        digest_text(digest, text);
    if (digest && !json)
        printf("digest %s over %" PRIu64 " rows\n", text, digest_rows(digest));
    if (n <= 0)
        cli_say("%s: %s", folder, n < 0 ? strerror(errno) : "there is no segment of an archive");
    else if (!json)
        printf("%" PRIu64 " findings\n", looking.found);
    json_t *all = json_pack("{s:o, s:o}", "segments", looking.segments, "findings", looking.findings);
    if (digest)
        json_object_set_new(all, "digest", json_string(text));
    if (json && n > 0)
        print_value(stdout, all, 1);
    else
        json_decref(all);
    digest_destroy(&digest);
    free(begins);
    return n <= 0 ? FSCK_UNREADABLE : looking.found == 0 ? FSCK_CLEAN : FSCK_FOUND;
}
