/* SPDX-License-Identifier: Apache-2.0
 * policy_findings.c - gathers findings, in any order, and writes them down as a
 * reader of the file meets them. */
#include "policy/policy_findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_index.h"

const char *policy_fault_name(enum policy_fault fault)
{
    static const char *const names[] = {
#define FAULT(name, text) #name,
#include "policy/policy_faults.def"
#undef FAULT
    };
    return names[fault];
}

void findings_fini(struct policy_findings *findings)
{
    free(findings->at);
    *findings = (struct policy_findings){0};
}

/* The same place, or one within a place that is wrong as a whole. */
static bool is_told(const struct policy_findings *findings, const char *path)
{
    for (uint32_t i = 0; i < findings->n; i++) {
        const struct policy_finding *one = &findings->at[i];
        const size_t len = strlen(one->path);
        if (len > 0 && strncmp(one->path, path, len) == 0 &&
            (path[len] == '\0' || (one->fault == FAULT_WRONG_KIND && strchr(".[", path[len]) != NULL)))
            return true;
    }
    return false;
}

/* What a file says is quoted, cut where it is long: one line of ASCII, whatever it was. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void finding_add_at(struct policy_findings *findings, enum policy_fault fault, uint32_t line, uint32_t column,
                    const char *path, const char *format, ...)
{
    if (findings->n == FINDINGS_MAX) {
        findings->n_more++;
        return;
    }
    if (findings->at == NULL)
        findings->at = malloc(FINDINGS_MAX * sizeof *findings->at);
    if (findings->at == NULL)
        abort();
    struct policy_finding *one = &findings->at[findings->n++];
    va_list args;
    *one = (struct policy_finding){.line = line, .column = column, .fault = fault};
    snprintf(one->path, sizeof one->path, "%s", path);
    va_start(args, format);
    /* started above; clang 14 loses it: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(one->text, sizeof one->text, format, args);
    va_end(args);
    make_plain(one->path);
    make_plain(one->text);
}

void finding_add(struct policy_findings *findings, enum policy_fault fault, const char *key, const char *format, ...)
{
    char path[FINDING_PATH_MAX], text[sizeof((struct policy_finding *) NULL)->text];
    uint32_t line, column;
    va_list args;
    snprintf(path, sizeof path, "%s%s", findings->where, key);
    if (is_told(findings, path))
        return;
    policy_index_find(findings->index, path, &line, &column);
    va_start(args, format);
    /* started above; clang 14 loses it: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finding_add_at(findings, fault, line, column, path, "%s", text);
}

static int by_place(const void *a, const void *b)
{
    const struct policy_finding *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->path, y->path);
}

void findings_sort(struct policy_findings *findings)
{
    if (findings->n > 0)
        qsort(findings->at, findings->n, sizeof *findings->at, by_place);
}

void findings_print(const struct policy_findings *findings, const char *file, struct buf *lines)
{
    for (uint32_t i = 0; i < findings->n; i++) {
        const struct policy_finding *one = &findings->at[i];
        if (one->line > 0)
            buf_printf(lines, "%s:%u:%u: ", file, one->line, one->column);
        else
            buf_printf(lines, "%s: ", file);
        buf_printf(lines, "%s%s%s\n", one->path, one->path[0] != '\0' ? ": " : "", one->text);
    }
    if (findings->n_more > 0)
        buf_printf(lines, "%s: and %u more\n", file, findings->n_more);
}
