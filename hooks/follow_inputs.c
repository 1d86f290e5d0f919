/* SPDX-License-Identifier: Apache-2.0
 * follow_inputs.c - what is in leads, for hooks that may see it.
 *
 * The view keeps inputs by where they lay in the log, since nobody else asks for
 * one of them; so they are kept here, of leads that live: a few hundred bytes each, and
 * in memory only. None is kept while no hook wants to see any. */
#include "hooks/follow_private.h"

#include <string.h>

void follow_keep_inputs(struct follow *follow, follow_wanted_fn *wanted, void *arg)
{
    follow->wanted = wanted;
    follow->wanted_arg = arg;
}

static struct input_kept *find(const struct follow *follow, struct id lead)
{
    struct input_kept *kept;
    HASH_FIND(hh, follow->inputs, &lead, sizeof lead, kept);
    return kept;
}

static void drop(struct follow *follow, struct input_kept *kept)
{
    HASH_DEL(follow->inputs, kept);
    free(kept);
}

static struct input_kept *keep(struct follow *follow, struct id lead, struct slice row)
{
    struct input_kept *kept = calloc(1, sizeof *kept + row.len);
    if (kept == NULL)
        abort();
    kept->lead = lead;
    kept->len = row.len;
    if (row.len > 0)
        memcpy(kept->row, row.at, row.len);
    HASH_ADD(hh, follow->inputs, lead, sizeof kept->lead, kept);
    return kept;
}

void follow_set_input(struct follow *follow, struct id lead, struct slice row)
{
    struct input_kept *known = find(follow, lead);
    if (follow->wanted == NULL || (known != NULL && known->len > 0))
        return; /* it never changes */
    if (known != NULL)
        drop(follow, known);
    keep(follow, lead, row)->is_reopened = known != NULL;
}

/* Once its lead has ended, and no event of it waits. */
static void drop_if_over(struct follow *follow, struct input_kept *kept)
{
    if (kept->is_over && !follow->wanted(follow->wanted_arg, kept->lead))
        drop(follow, kept);
}

void follow_end_input(struct follow *follow, struct id lead)
{
    struct input_kept *kept = find(follow, lead);
    if (kept == NULL)
        return;
    kept->is_over = true;
    kept->is_reopened = false;
    drop_if_over(follow, kept);
}

void follow_told(struct follow *follow, struct id lead)
{
    struct input_kept *kept = find(follow, lead);
    if (kept != NULL)
        drop_if_over(follow, kept);
}

/* Dropped at its end, it is read once more. The view may still have its lead as ended. */
void follow_reopen_input(struct follow *follow, struct id lead)
{
    struct input_kept *kept = find(follow, lead);
    if (follow->wanted == NULL)
        return;
    if (kept == NULL) {
        kept = keep(follow, lead, (struct slice){0});
        follow->has_inputs = false;
    }
    kept->is_over = false;
    kept->is_reopened = true;
}

void follow_forget_inputs(struct follow *follow)
{
    for (struct input_kept *kept = follow->inputs, *next; kept != NULL; kept = next) {
        next = kept->hh.next;
        drop(follow, kept);
    }
    follow->has_inputs = false;
}

bool follow_input(const struct follow *follow, struct id lead, struct slice *ret)
{
    const struct input_kept *kept = find(follow, lead);
    *ret = kept != NULL ? slice_of(kept->row, kept->len) : (struct slice){0};
    return follow->has_inputs;
}

/* The view may be further than we are: who ended behind our place still has something to tell. */
static bool is_over(const struct follow *follow, const struct image_lead *now)
{
    const struct input_kept *kept = find(follow, now->id);
    return event_is_end(now) && now->state_us <= follow->beat_us && kept != NULL && !kept->is_reopened;
}

static bool take_row(void *arg, const struct row_ref *row)
{
    struct follow *follow = arg;
    struct image_lead now;
    if (row->type == ROW_INPUT && row->key.len == 16)
        follow_set_input(follow, id_from_bytes(row->key.at), row->whole);
    else if (image_lead(follow->image, row, &now) && is_over(follow, &now))
        follow_end_input(follow, now.id);
    return true;
}

enum store_status follow_fill_inputs(struct follow *follow, struct tap *tap)
{
    const enum store_status status = tap_view(tap, take_row, follow);
    follow->has_inputs = status == STORE_OK;
    return status;
}
