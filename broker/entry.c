/* SPDX-License-Identifier: Apache-2.0
 * entry.c - log entries to bytes and back.
 *
 * The check is the last field, so that header and body are hashed in one go
 * where they lie. Everything is little endian at fixed offsets: written field by
 * field, never as a struct. */
#include "broker/entry.h"

#include <string.h>

#include "common/bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_FLAGS = 6,
    AT_EPOCH = 8,
    AT_BEAT = 16,
    AT_TIME = 24,
    AT_POLICY = 32,
    AT_BODY_LEN = 36,
    AT_PREVIOUS = 40,
};
enum { FLAG_TAKEOVER = 1 };
static const uint32_t magic = 0x4c4b4154; /* "TAKL" in memory */

size_t entry_size(uint32_t body_len)
{
    return (size_t) ENTRY_HEAD_BYTES + body_len + ENTRY_CHECK_BYTES;
}

uint64_t entry_check(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

static void put_hash(XXH128_hash_t hash, struct entry_hash *ret)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(ret->bytes, canonical.digest, sizeof ret->bytes);
}

/* Check and hash in one go: the two differ only in how they end, and a bulk's entry is read from memory each time. */
static void put_check(uint8_t *to, size_t checked, struct entry_hash *ret_hash)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, to, checked);
    bytes_put_u64(to + checked, XXH3_64bits_digest(&state));
    XXH3_128bits_update(&state, to + checked, ENTRY_CHECK_BYTES); /* the same as its 64-bit namesake: xxhash.h */
    put_hash(XXH3_128bits_digest(&state), ret_hash);
}

void entry_encode(const struct entry *entry, const struct entry_hash *previous, uint8_t *to,
                  struct entry_hash *ret_hash)
{
    bytes_put_u32(to + AT_MAGIC, magic);
    bytes_put_u16(to + AT_VERSION, ENTRY_VERSION);
    bytes_put_u16(to + AT_FLAGS, entry->takeover ? FLAG_TAKEOVER : 0);
    bytes_put_u64(to + AT_EPOCH, entry->at.epoch);
    bytes_put_u64(to + AT_BEAT, entry->at.beat);
    bytes_put_u64(to + AT_TIME, (uint64_t) entry->time_ms);
    bytes_put_u32(to + AT_POLICY, entry->policy_version);
    bytes_put_u32(to + AT_BODY_LEN, entry->body.len);
    memcpy(to + AT_PREVIOUS, previous->bytes, sizeof previous->bytes);
    if (entry->body.len > 0 && entry->body.at != to + ENTRY_HEAD_BYTES)
        memcpy(to + ENTRY_HEAD_BYTES, entry->body.at, entry->body.len);
    put_check(to, (size_t) ENTRY_HEAD_BYTES + entry->body.len, ret_hash);
}

const char *entry_decode(struct slice bytes, struct entry *ret, struct entry_hash *ret_previous)
{
    if (bytes.len < ENTRY_HEAD_BYTES + ENTRY_CHECK_BYTES)
        return "it is shorter than a header";
    if (bytes_u32(bytes.at + AT_MAGIC) != magic)
        return "it is no takt entry";
    const uint16_t version = bytes_u16(bytes.at + AT_VERSION);
    if (version < ENTRY_VERSION_MIN || version > ENTRY_VERSION)
        return "it is of a version not known here";
    const size_t checked = bytes.len - ENTRY_CHECK_BYTES;
    if (bytes_u64(bytes.at + checked) != entry_check(bytes.at, checked))
        return "its check does not match";
    if ((bytes_u16(bytes.at + AT_FLAGS) & ~FLAG_TAKEOVER) != 0)
        return "it has flags not known here";
    if (bytes_u32(bytes.at + AT_BODY_LEN) != checked - ENTRY_HEAD_BYTES)
        return "its body has not the length it names";
    *ret = (struct entry){
        .at = {bytes_u64(bytes.at + AT_EPOCH), bytes_u64(bytes.at + AT_BEAT)},
        .time_ms = (int64_t) bytes_u64(bytes.at + AT_TIME),
        .policy_version = bytes_u32(bytes.at + AT_POLICY),
        .takeover = (bytes_u16(bytes.at + AT_FLAGS) & FLAG_TAKEOVER) != 0,
        .body = {bytes.at + ENTRY_HEAD_BYTES, (uint32_t) (checked - ENTRY_HEAD_BYTES)},
    };
    memcpy(ret_previous->bytes, bytes.at + AT_PREVIOUS, sizeof ret_previous->bytes);
    return NULL;
}

void entry_hash(struct slice bytes, struct entry_hash *ret)
{
    put_hash(XXH3_128bits(bytes.at, bytes.len), ret);
}

int position_compare(struct position a, struct position b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    if (a.beat != b.beat)
        return a.beat < b.beat ? -1 : 1;
    return 0;
}
