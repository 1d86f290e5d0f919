/* SPDX-License-Identifier: Apache-2.0
 * contact.c - can this person be reached at all? See contact.h. */
#include "core/contact.h"

#include <string.h>

enum {
    DIGITS_MAX = 15,
    DIGITS_ABROAD_MIN = 8,
    DIGITS_SUBSCRIBER = 7,
    EXTENSION_MAX = 7,
    EMAIL_USER_MAX = 64,
    EMAIL_MAX = 254
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}
static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t) (c + 32) : c;
}

static bool is_given(struct slice field)
{
    for (uint32_t i = 0; i < field.len; i++)
        if (field.at[i] != ' ')
            return true;
    return false;
}

/* "x12", "ext. 12", "extension 12", "#12" up to the end. */
static bool is_extension(struct slice rest)
{
    static const char *const words[] = {"extension", "ext", "x", "#"};
    for (unsigned w = 0; w < sizeof words / sizeof words[0]; w++) {
        uint32_t i = 0, digits = 0;
        while (words[w][i] && i < rest.len && lower(rest.at[i]) == (uint8_t) words[w][i])
            i++;
        if (words[w][i])
            continue;
        while (i < rest.len && (rest.at[i] == '.' || rest.at[i] == ' ' || rest.at[i] == ':'))
            i++;
        while (i < rest.len && is_digit(rest.at[i])) {
            i++;
            digits++;
        }
        return i == rest.len && digits > 0 && digits <= EXTENSION_MAX;
    }
    return false;
}

/* The digits before any extension, or -1 when there is anything else. */
static int take_digits(struct slice phone, char ret_digits[DIGITS_MAX])
{
    int n = 0;
    for (uint32_t i = 0; i < phone.len; i++) {
        uint8_t c = phone.at[i];
        if (is_digit(c)) {
            if (n == DIGITS_MAX)
                return -1;
            ret_digits[n++] = (char) c;
        } else if (n > 0 && is_extension((struct slice){phone.at + i, phone.len - i})) {
            return n;
        } else if (!memchr(" -./()", c, 6) && !(c == '+' && n == 0)) {
            return -1;
        }
    }
    return n;
}

/* NPA-NXX-XXXX: both codes begin with 2 to 9 and no area code is N11. The
 * exchange may be N11: toll-free numbers with such exchanges are in service. */
static bool is_nanp(const char digits[10])
{
    return digits[0] >= '2' && digits[3] >= '2' && !(digits[1] == '1' && digits[2] == '1');
}

/* What a phone says once punctuation and extension are gone. */
struct dialled {
    char digits[DIGITS_MAX];
    int n;       /* -1: there is something else in it */
    bool abroad; /* written with a + */
};

static struct dialled dialled_of(struct slice phone)
{
    struct dialled dialled;
    uint32_t from = 0;
    while (from < phone.len && (phone.at[from] == ' ' || phone.at[from] == '('))
        from++;
    dialled.abroad = from < phone.len && phone.at[from] == '+';
    dialled.n = take_digits(phone, dialled.digits);
    return dialled;
}

/* The ten digits of a number of the plan, without the leading 1; or NULL. */
static const char *nanp_of(const struct dialled *dialled)
{
    const char *digits = dialled->digits;
    if (dialled->n > 0 && digits[0] == '1')
        return dialled->n == 11 && is_nanp(digits + 1) ? digits + 1 : NULL;
    return !dialled->abroad && dialled->n == 10 && is_nanp(digits) ? digits : NULL;
}

bool contact_phone_is_plausible(struct slice phone)
{
    const struct dialled dialled = dialled_of(phone);
    if (nanp_of(&dialled))
        return true;
    return dialled.abroad && dialled.n >= DIGITS_ABROAD_MIN && dialled.digits[0] != '0' && dialled.digits[0] != '1';
}

uint32_t contact_area_code(struct slice phone)
{
    const struct dialled dialled = dialled_of(phone);
    const char *digits = nanp_of(&dialled);
    return digits ? (uint32_t) ((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0') : 0;
}

/* A damaged number is one, too: the same one twice is the same person's as a rule. */
bool contact_plain_phone(struct slice phone, struct contact_text *ret)
{
    ret->len = 0;
    for (uint32_t i = 0; i < phone.len; i++) {
        if (is_digit(phone.at[i]) && ret->len == DIGITS_MAX)
            return false;
        if (is_digit(phone.at[i]))
            ret->at[ret->len++] = (char) phone.at[i];
        else if (ret->len >= DIGITS_SUBSCRIBER && is_extension((struct slice){phone.at + i, phone.len - i}))
            break;
    }
    if (ret->len == 11 && ret->at[0] == '1')
        memmove(ret->at, ret->at + 1, --ret->len);
    return ret->len >= DIGITS_SUBSCRIBER;
}

static bool is_email(struct slice email);

bool contact_plain_email(struct slice email, struct contact_text *ret)
{
    while (email.len > 0 && email.at[0] == ' ')
        email = (struct slice){email.at + 1, email.len - 1};
    while (email.len > 0 && (email.at[email.len - 1] == ' ' || email.at[email.len - 1] == '\r'))
        email.len--;
    if (email.len == 0 || !is_email(email))
        return false;
    for (ret->len = 0; ret->len < email.len; ret->len++)
        ret->at[ret->len] = (char) lower(email.at[ret->len]);
    return true;
}

bool contact_plain_words(struct slice text, struct contact_text *ret)
{
    ret->len = 0;
    for (uint32_t i = 0; i < text.len && ret->len < CONTACT_TEXT_MAX; i++) {
        const uint8_t c = lower(text.at[i]);
        if (is_digit(c) || (c >= 'a' && c <= 'z') || c >= 0x80)
            ret->at[ret->len++] = (char) c;
    }
    return ret->len > 0;
}

static bool is_zip_text(struct slice zip)
{
    uint32_t digits = 0;
    for (uint32_t i = 0; i < zip.len; i++) {
        if (is_digit(zip.at[i]))
            digits++;
        else if (zip.at[i] != '-' || i != 5)
            return false;
    }
    return digits == 9 || (digits == 5 && zip.len == 5);
}

static bool is_zip(const struct attribute *zip)
{
    return zip->text.at ? is_zip_text(zip->text)
                        : (zip->number >= 10000 && zip->number <= 99999) ||
                              (zip->number >= 100000000 && zip->number <= 999999999);
}

static bool is_email(struct slice email)
{
    const uint8_t *at = memchr(email.at, '@', email.len);
    if (!at || email.len > EMAIL_MAX)
        return false;
    size_t user = (size_t) (at - email.at), domain = email.len - user - 1;
    if (user == 0 || user > EMAIL_USER_MAX || domain < 3)
        return false;
    const uint8_t *host = at + 1;
    if (memchr(host, '@', domain) || memchr(email.at, ' ', email.len) || host[0] == '.' || host[domain - 1] == '.')
        return false;
    return memchr(host, '.', domain) && !memmem(host, domain, "..", 2);
}

uint32_t contact_ways(struct slice phone, struct slice email)
{
    const bool called = phone.len > 0 && contact_phone_is_plausible(phone), written = email.len > 0 && is_email(email);
    return (uint32_t) called + written;
}

static const struct attribute *find(const struct row *row, const char *name)
{
    for (uint32_t i = 0; i < row->n_attributes; i++)
        if (slice_is(row->attributes[i].name, name))
            return &row->attributes[i];
    return NULL;
}

uint32_t contact_check(const struct row *row, enum reason *ret_reject)
{
    const struct attribute *zip = find(row, "zip");
    bool named = is_given(row->name), phone = is_given(row->phone), email = is_given(row->email);
    bool reach = phone || email || is_given(row->street) || is_given(row->web) || is_given(row->ref);
    *ret_reject = named || reach ? REASON_OK : REASON_NO_CONTACT;
    if (*ret_reject != REASON_OK)
        return 0;
    uint32_t warnings = 0;
    if (phone && !contact_phone_is_plausible(row->phone))
        warnings |= ROW_WARNING_PHONE_DAMAGED;
    if (zip && !is_zip(zip))
        warnings |= ROW_WARNING_ZIP_DAMAGED;
    if (email && !is_email(row->email))
        warnings |= ROW_WARNING_EMAIL_DAMAGED;
    if (!reach)
        warnings |= ROW_WARNING_NO_REACH;
    if (!named)
        warnings |= ROW_WARNING_NO_NAME;
    return warnings;
}
