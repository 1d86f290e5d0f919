/* SPDX-License-Identifier: Apache-2.0
 * scoring.c - the scoring part of a policy as bytes, for workers that lack a
 * version. Little endian, field by field, because broker and worker may be
 * built by different compilers; the first byte says which layout it is. Equal
 * scorings give equal bytes. */
#include "worker/score.h"

#include <string.h>

#include "worker/formula.h"

enum { LAYOUT = 1, HEAD_BYTES = 2, PROGRAMME_BYTES = 3 * 4 + 2 * 8 + 1, WEIGHT_BYTES = 4 + 1 + 2 * 8 + 4 };

static void put(uint8_t **at, uint64_t value, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++)
        *(*at)++ = (uint8_t) (value >> (8 * i));
}

static void put_weight(uint8_t **at, const struct weight *weight)
{
    bool is_range = weight->kind == WEIGHT_RANGE;
    int64_t first = is_range ? weight->from : weight->kind == WEIGHT_IS ? weight->is : 0;
    put(at, weight->key, 4);
    put(at, weight->kind, 1);
    put(at, (uint64_t) first, 8);
    put(at, is_range ? (uint64_t) weight->to : 0, 8);
    put(at, (uint32_t) weight->add_permille, 4);
}

size_t scoring_encode(const struct scoring *all, uint32_t n_programmes, uint8_t *to, size_t room)
{
    size_t len = HEAD_BYTES;
    for (uint32_t i = 0; i < n_programmes; i++)
        len += PROGRAMME_BYTES + (size_t) all[i].n_weights * WEIGHT_BYTES;
    if (len > room)
        return 0;

    put(&to, LAYOUT, 1);
    put(&to, n_programmes, 1);
    for (const struct scoring *one = all; one < all + n_programmes; one++) {
        put(&to, (uint32_t) one->base_permille, 4);
        put(&to, (uint32_t) one->load_permille, 4);
        put(&to, (uint32_t) one->performance_permille, 4);
        put(&to, one->value_cents, 8);
        put(&to, (uint64_t) one->half_life_ms, 8);
        put(&to, one->n_weights, 1);
        for (uint32_t w = 0; w < one->n_weights; w++)
            put_weight(&to, &one->weights[w]);
    }
    return len;
}

struct reader {
    const uint8_t *at;
    size_t left;
    bool is_short;
};

static uint64_t take(struct reader *reader, unsigned n_bytes)
{
    uint64_t value = 0;
    if (reader->left < n_bytes) {
        reader->is_short = true;
        return 0;
    }
    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t) reader->at[i] << (8 * i);
    reader->at += n_bytes;
    reader->left -= n_bytes;
    return value;
}

static void take_weight(struct reader *reader, struct weight *weight)
{
    weight->key = (uint32_t) take(reader, 4);
    uint64_t kind = take(reader, 1);
    int64_t first = (int64_t) take(reader, 8), second = (int64_t) take(reader, 8);
    weight->add_permille = (int32_t) take(reader, 4);
    if (kind == WEIGHT_IS) {
        weight->kind = WEIGHT_IS;
        weight->is = first;
    } else if (kind == WEIGHT_RANGE) {
        weight->kind = WEIGHT_RANGE;
        weight->from = first;
        weight->to = second;
    } else if (kind == WEIGHT_SKILL) {
        weight->kind = WEIGHT_SKILL;
    }
}

bool scoring_decode(struct slice bytes, struct scoring *ret_all, uint32_t *ret_n_programmes)
{
    struct reader reader = {bytes.at, bytes.len, false};
    if (take(&reader, 1) != LAYOUT)
        return false;
    uint32_t n = (uint32_t) take(&reader, 1);
    if (n == 0 || n > POLICY_PROGRAMMES_MAX)
        return false;
    for (struct scoring *one = ret_all; one < ret_all + n; one++) {
        memset(one, 0, sizeof *one);
        one->base_permille = (int32_t) take(&reader, 4);
        one->load_permille = (int32_t) take(&reader, 4);
        one->performance_permille = (int32_t) take(&reader, 4);
        one->value_cents = take(&reader, 8);
        one->half_life_ms = (int64_t) take(&reader, 8);
        one->n_weights = (uint32_t) take(&reader, 1);
        for (uint32_t w = 0; w < one->n_weights && w < POLICY_WEIGHTS_MAX; w++)
            take_weight(&reader, &one->weights[w]);
        if (reader.is_short || !formula_accepts(one))
            return false;
    }
    *ret_n_programmes = n;
    return reader.left == 0;
}
