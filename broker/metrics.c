/* SPDX-License-Identifier: Apache-2.0
 * metrics.c - see metrics.h. */
#include "broker/metrics.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metrics {
    struct MHD_Daemon *daemon;
    struct core *core;
    const struct store *store;
    const struct door *door;
    const struct beat *beat;
    int fd;
};

static void line(struct buf *text, const char *type, const char *name, const char *help, double value)
{
    buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

static void store_lines(const struct metrics *metrics, struct buf *text)
{
    struct store_levels levels;
    store_levels(metrics->store, &levels);
    line(text, "gauge", "takt_epoch", "Epoch of this broker.", (double) levels.last.epoch);
    line(text, "gauge", "takt_beat", "Last beat that stands.", (double) levels.last.beat);
    line(text, "counter", "takt_appends_total", "Beats appended.", (double) levels.appends);
    line(text, "counter", "takt_renewals_total", "Beats with answers and no change.", (double) levels.renewals);
    line(text, "counter", "takt_append_seconds_total", "Time from queueing a beat until it stands, summed.",
         (double) levels.append_us_sum * 1e-6);
    line(text, "gauge", "takt_view_rows_behind", "Rows that stand and are not in the view yet.",
         (double) levels.view_rows_behind);
    line(text, "gauge", "takt_view_lag_seconds", "Age of the oldest of them.", (double) levels.view_lag_ms * 1e-3);
    line(text, "gauge", "takt_log_entries", "Entries of the log.", (double) levels.log_entries);
    line(text, "gauge", "takt_log_bytes", "Memory of the log by the server's estimate.", (double) levels.log_bytes);
    line(text, "gauge", "takt_log_trimmed_epoch", "The log is trimmed before this epoch's ...",
         (double) levels.trimmed.epoch);
    line(text, "gauge", "takt_log_trimmed_beat", "... and this beat.", (double) levels.trimmed.beat);
    line(text, "gauge", "takt_archive_present", "1: the log is kept until it is archived.", levels.has_archive);
    line(text, "gauge", "takt_archive_epoch", "Epoch of the last archived beat.", (double) levels.archive.epoch);
    line(text, "gauge", "takt_archive_beat", "The last archived beat.", (double) levels.archive.beat);
    line(text, "gauge", "takt_archive_lag_seconds", "Age of the oldest beat of this broker that is not archived.",
         (double) levels.archive_lag_ms * 1e-3);
    line(text, "gauge", "takt_store_memory_bytes", "Memory the server uses.", (double) levels.memory_used);
}

static void door_lines(const struct metrics *metrics, struct buf *text)
{
    struct door_levels levels;
    door_levels(metrics->door, &levels);
    line(text, "gauge", "takt_peers", "Peers known by address.", levels.peers);
    line(text, "counter", "takt_frames_in_total", "Frames received.", (double) levels.frames_in);
    line(text, "counter", "takt_frames_out_total", "Frames sent.", (double) levels.frames_out);
    line(text, "counter", "takt_bytes_in_total", "Bytes received.", (double) levels.bytes_in);
    line(text, "counter", "takt_bytes_out_total", "Bytes sent.", (double) levels.bytes_out);
    line(text, "counter", "takt_frames_refused_total", "Frames that were no valid message.", (double) levels.bad);
    line(text, "counter", "takt_frames_dropped_total", "Frames to peers that do not read.", (double) levels.dropped);
}

static void beat_lines(const struct metrics *metrics, struct buf *text)
{
    if (!metrics->beat)
        return;
    const struct beat_levels *levels = beat_levels(metrics->beat);
    line(text, "counter", "takt_decided_beats_total", "Beats that ended scoring requests.", (double) levels->decisions);
    line(text, "counter", "takt_request_to_commit_seconds_total",
         "From a scoring request until its decision stands, summed.", (double) levels->decision_us_sum * 1e-6);
    line(text, "gauge", "takt_request_to_commit_max_seconds", "The longest of them since this broker started.",
         (double) levels->decision_us_max * 1e-6);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_len, void **state)
{
    const struct metrics *metrics = arg;
    struct buf text = {0};
    struct msg_report report;
    (void) version;
    (void) upload;
    (void) upload_len;
    (void) state;
    const bool found = strcmp(url, "/metrics") == 0 && strcmp(method, "GET") == 0;
    if (found) {
        core_report(metrics->core, &(struct msg_query){.what = QUERY_METRICS}, &report);
        for (uint32_t i = 0; i < report.n_rows; i++) {
            buf_add(&text, report.cells[i].at, report.cells[i].len);
            buf_add(&text, "\n", 1);
        }
        store_lines(metrics, &text);
        door_lines(metrics, &text);
        beat_lines(metrics, &text);
    } else {
        buf_printf(&text, "see /metrics\n");
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(text.len, text.at, MHD_RESPMEM_MUST_COPY);
    buf_fini(&text);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    const enum MHD_Result queued = MHD_queue_response(connection, found ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, response);
    MHD_destroy_response(response);
    return queued;
}

struct metrics *metrics_open(const char *address, struct core *core, const struct store *store, const struct door *door,
                             char why[160])
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port;
    char rest;
    if (sscanf(address, "127.0.0.1:%u%c", &port, &rest) != 1 || port > 65535) {
        snprintf(why, 160, "metrics address \"%.60s\" is not 127.0.0.1:PORT", address);
        return NULL;
    }
    struct metrics *metrics = calloc(1, sizeof *metrics);
    assert(metrics);
    *metrics = (struct metrics){.core = core, .store = store, .door = door};
    to.sin_port = htons((uint16_t) port);
    metrics->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, metrics, MHD_OPTION_SOCK_ADDR, &to,
                         MHD_OPTION_CONNECTION_LIMIT, 16u, MHD_OPTION_CONNECTION_TIMEOUT, 5u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        metrics->daemon ? MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        snprintf(why, 160, "cannot serve metrics on %.60s: is the port taken?", address);
        metrics_close(&metrics);
        return NULL;
    }
    metrics->fd = info->epoll_fd;
    return metrics;
}

void metrics_beat(struct metrics *metrics, const struct beat *beat)
{
    metrics->beat = beat;
}

void metrics_close(struct metrics **metrics_p)
{
    struct metrics *metrics = *metrics_p;
    if (!metrics)
        return;
    if (metrics->daemon)
        MHD_stop_daemon(metrics->daemon);
    free(metrics);
    *metrics_p = NULL;
}

int metrics_wait_fd(const struct metrics *metrics, struct wait_fd *ret_fd)
{
    *ret_fd = (struct wait_fd){.fd = metrics->fd};
    return 1;
}

/* Its descriptors are edge-triggered: run until it has nothing to do at once. */
void metrics_run(struct metrics *metrics)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    int rounds = 0;
    do
        MHD_run(metrics->daemon);
    while (MHD_get_timeout(metrics->daemon, &wait_ms) == MHD_YES && wait_ms == 0 && ++rounds < 16);
}
