/* SPDX-License-Identifier: Apache-2.0
 * belief.c - write and check diaries of believed ownership.
 *
 * The check knows nothing of takt's rules: it makes intervals of the lines,
 * sorts them by lead and start, and sweeps with the latest end seen so far. So
 * it cannot share a mistake with what it checks. */
#include "cli/belief.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"

enum { NAME_ROOM = 65, LEAD_ROOM = 33, TOLD_MAX = 20 };

struct belief_log {
    int fd;
};

/* ---- writing -------------------------------------------------------------------- */

static void write_line(struct belief_log *log, const char *line, int len)
{
    while (write(log->fd, line, (size_t) len) < 0 && errno == EINTR)
        continue;
}

struct belief_log *belief_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    struct belief_log *log = malloc(sizeof *log);
    if (!log)
        abort();
    log->fd = fd;
    char line[64];
    write_line(log, line, snprintf(line, sizeof line, "* %" PRId64 "\n", clock_mono_us()));
    return log;
}

void belief_close(struct belief_log **log_p)
{
    if (!*log_p)
        return;
    close((*log_p)->fd);
    free(*log_p);
    *log_p = NULL;
}

static void write_change(struct belief_log *log, char sign, const char *agent, const char *lead, uint64_t fence)
{
    char line[192];
    int len =
        snprintf(line, sizeof line, "%c %s %s %" PRIu64 " %" PRId64 "\n", sign, agent, lead, fence, clock_mono_us());
    write_line(log, line, len);
}

void belief_start(struct belief_log *log, const char *agent, const char *lead, uint64_t fence)
{
    write_change(log, '+', agent, lead, fence);
}

void belief_stop(struct belief_log *log, const char *agent, const char *lead, uint64_t fence)
{
    write_change(log, '-', agent, lead, fence);
}

/* ---- checking ------------------------------------------------------------------- */

struct interval {
    char agent[NAME_ROOM], lead[LEAD_ROOM];
    uint64_t fence;
    int64_t from_us, to_us; /* to_us -1: still open */
};

struct diary {
    struct buf intervals; /* struct interval */
    size_t run_begins;    /* first interval that may still be open */
    int64_t last_us;
    struct belief_counts *counts;
};

static struct interval *interval_at(const struct diary *diary, size_t i)
{
    return (struct interval *) (void *) diary->intervals.at + i;
}

static size_t interval_count(const struct diary *diary)
{
    return diary->intervals.len / sizeof(struct interval);
}

static void end_run(struct diary *diary)
{
    for (size_t i = diary->run_begins; i < interval_count(diary); i++)
        if (interval_at(diary, i)->to_us < 0) {
            interval_at(diary, i)->to_us = diary->last_us;
            diary->counts->open++;
        }
    diary->run_begins = interval_count(diary);
}

/* The newest open interval is nearly always among the last few: search backwards. */
static bool close_interval(struct diary *diary, const struct interval *what)
{
    for (size_t i = interval_count(diary); i-- > diary->run_begins;) {
        struct interval *at = interval_at(diary, i);
        if (at->to_us < 0 && at->fence == what->fence && !strcmp(at->lead, what->lead) &&
            !strcmp(at->agent, what->agent)) {
            at->to_us = what->to_us;
            return true;
        }
    }
    return false;
}

static bool take_line(struct diary *diary, const char *line)
{
    struct interval one = {.to_us = -1};
    int64_t us;
    char sign, rest;
    if ((line[0] == '*' || line[0] == '!') && sscanf(line + 1, " %" SCNd64 " %c", &us, &rest) == 1) {
        if (line[0] == '!')
            diary->last_us = us;
        end_run(diary);
        diary->last_us = us;
        return true;
    }
    if (sscanf(line, "%c %64s %32s %" SCNu64 " %" SCNd64 " %c", &sign, one.agent, one.lead, &one.fence, &us, &rest) !=
            5 ||
        (sign != '+' && sign != '-'))
        return false;
    diary->last_us = us;
    if (sign == '-') {
        one.to_us = us;
        return close_interval(diary, &one);
    }
    one.from_us = us;
    buf_add(&diary->intervals, &one, sizeof one);
    return true;
}

static int read_diary(struct diary *diary, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        diary->counts->lines++;
        diary->counts->damaged += !take_line(diary, line);
    }
    end_run(diary);
    diary->counts->files++;
    free(line);
    int broken = ferror(file);
    fclose(file);
    return broken ? -1 : 0;
}

static int by_lead_and_start(const void *a_, const void *b_)
{
    const struct interval *a = a_, *b = b_;
    int order = strcmp(a->lead, b->lead);
    if (order == 0)
        order = (a->from_us > b->from_us) - (a->from_us < b->from_us);
    if (order == 0) /* what was over at once first: the verdict must not hang on the order of the files */
        order = (a->to_us > b->to_us) - (a->to_us < b->to_us);
    return order ? order : strcmp(a->agent, b->agent);
}

static int by_agent(const void *a_, const void *b_)
{
    return strcmp(*(const char *const *) a_, *(const char *const *) b_);
}

static uint64_t count_agents(const struct diary *diary)
{
    size_t n = interval_count(diary);
    const char **names = calloc(n + 1, sizeof *names);
    if (!names)
        abort();
    for (size_t i = 0; i < n; i++)
        names[i] = interval_at(diary, i)->agent;
    qsort(names, n, sizeof *names, by_agent);
    uint64_t agents = 0;
    for (size_t i = 0; i < n; i++)
        agents += i == 0 || strcmp(names[i], names[i - 1]) != 0;
    free(names);
    return agents;
}

/* Of one lead's intervals in order of start: does one begin before another agent's earlier one ended? */
static void sweep(const struct diary *diary, FILE *out)
{
    struct belief_counts *counts = diary->counts;
    const struct interval *latest = NULL; /* of this lead, the one that ends last so far */
    bool told = false;
    for (size_t i = 0; i < interval_count(diary); i++) {
        const struct interval *at = interval_at(diary, i);
        if (!latest || strcmp(latest->lead, at->lead) != 0) {
            latest = at;
            told = false;
            counts->leads++;
            continue;
        }
        if (at->from_us < latest->to_us && strcmp(at->agent, latest->agent) != 0 && !told) {
            told = true;
            if (counts->two_owners++ < TOLD_MAX)
                fprintf(out,
                        "lead %s: %s (fence %" PRIu64 ") from %" PRId64 " to %" PRId64 ", %s (fence %" PRIu64
                        ") from %" PRId64 " to %" PRId64 "\n",
                        at->lead, latest->agent, latest->fence, latest->from_us, latest->to_us, at->agent, at->fence,
                        at->from_us, at->to_us);
        }
        if (at->to_us > latest->to_us)
            latest = at;
    }
}

int belief_check(const char *const *paths, int n_paths, FILE *out, struct belief_counts *ret_counts)
{
    memset(ret_counts, 0, sizeof *ret_counts);
    struct diary diary = {.counts = ret_counts};
    int rc = 0;
    for (int i = 0; i < n_paths && rc == 0; i++) {
        diary.last_us = 0;
        rc = read_diary(&diary, paths[i]);
    }
    if (rc == 0) {
        ret_counts->intervals = interval_count(&diary);
        if (ret_counts->intervals > 0)
            qsort(diary.intervals.at, interval_count(&diary), sizeof(struct interval), by_lead_and_start);
        sweep(&diary, out);
        ret_counts->agents = count_agents(&diary);
    }
    buf_fini(&diary.intervals);
    return rc;
}
