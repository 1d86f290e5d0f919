/* SPDX-License-Identifier: Apache-2.0
 * cmd_agent.c - `takt agent`: one agent at a terminal, or driven by a script.
 *
 * A person sees the lead with its contact data, since it is theirs; a script gets
 * ids, fences, reasons and times as JSON lines and no contact data, since scripts
 * write logs. The running time stands on the line above the prompt and is
 * rewritten in place, so that what is being typed stays untouched. */
#include "cli/cli.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/desk.h"
#include "cli/print.h"
#include "common/clock.h"

enum { LINE_ROOM = 4096, SKILLS_MAX_CLI = 16, LAST_ANSWERS_MS = 5000, ATTRIBUTES_MAX = 48 };

struct agent {
    struct cli_common common;
    const char *team, *intent_word, *skills_text;
    int64_t capacity;
    bool script, is_terminal, refused;
    bool listed; /* the answer that is to come is the list's */
    struct desk desk;
    char line[LINE_ROOM];
    size_t line_len;
    bool input_over;
};

/* ---- for a script ---------------------------------------------------------------- */

static const char *event_word(enum takt_event_kind kind)
{
    switch (kind) {
    case TAKT_CONNECTED:
        return "connected";
    case TAKT_DISCONNECTED:
        return "disconnected";
    case TAKT_REFUSED:
        return "refused";
    case TAKT_OFFER:
        return "offer";
    case TAKT_WITHDRAWN:
        return "withdrawn";
    case TAKT_ACTED:
        return "acted";
    case TAKT_READY_ANSWER:
        return "ready";
    case TAKT_CANDIDATE:
        return "candidate";
    case TAKT_BUSY:
        return "busy";
    default:
        return "other";
    }
}

static const char *const see_words[] = {
    [TAKT_SEE_FULL] = "full", [TAKT_SEE_COARSE] = "coarse", [TAKT_SEE_NONE] = "none"};

/* What a preview shows, which is no contact data: a script may choose by it. */
static void tell_attributes(const struct takt_lead *lead)
{
    takt_text names[ATTRIBUTES_MAX], cells[ATTRIBUTES_MAX];
    char types[ATTRIBUTES_MAX], numbers[ATTRIBUTES_MAX][24];
    const size_t n = lead->n_attributes < ATTRIBUTES_MAX ? lead->n_attributes : ATTRIBUTES_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct takt_attribute *attribute = &lead->attributes[i];
        const int len = snprintf(numbers[i], sizeof numbers[i], "%" PRId64, attribute->number);
        names[i] = attribute->name;
        cells[i] = attribute->text.at ? attribute->text : print_text(numbers[i], (size_t) len);
        types[i] = attribute->text.at ? 's' : 'n';
    }
    printf(", \"attributes\": ");
    print_json_rows(stdout, &(struct print_table){n, 1, names, types, cells});
}

static void tell_script(const struct takt_event *event, int64_t now_us)
{
    char lead[33];
    takt_id_text(event->lead_id, lead);
    printf("{\"event\": \"%s\", \"lead\": \"%s\", \"fence\": %" PRIu64 ", \"reason\": \"%s\", \"state\": \"%s\""
           ", \"answer_ms\": %" PRId64 ", \"wait_ms\": %" PRIu32 ", \"attempts\": %" PRIu32 ", \"score\": %" PRId32
           ", \"see\": \"%s\", \"epoch\": %" PRIu64 ", \"beat\": %" PRIu64 ", \"t_mono_us\": %" PRId64,
           event_word(event->kind), lead, event->fence, takt_reason_name(event->reason),
           event->state ? takt_state_name(event->state) : "", event->answer_ms, event->wait_ms, event->attempts,
           event->score, see_words[event->see], event->position.epoch, event->position.beat, now_us);
    if (event->see == TAKT_SEE_COARSE)
        tell_attributes(&event->lead);
    puts("}");
    fflush(stdout);
}

/* ---- for a person ---------------------------------------------------------------- */

static void print_field(const char *name, takt_text text)
{
    if (!text.at || text.len == 0)
        return;
    printf("  %-10s", name);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.at[i];
        bool control = byte < 0x20 || byte == 0x7f || (i > 0 && (unsigned char) text.at[i - 1] == 0xc2 && byte < 0xa0);
        putchar(control ? '?' : byte);
    }
    putchar('\n');
}

static void print_lead(const struct takt_lead *lead)
{
    print_field("name", lead->name);
    print_field("phone", lead->phone);
    print_field("e-mail", lead->email);
    print_field("street", lead->street);
    print_field("web", lead->web);
    print_field("reference", lead->ref);
    print_field("remarks", lead->remarks);
    for (size_t i = 0; i < lead->n_attributes; i++) {
        const struct takt_attribute *attribute = &lead->attributes[i];
        char name[33], number[32];
        snprintf(name, sizeof name, "%.*s", (int) attribute->name.len, attribute->name.at);
        int len = snprintf(number, sizeof number, "%" PRId64, attribute->number);
        print_field(name, attribute->text.at ? attribute->text : (takt_text){number, (size_t) len});
    }
}

static void tell_refusal(const struct takt_event *event)
{
    printf("not now: %s", takt_reason_text(event->reason));
    static const takt_id none;
    if (memcmp(&event->lead_id, &none, sizeof none) != 0) {
        char lead[33];
        takt_id_text(event->lead_id, lead);
        printf(" (lead %s)", lead);
    }
    char wait[32];
    if (event->wait_ms > 0 && strcmp(takt_reason_name(event->reason), "NO_LEAD") == 0)
        printf("; the next one that is known of may come in %s", print_duration(event->wait_ms, wait));
    else if (event->wait_ms > 0)
        printf("; try again in %" PRIu32 " s", (event->wait_ms + 999) / 1000);
    putchar('\n');
}

static void tell_person(const struct takt_event *event, bool in_hand, bool listed)
{
    char lead[33];
    takt_id_text(event->lead_id, lead);
    switch (event->kind) {
    case TAKT_CONNECTED:
        puts("connected");
        break;
    case TAKT_DISCONNECTED:
        puts("the broker is away; trying again. Leads in your hands stay yours until they are withdrawn here");
        break;
    case TAKT_OFFER:
        printf("lead %s, %s, attempt %" PRIu32 "\n", lead, takt_state_name(event->state), event->attempts + 1);
        print_lead(&event->lead);
        if (event->see != TAKT_SEE_FULL)
            puts("  a preview: \"accept\" shows all of it, \"decline\" skips it");
        break;
    case TAKT_CANDIDATE:
        printf("lead %s is free, attempt %" PRIu32 "; \"take\" and its id gets it\n", lead, event->attempts + 1);
        print_lead(&event->lead);
        break;
    case TAKT_WITHDRAWN:
        printf("lead %s is no longer yours: %s\n", lead, takt_reason_text(event->reason));
        break;
    case TAKT_ACTED:
        if (event->reason == 0)
            printf("lead %s: %s\n", lead, takt_state_name(event->state));
        else
            tell_refusal(event);
        break;
    case TAKT_READY_ANSWER:
        if (event->reason != 0)
            tell_refusal(event);
        else if (!in_hand && !listed)
            puts("ready: the next lead is yours");
        break;
    case TAKT_REFUSED:
        printf("refused: %s\n", takt_reason_text(event->reason));
        break;
    default:
        break;
    }
}

/* The lead whose time runs out first, in one line; returns false when none runs. */
static bool countdown(const struct agent *agent, char ret_line[80])
{
    const struct desk_lead *first = NULL;
    for (unsigned i = 0; i < agent->desk.n_leads; i++) {
        const struct desk_lead *lead = &agent->desk.leads[i];
        if (lead->answer_until_us > 0 && (!first || lead->answer_until_us < first->answer_until_us))
            first = lead;
    }
    if (!first)
        return false;
    int64_t left_s = (first->answer_until_us - clock_mono_us()) / 1000000;
    char lead[33];
    takt_id_text(first->id, lead);
    snprintf(ret_line, 80, "%.8s (%s): %" PRId64 " s left", lead, takt_state_name(first->state),
             left_s > 0 ? left_s : 0);
    return true;
}

static void prompt(const struct agent *agent, bool again)
{
    char line[80];
    if (agent->script || !agent->is_terminal)
        return;
    bool runs = countdown(agent, line);
    if (again && runs)
        printf("\0337\033[1A\r\033[K%s\0338", line); /* save, one up, rewrite, restore */
    else if (!again)
        printf("%s\ntakt> ", runs ? line : "");
    fflush(stdout);
}

/* ---- the loop -------------------------------------------------------------------- */

static bool take_events(struct agent *agent)
{
    struct takt_event event;
    bool any = false;
    while (takt_next(agent->desk.takt, &event, 0) == 1) {
        int64_t now_us = clock_mono_us();
        if (agent->is_terminal && !agent->script && !any)
            printf("\r\033[K");
        desk_take(&agent->desk, &event, now_us);
        if (agent->script)
            tell_script(&event, now_us);
        else
            tell_person(&event, agent->desk.n_leads > 0, agent->listed);
        if (event.kind == TAKT_CANDIDATE || event.kind == TAKT_READY_ANSWER)
            agent->listed = event.kind == TAKT_CANDIDATE;
        agent->refused |= event.kind == TAKT_REFUSED;
        any = true;
    }
    return any;
}

static void do_line(struct agent *agent)
{
    char why[200];
    if (!agent->script && strcmp(agent->line, "help") == 0) {
        fputs(desk_help(), stdout);
        return;
    }
    if (desk_do(&agent->desk, agent->line, why) == 0)
        return;
    if (agent->script)
        printf("{\"event\": \"error\", \"t_mono_us\": %" PRId64 "}\n", clock_mono_us());
    fprintf(agent->script ? stderr : stdout, "%s%s\n", why, agent->script ? "" : "; \"help\" lists the words");
    fflush(stdout);
}

static void take_input(struct agent *agent)
{
    char bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n <= 0) {
        agent->input_over = true;
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            if (agent->line_len < sizeof agent->line - 1)
                agent->line[agent->line_len++] = bytes[i];
            continue;
        }
        agent->line[agent->line_len] = '\0';
        agent->line_len = 0;
        do_line(agent);
    }
}

static int wait_time(const struct agent *agent, int64_t end_us)
{
    int wait_ms = takt_timeout_ms(agent->desk.takt);
    if (agent->is_terminal && !agent->script && (wait_ms < 0 || wait_ms > 1000))
        wait_ms = 1000; /* the countdown */
    int64_t left_ms = end_us == INT64_MAX ? INT32_MAX : (end_us - clock_mono_us()) / 1000 + 1;
    if (left_ms < INT32_MAX && (wait_ms < 0 || left_ms < wait_ms))
        wait_ms = left_ms < 0 ? 0 : (int) left_ms;
    return wait_ms;
}

/* After the end of the input what was asked is still answered, for a while. */
static void serve(struct agent *agent)
{
    int64_t end_us = INT64_MAX;
    prompt(agent, false);
    while (!agent->desk.quit && !agent->refused && clock_mono_us() < end_us) {
        bool news = take_events(agent);
        if (news)
            prompt(agent, false);
        if (agent->input_over && end_us == INT64_MAX)
            end_us = clock_mono_us() + (int64_t) LAST_ANSWERS_MS * 1000;
        if (agent->input_over && takt_connected(agent->desk.takt) && takt_out(agent->desk.takt) == 0)
            break;
        struct pollfd fds[2] = {{.fd = takt_fd(agent->desk.takt), .events = POLLIN},
                                {.fd = agent->input_over ? -1 : STDIN_FILENO, .events = POLLIN}};
        int n = poll(fds, 2, wait_time(agent, end_us));
        if (n > 0 && fds[1].revents) {
            take_input(agent);
            prompt(agent, false);
        } else if (n == 0) {
            prompt(agent, true);
        }
    }
    take_events(agent);
}

static bool read_intent(const char *word, enum takt_intent *ret)
{
    static const struct {
        const char *word;
        enum takt_intent intent;
    } intents[] = {{"available", TAKT_AVAILABLE}, {"on-demand", TAKT_ON_DEMAND}, {"away", TAKT_AWAY}};
    for (size_t i = 0; i < sizeof intents / sizeof *intents; i++)
        if (strcmp(intents[i].word, word) == 0) {
            *ret = intents[i].intent;
            return true;
        }
    cli_say("--intent is available, on-demand or away, not \"%s\"", word);
    return false;
}

static int run(struct agent *agent, const char *name)
{
    char endpoint[256], why[160];
    const char *skills[SKILLS_MAX_CLI + 1] = {NULL};
    struct takt_options options = {.role = TAKT_AGENT,
                                   .endpoint = endpoint,
                                   .name = name,
                                   .team = agent->team,
                                   .capacity = (uint32_t) agent->capacity,
                                   .skills = skills};
    if (!read_intent(agent->intent_word, &options.intent))
        return CLI_USAGE;
    if (!cli_endpoint(&agent->common, "agent", endpoint))
        return CLI_FAILED;
    char *copy = agent->skills_text ? strdup(agent->skills_text) : NULL, *rest = copy;
    for (int n = 0; copy && n < SKILLS_MAX_CLI && rest; n++)
        skills[n] = strsep(&rest, ",");
    agent->desk.intent = options.intent == TAKT_AWAY ? TAKT_AVAILABLE : options.intent;
    agent->is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    agent->desk.takt = takt_open(&options, why);
    if (!agent->desk.takt)
        cli_say("%s", why);
    else
        serve(agent);
    bool served = agent->desk.takt && !agent->refused;
    takt_close(&agent->desk.takt);
    free(copy);
    return served ? CLI_DONE : CLI_FAILED;
}

static const struct cli_usage usage = {
    .synopsis = "takt agent NAME --team T [options]",
    .about = "Be an agent: leads appear as they come; words (\"help\" lists them) work on them.\n"
             "With --script words are read as lines and events are written as JSON lines, without\n"
             "contact data.",
    .example = "takt agent ana --team north\n"
               "  takt agent bot-1 --team north --script < words > events.ndjson",
    .words_least = 1,
    .words_most = 1,
};

int cmd_agent(int argc, char **argv)
{
    struct agent agent = {.intent_word = "available"};
    const struct cli_option options[] = {
        CLI_DIR_OPTION(agent.common.dir),
        {"endpoint", "URL", CLI_TEXT, &agent.common.endpoint, 0, 0, "the broker's socket for agents"},
        {"team", "T", CLI_TEXT, &agent.team, 0, 0, "your team, as in the policy"},
        {"intent", "WORD", CLI_TEXT, &agent.intent_word, 0, 0, "available, on-demand or away (default: available)"},
        {"capacity", "N", CLI_NUMBER, &agent.capacity, 0, 64, "leads at once (default: the programme's)"},
        {"skills", "A,B", CLI_TEXT, &agent.skills_text, 0, 0, "what you can do"},
        {"script", NULL, CLI_FLAG, &agent.script, 0, 0, "words from stdin, events as JSON lines"},
        {"json", NULL, CLI_FLAG, &agent.script, 0, 0, "the same as --script"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!agent.team) {
        cli_say("agent needs --team T; `takt teams` lists them");
        return CLI_USAGE;
    }
    return run(&agent, argv[1]);
}
