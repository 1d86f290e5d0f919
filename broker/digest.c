/* SPDX-License-Identifier: Apache-2.0
 * digest.c - the newest hash of each key, then one hash over them in order. */
#include "broker/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) abort()
#include <uthash.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hashed {
    UT_hash_handle hh;
    uint8_t hash[16];
    uint32_t key_len;
    uint8_t key[]; /* type, then the row's key */
};

struct digest {
    struct hashed *rows;
};

struct digest *digest_new(void)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        abort();
    return digest;
}

void digest_destroy(struct digest **digest_p)
{
    struct digest *digest = *digest_p;
    struct hashed *row, *next;
    *digest_p = NULL;
    if (digest == NULL)
        return;
    HASH_ITER(hh, digest->rows, row, next)
    {
        HASH_DEL(digest->rows, row);
        free(row);
    }
    free(digest);
}

void digest_row(struct digest *digest, const struct row_ref *ref)
{
    uint8_t key[256];
    const uint32_t key_len = 1 + ref->key.len;
    struct hashed *row;
    XXH128_canonical_t canonical;
    if (ref->type == ROW_CELL || ref->type == ROW_SNAPSHOT)
        return;
    key[0] = (uint8_t) ref->type;
    memcpy(key + 1, ref->key.at, ref->key.len);
    HASH_FIND(hh, digest->rows, key, key_len, row);
    if (row_is_gone(ref)) {
        if (row != NULL)
            HASH_DEL(digest->rows, row);
        free(row);
        return;
    }
    if (row == NULL) {
        row = calloc(1, sizeof *row + key_len);
        if (row == NULL)
            abort();
        memcpy(row->key, key, key_len);
        row->key_len = key_len;
        HASH_ADD_KEYPTR(hh, digest->rows, row->key, key_len, row);
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(ref->whole.at, ref->whole.len));
    memcpy(row->hash, canonical.digest, sizeof row->hash);
}

uint64_t digest_rows(const struct digest *digest)
{
    return HASH_COUNT(digest->rows);
}

static int by_key(const void *a, const void *b)
{
    const struct hashed *x = *(struct hashed *const *) a, *y = *(struct hashed *const *) b;
    const uint32_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
    const int order = memcmp(x->key, y->key, len);
    return order != 0 ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

void digest_text(const struct digest *digest, char ret[33])
{
    const size_t n = HASH_COUNT(digest->rows);
    struct hashed **list = malloc((n + 1) * sizeof *list);
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t canonical;
    size_t i = 0;
    if (list == NULL || state == NULL)
        abort();
    for (struct hashed *row = digest->rows; row != NULL; row = row->hh.next)
        list[i++] = row;
    qsort(list, n, sizeof(struct hashed *), by_key);
    XXH3_128bits_reset(state);
    for (i = 0; i < n; i++) {
        XXH3_128bits_update(state, list[i]->key, list[i]->key_len);
        XXH3_128bits_update(state, list[i]->hash, sizeof list[i]->hash);
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (i = 0; i < sizeof canonical.digest; i++)
        snprintf(ret + 2 * i, 3, "%02x", canonical.digest[i]);
    XXH3_freeState(state);
    free(list);
}
