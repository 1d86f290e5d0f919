/* SPDX-License-Identifier: Apache-2.0
 * generate.h - made-up leads as CSV, with planted duplicates and dirt.
 *
 * Each row is a function of seed and row number alone (integers, no floating
 * point, no state from row to row), so the bytes are the same on any machine, and
 * a duplicate is made by making its original again. Phone numbers are real area
 * codes with exchange 555: nobody's. E-mail is under example.com and the like. */
#ifndef TAKT_CLI_GENERATE_H
#define TAKT_CLI_GENERATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* PLANT(NAME, "word", in 10,000 rows): what a row is. Not clean, yet accepted with
 * a warning: DAMAGED_PHONE, DAMAGED_ZIP. */
#define GENERATE_PLANTS(PLANT)                                                                                         \
    PLANT(CLEAN, "clean", 0)                                                                                           \
    PLANT(IDENTICAL, "identical", 100)                                                                                 \
    PLANT(DIFFERENT, "different", 100)                                                                                 \
    PLANT(NO_CONTACT, "no_contact", 20)                                                                                \
    PLANT(COLUMN_LESS, "column_less", 10)                                                                              \
    PLANT(COLUMN_MORE, "column_more", 10)                                                                              \
    PLANT(NOT_UTF8, "not_utf8", 15)                                                                                    \
    PLANT(CONTROL, "control", 15)                                                                                      \
    PLANT(DAMAGED_PHONE, "damaged_phone", 15)                                                                          \
    PLANT(DAMAGED_ZIP, "damaged_zip", 15)

enum generate_plant {
#define PLANT(name, word, share) PLANT_##name,
    GENERATE_PLANTS(PLANT)
#undef PLANT
        GENERATE_PLANT_KINDS,
};

enum { GENERATE_LEADS_MAX = 10 * 1000 * 1000 };

struct generated {
    uint64_t rows;
    uint64_t plants[GENERATE_PLANT_KINDS];
};

extern const char *const generate_plant_words[GENERATE_PLANT_KINDS];

/* Write a header and `leads` rows. Returns false when the file cannot be written. */
bool generate_leads(FILE *file, uint64_t leads, uint64_t seed, struct generated *ret_made);

#endif
