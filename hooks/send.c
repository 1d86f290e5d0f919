/* SPDX-License-Identifier: Apache-2.0
 * send.c - see send.h. */
#include "hooks/send_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/clock.h"

struct sender {
    send_done_fn *done;
    void *arg;
    struct http *http;
    struct programs *programs;
    uint32_t n_out;
};

static void ended(void *arg, const struct attempt *attempt, const char *why)
{
    struct sender *sender = arg;
    sender->n_out--;
    sender->done(sender->arg, attempt->hook, attempt->item, why);
}

struct sender *sender_new(send_done_fn *done, void *arg, bool show)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL || sodium_init() < 0)
        abort();
    *sender = (struct sender){.done = done, .arg = arg};
    sender->http = http_new(ended, sender);
    sender->programs = programs_new(ended, sender, show);
    return sender;
}

void sender_destroy(struct sender **sender_p)
{
    if (*sender_p == NULL)
        return;
    http_destroy(&(*sender_p)->http);
    programs_destroy(&(*sender_p)->programs);
    free(*sender_p);
    *sender_p = NULL;
}

void sender_start(struct sender *sender, const struct send_job *job)
{
    sender->n_out++;
    if (job->hook->url != NULL)
        http_start(sender->http, job);
    else
        programs_start(sender->programs, job);
}

void sender_wait(struct sender *sender, int stop_fd, int timeout_ms)
{
    int fds[PROGRAMS_MAX + 1];
    uint32_t n = programs_fds(sender->programs, fds);
    if (stop_fd >= 0)
        fds[n++] = stop_fd;
    const int64_t next_us = programs_next_us(sender->programs), now_us = clock_mono_us();
    if (next_us != INT64_MAX) {
        const int64_t left_ms = next_us <= now_us ? 0 : (next_us - now_us) / 1000 + 1;
        timeout_ms = left_ms < timeout_ms ? (int) left_ms : timeout_ms;
    }
    http_wait(sender->http, fds, n, timeout_ms);
    programs_reap(sender->programs);
}

uint32_t sender_out(const struct sender *sender)
{
    return sender->n_out;
}

void send_sign(const struct buf *key, struct slice body, char ret[SEND_SIGNATURE_MAX])
{
    static const char prefix[] = "sha256=";
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, key->at, key->len);
    crypto_auth_hmacsha256_update(&state, body.at, body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    memcpy(ret, prefix, sizeof prefix);
    sodium_bin2hex(ret + sizeof prefix - 1, SEND_SIGNATURE_MAX - sizeof prefix + 1, mac, sizeof mac);
}
