/* SPDX-License-Identifier: Apache-2.0
 * names.c - what the numbers of proto/msg.h are called, ids as text, and the
 * hashes by which scoring knows attributes.
 *
 * The names come out of the .def lists, so none is written twice. The hashes use
 * xxhash as a header only: this file is in the base that core links, and core
 * links libc alone. */
#include "proto/msg.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "proto/row_contact.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct name {
    const char *name, *text;
};

static const struct name reasons[] = {
#define REASON(number, name, text) [number] = {#name, text},
#include "proto/reasons.def"
#undef REASON
};

static const struct name row_warnings[] = {
#define ROW_WARNING(bit, name, text) [bit] = {#name, text},
#include "proto/row_warnings.def"
#undef ROW_WARNING
};

static const struct name act_verbs[] = {
#define ACT_VERB(number, name, text) [number] = {#name, text},
#include "proto/act_verbs.def"
#undef ACT_VERB
};

static const struct name intents[] = {
#define AGENT_INTENT(number, name, text) [number] = {#name, text},
#include "proto/agent_intents.def"
#undef AGENT_INTENT
};

static const struct name strategies[] = {
#define STRATEGY(number, name, word, keeps, text) [number] = {word, text},
#include "proto/strategies.def"
#undef STRATEGY
};

static const uint8_t strategy_keeps_what[] = {
#define STRATEGY(number, name, word, keeps, text) [number] = KEEPS_##keeps,
#include "proto/strategies.def"
#undef STRATEGY
};

static const struct name queries[] = {
#define QUERY(number, name, text) [number] = {#name, text},
#include "proto/queries.def"
#undef QUERY
};

static const struct name orders[] = {
#define ORDER(number, name, word, text) [number] = {word, text},
#include "proto/orders.def"
#undef ORDER
};

static const struct name dispositions[] = {
#define DISPOSITION(number, name, class_, word, text) [number] = {word, text},
#include "proto/dispositions.def"
#undef DISPOSITION
};

static const uint8_t disposition_classes[] = {
#define DISPOSITION(number, name, class_, word, text) [number] = CLASS_##class_,
#include "proto/dispositions.def"
#undef DISPOSITION
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define NAME_OF(list, number) ((number) < COUNT(list) && (list)[number].name != NULL ? (list)[number].name : "?")

static unsigned find(const struct name *list, size_t n, const char *word)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i].name != NULL && strcmp(list[i].name, word) == 0)
            return i;
    return 0;
}

const char *reason_name(unsigned reason)
{
    return NAME_OF(reasons, reason);
}

const char *reason_text(unsigned reason)
{
    return reason < COUNT(reasons) && reasons[reason].text != NULL ? reasons[reason].text : "?";
}

const char *row_warning_name(unsigned bit)
{
    return NAME_OF(row_warnings, bit);
}

const char *act_verb_name(unsigned verb)
{
    return NAME_OF(act_verbs, verb);
}

const char *intent_name(unsigned intent)
{
    return NAME_OF(intents, intent);
}

const char *strategy_word(unsigned strategy)
{
    return NAME_OF(strategies, strategy);
}

const char *strategy_text(unsigned strategy)
{
    return strategy < COUNT(strategies) && strategies[strategy].text != NULL ? strategies[strategy].text : "?";
}

enum keeps strategy_keeps(unsigned strategy)
{
    return strategy < COUNT(strategy_keeps_what) ? strategy_keeps_what[strategy] : KEEPS_NOTHING;
}

const char *query_name(unsigned what)
{
    return NAME_OF(queries, what);
}

const char *order_word(unsigned what)
{
    return NAME_OF(orders, what);
}

unsigned order_by_word(const char *word)
{
    return find(orders, COUNT(orders), word);
}

const char *disposition_word(unsigned code)
{
    return NAME_OF(dispositions, code);
}

const char *disposition_text(unsigned code)
{
    return code < COUNT(dispositions) && dispositions[code].text != NULL ? dispositions[code].text : "?";
}

unsigned disposition_by_word(const char *word)
{
    return find(dispositions, COUNT(dispositions), word);
}

int disposition_class(unsigned code)
{
    return code < COUNT(disposition_classes) ? disposition_classes[code] : 0;
}

bool feature_number(struct slice text, int64_t *ret)
{
    const uint32_t first = text.len > 1 && text.at[0] == '-', digits = text.len - first;
    if (digits == 0 || digits > 18 || (text.at[first] == '0' && text.len > 1))
        return false;
    int64_t number = 0;
    for (uint32_t i = first; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (text.at[i] - '0');
    }
    *ret = first ? -number : number;
    return true;
}

static uint32_t zip_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? 1u + c - '0'
           : c >= 'A' && c <= 'Z' ? 11u + c - 'A'
           : c >= 'a' && c <= 'z' ? 11u + c - 'a'
                                  : 0;
}

int64_t feature_zip(const void *text, size_t len)
{
    const uint8_t *at = text;
    int64_t zip = 0;
    uint32_t n = 0;
    for (size_t i = 0; i < len && n < ZIP_MAX; i++) {
        const uint32_t digit = zip_digit(at[i]);
        if (at[i] == '-' && i == 5 && n == 5 && len == 10)
            break;
        if (digit == 0)
            continue;
        zip = zip * ZIP_BASE + digit;
        n++;
    }
    for (; n < ZIP_MAX && zip > 0; n++)
        zip *= ZIP_BASE;
    return zip;
}

int64_t zip_begin(int64_t zip, uint32_t n)
{
    int64_t unit = 1;
    for (uint32_t i = n; i < ZIP_MAX; i++)
        unit *= ZIP_BASE;
    return zip - zip % unit;
}

uint32_t zip_len(int64_t zip)
{
    uint32_t n = ZIP_MAX;
    for (; n > 0 && zip % ZIP_BASE == 0; n--)
        zip /= ZIP_BASE;
    return n;
}

/* A leading zero is lost in a number. One a lead, so without a printf. */
static int64_t zip_of_number(int64_t number)
{
    char digits[24];
    uint32_t at = sizeof digits;
    for (uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number; rest || sizeof digits - at < 5;
         rest /= 10)
        digits[--at] = (char) ('0' + rest % 10);
    return feature_zip(digits + at, sizeof digits - at);
}

int64_t feature_of(const struct attribute *attribute)
{
    const struct slice name = attribute->name, text = attribute->text;
    int64_t number = attribute->number;
    if (slice_is(name, "zip"))
        return text.at ? feature_zip(text.at, text.len) : zip_of_number(number);
    return !text.at || feature_number(text, &number) ? number : feature_text(text.at, text.len);
}

uint32_t feature_key(const void *name, size_t len)
{
    assert(name != NULL);
    return XXH32(name, len, 0);
}

int64_t feature_text(const void *text, size_t len)
{
    const uint8_t *at = text;
    uint8_t lower[256];
    XXH3_state_t state;
    bool is_long = len > sizeof lower;

    if (is_long)
        XXH3_64bits_reset(&state);
    for (;;) {
        size_t n = len < sizeof lower ? len : sizeof lower;
        for (size_t i = 0; i < n; i++)
            lower[i] = (uint8_t) (at[i] >= 'A' && at[i] <= 'Z' ? at[i] + ('a' - 'A') : at[i]);
        if (!is_long)
            return (int64_t) XXH3_64bits(lower, n);
        XXH3_64bits_update(&state, lower, n);
        at += n;
        len -= n;
        if (len == 0)
            return (int64_t) XXH3_64bits_digest(&state);
    }
}

struct id id_from_bytes(const uint8_t bytes[16])
{
    uint64_t hi, lo;
    memcpy(&hi, bytes, 8);
    memcpy(&lo, bytes + 8, 8);
    return (struct id){be64toh(hi), be64toh(lo)};
}

void id_to_bytes(struct id id, uint8_t ret_bytes[16])
{
    uint64_t hi = htobe64(id.hi), lo = htobe64(id.lo);
    memcpy(ret_bytes, &hi, 8);
    memcpy(ret_bytes + 8, &lo, 8);
}

void id_to_hex(struct id id, char ret_hex[33])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        ret_hex[i] = digits[id.hi >> (60 - 4 * i) & 15];
        ret_hex[16 + i] = digits[id.lo >> (60 - 4 * i) & 15];
    }
    ret_hex[32] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool id_from_hex(const char *hex, struct id *ret_id)
{
    uint64_t half[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        int digit = hex_digit(hex[i]); /* a NUL is no digit: never reads past the end */
        if (digit < 0)
            return false;
        half[i / 16] = half[i / 16] << 4 | (uint64_t) digit;
    }
    if (hex[32] != '\0')
        return false;
    *ret_id = (struct id){half[0], half[1]};
    return true;
}

uint64_t contact_hash(const char *cell, char kind, const void *text, size_t len)
{
    const uint64_t key = XXH3_64bits(cell, strlen(cell)) + (uint64_t) kind;
    const uint64_t hash = XXH3_64bits_withSeed(text, len, key);
    return hash ? hash : 1; /* 0 stands for none */
}
