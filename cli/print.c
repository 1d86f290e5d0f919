/* SPDX-License-Identifier: Apache-2.0
 * print.c - tables for people and the same as JSON. See print.h. */
#include "cli/print.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

enum { SHOWN_MAX = PRINT_CELL_MAX };

static bool is_number(takt_text cell, int64_t *ret)
{
    char text[24], *end;
    if (cell.len == 0 || cell.len >= sizeof text)
        return false;
    memcpy(text, cell.at, cell.len);
    text[cell.len] = '\0';
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

const char *print_count(uint64_t count, char ret[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = ret;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return ret;
}

const char *print_duration(int64_t ms, char ret[32])
{
    int64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(ret, 32, "%" PRId64 " ms", ms);
    else if (s < 60)
        snprintf(ret, 32, "%" PRId64 ".%d s", s, (int) (ms % 1000 / 100));
    else if (s < 3600)
        snprintf(ret, 32, "%" PRId64 " min %02d s", s / 60, (int) (s % 60));
    else
        snprintf(ret, 32, "%" PRId64 " h %02d min", s / 3600, (int) (s % 3600 / 60));
    return ret;
}

static void show_time(int64_t ms, char *ret, size_t room)
{
    time_t seconds = (time_t) (ms / 1000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(ret, room, "%Y-%m-%d %H:%M:%SZ", &utc) == 0)
        snprintf(ret, room, "%" PRId64, ms);
}

size_t print_cell(takt_text cell, char type, char ret[PRINT_CELL_MAX])
{
    int64_t number;
    if (type == 'd' && is_number(cell, &number)) {
        print_duration(number, ret);
    } else if (type == 't' && is_number(cell, &number)) {
        show_time(number, ret, SHOWN_MAX);
    } else {
        size_t len = cell.len < SHOWN_MAX ? cell.len : SHOWN_MAX - 1;
        for (size_t i = 0; i < len; i++)
            ret[i] = (unsigned char) cell.at[i] < 0x20 || cell.at[i] == 0x7f ? '?' : cell.at[i];
        ret[len] = '\0';
    }
    size_t width = 0;
    for (const char *at = ret; *at; at++)
        width += ((unsigned char) *at & 0xc0) != 0x80;
    return width;
}

static void put(FILE *to, const char *text, size_t width, size_t of, bool right, bool last)
{
    int pad = (int) (of - width);
    fprintf(to, "%*s%s%*s", right ? pad : 0, "", text, right || last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", to);
}

void print_table(FILE *to, const struct print_table *table)
{
    char shown[SHOWN_MAX];
    size_t n = table->n_columns, *widths = calloc(n + 1, sizeof *widths);
    if (!widths)
        abort();
    for (size_t c = 0; c < n; c++)
        widths[c] = print_cell(table->columns[c], 's', shown);
    for (size_t i = 0; i < n * table->n_rows; i++) {
        size_t width = print_cell(table->cells[i], table->types[i % n], shown);
        if (width > widths[i % n])
            widths[i % n] = width;
    }
    for (size_t c = 0; c < n; c++) {
        size_t width = print_cell(table->columns[c], 's', shown);
        put(to, shown, width, widths[c], table->types[c] != 's', c + 1 == n);
    }
    for (size_t i = 0; i < n * table->n_rows; i++) {
        size_t c = i % n, width = print_cell(table->cells[i], table->types[c], shown);
        put(to, shown, width, widths[c], table->types[c] != 's', c + 1 == n);
    }
    free(widths);
}

void print_value(FILE *to, json_t *value, unsigned indent)
{
    json_dumpf(value, to, indent ? JSON_INDENT(indent) : JSON_COMPACT);
    fputc('\n', to);
    fflush(to);
    json_decref(value);
}

void print_event(FILE *to, json_t *value)
{
    struct pollfd room = {.fd = fileno(to), .events = POLLOUT}; /* a pipe says so when it takes PIPE_BUF */
    if (json_dumpb(value, NULL, 0, JSON_COMPACT) < PIPE_BUF && poll(&room, 1, 0) > 0)
        print_value(to, value, 0);
    else
        json_decref(value);
}

static json_t *text_json(takt_text text)
{
    json_t *json = json_stringn(text.at ? text.at : "", text.len);
    return json ? json : json_string("(not UTF-8)");
}

json_t *print_string(const char *text)
{
    return text_json(print_text(text, strlen(text)));
}

static json_t *cell_json(takt_text cell, char type)
{
    if (type == 's')
        return text_json(cell);
    if (cell.len == 0)
        return json_null();
    json_t *number = json_loadb(cell.at, cell.len, JSON_DECODE_ANY, NULL);
    if (json_is_number(number))
        return number;
    json_decref(number);
    return text_json(cell);
}

static void put_rows(FILE *to, const struct print_table *table, const char *before, const char *between)
{
    for (size_t r = 0; r < table->n_rows; r++) {
        json_t *row = json_object();
        for (size_t c = 0; c < table->n_columns; c++) {
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int) table->columns[c].len, table->columns[c].at);
            json_object_set_new(row, name, cell_json(table->cells[r * table->n_columns + c], table->types[c]));
        }
        fputs(r ? between : before, to);
        json_dumpf(row, to, JSON_COMPACT | JSON_REAL_PRECISION(15));
        json_decref(row);
    }
}

void print_json(FILE *to, const struct print_table *table)
{
    fputs("[", to);
    put_rows(to, table, "\n ", ",\n ");
    fputs(table->n_rows ? "\n]\n" : "]\n", to);
}

void print_json_rows(FILE *to, const struct print_table *table)
{
    fputs("[", to);
    put_rows(to, table, "", ", ");
    fputs("]", to);
}
