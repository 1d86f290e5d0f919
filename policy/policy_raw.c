/* SPDX-License-Identifier: Apache-2.0
 * policy_raw.c - the schema of a policy file, and libcyaml's complaints turned
 * into findings. libcyaml stops at the first fault; what it reports comes with
 * line and column, as the first line of a backtrace. */
#include "policy/policy_raw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "core/policy.h"

#define TEXT(type, key) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_OPTIONAL, type, key, 0, CYAML_UNLIMITED)
#define LIST(type, key, entry, least, most)                                                                            \
    CYAML_FIELD_SEQUENCE(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, key, entry, least, most)

static const cyaml_schema_value_t text_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t weight_fields[] = {
    TEXT(struct raw_weight, attribute),
    TEXT(struct raw_weight, is),
    TEXT(struct raw_weight, from),
    TEXT(struct raw_weight, to),
    TEXT(struct raw_weight, skill),
    TEXT(struct raw_weight, add),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t weight_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_weight, weight_fields)};

static const cyaml_schema_field_t score_fields[] = {
#define SCORE_KEY(key, member, kind, initial, least, most) TEXT(struct raw_score, key),
#include "policy/policy_keys.def"
    LIST(struct raw_score, weights, &weight_schema, 0, POLICY_WEIGHTS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t timer_fields[] = {
#define TIMER_KEY(key, member, kind, initial, least, most) TEXT(struct raw_timers, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t programme_fields[] = {
    TEXT(struct raw_programme, name),
    TEXT(struct raw_programme, mode),
    TEXT(struct raw_programme, strategy),
    TEXT(struct raw_programme, widen),
    TEXT(struct raw_programme, order),
    LIST(struct raw_programme, teams, &text_schema, 0, POLICY_TEAMS_MAX),
    LIST(struct raw_programme, sources, &text_schema, 0, POLICY_SOURCES_MAX),
    LIST(struct raw_programme, attempt_gaps, &text_schema, 1, POLICY_GAPS_MAX),
#define PROGRAMME_KEY(key, member, kind, initial, least, most) TEXT(struct raw_programme, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_MAPPING("timers", CYAML_FLAG_OPTIONAL, struct raw_programme, timers, timer_fields),
    CYAML_FIELD_MAPPING("score", CYAML_FLAG_OPTIONAL, struct raw_programme, score, score_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t programme_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_programme, programme_fields)};

static const cyaml_schema_field_t policy_fields[] = {
    TEXT(struct raw_policy, cell),
    TEXT(struct raw_policy, default_programme),
#define CELL_KEY(key, member, kind, initial, least, most) TEXT(struct raw_policy, key),
#include "policy/policy_keys.def"
    LIST(struct raw_policy, programmes, &programme_schema, 0, POLICY_PROGRAMMES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_policy, policy_fields)};

struct complaint { /* gathered from libcyaml's log */
    char what[160];
    unsigned line, column;
};

static void gather(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct complaint *complaint = context;
    char text[200], *what = text;
    (void) level;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(what, "Load: ", 6) == 0)
        what += 6;
    const char *at = strstr(what, "(line: ");
    if (complaint->what[0] == '\0')
        snprintf(complaint->what, sizeof complaint->what, "%.150s", what);
    else if (complaint->line == 0 && at != NULL)
        sscanf(at, "(line: %u, column: %u", &complaint->line, &complaint->column);
}

static const cyaml_config_t *config_with(cyaml_config_t *config, struct complaint *complaint)
{
    *config =
        (cyaml_config_t){.log_fn = gather, .log_ctx = complaint, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_WARNING};
    return config;
}

/* libcyaml gives the place of what it read before an unknown key; the key itself comes at or after that. */
static void move_to_key(struct complaint *complaint, const char *text, size_t len)
{
    static const char unknown[] = "Unexpected key: ";
    if (complaint->line == 0 || strncmp(complaint->what, unknown, sizeof unknown - 1) != 0)
        return;
    const char *key = complaint->what + sizeof unknown - 1, *end = text + len;
    size_t key_len = strlen(key);
    unsigned line = 1, column = 1;
    for (const char *at = text; (size_t) (end - at) > key_len; at++, column++) {
        if (line >= complaint->line && memcmp(at, key, key_len) == 0 && at[key_len] == ':' &&
            (at == text || strchr(" {,\n\"'", at[-1]) != NULL)) {
            complaint->line = line;
            complaint->column = column;
            return;
        }
        if (*at == '\n') {
            line++;
            column = 0;
        }
    }
}

struct raw_policy *raw_read(const char *text, size_t len, const char *name, struct buf *findings)
{
    struct raw_policy *raw = NULL;
    struct complaint complaint = {0};
    cyaml_config_t config;
    cyaml_err_t error = cyaml_load_data((const uint8_t *) text, len, config_with(&config, &complaint), &policy_schema,
                                        (cyaml_data_t **) &raw, NULL);
    if (error == CYAML_ERR_OOM)
        abort();
    if (error == CYAML_OK && raw != NULL && complaint.what[0] == '\0')
        return raw;

    move_to_key(&complaint, text, len);
    const char *what = complaint.what[0] != '\0' ? complaint.what : raw == NULL ? "is empty" : cyaml_strerror(error);
    if (complaint.line > 0)
        buf_printf(findings, "%s: line %u, column %u: %s\n", name, complaint.line, complaint.column, what);
    else
        buf_printf(findings, "%s: %s\n", name, what);
    raw_free(&raw);
    return NULL;
}

void raw_free(struct raw_policy **raw_p)
{
    struct complaint ignored = {0};
    cyaml_config_t config;
    if (*raw_p != NULL)
        cyaml_free(config_with(&config, &ignored), &policy_schema, *raw_p, 0);
    *raw_p = NULL;
}
