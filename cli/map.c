/* SPDX-License-Identifier: Apache-2.0
 * map.c - a header and a map to a mapper, and rows through it. See map.h.
 *
 * Every value of a map is a template: pieces of text and of columns. A plain
 * column is a template of one piece, a key of two columns one of three; so there
 * is one way to make a value, and fields are a table. */
#include "cli/map.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "cli/seen.h"

enum {
    PIECES_MAX = 24,
    VALUE_BYTES_MAX = NOTE_BYTES_MAX, /* no text of a row may be longer */
    VALUES_MAX = MAP_FIELDS + ROW_ATTRIBUTES_MAX + 1,
};

enum piece_kind { PIECE_TEXT, PIECE_COLUMN, PIECE_LINE };

struct template
{
    struct piece {
        enum piece_kind kind;
        uint32_t column, at, len;
    } pieces[PIECES_MAX];
    uint32_t n_pieces, n_columns;
    char text[MAP_SPEC_MAX + 1];
};

struct mapper {
    struct map map;
    struct template key, fields[MAP_FIELDS], attributes[ROW_ATTRIBUTES_MAX];
    struct attribute values[ROW_ATTRIBUTES_MAX];
    struct seen occurrences;
    uint8_t *room; /* VALUES_MAX * VALUE_BYTES_MAX: the values of the row in work */
    size_t used;
    char why[160];
};

static const char *const field_words[] = {
#define FIELD(name, word) word,
#include "cli/map_fields.def"
#undef FIELD
};

bool map_is_source(const char *source)
{
    size_t len = strspn(source, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-");
    return len > 0 && len <= NAME_BYTES_MAX && source[len] == '\0';
}

bool map_clean_name(struct slice text, char ret_name[ATTRIBUTE_NAME_MAX + 1])
{
    uint32_t n = 0;
    bool gap = false;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = (char) text.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char) (c + 32);
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fits && gap && n > 0 && n < ATTRIBUTE_NAME_MAX)
            ret_name[n++] = '_';
        if (fits && n < ATTRIBUTE_NAME_MAX)
            ret_name[n++] = c;
        gap = !fits;
    }
    ret_name[n] = '\0';
    return n > 0;
}

/* ---- binding to a header ------------------------------------------------------ */

struct binding {
    const struct slice *columns;
    uint32_t n_columns;
    char *why;
};

static int find_with(const struct binding *to, const char *name, uint32_t len, bool fold, uint32_t *ret_column)
{
    int found = 0;
    for (uint32_t i = 0; i < to->n_columns; i++) {
        const char *own = (const char *) to->columns[i].at;
        if (to->columns[i].len == len && (fold ? strncasecmp(own, name, len) : memcmp(own, name, len)) == 0) {
            *ret_column = i;
            found++;
        }
    }
    return found;
}

/* Exactly as written, else without regard to case. */
static bool find_column(const struct binding *to, const char *name, uint32_t len, uint32_t *ret_column)
{
    int found = find_with(to, name, len, false, ret_column);
    if (found == 0)
        found = find_with(to, name, len, true, ret_column);
    if (found != 1)
        snprintf(to->why, 256,
                 found ? "the header has the column \"%.*s\" %d times" : "the header has no column \"%.*s\"", (int) len,
                 name, found);
    return found == 1;
}

static bool add_piece(const struct binding *to, struct template *template, struct piece piece)
{
    if (template->n_pieces == PIECES_MAX) {
        snprintf(to->why, 256, "\"%.200s\" has over %d parts", template->text, PIECES_MAX);
        return false;
    }
    template->pieces[template->n_pieces++] = piece;
    template->n_columns += piece.kind == PIECE_COLUMN;
    return true;
}

static bool add_column(const struct binding *to, struct template *template, const char *name, size_t len)
{
    struct piece piece = {.kind = PIECE_COLUMN};
    return find_column(to, name, (uint32_t) len, &piece.column) && add_piece(to, template, piece);
}

/* "=text {Column} text {row}" behind the "=". */
static bool bind_text(const struct binding *to, struct template *template)
{
    char *at = template->text + 1;
    while (*at) {
        size_t plain = strcspn(at, "{");
        if (plain > 0) {
            struct piece piece = {.kind = PIECE_TEXT, .at = (uint32_t) (at - template->text), .len = (uint32_t) plain};
            if (!add_piece(to, template, piece))
                return false;
            at += plain;
            continue;
        }
        char *end = strchr(++at, '}');
        if (!end) {
            snprintf(to->why, 256, "\"%.200s\" has a { without }", template->text);
            return false;
        }
        size_t len = (size_t) (end - at);
        bool added = len == 3 && !memcmp(at, "row", 3) ? add_piece(to, template, (struct piece){.kind = PIECE_LINE})
                                                       : add_column(to, template, at, len);
        if (!added)
            return false;
        at = end + 1;
    }
    return true;
}

static bool bind(const struct binding *to, const char *spec, struct template *ret)
{
    snprintf(ret->text, sizeof ret->text, "%s", spec);
    if (spec[0] == '=')
        return bind_text(to, ret);
    return spec[0] == '\0' || add_column(to, ret, spec, strlen(spec));
}

/* The key's columns, joined by dashes. */
static bool bind_key(const struct binding *to, const struct map *map, struct template *ret)
{
    if (map->n_key == 1)
        return bind(to, map->key[0], ret);
    ret->text[0] = '-';
    for (uint32_t i = 0; i < map->n_key; i++) {
        if (i > 0 && !add_piece(to, ret, (struct piece){.kind = PIECE_TEXT, .at = 0, .len = 1}))
            return false;
        if (!add_column(to, ret, map->key[i], strlen(map->key[i])))
            return false;
    }
    return true;
}

struct mapper *mapper_new(const struct map *map, const struct slice *columns, uint32_t n_columns, char why[256])
{
    struct binding to = {columns, n_columns, why};
    struct mapper *mapper = calloc(1, sizeof *mapper);
    if (!mapper || !(mapper->room = malloc(VALUES_MAX * VALUE_BYTES_MAX)) || sodium_init() < 0)
        abort();
    mapper->map = *map;
    bool bound = bind_key(&to, map, &mapper->key);
    for (int i = 0; bound && i < MAP_FIELDS; i++)
        bound = bind(&to, map->fields[i], &mapper->fields[i]);
    for (uint32_t i = 0; bound && i < map->n_attributes; i++)
        bound = bind(&to, map->attributes[i].spec, &mapper->attributes[i]);
    if (!bound)
        mapper_destroy(&mapper);
    return mapper;
}

void mapper_destroy(struct mapper **mapper_p)
{
    struct mapper *mapper = *mapper_p;
    if (!mapper)
        return;
    seen_fini(&mapper->occurrences);
    free(mapper->room);
    free(mapper);
    *mapper_p = NULL;
}

void mapper_again(struct mapper *mapper)
{
    seen_fini(&mapper->occurrences);
}

/* ---- rows ---------------------------------------------------------------------- */

static bool is_missing(const struct map *map, struct slice cell)
{
    for (uint32_t i = 0; i < map->n_missing; i++)
        if (slice_is(cell, map->missing[i]))
            return true;
    return cell.len == 0;
}

/* "'+1 205 ..." -> "+1 205 ...": the mark by which a spreadsheet, or our rejects file, keeps text from being a formula.
 */
static struct slice unguard(struct slice cell)
{
    bool guarded = cell.len > 1 && cell.at[0] == '\'' && memchr("=+-@\t\r", cell.at[1], 6);
    return guarded ? slice_of(cell.at + 1, cell.len - 1) : cell;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Append, with tabs and line ends as one blank, none at the begin. Returns false when there is no room. */
static bool append(uint8_t *to, size_t *len, struct slice text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (is_space(c)) {
            if (*len == 0 || (c != ' ' && to[*len - 1] == ' '))
                continue;
            c = ' ';
        }
        if (*len == VALUE_BYTES_MAX)
            return false;
        to[(*len)++] = c;
    }
    return true;
}

/* One value. It has at == NULL when it is absent. Returns false when it is too long. */
static bool make(struct mapper *mapper, const struct template *template, const struct csv_row *from,
                 struct slice *ret_value)
{
    uint8_t *to = mapper->room + mapper->used;
    size_t len = 0;
    uint32_t given = 0;
    char line[24];
    *ret_value = (struct slice){0};
    for (uint32_t i = 0; i < template->n_pieces; i++) {
        const struct piece *piece = &template->pieces[i];
        struct slice text;
        if (piece->kind == PIECE_TEXT) {
            text = slice_of(template->text + piece->at, piece->len);
        } else if (piece->kind == PIECE_LINE) {
            text = slice_of(line, (size_t) snprintf(line, sizeof line, "%llu", (unsigned long long) from->line));
        } else {
            text = unguard(from->cells[piece->column]);
            if (is_missing(&mapper->map, text))
                continue;
            given++;
        }
        if (!append(to, &len, text))
            return false;
    }
    while (len > 0 && to[len - 1] == ' ')
        len--;
    if (len > 0 && (given > 0 || template->n_columns == 0)) {
        *ret_value = slice_of(to, len);
        mapper->used += len;
    }
    return true;
}

/* "1250", "$1,250.5", "1250.50" -> cents. */
static bool is_amount(struct slice text, uint64_t *ret_cents)
{
    uint64_t cents = 0;
    int digits = 0, decimals = -1;
    for (uint32_t i = text.len > 1 && text.at[0] == '$'; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '.' && decimals < 0 && digits > 0) {
            decimals = 0;
        } else if (c >= '0' && c <= '9' && decimals < 2 && digits < 15) {
            cents = cents * 10 + (uint64_t) (c - '0');
            decimals += decimals >= 0;
            digits++;
        } else if (c != ',' || digits == 0 || decimals >= 0) {
            return false;
        }
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 2; i++)
        cents *= 10;
    *ret_cents = cents;
    return digits > 0;
}

/* 32 hex digits of the cells, and which of the identical rows it is. */
static struct slice make_digest_key(struct mapper *mapper, const struct csv_row *from)
{
    crypto_generichash_state state;
    uint8_t digest[16];
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (uint32_t i = 0; i < from->n_cells; i++) {
        uint32_t len = from->cells[i].len;
        uint8_t prefix[4] = {(uint8_t) len, (uint8_t) (len >> 8), (uint8_t) (len >> 16), (uint8_t) (len >> 24)};
        crypto_generichash_update(&state, prefix, sizeof prefix);
        crypto_generichash_update(&state, from->cells[i].at, len);
    }
    crypto_generichash_final(&state, digest, sizeof digest);
    struct id id = id_from_bytes(digest);
    uint64_t nth = ++*seen_value(&mapper->occurrences, id);
    char hex[33], *to = (char *) mapper->room + mapper->used;
    id_to_hex(id, hex);
    int len = snprintf(to, VALUE_BYTES_MAX, "%s-%llu", hex, (unsigned long long) nth);
    mapper->used += (size_t) len;
    return slice_of(to, (size_t) len);
}

static enum reason refuse(struct mapper *mapper, enum reason reason, const char *what, const char *why)
{
    snprintf(mapper->why, sizeof mapper->why, "%s %s", what, why);
    return reason;
}

static enum reason take_key(struct mapper *mapper, const struct csv_row *from, struct row *row)
{
    const struct template *key = &mapper->key;
    if (key->n_pieces == 0) {
        row->key = make_digest_key(mapper, from);
        return REASON_OK;
    }
    for (uint32_t i = 0; i < key->n_pieces; i++)
        if (key->pieces[i].kind == PIECE_COLUMN && is_missing(&mapper->map, from->cells[key->pieces[i].column]))
            return refuse(mapper, REASON_NO_KEY, "the key", "is absent");
    if (!make(mapper, key, from, &row->key) || row->key.len > KEY_BYTES_MAX)
        return refuse(mapper, REASON_TOO_LONG, "the key", "is over 128 bytes");
    return row->key.len ? REASON_OK : refuse(mapper, REASON_NO_KEY, "the key", "is empty");
}

static bool take_amounts(const struct slice *values, struct row *row, const char **ret_field)
{
    int64_t priority = 0;
    uint64_t cost = 0;
    *ret_field = field_words[FIELD_PRIORITY];
    if (values[FIELD_PRIORITY].at &&
        (!feature_number(values[FIELD_PRIORITY], &priority) || priority > PRIORITY_MAX || priority < -PRIORITY_MAX))
        return false;
    *ret_field = field_words[FIELD_VALUE];
    if (values[FIELD_VALUE].at && !is_amount(values[FIELD_VALUE], &row->value_cents))
        return false;
    *ret_field = field_words[FIELD_COST];
    if (values[FIELD_COST].at && (!is_amount(values[FIELD_COST], &cost) || cost > UINT32_MAX))
        return false;
    row->priority = (int32_t) priority;
    row->cost_cents = (uint32_t) cost;
    return true;
}

static enum reason take_fields(struct mapper *mapper, const struct csv_row *from, struct row *row)
{
    struct slice values[MAP_FIELDS];
    for (int i = 0; i < MAP_FIELDS; i++)
        if (!make(mapper, &mapper->fields[i], from, &values[i]))
            return refuse(mapper, REASON_TOO_LONG, field_words[i], "is too long");
    row->name = values[FIELD_NAME];
    row->phone = values[FIELD_PHONE];
    row->email = values[FIELD_EMAIL];
    row->street = values[FIELD_STREET];
    row->web = values[FIELD_WEB];
    row->ref = values[FIELD_REF];
    row->remarks = values[FIELD_REMARKS];
    const char *field;
    return take_amounts(values, row, &field) ? REASON_OK
                                             : refuse(mapper, REASON_BAD_NUMBER, field, "is no number or out of range");
}

static enum reason take_attributes(struct mapper *mapper, const struct csv_row *from, struct row *row)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < mapper->map.n_attributes; i++) {
        const char *name = mapper->map.attributes[i].name;
        struct attribute *to = &mapper->values[n];
        *to = (struct attribute){.name = slice_of(name, strlen(name))};
        if (!make(mapper, &mapper->attributes[i], from, &to->text))
            return refuse(mapper, REASON_TOO_LONG, name, "is too long");
        if (!to->text.at)
            continue;
        if (strcmp(name, "zip") && feature_number(to->text, &to->number))
            to->text = (struct slice){0};
        n++;
    }
    row->attributes = mapper->values;
    row->n_attributes = n;
    return REASON_OK;
}

enum reason mapper_row(struct mapper *mapper, const struct csv_row *from, struct row *ret_row, const char **ret_why)
{
    assert(from->reason == REASON_OK);
    *ret_row = (struct row){0};
    *ret_why = mapper->why;
    mapper->used = 0;
    enum reason reason = take_key(mapper, from, ret_row);
    if (reason == REASON_OK)
        reason = take_fields(mapper, from, ret_row);
    if (reason == REASON_OK)
        reason = take_attributes(mapper, from, ret_row);
    return reason;
}
