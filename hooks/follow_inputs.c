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

void follow_set_input(struct follow *follow, struct id lead, struct slice row)
{
    struct input_kept *kept;
    if (follow->wanted == NULL)
        return;
    HASH_FIND(hh, follow->inputs, &lead, sizeof lead, kept);
    if (kept != NULL)
        return; /* it never changes */
    kept = calloc(1, sizeof *kept + row.len);
    if (kept == NULL)
        abort();
    kept->lead = lead;
    kept->len = row.len;
    memcpy(kept->row, row.at, row.len);
    HASH_ADD(hh, follow->inputs, lead, sizeof kept->lead, kept);
}

void follow_drop_input(struct follow *follow, struct id lead)
{
    struct input_kept *kept;
    HASH_FIND(hh, follow->inputs, &lead, sizeof lead, kept);
    if (kept == NULL || follow->wanted(follow->wanted_arg, lead))
        return;
    HASH_DEL(follow->inputs, kept);
    free(kept);
}

void follow_forget_inputs(struct follow *follow)
{
    for (struct input_kept *kept = follow->inputs, *next; kept != NULL; kept = next) {
        next = kept->hh.next;
        HASH_DEL(follow->inputs, kept);
        free(kept);
    }
    follow->has_inputs = false;
}

bool follow_input(const struct follow *follow, struct id lead, struct slice *ret)
{
    const struct input_kept *kept;
    HASH_FIND(hh, follow->inputs, &lead, sizeof lead, kept);
    *ret = kept != NULL ? slice_of(kept->row, kept->len) : (struct slice){0};
    return follow->has_inputs;
}

/* The view may be further than we are: who ended behind our place still has something to tell. */
static bool take_row(void *arg, const struct row_ref *row)
{
    struct follow *follow = arg;
    struct image_lead now;
    if (row->type == ROW_INPUT && row->key.len == 16)
        follow_set_input(follow, id_from_bytes(row->key.at), row->whole);
    else if (image_lead(follow->image, row, &now) && event_is_end(&now) && now.state_us <= follow->beat_us)
        follow_drop_input(follow, now.id);
    return true;
}

enum store_status follow_fill_inputs(struct follow *follow, struct tap *tap)
{
    const enum store_status status = tap_view(tap, take_row, follow);
    follow->has_inputs = status == STORE_OK;
    return status;
}
