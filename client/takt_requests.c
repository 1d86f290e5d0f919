/* SPDX-License-Identifier: Apache-2.0
 * takt_requests.c - owns what was asked and not answered, until it is. Knows
 * nothing of sockets, and of messages only that a kind and an id name them.
 *
 * A request is in one list: waiting, out or refused. Only an answer under its id
 * removes it; a lost session or a time without answer puts it back to waiting,
 * in the order in which all were asked, since an act may build on the one before.
 * Times are not sorted: next_us is a lower bound, and all are looked at when it
 * is reached. */
#include "client/takt_private.h"

#include <utlist.h>

enum { AGAIN_MS = 2000, AGAIN_DOUBLINGS = 3 };

static void leave(struct requests *all, struct request *request)
{
    all->n_waiting -= request->list == &all->waiting;
    DL_DELETE(*request->list, request);
}

static void enter(struct requests *all, struct request *request, struct request **list)
{
    all->n_waiting += list == &all->waiting;
    request->list = list;
    DL_APPEND(*list, request);
}

static void move(struct requests *all, struct request *request, struct request **list)
{
    leave(all, request);
    enter(all, request, list);
}

struct request *requests_add(struct requests *all, enum request_kind kind, struct id id)
{
    struct request *request = all->spare;
    if (request)
        all->spare = request->next;
    else
        request = malloc(sizeof *request);
    if (!request)
        return NULL;
    *request = (struct request){.key = {.id = id, .kind = kind}, .number = ++all->asked};
    HASH_ADD(hh, all->by_key, key, sizeof request->key, request);
    enter(all, request, &all->waiting);
    all->n_chunks += kind == REQUEST_CHUNK;
    return request;
}

struct request *requests_find(struct requests *all, enum request_kind kind, struct id id)
{
    struct request_key key = {.id = id, .kind = kind};
    struct request *request;
    HASH_FIND(hh, all->by_key, &key, sizeof key, request);
    return request;
}

void requests_done(struct requests *all, struct request *request)
{
    all->n_chunks -= request->key.kind == REQUEST_CHUNK;
    leave(all, request);
    HASH_DEL(all->by_key, request);
    free(request->bytes);
    request->next = all->spare;
    all->spare = request;
}

static void await(struct requests *all, struct request *request, int64_t due_us)
{
    request->due_us = due_us;
    if (due_us < all->next_us)
        all->next_us = due_us;
    move(all, request, &all->out);
}

void requests_sent(struct requests *all, struct request *request, uint64_t seq, int64_t now_us)
{
    uint32_t doublings = request->tries < AGAIN_DOUBLINGS ? request->tries : AGAIN_DOUBLINGS;
    request->seq = seq;
    request->tries++;
    /* An intent has no answer of its own: the next Heard, or a refusal, settles it. */
    bool answered = request->key.kind != REQUEST_INTENT;
    await(all, request, answered ? now_us + ((int64_t) AGAIN_MS * 1000 << doublings) : INT64_MAX);
}

void requests_put_off(struct requests *all, struct request *request, int64_t due_us)
{
    request->seq = 0;
    request->tries = 0;
    await(all, request, due_us);
}

unsigned requests_put_off_seq(struct requests *all, uint64_t seq, int64_t due_us)
{
    struct request *request, *next;
    unsigned n = 0;
    DL_FOREACH_SAFE(all->out, request, next)
    if (request->seq == seq) {
        requests_put_off(all, request, due_us);
        n++;
    }
    return n;
}

void requests_refuse_seq(struct requests *all, uint64_t seq, enum reason reason)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(all->out, request, next)
    if (request->seq == seq) {
        request->refusal = reason;
        move(all, request, &all->refused);
    }
}

static int by_number(const struct request *a, const struct request *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

static void wait_again(struct requests *all, struct request *request)
{
    request->seq = 0;
    move(all, request, &all->waiting);
}

void requests_again(struct requests *all)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(all->out, request, next)
    {
        request->tries = 0;
        wait_again(all, request);
    }
    all->next_us = INT64_MAX;
    DL_SORT(all->waiting, by_number);
}

bool requests_due(struct requests *all, int64_t now_us)
{
    if (now_us < all->next_us)
        return false;
    struct request *request, *next;
    bool query_late = false;
    all->next_us = INT64_MAX;
    DL_FOREACH_SAFE(all->out, request, next)
    {
        if (request->due_us <= now_us) {
            query_late |= request->key.kind == REQUEST_QUERY && request->seq;
            wait_again(all, request);
        } else if (request->due_us < all->next_us) {
            all->next_us = request->due_us;
        }
    }
    DL_SORT(all->waiting, by_number);
    return query_late;
}

void requests_fini(struct requests *all)
{
    while (all->by_key)
        requests_done(all, all->by_key);
    while (all->spare) {
        struct request *request = all->spare;
        all->spare = request->next;
        free(request);
    }
}
