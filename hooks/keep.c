/* SPDX-License-Identifier: Apache-2.0
 * keep.c - see keep.h. */
#include "hooks/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "hooks/event_json.h"

enum { CHEAP_BYTES = 256 * 1024 };

/* Lines of all that waits, or of what is not in the file yet. */
static void gather(const struct queue *queue, bool all, struct buf *to, uint64_t *ret_live)
{
    *ret_live = 0;
    for (struct queued *item = queue_first(queue); item != NULL; item = item->next) {
        *ret_live += item->len + 1;
        if (item->is_kept && !all)
            continue;
        buf_add(to, item->text, item->len);
        buf_add(to, "\n", 1);
    }
}

bool keep_queue(struct kept_queue *kept, const char *path, struct queue *queue)
{
    struct buf lines = {0};
    uint64_t live;
    if (kept->bytes == 0 && queue_first(queue) == NULL)
        return true;
    gather(queue, false, &lines, &live);
    const bool anew = kept->bytes == 0 || kept->is_torn || live <= CHEAP_BYTES || kept->bytes + lines.len > 2 * live;
    if (anew) {
        lines.len = 0;
        gather(queue, true, &lines, &live);
    }
    const bool saved = anew ? file_put(path, lines.at, lines.len, 0600) : file_add(path, lines.at, lines.len);
    kept->is_torn = !saved; /* also when only the folder was not synced: then all of it may be there already */
    if (saved) {
        kept->bytes = (anew ? 0 : kept->bytes) + lines.len;
        for (struct queued *item = queue_first(queue); item != NULL; item = item->next)
            item->is_kept = true;
    }
    buf_fini(&lines);
    return saved;
}

static int64_t load_lines(FILE *file, struct kept_queue *kept, struct queue *queue)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int64_t bad = 0;
    struct event_head head;
    while ((len = getline(&line, &room, file)) > 0) {
        kept->bytes += (uint64_t) len;
        kept->is_torn = line[len - 1] != '\n';
        const struct slice text = slice_of(line, (size_t) len - !kept->is_torn);
        if (!event_json_head(text, &head)) { /* torn, when it is the last */
            bad++;
            continue;
        }
        struct queued *item = queue_add(queue, head.lead, head.at_ms, text);
        if (item != NULL)
            item->is_kept = true;
    }
    free(line);
    return bad;
}

int64_t keep_load(struct kept_queue *kept, const char *path, struct queue *queue)
{
    FILE *file = fopen(path, "re");
    *kept = (struct kept_queue){0};
    if (file == NULL)
        return errno == ENOENT ? 0 : -1;
    const int64_t bad = load_lines(file, kept, queue);
    const bool is_read = !ferror(file);
    fclose(file);
    return is_read ? bad : -1;
}
