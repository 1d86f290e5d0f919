/* SPDX-License-Identifier: Apache-2.0
 * send_http.c - events as POST requests; the only code that knows libcurl.
 *
 * No redirect is followed: an event goes where the operator said, or nowhere. An
 * answer of 2xx is a yes, anything else a no, also 4xx: a token that expired is
 * renewed by somebody, and nothing should be lost until then. */
#include "hooks/send_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

struct request {
    struct request *before, *next;
    struct attempt attempt;
    CURL *easy;
    struct curl_slist *headers;
};

struct http {
    attempt_done_fn *done;
    void *arg;
    CURLM *multi;
    struct request *requests;
};

struct http *http_new(attempt_done_fn *done, void *arg)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    *http = (struct http){.done = done, .arg = arg, .multi = curl_multi_init()};
    if (http->multi == NULL)
        abort();
    return http;
}

static void drop(struct http *http, struct request *request)
{
    if (request->before != NULL)
        request->before->next = request->next;
    else
        http->requests = request->next;
    if (request->next != NULL)
        request->next->before = request->before;
    curl_multi_remove_handle(http->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    free(request);
}

void http_destroy(struct http **http_p)
{
    struct http *http = *http_p;
    if (http == NULL)
        return;
    while (http->requests != NULL)
        drop(http, http->requests);
    curl_multi_cleanup(http->multi);
    curl_global_cleanup();
    free(http);
    *http_p = NULL;
}

static size_t throw_away(char *bytes, size_t size, size_t n, void *arg)
{
    (void) bytes;
    (void) arg;
    return size * n;
}

static void add_header(struct request *request, const char *line)
{
    struct curl_slist *longer = curl_slist_append(request->headers, line);
    if (longer == NULL)
        abort();
    request->headers = longer;
}

static void add_headers(struct request *request, const struct send_job *job)
{
    char line[256], signature[SEND_SIGNATURE_MAX];
    add_header(request, "Content-Type: application/json");
    snprintf(line, sizeof line, "X-Takt-Event: %s", job->head->word);
    add_header(request, line);
    snprintf(line, sizeof line, "X-Takt-Id: %s", job->head->id);
    add_header(request, line);
    if (job->hook->key.len > 0) {
        send_sign(&job->hook->key, job->body, signature);
        snprintf(line, sizeof line, "X-Takt-Signature: %s", signature);
        add_header(request, line);
    }
    for (uint32_t i = 0; i < job->hook->headers.n; i++)
        add_header(request, job->hook->headers.at[i]);
}

void http_start(struct http *http, const struct send_job *job)
{
    struct request *request = calloc(1, sizeof *request);
    CURL *easy = curl_easy_init();
    if (request == NULL || easy == NULL)
        abort();
    *request = (struct request){.attempt = {job->number, job->item}, .easy = easy, .next = http->requests};
    if (http->requests != NULL)
        http->requests->before = request;
    http->requests = request;
    add_headers(request, job);
    curl_easy_setopt(easy, CURLOPT_URL, job->hook->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) job->body.len);
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, job->body.at);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "takt-hooks");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) job->hook->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    const CURLMcode added = curl_multi_add_handle(http->multi, easy);
    assert(added == CURLM_OK);
    (void) added;
}

static void finish(struct http *http, CURL *easy, CURLcode code)
{
    char why[SEND_WHY_MAX] = "", *private = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) /* not the longer text of the error buffer: that may quote the URL */
        snprintf(why, sizeof why, "%s", curl_easy_strerror(code));
    else if (status < 200 || status > 299)
        snprintf(why, sizeof why, "HTTP %ld", status);
    struct request *request = (struct request *) (void *) private;
    const struct attempt attempt = request->attempt;
    drop(http, request);
    http->done(http->arg, &attempt, why[0] != '\0' ? why : NULL);
}

void http_wait(struct http *http, const int *fds, uint32_t n_fds, int timeout_ms)
{
    struct curl_waitfd wait[PROGRAMS_MAX + 1];
    int running, left;
    curl_multi_perform(http->multi, &running);
    assert(n_fds <= PROGRAMS_MAX + 1);
    for (uint32_t i = 0; i < n_fds; i++)
        wait[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    CURLMsg *message = curl_multi_info_read(http->multi, &left);
    if (message == NULL) {
        curl_multi_poll(http->multi, wait, n_fds, timeout_ms, NULL);
        curl_multi_perform(http->multi, &running);
        message = curl_multi_info_read(http->multi, &left);
    }
    for (; message != NULL; message = curl_multi_info_read(http->multi, &left))
        if (message->msg == CURLMSG_DONE)
            finish(http, message->easy_handle, message->data.result);
}
