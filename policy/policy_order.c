/* SPDX-License-Identifier: Apache-2.0
 * policy_order.c - see policy_order.h. What could never tell two leads apart is a
 * fault: a second look at the same attribute, and whatever stands behind the word
 * that ends an order, since no two leads come at the same time. */
#include "policy/policy_order.h"

#include <stdio.h>
#include <string.h>

#include "policy/policy_index.h"
#include "policy/policy_routes.h"
#include "policy/policy_take.h"
#include "proto/feature.h"

static const struct value_word lasts[] = {
    {"oldest_first", ORDER_OLDEST_FIRST}, {"newest_first", ORDER_NEWEST_FIRST}, {"random", ORDER_RANDOM}, {NULL, 0}};
static const struct value_word ways[] = {{"lowest", ORDER_LOWEST}, {"highest", ORDER_HIGHEST}, {NULL, 0}};

/* The place of entry `i`, and of what it says of its attribute. */
static void place(const char *path, uint32_t i, const struct raw_order *raw, char ret[FINDING_PATH_MAX])
{
    snprintf(ret, FINDING_PATH_MAX, "%.60sorder[%u]%s%.40s", path, i, raw->attribute ? "." : "",
             raw->attribute ? raw->attribute : "");
}

static void read_word(struct policy_findings *findings, const char *entry, const char *word, struct policy_order *ret)
{
    int number;
    if (value_is_attribute(word) && !value_read_word(lasts, word, &number))
        finding_add(
            findings, FAULT_BAD_VALUE, entry,
            "is \"%.40s\"; allowed is one of oldest_first, newest_first, random, or an attribute with what of it "
            "comes first: \"%.40s: highest\", lowest, or a list of values",
            word, word);
    else
        ret->last = (enum lead_order) take_word(findings, entry, word, lasts, ORDER_OLDEST_FIRST);
}

static void read_listed(struct policy_findings *findings, const char *entry, const struct raw_order *raw,
                        struct policy *policy, struct order_key *key)
{
    key->by = ORDER_LISTED;
    key->values = values_take(findings, entry, raw->attribute, raw->is, raw->is_count, policy);
    const int64_t *values = &policy->values[key->values.first];
    for (uint32_t i = 0; i < key->values.n && key->values.n == raw->is_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (values[k] == values[i]) {
                finding_add(findings, FAULT_DUPLICATE, entry, "names \"%.40s\" twice", raw->is[i]);
                return;
            }
}

static void read_key(struct policy_findings *findings, const char *entry, const struct raw_order *raw,
                     struct policy *policy, struct policy_order *ret)
{
    struct order_key *key = &ret->keys[ret->n_keys];
    *key = (struct order_key){.key = feature_key(raw->attribute, strlen(raw->attribute)),
                              .zip = strcmp(raw->attribute, "zip") == 0,
                              .contacts = strcmp(raw->attribute, "contact_quality") == 0};
    snprintf(key->name, sizeof key->name, "%s", raw->attribute);
    for (uint32_t i = 0; i < ret->n_keys; i++)
        if (ret->keys[i].key == key->key) {
            finding_add(findings, FAULT_DUPLICATE, entry, "is there twice; what the first leaves equal is equal");
            return;
        }
    if (raw->is != NULL)
        read_listed(findings, entry, raw, policy, key);
    else if (key->zip)
        finding_add(findings, FAULT_BAD_VALUE, entry,
                    "is \"%.40s\"; a zip is no number, allowed is a list such as [946*]", raw->by);
    else
        key->by = (enum order_by) take_word(findings, entry, raw->by, ways, ORDER_LOWEST);
    uint32_t n_numbers = 0;
    for (uint32_t i = 0; i <= ret->n_keys; i++)
        n_numbers += ret->keys[i].by != ORDER_LISTED;
    if (n_numbers > POLICY_ORDER_NUMBERS_MAX)
        finding_add(findings, FAULT_TOO_MANY, entry, "is a third number; allowed are %d, and lists besides",
                    POLICY_ORDER_NUMBERS_MAX);
    else
        ret->n_keys++;
}

void order_read(struct policy_findings *findings, const char *path, const struct raw_order *raw, uint32_t n,
                struct policy *policy, struct policy_order *ret)
{
    char entry[FINDING_PATH_MAX], whole[2 * FINDING_PATH_MAX];
    uint32_t column;
    if (n == 0)
        return;
    *ret = (struct policy_order){.last = ORDER_OLDEST_FIRST};
    snprintf(entry, sizeof entry, "%.60sorder", path);
    snprintf(whole, sizeof whole, "%s%s", findings->where, entry);
    policy_index_find(findings->index, whole, &ret->line, &column);
    for (uint32_t i = 0; i < n; i++) {
        if (raw[i].alone != NULL) {
            ret->last = (enum lead_order) take_word(findings, entry, raw[i].alone, lasts, ORDER_OLDEST_FIRST);
            return;
        }
        place(path, i, &raw[i], entry);
        if (i > 0 && raw[i - 1].word != NULL)
            finding_add(findings, FAULT_CONFLICT, entry, "has no effect: \"%.40s\" before it leaves no two leads equal",
                        raw[i - 1].word);
        else if (raw[i].word != NULL)
            read_word(findings, entry, raw[i].word, ret);
        else if (raw[i].attribute != NULL && ret->n_keys == POLICY_ORDER_KEYS_MAX)
            finding_add(findings, FAULT_TOO_MANY, entry, "is one more than %d attributes", POLICY_ORDER_KEYS_MAX);
        else if (raw[i].attribute != NULL)
            read_key(findings, entry, &raw[i], policy, ret);
    }
}
