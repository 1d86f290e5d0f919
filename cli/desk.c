/* SPDX-License-Identifier: Apache-2.0
 * desk.c - words to acts, by a table. */
#include "cli/desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/lead_states.h"

enum { READY_WAIT_MS = 10 * 60 * 1000, ID_DIGITS = 32, LIST_LEADS = 10 };

/* ---- leads in hand -------------------------------------------------------------- */

static struct desk_lead *find_lead(struct desk *desk, takt_id id)
{
    for (unsigned i = 0; i < desk->n_leads; i++)
        if (memcmp(desk->leads[i].id.bytes, id.bytes, sizeof id.bytes) == 0)
            return &desk->leads[i];
    return NULL;
}

static void drop_lead(struct desk *desk, struct desk_lead *lead)
{
    unsigned at = (unsigned) (lead - desk->leads);
    memmove(lead, lead + 1, (desk->n_leads - at - 1) * sizeof *lead);
    desk->n_leads--;
}

static void take_offer(struct desk *desk, const struct takt_event *event, int64_t now_us)
{
    struct desk_lead *lead = find_lead(desk, event->lead_id);
    if (!lead && desk->n_leads < DESK_LEADS_MAX)
        lead = &desk->leads[desk->n_leads++];
    if (lead)
        *lead = (struct desk_lead){event->lead_id, event->fence, event->state,
                                   event->answer_ms > 0 ? now_us + event->answer_ms * 1000 : 0};
}

static bool is_in_hand(unsigned state)
{
    return state >= LEAD_OFFERED && state <= LEAD_WRAP_UP;
}

void desk_take(struct desk *desk, const struct takt_event *event, int64_t now_us)
{
    struct desk_lead *lead = find_lead(desk, event->lead_id);
    if (event->kind == TAKT_OFFER) {
        take_offer(desk, event, now_us);
    } else if (event->kind == TAKT_WITHDRAWN && lead && lead->fence == event->fence) {
        drop_lead(desk, lead);
    } else if (event->kind == TAKT_ACTED && lead && event->reason == 0) {
        if (lead->state != event->state)
            lead->answer_until_us = 0;
        lead->state = event->state;
        if (!is_in_hand(event->state))
            drop_lead(desk, lead);
    }
}

/* ---- words ---------------------------------------------------------------------- */

struct saying {
    struct desk *desk;
    const struct desk_lead *lead; /* NULL only for words that need none */
    char *rest;                   /* what follows the word and the id; never NULL */
    char *why;
};

static int say_accept(struct saying *say)
{
    return takt_accept(say->desk->takt, say->lead->id, say->lead->fence);
}

static int say_decline(struct saying *say)
{
    return takt_decline(say->desk->takt, say->lead->id, say->lead->fence);
}

static int say_act(struct saying *say)
{
    return takt_action(say->desk->takt, say->lead->id, say->lead->fence);
}

static int say_end(struct saying *say)
{
    return takt_attempt_end(say->desk->takt, say->lead->id, say->lead->fence);
}

static int say_note(struct saying *say)
{
    return takt_note(say->desk->takt, say->lead->id, say->lead->fence, say->rest);
}

static char *next_word(char **rest)
{
    char *word = *rest;
    word += strspn(word, " \t");
    char *end = word + strcspn(word, " \t");
    *rest = end + strspn(end, " \t");
    *end = '\0';
    return word;
}

/* dispose CODE [in MINUTES] [note] */
static int say_dispose(struct saying *say)
{
    char *word = next_word(&say->rest);
    unsigned code = takt_disposition(word);
    if (code == 0) {
        snprintf(say->why, 200, "\"%.40s\" is no disposition; some are: sale, not-interested, no-answer, callback",
                 word);
        return -1;
    }
    int64_t at_ms = 0;
    long minutes;
    int used = 0;
    if (sscanf(say->rest, "in %ld%n", &minutes, &used) == 1 && minutes > 0) {
        at_ms = clock_wall_ms() + (int64_t) minutes * 60 * 1000;
        say->rest += used;
        say->rest += strspn(say->rest, " \t");
    }
    const char *note = *say->rest ? say->rest : NULL;
    return takt_dispose(say->desk->takt, say->lead->id, say->lead->fence, code, note, at_ms);
}

static int say_release(struct saying *say)
{
    return takt_release(say->desk->takt, say->lead->id, say->lead->fence);
}

static int say_ready(struct saying *say)
{
    return takt_ready(say->desk->takt, *say->rest ? (uint32_t) strtoul(say->rest, NULL, 10) : READY_WAIT_MS);
}

static int say_list(struct saying *say)
{
    return takt_ready_list(say->desk->takt, *say->rest ? (unsigned) strtoul(say->rest, NULL, 10) : LIST_LEADS);
}

static int say_take(struct saying *say)
{
    takt_id id;
    if (takt_id_parse(say->rest, &id))
        return takt_ready_take(say->desk->takt, id);
    snprintf(say->why, 200, "take needs the id of a lead; \"list\" shows some");
    return -1;
}

static int say_away(struct saying *say)
{
    return takt_intent(say->desk->takt, TAKT_AWAY, *say->rest ? (uint32_t) strtoul(say->rest, NULL, 10) : 1);
}

static int say_back(struct saying *say)
{
    return takt_intent(say->desk->takt, say->desk->intent, 0);
}

static int say_quit(struct saying *say)
{
    say->desk->quit = true;
    return 0;
}

static const struct word {
    const char *word;
    bool needs_lead;
    int (*say)(struct saying *say);
} words[] = {
    {"accept", true, say_accept},   {"decline", true, say_decline}, {"act", true, say_act},
    {"end", true, say_end},         {"note", true, say_note},       {"dispose", true, say_dispose},
    {"release", true, say_release}, {"ready", false, say_ready},    {"away", false, say_away},
    {"back", false, say_back},      {"quit", false, say_quit},      {"list", false, say_list},
    {"take", false, say_take},
};

const char *desk_help(void)
{
    return "accept | decline             an offer\n"
           "act | end                    an attempt begins, is over\n"
           "note TEXT                    annotate\n"
           "dispose CODE [in MIN] [note] sale, not-interested, no-answer, callback, contacted, ...\n"
           "release                      give it back\n"
           "list [N] | take ID           leads to choose from, where the programme lets you\n"
           "ready [MS] | away [N] | back | quit\n"
           "A lead's id may follow the word; without one the last lead is meant.\n";
}

/* Put the lead meant into *say: the one whose id stands first in `rest`, else the last that came. */
static bool choose_lead(struct saying *say)
{
    struct desk *desk = say->desk;
    takt_id id;
    char digits[ID_DIGITS + 1];
    size_t len = strcspn(say->rest, " \t");
    if (len == ID_DIGITS) {
        memcpy(digits, say->rest, ID_DIGITS);
        digits[ID_DIGITS] = '\0';
        if (takt_id_parse(digits, &id)) {
            say->rest += len;
            say->rest += strspn(say->rest, " \t");
            say->lead = find_lead(desk, id);
            return say->lead != NULL;
        }
    }
    say->lead = desk->n_leads > 0 ? &desk->leads[desk->n_leads - 1] : NULL;
    return say->lead != NULL;
}

int desk_do(struct desk *desk, char *line, char why[200])
{
    line[strcspn(line, "\r\n")] = '\0';
    char *rest = line;
    const char *name = next_word(&rest);
    if (!*name)
        return 0;
    const struct word *word = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, name) == 0)
            word = &words[i];
    if (!word) {
        snprintf(why, 200, "\"%.40s\" is no word here", name);
        return -1;
    }
    struct saying say = {.desk = desk, .rest = rest, .why = why};
    if (word->needs_lead && !choose_lead(&say)) {
        snprintf(why, 200, "%s: there is no such lead in your hands", name);
        return -1;
    }
    why[0] = '\0';
    int rc = word->say(&say);
    if (rc < 0 && !why[0])
        snprintf(why, 200, "%s: %s", name, takt_why(desk->takt));
    takt_flush(desk->takt);
    return rc < 0 ? -1 : 0;
}
