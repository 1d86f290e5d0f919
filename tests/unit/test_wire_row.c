/* SPDX-License-Identifier: Apache-2.0
 * test_wire_row.c - rows: read as protobuf-c reads them, refused one by one.
 *
 * The text rule is tried on every code point and on every byte at every place of
 * a word, against a rule written down differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/buf.h"
#include "proto/wire_internal.h"
#include "takt.pb-c.h"
#include "tests/lib/wire_bytes.h"
#include "tests/lib/wire_samples.h"

#define TEXT(words) ((struct slice){(const uint8_t *) (words), sizeof(words) - 1})

static struct wire *wire;
static uint8_t bytes[FRAME_BYTES_MAX];

static int setup(void **state)
{
    (void) state;
    wire = wire_new();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    wire_destroy(&wire);
    return 0;
}

static void assert_slice_equal(struct slice ours, protobuf_c_boolean has, ProtobufCBinaryData theirs)
{
    assert_int_equal(ours.at != NULL, has);
    assert_int_equal(ours.len, theirs.len);
    if (ours.len > 0)
        assert_memory_equal(ours.at, theirs.data, theirs.len);
}

static void test_a_row_is_read_as_protobuf_c_reads_it(void **state)
{
    struct row row;
    size_t len = 0;
    (void) state;
    for (unsigned i = 0; len == 0; i++)
        if (wire_sample(i)->kind == MSG_CHUNK)
            len = wire_encode_row(&wire_sample(i)->chunk.rows[0], bytes, ROW_BYTES_MAX);
    assert_int_equal(wire_decode_row(wire, slice_of(bytes, len), TEXT("webform"), &row), REASON_OK);
    Wire__Lead *lead = wire__lead__unpack(NULL, len, bytes);
    assert_non_null(lead);
    assert_slice_equal(row.key, lead->has_key, lead->key);
    assert_slice_equal(row.name, lead->has_name, lead->name);
    assert_slice_equal(row.phone, lead->has_phone, lead->phone);
    assert_slice_equal(row.email, lead->has_email, lead->email);
    assert_slice_equal(row.street, lead->has_street, lead->street);
    assert_slice_equal(row.web, lead->has_web, lead->web);
    assert_slice_equal(row.ref, lead->has_ref, lead->ref);
    assert_slice_equal(row.remarks, lead->has_remarks, lead->remarks);
    assert_int_equal(row.priority, lead->priority);
    assert_int_equal(row.value_cents, lead->value_cents);
    assert_int_equal(row.cost_cents, lead->cost_cents);
    assert_int_equal(row.n_attributes, lead->n_attributes);
    for (uint32_t i = 0; i < row.n_attributes; i++) {
        assert_slice_equal(row.attributes[i].name, lead->attributes[i]->has_name, lead->attributes[i]->name);
        assert_slice_equal(row.attributes[i].text, lead->attributes[i]->has_text, lead->attributes[i]->text);
        assert_int_equal(row.attributes[i].number, lead->attributes[i]->number);
    }
    assert_true(id_equal(row.lead, id_of_key(TEXT("webform"), TEXT("row-1"))));
    wire__lead__free_unpacked(lead, NULL);
}

static void test_a_lead_id_is_blake2b_of_source_and_key(void **state)
{
    char hex[33];
    (void) state;
    id_to_hex(id_of_key(TEXT("webform"), TEXT("row-1")), hex);
    assert_string_equal(hex, "fcae88af4e49e6b6586cf91b8bef9ecd");
}

static void test_a_bad_row_is_marked_alone_and_keeps_its_bytes_only(void **state)
{
    static const uint8_t damaged[] = "\x0a\x01k\x82\x01\x01n\xff"; /* a key, a name, and then nonsense */
    struct row rows[] = {
        {.key = TEXT("a")}, {.raw = {damaged, sizeof damaged}}, {.raw = {damaged, 0}}, {.key = TEXT("b")}};
    struct msg msg = {.kind = MSG_CHUNK, .chunk = {.op = {1, 1}, .source = TEXT("webform"), .rows = rows, .n_rows = 4}};
    struct slice frame;
    (void) state;
    assert_true(wire_encode(wire, &msg, &frame));
    assert_int_equal(wire_decode(wire, frame.at, frame.len, &msg), REASON_OK);
    assert_int_equal(msg.chunk.n_rows, 4);
    assert_int_equal(msg.chunk.rows[0].reject, REASON_OK);
    assert_int_equal(msg.chunk.rows[0].raw.len, 3);
    assert_true(id_equal(msg.chunk.rows[0].lead, id_of_key(TEXT("webform"), TEXT("a"))));
    struct row bad = msg.chunk.rows[1];
    assert_int_equal(bad.reject, REASON_BAD_FRAME);
    assert_int_equal(bad.raw.len, sizeof damaged);
    assert_memory_equal(bad.raw.at, damaged, sizeof damaged);
    assert_true(bad.key.at == NULL && bad.name.at == NULL && bad.n_attributes == 0 && id_is_none(bad.lead));
    assert_int_equal(msg.chunk.rows[2].reject, REASON_NO_KEY);
    assert_int_equal(msg.chunk.rows[3].reject, REASON_OK);
}

static enum reason decode(struct slice raw)
{
    struct row row;
    uint8_t *own = malloc(raw.len + 1); /* its own block, so that a sanitizer sees one byte too far */
    memcpy(own, raw.at, raw.len);
    enum reason reason = wire_decode_row(wire, slice_of(own, raw.len), TEXT("webform"), &row);
    assert_int_equal(row.reject, reason);
    assert_true(id_is_none(row.lead) == (reason != REASON_OK));
    free(own);
    return reason;
}

static enum reason decode_fields(const struct row *row)
{
    size_t len = wire_encode_row(row, bytes, sizeof bytes);
    return decode(slice_of(bytes, len));
}

static void test_rows_are_refused_for_the_right_reason(void **state)
{
    static uint8_t long_text[9000];
    static struct attribute many[49];
    static const struct attribute nameless = {.number = 1}, shouting = {.name = {(const uint8_t *) "Age", 3}};
    struct attribute attribute = {.name = TEXT("age"), .number = 1};
    (void) state;
    memset(long_text, 'x', sizeof long_text);
    for (int i = 0; i < 49; i++)
        many[i] = attribute;
#define EXPECT(reason, ...) assert_int_equal(decode_fields(&(struct row){__VA_ARGS__}), reason)
    EXPECT(REASON_NO_KEY, .name = TEXT("n"));
    EXPECT(REASON_OK, .key = {long_text, 128}, .name = {long_text, 1024}, .remarks = {long_text, 2000});
    EXPECT(REASON_TOO_LONG, .key = {long_text, 129});
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .street = {long_text, 1025});
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .remarks = {long_text, 2001});
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .remarks = {long_text, 9000});
    EXPECT(REASON_OK, .key = TEXT("k"), .attributes = many, .n_attributes = 48);
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .attributes = many, .n_attributes = 49);
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k\n"));
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k"), .phone = TEXT("555\0"));
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k"), .email = TEXT("\xff"));
    EXPECT(REASON_OK, .key = TEXT("k"), .priority = -1000, .value_cents = VALUE_CENTS_MAX, .cost_cents = UINT32_MAX);
    EXPECT(REASON_BAD_NUMBER, .key = TEXT("k"), .priority = 1001);
    EXPECT(REASON_BAD_NUMBER, .key = TEXT("k"), .priority = -1001);
    EXPECT(REASON_BAD_NUMBER, .key = TEXT("k"), .priority = INT32_MIN);
    EXPECT(REASON_BAD_NUMBER, .key = TEXT("k"), .value_cents = VALUE_CENTS_MAX + 1);
    EXPECT(REASON_BAD_NUMBER, .key = TEXT("k"), .value_cents = UINT64_MAX);
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k"), .attributes = &nameless, .n_attributes = 1);
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k"), .attributes = &shouting, .n_attributes = 1);
    attribute.name = slice_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 33);
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .attributes = &attribute, .n_attributes = 1);
    attribute = (struct attribute){.name = TEXT("job"), .text = {long_text, 1025}};
    EXPECT(REASON_TOO_LONG, .key = TEXT("k"), .attributes = &attribute, .n_attributes = 1);
    attribute.text = TEXT("a\x7f");
    EXPECT(REASON_BAD_TEXT, .key = TEXT("k"), .attributes = &attribute, .n_attributes = 1);
#undef EXPECT
}

static void test_rows_damaged_byte_by_byte_are_refused(void **state)
{
#define EXPECT(reason, raw) assert_int_equal(decode(TEXT(raw)), reason)
    (void) state;
    EXPECT(REASON_OK, "\x0a\x01k");
    EXPECT(REASON_OK, "\x0a\x01k\xf8\x06\x01");                     /* an unknown field */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x0a\x01k");                 /* two keys */
    EXPECT(REASON_BAD_FRAME, "\x08\x01");                           /* the key as a number */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x1a\x01k");                 /* the priority as bytes */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x10\x01");                  /* an attribute as a number */
    EXPECT(REASON_BAD_FRAME, "\x0a\x02k");                          /* cut */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x0b\x0c");                  /* a group */
    EXPECT(REASON_BAD_NUMBER, "\x0a\x01k\x28\x80\x80\x80\x80\x10"); /* a cost of 2^32 */
    EXPECT(REASON_BAD_NUMBER, "\x0a\x01k\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    EXPECT(REASON_BAD_FIELD, "\x0a\x01k\x12\x03\x0a\x01"
                             "a"); /* neither text nor number */
    EXPECT(REASON_BAD_FIELD, "\x0a\x01k\x12\x08\x0a\x01"
                             "a\x12\x01"
                             "b\x18\x02"); /* both */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x12\x07\x0a\x01"
                             "a\x18\x02\x18\x02"); /* two numbers */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x12\x05\x0a\x01"
                             "a\x10\x02");                 /* text as a number */
    EXPECT(REASON_BAD_FRAME, "\x0a\x01k\x12\x02\x0a\x01"); /* a name cut */
#undef EXPECT
    for (size_t n = 16; n <= 17; n++) {
        struct buf row = {0};
        buf_add(&row, "\x0a\x01k", 3);
        for (size_t i = 0; i < n; i++)
            buf_add(&row, "\x98\x06\x01", 3);
        assert_int_equal(decode(slice_of(row.at, row.len)), n == 16 ? REASON_OK : REASON_TOO_LONG);
        buf_fini(&row);
    }
}

static void test_a_row_over_its_limit_is_too_long_whatever_is_in_it(void **state)
{
    static const uint8_t filler[ROW_BYTES_MAX];
    (void) state;
    for (size_t more = 0; more <= 1; more++) {
        struct buf row = {0};
        wire_bytes_add(&row, 1, "k", 1);
        wire_bytes_add(&row, 99, filler, ROW_BYTES_MAX - 3 - 4 + more); /* an unknown field */
        assert_int_equal(row.len, ROW_BYTES_MAX + more);
        assert_int_equal(decode(slice_of(row.at, row.len)), more == 0 ? REASON_OK : REASON_TOO_LONG);
        buf_fini(&row);
    }
}

static size_t put_utf8(uint8_t *to, uint32_t c)
{
    if (c < 0x80)
        return to[0] = (uint8_t) c, 1;
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        to[i] = (uint8_t) (0x80 | (c & 0x3f));
    to[0] = (uint8_t) (0xf0u << (4 - n) | c);
    return n;
}

static bool is_text(const void *at, size_t len)
{
    struct row row = {.key = TEXT("k"), .name = slice_of(at, len)};
    size_t row_len = wire_encode_row(&row, bytes, sizeof bytes);
    enum reason reason = wire_decode_row(wire, slice_of(bytes, row_len), (struct slice){0}, &row);
    assert_true(reason == REASON_OK || reason == REASON_BAD_TEXT);
    return reason == REASON_OK;
}

static void test_text_is_any_character_but_controls_and_surrogates(void **state)
{
    uint8_t text[16] = "abcdefghijklmnop";
    (void) state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        bool good = c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0xd800 && c < 0xe000) && c < 0x110000;
        size_t len = put_utf8(text + 1, c);
        if (is_text(text, len + 1) != good)
            fail_msg("U+%04X", (unsigned) c);
        if (is_text(text + 1, len - 1) && len > 1)
            fail_msg("U+%04X cut", (unsigned) c);
    }
}

static void test_a_control_is_seen_at_every_place_of_a_word(void **state)
{
    (void) state;
    for (size_t at = 0; at < 17; at++)
        for (unsigned c = 0; c < 256; c++) {
            uint8_t text[17];
            memset(text, 0x20, sizeof text);
            text[at] = (uint8_t) c;
            assert_int_equal(is_text(text, sizeof text), c >= 0x20 && c < 0x7f);
            memset(text, 0x7e, sizeof text);
            text[at] = (uint8_t) c;
            assert_int_equal(is_text(text, sizeof text), c >= 0x20 && c < 0x7f);
        }
}

static void test_damaged_utf8_is_refused(void **state)
{
    static const char *const bad[] = {
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",
        "\xed\xbf\xbf", /* surrogates */
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe", /* beyond the end */
        "\x80",
        "\xbf",
        "\xc3",
        "\xc3(",
        "\xe2\x82",
        "\xe2(\xac",
        "\xf0\x9f\x8c",
        "\xf0\x9f\x8c(",
    };
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_text(bad[i], strlen(bad[i])));
}

static void test_opening_a_row_leaves_the_message_as_it_was(void **state)
{
    struct msg msg;
    struct slice frame;
    unsigned i = 0;
    (void) state;
    while (wire_sample(i)->kind != MSG_AGENT_HEARS)
        i++;
    assert_true(wire_encode(wire, wire_sample(i), &frame));
    uint8_t *own = malloc(frame.len);
    memcpy(own, frame.at, frame.len);
    assert_int_equal(wire_decode(wire, own, frame.len, &msg), REASON_OK);
    for (uint32_t k = 0; k < msg.hears.n_offers; k++) {
        struct row row;
        if (msg.hears.offers[k].see)
            continue; /* has no key */
        assert_int_equal(wire_decode_row(wire, msg.hears.offers[k].row, (struct slice){0}, &row), REASON_OK);
        assert_int_equal(row.key.len, 5);
        assert_true(id_is_none(row.lead)); /* no source, no id */
    }
    uint32_t len = frame.len;
    assert_true(wire_encode(wire, &msg, &frame));
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.at, own, len);
    free(own);
}

/* The frame with this lead as an offer, opened again. */
static struct msg offer_of(const struct row *row, enum see see)
{
    struct slice frame;
    struct msg msg;
    const size_t len = wire_encode_row(row, bytes, sizeof bytes);
    const struct offer offer = {.lead = {1, 2}, .fence = 3, .state = 4, .see = see, .row = slice_of(bytes, len)};
    assert_true(wire_encode(
        wire,
        &(struct msg){.session = 5, .seq = 6, .kind = MSG_AGENT_HEARS, .hears = {.offers = &offer, .n_offers = 1}},
        &frame));
    static uint8_t own[ROW_BYTES_MAX * 2];
    memcpy(own, frame.at, frame.len);
    for (size_t i = 0; see && i + 6 <= frame.len; i++)
        assert_true(memcmp(own + i, "SECRET", 6) != 0); /* nowhere in it */
    assert_int_equal(wire_decode(wire, own, frame.len, &msg), REASON_OK);
    assert_int_equal(msg.hears.offers[0].see, see);
    return msg;
}

static void test_of_an_offer_leaves_no_more_than_may_be_seen(void **state)
{
    static const struct attribute zone = {.name = TEXT("zone"), .text = TEXT("west")};
    const struct row whole = {.key = TEXT("SECRET1"),
                              .name = TEXT("SECRET2"),
                              .phone = TEXT("SECRET3"),
                              .email = TEXT("SECRET4"),
                              .street = TEXT("SECRET5"),
                              .web = TEXT("SECRET6"),
                              .ref = TEXT("SECRET7"),
                              .remarks = TEXT("SECRET8"),
                              .priority = -7,
                              .value_cents = 8,
                              .cost_cents = 9,
                              .attributes = &zone,
                              .n_attributes = 1};
    struct row row;
    (void) state;
    struct msg msg = offer_of(&whole, SEE_FULL);
    assert_int_equal(wire_decode_row(wire, msg.hears.offers[0].row, (struct slice){0}, &row), REASON_OK);
    assert_int_equal(row.remarks.len, 7);
    msg = offer_of(&whole, SEE_COARSE);
    assert_int_equal(wire_decode_row(wire, msg.hears.offers[0].row, (struct slice){0}, &row), REASON_NO_KEY);
    assert_int_equal(wire_decode_part(wire, msg.hears.offers[0].row, &row), REASON_OK);
    assert_int_equal(row.n_attributes, 1);
    assert_memory_equal(row.attributes[0].text.at, "west", 4);
    assert_int_equal(row.priority, -7);
    assert_int_equal(row.value_cents, 8);
    assert_int_equal(row.cost_cents, 0);
    msg = offer_of(&whole, SEE_NONE);
    assert_int_equal(msg.hears.offers[0].row.len, 0);
    assert_int_equal(wire_decode_part(wire, msg.hears.offers[0].row, &row), REASON_OK);
    assert_int_equal(row.n_attributes, 0);
}

static void test_a_row_is_encoded_into_exactly_the_room_it_needs(void **state)
{
    unsigned i = 0;
    (void) state;
    while (wire_sample(i)->kind != MSG_CHUNK)
        i++;
    const struct row *row = &wire_sample(i)->chunk.rows[0];
    size_t len = wire_encode_row(row, bytes, sizeof bytes);
    assert_true(len > 0);
    for (size_t room = 0; room < len; room++) {
        uint8_t *to = malloc(room + 1);
        assert_int_equal(wire_encode_row(row, to, room), 0);
        free(to);
    }
    uint8_t *to = malloc(len > 0 ? len : 1);
    assert_int_equal(wire_encode_row(row, to, len), len);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_read_as_protobuf_c_reads_it),
        cmocka_unit_test(test_a_lead_id_is_blake2b_of_source_and_key),
        cmocka_unit_test(test_a_bad_row_is_marked_alone_and_keeps_its_bytes_only),
        cmocka_unit_test(test_rows_are_refused_for_the_right_reason),
        cmocka_unit_test(test_rows_damaged_byte_by_byte_are_refused),
        cmocka_unit_test(test_a_row_over_its_limit_is_too_long_whatever_is_in_it),
        cmocka_unit_test(test_text_is_any_character_but_controls_and_surrogates),
        cmocka_unit_test(test_a_control_is_seen_at_every_place_of_a_word),
        cmocka_unit_test(test_damaged_utf8_is_refused),
        cmocka_unit_test(test_opening_a_row_leaves_the_message_as_it_was),
        cmocka_unit_test(test_of_an_offer_leaves_no_more_than_may_be_seen),
        cmocka_unit_test(test_a_row_is_encoded_into_exactly_the_room_it_needs),
    };
    return cmocka_run_group_tests_name("wire_row", tests, setup, teardown);
}
