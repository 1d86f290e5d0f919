/* SPDX-License-Identifier: Apache-2.0
 * archive.c - the folder, and a segment read from its head to its end. */
#include "archive/archive.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 4096 };

static int by_position(const void *a, const void *b)
{
    return position_compare(*(const struct position *) a, *(const struct position *) b);
}

int64_t archive_list(const char *dir, struct position **ret_begins)
{
    struct buf begins = {0};
    DIR *folder = opendir(dir);
    struct position begin;
    if (folder == NULL)
        return -1;
    for (const struct dirent *item; (item = readdir(folder)) != NULL;)
        if (segment_name_parse(item->d_name, &begin))
            buf_add(&begins, &begin, sizeof begin);
    closedir(folder);
    const size_t n = begins.len / sizeof begin;
    if (n > 0)
        qsort(begins.at, n, sizeof begin, by_position);
    *ret_begins = (struct position *) (void *) begins.at;
    return (int64_t) n;
}

bool archive_is_first(struct position begin, struct position id)
{
    return position_compare(id, begin.epoch > 0 ? begin : (struct position){1, 0}) == 0;
}

const char *archive_link_wrong(const struct archive_end *end, const struct tap_entry *entry)
{
    static const struct entry_hash none = {0};
    const struct position at = entry->id, before = end->at;
    if (!end->there)
        return at.epoch == 1 && at.beat == 0 && memcmp(&entry->previous, &none, sizeof none) != 0
                   ? "it is the first and names one before"
                   : NULL;
    if (entry->entry.takeover ? at.beat != 0 || at.epoch != before.epoch + 1
                              : at.epoch != before.epoch || at.beat != before.beat + 1)
        return "the entry before it is missing";
    if (memcmp(&entry->previous, &end->hash, sizeof end->hash) != 0)
        return "it names another entry as the one before";
    return NULL;
}

void archive_advance(struct archive_end *end, const struct tap_entry *entry)
{
    end->there = true;
    end->at = entry->id;
    entry_hash(entry->bytes, &end->hash);
}

/* ---- one segment --------------------------------------------------------------------- */

static const char *rows_wrong(const struct archive_visitor *visitor, struct slice body, uint64_t *n)
{
    uint32_t at = 0;
    struct row_ref row;
    int more;
    while ((more = row_next(body, &at, &row)) > 0) {
        if (n != NULL)
            ++*n;
        if (visitor != NULL && visitor->row != NULL && !visitor->row(visitor->arg, &row))
            return "a row was refused";
    }
    return more < 0 ? "rows are damaged" : NULL;
}

static const char *entry_wrong(const struct archive_visitor *visitor, struct slice bytes,
                               struct archive_segment *segment)
{
    struct tap_entry entry = {.bytes = bytes};
    const char *wrong = entry_decode(bytes, &entry.entry, &entry.previous);
    if (wrong != NULL)
        return wrong;
    entry.id = entry.entry.at;
    if (!segment->end.there && !archive_is_first(segment->begin, entry.id))
        return "its entries do not begin where its name says";
    if ((wrong = archive_link_wrong(&segment->end, &entry)) != NULL)
        return wrong;
    if (!entry.entry.takeover && (wrong = rows_wrong(NULL, entry.entry.body, NULL)) != NULL)
        return wrong;
    archive_advance(&segment->end, &entry);
    if (segment->entries++ == 0)
        segment->first = segment->end;
    if (visitor->entry != NULL && !visitor->entry(visitor->arg, &entry))
        return "an entry was refused";
    return NULL;
}

/* It became consistent with the block that was just read. */
static void note_sound(const struct segment_reader *reader, struct archive_segment *segment)
{
    if (segment->sound_bytes == 0 && position_compare(segment->end.at, reader->sound_from) >= 0)
        segment->sound_bytes = reader->at;
}

static enum segment_end read_blocks(struct segment_reader *reader, const struct archive_visitor *visitor,
                                    struct archive_segment *segment, const char **ret_wrong)
{
    for (;;) {
        enum block_kind kind;
        struct slice bytes;
        const enum segment_end end = segment_next(reader, &kind, &bytes);
        if (end != SEGMENT_MORE)
            return end;
        if (kind == BLOCK_ROWS)
            *ret_wrong = rows_wrong(visitor, bytes, &segment->rows);
        else if (kind == BLOCK_ENTRY)
            *ret_wrong = entry_wrong(visitor, bytes, segment);
        if (*ret_wrong != NULL)
            return SEGMENT_DAMAGED;
        if (kind == BLOCK_ENTRY)
            note_sound(reader, segment);
    }
}

static const char *whole_wrong(const struct segment_reader *reader, const struct archive_segment *segment)
{
    if (!reader->has_image)
        return "it ends within its image";
    if (segment->rows != reader->n_rows)
        return "its image lacks rows";
    if (!segment->end.there || position_compare(segment->end.at, reader->sound_from) < 0)
        return "it ends before its image is consistent";
    return NULL;
}

enum store_status archive_read(const char *dir, struct position begin, const struct archive_visitor *visitor,
                               struct archive_segment *ret, struct segment_reader *ret_reader, struct buf *why)
{
    char name[SEGMENT_NAME_MAX], path[PATH_ROOM];
    struct segment_reader reader;
    const char *wrong = NULL;
    segment_name(begin, name);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *ret = (struct archive_segment){.begin = begin};
    enum segment_end end = segment_open(&reader, path);
    if (end == SEGMENT_MORE && position_compare(reader.begin, begin) != 0)
        wrong = "it is the segment of another position";
    if (end == SEGMENT_MORE && wrong == NULL)
        end = read_blocks(&reader, visitor, ret, &wrong);
    if (wrong == NULL && end != SEGMENT_DAMAGED)
        wrong = whole_wrong(&reader, ret);
    else if (wrong == NULL)
        wrong = reader.map == NULL ? "it is empty or cannot be read" : "a block is damaged, and others follow it";
    ret->bytes = reader.at;
    ret->torn_bytes = reader.size - reader.at;
    ret->image_bytes = reader.image_bytes;
    ret->sound_from = reader.sound_from;
    if (wrong != NULL)
        buf_printf(why, "%s, byte %zu, behind entry %" PRIu64 "-%" PRIu64 ": %s", name, reader.at, ret->end.at.epoch,
                   ret->end.at.beat, wrong);
    if (wrong == NULL && ret_reader != NULL)
        *ret_reader = reader;
    else
        segment_fini(&reader);
    return wrong == NULL ? STORE_OK : STORE_DAMAGED;
}
