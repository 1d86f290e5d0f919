/* SPDX-License-Identifier: Apache-2.0
 * policy_findings.c - writes findings down, a line each, in the words of the
 * file they are about; counted, so that the reader can go on to the next fault. */
#include "policy/policy_findings.h"

#include <stdarg.h>
#include <stdio.h>

void finding_add(struct findings *findings, const char *key, const char *format, ...)
{
    va_list args;
    char text[256];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(findings->lines, "%s: %s%s: %s\n", findings->name, findings->where, key, text);
    findings->n++;
}
