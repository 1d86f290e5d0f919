/* SPDX-License-Identifier: Apache-2.0
 * feature.h - what broker, workers and policies compare: attributes of a lead as
 * numbers. Owns the hashes and the order of zips; the struct of a feature on the
 * wire is msg.h's, which includes this. */
#ifndef TAKT_PROTO_FEATURE_H
#define TAKT_PROTO_FEATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice;
struct attribute;

/* A feature is an attribute as scoring sees it: a hash of the name, and the
 * number itself or a hash of the text (lower-cased ASCII). XXH32/XXH3, seed 0,
 * so that broker, worker and policy agree without sharing a table. */
uint32_t feature_key(const void *name, size_t len);
int64_t feature_text(const void *text, size_t len);

/* What rules and scores compare: a text that is a whole number counts as one, and the attribute `zip` is its zip. */
int64_t feature_of(const struct attribute *attribute);
bool feature_number(struct slice text, int64_t *ret); /* "-12": no plus, no leading zeros, up to 18 digits */

/* A zip keeps its order and its beginning: up to ZIP_MAX letters and digits, each a digit of base ZIP_BASE, from the
 * left; ASCII case, blanks and a "-1234" behind five digits do not count. 0: it has none of them. */
enum { ZIP_MAX = 12, ZIP_BASE = 37 };
int64_t feature_zip(const void *text, size_t len);
int64_t zip_begin(int64_t zip, uint32_t n); /* its first n; the zip itself, when it is shorter */
uint32_t zip_len(int64_t zip);

/* A skill, as it is compared with an attribute's text: the low half of its hash. */
static inline uint32_t feature_skill(const void *text, size_t len)
{
    return (uint32_t) feature_text(text, len);
}

#endif
