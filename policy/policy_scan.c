/* SPDX-License-Identifier: Apache-2.0
 * policy_scan.c - libyaml's events against the shape of a policy. The shape is
 * policy_shape.c's. Everything is bounded: events are taken one
 * at a time, nothing expands (an alias is refused, not followed), what is not
 * known is skipped, and depth ends early. */
#include "policy/policy_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "core/policy.h"
#include "policy/policy_index.h"
#include "policy/policy_near.h"
#include "policy/policy_shape.h"
#include "policy/policy_values.h"

enum { DEPTH_MAX = 32, LINE_BYTES_MAX = 32 * 1024 };

/* ---- events -------------------------------------------------------------------------- */

struct scan {
    yaml_parser_t parser;
    yaml_event_t event; /* the one in hand */
    const char *text;
    struct policy_findings *findings;
    struct policy_index *index;
    struct buf *out;
    uint32_t depth;
    bool over; /* the text cannot be read on */
};

#define fault_here(scan, fault, path, ...)                                                                             \
    finding_add_at((scan)->findings, fault, (uint32_t) (scan)->event.start_mark.line + 1,                              \
                   (uint32_t) (scan)->event.start_mark.column + 1, path, __VA_ARGS__)

static void remember(const struct scan *scan, const char *path)
{
    const yaml_mark_t *mark = &scan->event.start_mark;
    policy_index_add(scan->index, path, (uint32_t) mark->line + 1, (uint32_t) mark->column + 1);
}

/* A byte that is no UTF-8 has an offset and no mark. */
static void tell_syntax(struct scan *scan)
{
    const yaml_parser_t *parser = &scan->parser;
    yaml_mark_t mark = parser->problem_mark;
    const char *context = parser->context != NULL ? parser->context : "";
    if (parser->error == YAML_READER_ERROR) {
        mark = (yaml_mark_t){0};
        for (size_t i = 0; i < parser->problem_offset; i++, mark.column++)
            if (scan->text[i] == '\n') {
                mark.line++;
                mark.column = SIZE_MAX; /* 0 with the next */
            }
    }
    finding_add_at(scan->findings, FAULT_SYNTAX, (uint32_t) mark.line + 1, (uint32_t) mark.column + 1, "",
                   "no YAML: %s%s%s", context, *context != '\0' ? ", " : "", parser->problem);
}

static bool next(struct scan *scan)
{
    yaml_event_delete(&scan->event);
    if (scan->over)
        return false;
    if (!yaml_parser_parse(&scan->parser, &scan->event)) {
        if (scan->parser.error == YAML_MEMORY_ERROR)
            abort();
        tell_syntax(scan);
        scan->event = (yaml_event_t){0};
        scan->over = true;
        return false;
    }
    const yaml_event_t *event = &scan->event;
    const bool scalar = event->type == YAML_SCALAR_EVENT, list = event->type == YAML_SEQUENCE_START_EVENT,
               map = event->type == YAML_MAPPING_START_EVENT;
    if ((scalar && event->data.scalar.anchor != NULL) || (list && event->data.sequence_start.anchor != NULL) ||
        (map && event->data.mapping_start.anchor != NULL))
        fault_here(scan, FAULT_NOT_PLAIN, "", "an anchor (&); write it out where it is meant");
    else if ((scalar && event->data.scalar.tag != NULL) || (list && event->data.sequence_start.tag != NULL) ||
             (map && event->data.mapping_start.tag != NULL))
        fault_here(scan, FAULT_NOT_PLAIN, "", "a tag (!); a policy has none");
    else if (event->type == YAML_ALIAS_EVENT)
        fault_here(scan, FAULT_NOT_PLAIN, "", "an alias (*); write out what it stands for");
    if ((list || map) && ++scan->depth > DEPTH_MAX) {
        fault_here(scan, FAULT_WRONG_KIND, "", "is nested too deep");
        scan->over = true;
        return false;
    }
    scan->depth -= event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
    return true;
}

/* Over the node that the event in hand begins; its end is in hand then. */
static void skip(struct scan *scan)
{
    const bool opens = scan->event.type == YAML_SEQUENCE_START_EVENT || scan->event.type == YAML_MAPPING_START_EVENT;
    for (const uint32_t depth = scan->depth; opens && scan->depth >= depth && next(scan);)
        continue;
}

/* ---- nodes ---------------------------------------------------------------------------- */

/* Whatever it holds: every character but plain ASCII by its number. */
static void write_text(struct buf *out, const uint8_t *at, size_t len)
{
    buf_add(out, "\"", 1);
    for (size_t i = 0; i < len;) {
        const uint8_t c = at[i];
        const unsigned more = c >= 0xf0   ? 3
                              : c >= 0xe0 ? 2
                              : c >= 0xc0 ? 1
                                          : 0; /* libyaml has checked that it is UTF-8 */
        uint32_t code = more ? c & (0x3fu >> more) : c;
        for (unsigned k = 1; k <= more; k++)
            code = code << 6 | (at[i + k] & 0x3fu);
        if (code >= ' ' && code < 0x7f && code != '"' && code != '\\')
            buf_add(out, &at[i], 1);
        else
            buf_printf(out, "\\U%08X", code);
        i += more + 1;
    }
    buf_add(out, "\"", 1);
}

static bool take_value(struct scan *scan, const char *path)
{
    const yaml_event_t *event = &scan->event;
    if (event->type != YAML_SCALAR_EVENT) {
        if (event->type != YAML_ALIAS_EVENT)
            fault_here(scan, FAULT_WRONG_KIND, path, "is a %s; a single value belongs here",
                       event->type == YAML_SEQUENCE_START_EVENT ? "list" : "mapping");
        skip(scan);
        return false;
    }
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
        fault_here(scan, FAULT_BAD_VALUE, path, "holds a NUL");
        return false;
    }
    write_text(scan->out, event->data.scalar.value, event->data.scalar.length);
    return true;
}

static const char *kind_in_hand(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.length > 0 ? "a single value" : "empty";
    return event->type == YAML_SEQUENCE_START_EVENT ? "a list" : "a mapping";
}

/* The event in hand opens what belongs here; else this is told and passed over. */
static bool opens(struct scan *scan, yaml_event_type_t wanted, const char *path, const char *what)
{
    if (scan->event.type == wanted)
        return true;
    if (scan->event.type != YAML_ALIAS_EVENT)
        fault_here(scan, FAULT_WRONG_KIND, path, "is %s; a %s belongs here", kind_in_hand(&scan->event), what);
    skip(scan);
    return false;
}

static bool take_map(struct scan *scan, const char *path, const struct field *fields);
static bool take_rank(struct scan *scan, const char *path);

/* Entries that are wrong leave an empty one, so that those behind keep their numbers. */
static bool take_list(struct scan *scan, const char *path, const struct field *field)
{
    uint32_t n = 0;
    const yaml_mark_t begin = scan->event.start_mark;
    buf_add(scan->out, "[", 1);
    for (; next(scan) && scan->event.type != YAML_SEQUENCE_END_EVENT; n++) {
        char entry[FINDING_PATH_MAX];
        if (n == field->most)
            fault_here(scan, FAULT_TOO_MANY, path, "has more than %u entries", field->most);
        if (n >= field->most) {
            skip(scan);
            continue;
        }
        snprintf(entry, sizeof entry, "%.140s[%u]", path, n);
        remember(scan, entry);
        if (n > 0)
            buf_add(scan->out, ",", 1);
        const size_t before = scan->out->len;
        const bool maps = field->shape == SHAPE_MAPS, ranks = field->shape == SHAPE_ORDER;
        if (!(maps    ? opens(scan, YAML_MAPPING_START_EVENT, entry, "mapping") && take_map(scan, entry, field->fields)
              : ranks ? take_rank(scan, entry)
                      : take_value(scan, entry))) {
            scan->out->len = before;
            buf_add(scan->out, maps || ranks ? "{}" : "\"\"", 2);
        }
    }
    buf_add(scan->out, "]", 1);
    if (n < field->least && !scan->over)
        finding_add_at(scan->findings, FAULT_MISSING, (uint32_t) begin.line + 1, (uint32_t) begin.column + 1, path,
                       "is empty; allowed are %u to %u entries", field->least, field->most);
    return n >= field->least;
}

static void join(const char *path, const char *key, char ret_inner[FINDING_PATH_MAX])
{
    snprintf(ret_inner, FINDING_PATH_MAX, "%.100s%s%.40s", path, *path != '\0' ? "." : "", key);
}

/* What an attribute must be: a value, a list of them, or from and to. */
static bool take_wanted(struct scan *scan, const char *path)
{
    static const struct field values = {"is", SHAPE_VALUES, 1, POLICY_VALUES_MAX, NULL};
    remember(scan, path);
    if (scan->event.type == YAML_MAPPING_START_EVENT) {
        const size_t before = scan->out->len;
        const bool sound = take_map(scan, path, range_fields);
        if (sound && scan->out->len > before + 2) { /* its keys go beside `attribute` */
            memmove(scan->out->at + before, scan->out->at + before + 1, scan->out->len - before - 2);
            scan->out->len -= 2;
            return true;
        }
        if (sound)
            fault_here(scan, FAULT_MISSING, path, "is empty; from, to or both belong here");
        return false;
    }
    buf_printf(scan->out, "\"is\":");
    if (scan->event.type == YAML_SEQUENCE_START_EVENT)
        return take_list(scan, path, &values);
    buf_add(scan->out, "[", 1);
    const bool sound = take_value(scan, path);
    buf_add(scan->out, "]", 1);
    return sound;
}

/* The key at hand; *ret_name lives as long as its event. */
static bool is_attribute(struct scan *scan, const char *path, const char **ret_name)
{
    *ret_name = scan->event.type == YAML_SCALAR_EVENT ? (const char *) scan->event.data.scalar.value : "";
    if (value_is_attribute(*ret_name))
        return true;
    fault_here(scan, FAULT_BAD_VALUE, path, "\"%.40s\" is no attribute; allowed are 1 to 32 of a-z, 0-9 and _",
               *ret_name);
    return false;
}

/* A mapping of free keys, the attributes, as a list of tests, since a schema names every key. */
static bool take_tests(struct scan *scan, const char *path, const struct field *field)
{
    char names[POLICY_WHEN_MAX][FINDING_PATH_MAX], inner[FINDING_PATH_MAX];
    uint32_t n = 0;
    buf_add(scan->out, "[", 1);
    while (next(scan) && scan->event.type != YAML_MAPPING_END_EVENT) {
        const char *name;
        bool sound = is_attribute(scan, path, &name);
        join(path, name, inner);
        if (sound && n == field->most)
            fault_here(scan, FAULT_TOO_MANY, path, "looks at more than %u attributes", field->most);
        for (uint32_t i = 0; i < n && sound; i++)
            if (strcmp(names[i], inner) == 0) {
                fault_here(scan, FAULT_DUPLICATE, inner, "is there twice");
                sound = false;
            }
        if (scan->event.type != YAML_SCALAR_EVENT)
            skip(scan);
        const size_t before = scan->out->len;
        sound &= n < field->most;
        buf_printf(scan->out, "%s{\"attribute\":\"%.32s\",", n > 0 ? "," : "", sound ? name : "");
        if (!next(scan))
            break;
        if (!sound)
            skip(scan);
        if (!sound || !take_wanted(scan, inner)) {
            scan->out->len = before;
            continue;
        }
        buf_add(scan->out, "}", 1);
        memcpy(names[n++], inner, sizeof inner);
    }
    buf_add(scan->out, "]", 1);
    return !scan->over;
}

/* An entry of an order: a word, or one attribute and what of it comes first. */
static bool take_rank(struct scan *scan, const char *path)
{
    static const struct field values = {"is", SHAPE_VALUES, 1, POLICY_ORDER_VALUES_MAX, NULL};
    char inner[FINDING_PATH_MAX];
    if (scan->event.type == YAML_SCALAR_EVENT) {
        buf_printf(scan->out, "{\"word\":");
        const bool sound = take_value(scan, path);
        buf_add(scan->out, "}", 1);
        return sound;
    }
    if (!opens(scan, YAML_MAPPING_START_EVENT, path, "word or a mapping") || !next(scan))
        return false;
    const char *name;
    bool sound = is_attribute(scan, path, &name);
    join(path, name, inner);
    buf_printf(scan->out, "{\"attribute\":\"%.32s\",", sound ? name : "");
    for (uint32_t n = 0; scan->event.type != YAML_MAPPING_END_EVENT; n++) {
        if (n == 2) {
            fault_here(scan, FAULT_TOO_MANY, path, "names more than one attribute; give each an entry of its own");
            sound = false;
        }
        if (n != 1 || !sound) {
            skip(scan);
        } else if (scan->event.type == YAML_SEQUENCE_START_EVENT) {
            remember(scan, inner);
            buf_printf(scan->out, "\"is\":");
            sound = take_list(scan, inner, &values);
        } else {
            remember(scan, inner);
            buf_printf(scan->out, "\"by\":");
            sound = take_value(scan, inner);
        }
        if (!next(scan))
            return false;
    }
    buf_add(scan->out, "}", 1);
    return sound;
}

static bool take_order(struct scan *scan, const char *path, const struct field *field)
{
    if (scan->event.type != YAML_SCALAR_EVENT)
        return opens(scan, YAML_SEQUENCE_START_EVENT, path, "word or a list") && take_list(scan, path, field);
    buf_printf(scan->out, "[{\"alone\":");
    const bool sound = take_value(scan, path);
    buf_printf(scan->out, "}]");
    return sound;
}

static bool take_field(struct scan *scan, const char *path, const struct field *field)
{
    remember(scan, path);
    switch (field->shape) {
    case SHAPE_VALUES:
    case SHAPE_MAPS:
        return opens(scan, YAML_SEQUENCE_START_EVENT, path, "list") && take_list(scan, path, field);
    case SHAPE_MAP:
        return opens(scan, YAML_MAPPING_START_EVENT, path, "mapping") && take_map(scan, path, field->fields);
    case SHAPE_TESTS:
        return opens(scan, YAML_MAPPING_START_EVENT, path, "mapping") && take_tests(scan, path, field);
    case SHAPE_ORDER:
        return take_order(scan, path, field);
    case SHAPE_VALUE:
        break;
    }
    return take_value(scan, path);
}

/* The key in hand as a field of this mapping, told and NULL when it is none. */
static const struct field *take_key(struct scan *scan, const char *path, const struct field *fields,
                                    uint32_t seen_lines[FIELDS_MAX])
{
    struct near near = {0};
    char hint[64], inner[FINDING_PATH_MAX];
    if (scan->event.type != YAML_SCALAR_EVENT) {
        fault_here(scan, FAULT_WRONG_KIND, path, "a key must be a word");
        skip(scan);
        return NULL;
    }
    const char *key = (const char *) scan->event.data.scalar.value;
    join(path, key, inner);
    for (const struct field *field = fields; field->key != NULL; field++) {
        uint32_t *line = &seen_lines[field - fields];
        if (strcmp(field->key, key) != 0) {
            near_try(&near, key, field->key);
            continue;
        }
        if (*line == 0) {
            *line = (uint32_t) scan->event.start_mark.line + 1;
            return field;
        }
        fault_here(scan, FAULT_DUPLICATE, inner, "is there twice; the first is in line %u", *line);
        return NULL;
    }
    fault_here(scan, FAULT_UNKNOWN_KEY, inner, "is no key that is known here%s", near_hint(&near, hint));
    return NULL;
}

static bool take_map(struct scan *scan, const char *path, const struct field *fields)
{
    uint32_t seen_lines[FIELDS_MAX] = {0};
    bool first = true;
    buf_add(scan->out, "{", 1);
    while (next(scan) && scan->event.type != YAML_MAPPING_END_EVENT) {
        char inner[FINDING_PATH_MAX];
        const struct field *field = take_key(scan, path, fields, seen_lines);
        if (!next(scan))
            break;
        if (field == NULL) {
            skip(scan);
            continue;
        }
        const size_t before = scan->out->len;
        join(path, field->key, inner);
        buf_printf(scan->out, "%s\"%s\":", first ? "" : ",", field->key);
        if (take_field(scan, inner, field))
            first = false;
        else
            scan->out->len = before;
    }
    buf_add(scan->out, "}", 1);
    return !scan->over;
}

/* ---- the text as a whole ---------------------------------------------------------------- */

static bool take_document(struct scan *scan)
{
    bool sound = false;
    if (!next(scan) || !next(scan)) /* the stream, and its first document */
        return false;
    if (scan->event.type != YAML_DOCUMENT_START_EVENT) {
        finding_add_at(scan->findings, FAULT_MISSING, 1, 1, "", "is empty");
        return false;
    }
    if (next(scan)) {
        remember(scan, "");
        sound = opens(scan, YAML_MAPPING_START_EVENT, "", "mapping") && take_map(scan, "", policy_fields);
    }
    if (next(scan) && next(scan) && scan->event.type != YAML_STREAM_END_EVENT)
        fault_here(scan, FAULT_NOT_PLAIN, "", "another document; a policy is one");
    return sound;
}

/* Tabs count as no known number of blanks; other control characters have no place in a text.
 * Told once a line, and taken for a blank, unless the line's depth depends on it: then false. */
static bool check_characters(struct scan *scan, char *text, size_t len)
{
    uint32_t line = 1, column = 0, told = 0;
    bool sound = true, indent = true;
    size_t begin = 0;
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = (uint8_t) text[i];
        column += (c & 0xc0) != 0x80;
        if (i - begin == LINE_BYTES_MAX)
            finding_add_at(scan->findings, FAULT_SYNTAX, line, 1, "", "a line of more than %d KiB",
                           LINE_BYTES_MAX / 1024);
        if (c == '\n') {
            begin = i + 1;
            line++;
            column = 0;
            indent = true;
            continue;
        }
        if ((c < ' ' && !(c == '\r' && i + 1 < len && text[i + 1] == '\n')) || c == 0x7f) {
            if (told != line)
                finding_add_at(scan->findings, FAULT_SYNTAX, line, column, "", "%s",
                               c == '\t' ? "a tab; use blanks" : "a control character");
            told = line;
            sound &= !indent;
            text[i] = ' ';
        }
        indent &= text[i] == ' ';
    }
    return sound;
}

bool policy_scan(const char *text, size_t len, struct policy_findings *findings, struct policy_index *index,
                 struct buf *ret_sound)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, text, len);
    struct scan scan = {.text = copy, .findings = findings, .index = index, .out = ret_sound};
    bool sound = check_characters(&scan, copy, len);
    if (sound) {
        if (!yaml_parser_initialize(&scan.parser))
            abort();
        yaml_parser_set_encoding(&scan.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&scan.parser, (const unsigned char *) copy, len);
        sound = take_document(&scan) && !scan.over;
        yaml_event_delete(&scan.event);
        yaml_parser_delete(&scan.parser);
    }
    free(copy);
    policy_index_end(index);
    return sound;
}
