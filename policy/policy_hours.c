/* SPDX-License-Identifier: Apache-2.0
 * policy_hours.c - where and when: zones become tables, "mon-fri 08:00-21:00"
 * spans of a week. A zone that is named anywhere stands once in the policy. */
#include "policy/policy_hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_near.h"
#include "policy/policy_take.h"
#include "policy/policy_zones.h"
#include "proto/msg.h"

_Static_assert((int) POLICY_HOURS_SPANS_MAX == (int) HOURS_SPANS_MAX, "the page says the one, the core has the other");
_Static_assert((int) POLICY_HOURS_CLOSED_MAX == (int) HOURS_CLOSED_MAX, "the same");

enum { DAY_MINUTES = 1440, WEEK_MINUTES = 7 * DAY_MINUTES };

/* Of the United States, where two places of it differ in their clocks today or may again. */
static const char *const zones_of_us[] = {"America/New_York",
                                          "America/Detroit",
                                          "America/Indiana/Indianapolis",
                                          "America/Kentucky/Louisville",
                                          "America/Chicago",
                                          "America/Indiana/Knox",
                                          "America/Menominee",
                                          "America/North_Dakota/Center",
                                          "America/Denver",
                                          "America/Boise",
                                          "America/Phoenix",
                                          "America/Los_Angeles",
                                          "America/Anchorage",
                                          "America/Juneau",
                                          "America/Nome",
                                          "America/Adak",
                                          "Pacific/Honolulu",
                                          "America/Puerto_Rico",
                                          "America/St_Thomas",
                                          "Pacific/Guam",
                                          "Pacific/Saipan",
                                          "Pacific/Pago_Pago"};

/* ---- zones ---------------------------------------------------------------------------- */

uint32_t zone_take(struct policy_findings *findings, const char *key, const char *name, struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_zones && name[0] != '\0'; i++) /* the cell's may have no name */
        if (strcmp(policy->zones[i].zone.name, name) == 0)
            return i;
    if (policy->n_zones == POLICY_ZONES_MAX) {
        finding_add(findings, FAULT_TOO_MANY, key, "the cell has more than %d zones", POLICY_ZONES_MAX);
        return 0;
    }
    struct policy_zone *zone = &policy->zones[policy->n_zones];
    if (!policy_zone(name, &zone->zone)) {
        finding_add(findings, FAULT_BAD_VALUE, key,
                    "is \"%.40s\"; allowed is a zone of the system's database, such as America/Chicago", name);
        return 0;
    }
    zone->text = feature_text(name, strlen(name));
    return policy->n_zones++;
}

static void zones_initial(struct policy *policy)
{
    for (size_t i = 0; i < sizeof zones_of_us / sizeof *zones_of_us; i++) {
        struct policy_zone *zone = &policy->zones[policy->n_zones];
        if (!policy_zone(zones_of_us[i], &zone->zone))
            continue; /* a small database lacks some */
        zone->text = feature_text(zones_of_us[i], strlen(zones_of_us[i]));
        zone->leads = true;
        policy->n_zones++;
    }
}

/* Tables are made only of what the file needs: hours leads are called at need to know where leads may be. */
void zones_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy)
{
    bool calling = false;
    policy->n_zones = 0;
    if (raw->zone != NULL)
        zone_take(findings, "zone", raw->zone, policy);
    policy->n_zones = 1; /* the cell's; UTC when it names none */
    for (uint32_t i = 0; i < raw->programmes_count; i++)
        calling |= raw->programmes[i].calling_count > 0;
    if (calling && raw->zones == NULL)
        zones_initial(policy);
    for (uint32_t i = 0; raw->zones != NULL && i < raw->zones_count; i++) {
        char key[32];
        snprintf(key, sizeof key, "zones[%u]", i);
        policy->zones[zone_take(findings, key, raw->zones[i], policy)].leads = true;
    }
}

/* ---- hours ------------------------------------------------------------------------------ */

static int day_of(const char *text)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++)
        if (strncmp(text, days[i], 3) == 0)
            return i;
    return -1;
}

/* "08:00" of exactly five bytes; -1 when it is none. */
static int minute_of(const char *text)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return -1;
    const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    return minute < 60 && hour * 60 + minute <= DAY_MINUTES ? hour * 60 + minute : -1;
}

static void add_span(struct hours *hours, uint32_t from_min, uint32_t to_min)
{
    uint32_t at = hours->n_spans++;
    for (; at > 0 && hours->spans[at - 1].from_min > from_min; at--)
        hours->spans[at] = hours->spans[at - 1];
    hours->spans[at] = (struct hours_span){from_min, to_min};
}

/* "mon-fri 08:00-21:00", "sat 09:00-17:00". A span for each day. */
static bool read_open(struct policy_findings *findings, const char *key, const char *text, struct hours *hours)
{
    const size_t len = strlen(text);
    const bool range = len == 19 && text[3] == '-';
    const int first = len == 15 || range ? day_of(text) : -1, last = range ? day_of(text + 4) : first;
    const char *time = text + (range ? 8 : 4);
    const int from = first >= 0 && time[-1] == ' ' ? minute_of(time) : -1;
    const int to = from >= 0 && time[5] == '-' ? minute_of(time + 6) : -1;
    if (first < 0 || last < first || from < 0 || to <= from) {
        finding_add(findings, FAULT_BAD_VALUE, key,
                    "is \"%.40s\"; allowed are days and times such as mon-fri 08:00-21:00", text);
        return false;
    }
    for (int day = first; day <= last; day++) {
        if (hours->n_spans == HOURS_SPANS_MAX) {
            finding_add(findings, FAULT_TOO_MANY, key, "more than %d spans a week, each day counted", HOURS_SPANS_MAX);
            return false;
        }
        add_span(hours, (uint32_t) (day * DAY_MINUTES + from), (uint32_t) (day * DAY_MINUTES + to));
    }
    return true;
}

static bool number_of(const char *text, int digits, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *ret = *ret * 10 + (uint32_t) (text[i] - '0');
    }
    return true;
}

/* A day that the calendar has: the 29th of February only in years that have one, or in every year. */
static bool is_day(uint32_t year, uint32_t month, uint32_t day)
{
    int32_t same_year;
    uint32_t same_month, same_day;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    calendar_date(calendar_day_of(year ? (int32_t) year : 2024, month, day), &same_year, &same_month, &same_day);
    return same_month == month;
}

static void read_closed(struct policy_findings *findings, const char *key, const char *text, struct hours *hours)
{
    const bool once = strlen(text) == 10 && text[4] == '-';
    const char *rest = once ? text + 5 : text;
    uint32_t year = 0, month = 0, day = 0;
    if ((once && (!number_of(text, 4, &year) || year == 0)) || strlen(rest) != 5 || rest[2] != '-' ||
        !number_of(rest, 2, &month) || !number_of(rest + 3, 2, &day) || !is_day(year, month, day)) {
        finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.40s\"; allowed is a day such as 12-25, or 2026-07-03",
                    text);
        return;
    }
    hours->closed[hours->n_closed++] = (struct hours_closed){(uint16_t) year, (uint8_t) month, (uint8_t) day};
}

static void read_one(struct policy_findings *findings, uint32_t number, const struct raw_hours *raw,
                     struct policy_hours *ret)
{
    char key[48];
    bool sound = true;
    snprintf(key, sizeof key, "hours[%u].name", number);
    take_name(findings, key, raw->name, ret->name);
    for (uint32_t i = 0; i < raw->open_count; i++) {
        snprintf(key, sizeof key, "hours[%u].open[%u]", number, i);
        sound &= read_open(findings, key, raw->open[i], &ret->hours);
    }
    snprintf(key, sizeof key, "hours[%u].open", number);
    if (raw->open_count == 0)
        finding_add(findings, FAULT_MISSING, key, "is missing or empty: it would never be open");
    for (uint32_t i = 1; sound && i < ret->hours.n_spans; i++)
        if (ret->hours.spans[i].from_min < ret->hours.spans[i - 1].to_min) {
            finding_add(findings, FAULT_CONFLICT, key, "two of its times overlap");
            break;
        }
    for (uint32_t i = 0; i < raw->closed_count; i++) {
        snprintf(key, sizeof key, "hours[%u].closed[%u]", number, i);
        read_closed(findings, key, raw->closed[i], &ret->hours);
    }
}

void hours_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy)
{
    policy->n_hours = raw->hours_count;
    for (uint32_t i = 0; i < raw->hours_count; i++) {
        read_one(findings, i, &raw->hours[i], &policy->hours[i]);
        for (uint32_t k = 0; k < i; k++) {
            char key[32];
            snprintf(key, sizeof key, "hours[%u].name", i);
            if (policy->hours[i].name[0] != '\0' && strcmp(policy->hours[i].name, policy->hours[k].name) == 0)
                finding_add(findings, FAULT_DUPLICATE, key, "\"%s\" is there twice; a name belongs to one place",
                            policy->hours[i].name);
        }
    }
}

/* ---- calling ------------------------------------------------------------------------------- */

uint32_t hours_take(struct policy_findings *findings, const char *key, const char *name, const struct policy *policy)
{
    struct near near = {0};
    char hint[64];
    for (uint32_t i = 0; i < policy->n_hours; i++) {
        if (strcmp(policy->hours[i].name, name) == 0)
            return i;
        near_try(&near, name, policy->hours[i].name);
    }
    finding_add(findings, FAULT_NO_SUCH_NAME, key, "is \"%.70s\"; allowed is a name of the cell's hours%s", name,
                near_hint(&near, hint));
    return 0;
}

static void add_calling(struct policy_findings *findings, const char *key, uint32_t hours, int64_t state,
                        struct programme *programme)
{
    for (uint32_t i = 0; i < programme->n_calling; i++)
        if (programme->calling[i].state == state) {
            finding_add(findings, FAULT_DUPLICATE, key, "a state has one kind of hours, and this one has them above");
            return;
        }
    if (programme->n_calling == POLICY_CALLING_MAX)
        finding_add(findings, FAULT_TOO_MANY, key, "more than %d states", POLICY_CALLING_MAX);
    else
        programme->calling[programme->n_calling++] = (struct calling){hours, state};
}

void calling_read(struct policy_findings *findings, const struct raw_programme *raw, const struct policy *policy,
                  struct programme *programme)
{
    for (uint32_t i = 0; i < raw->calling_count; i++) {
        const struct raw_calling *calling = &raw->calling[i];
        char key[48];
        snprintf(key, sizeof key, "calling[%u].hours", i);
        if (calling->hours == NULL) {
            finding_add(findings, FAULT_MISSING, key, "is missing");
            continue;
        }
        const uint32_t hours = hours_take(findings, key, calling->hours, policy);
        if (calling->states_count == 0)
            add_calling(findings, key, hours, 0, programme);
        for (uint32_t s = 0; s < calling->states_count; s++) {
            const char *state = calling->states[s];
            snprintf(key, sizeof key, "calling[%u].states[%u]", i, s);
            add_calling(findings, key, hours, feature_text(state, strlen(state)), programme);
        }
    }
}
