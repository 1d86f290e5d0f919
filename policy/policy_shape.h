/* SPDX-License-Identifier: Apache-2.0
 * policy_shape.h - the shape of a policy file: which key may stand where, and what
 * is behind it. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_SHAPE_H
#define TAKT_POLICY_POLICY_SHAPE_H

#include <stdint.h>

enum shape { SHAPE_VALUE, SHAPE_VALUES, SHAPE_MAP, SHAPE_MAPS, SHAPE_TESTS, SHAPE_ORDER };

struct field {
    const char *key;
    enum shape shape;
    uint32_t least, most;       /* entries of a list */
    const struct field *fields; /* of a mapping, or of each in a list of them */
};

enum { FIELDS_MAX = 48 }; /* of one mapping */

extern const struct field policy_fields[]; /* ends with a NULL key */
extern const struct field range_fields[];  /* of what an attribute must be; `is` stands for a value or a list of them */

#endif
