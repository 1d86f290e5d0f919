/* SPDX-License-Identifier: Apache-2.0
 * hook_file.c - hooks.yaml to struct hook_file. On libyaml's documents, as maps
 * of columns are: the tables below are the schema, and each fault has its line. */
#include "hooks/hook_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "common/yaml_nodes.h"
#include "policy/policy_values.h"

enum {
    FILE_BYTES_MAX = 64 * 1024,
    SECRET_BYTES_MIN = 16,
    SECRET_BYTES_MAX = 4096,
    PARALLEL_MAX = 64,
    FILE_WHY_MAX = 160
};

struct loader {
    yaml_document_t document;
    const char *name;
    char *why;
    struct hook *hook; /* the one in hand */
};

static bool fail(struct loader *in, const yaml_node_t *at, const char *what, const char *text)
{
    snprintf(in->why, HOOK_WHY_MAX, "%s:%zu: %s%s%s", in->name, at != NULL ? at->start_mark.line + 1 : 1, what,
             text != NULL ? ": " : "", text != NULL ? text : "");
    return false;
}

static const char *text_of(const yaml_node_t *node)
{
    const bool is_text = node != NULL && node->type == YAML_SCALAR_NODE && node->data.scalar.length > 0 &&
                         strlen((const char *) node->data.scalar.value) == node->data.scalar.length;
    return is_text ? (const char *) node->data.scalar.value : NULL;
}

static char *copy(const char *text)
{
    char *own = strdup(text);
    if (own == NULL)
        abort();
    return own;
}

/* ---- files that it names ------------------------------------------------------------ */

/* What is wrong names the file, and nothing of what is in it. */
static bool read_file(const char *path, size_t most, struct buf *ret, char why[FILE_WHY_MAX])
{
    FILE *file = fopen(path, "re");
    buf_more(ret, most + 1);
    ret->len = file != NULL ? fread(ret->at, 1, most + 1, file) : 0;
    const bool is_read = file != NULL && !ferror(file) && ret->len <= most;
    if (!is_read)
        snprintf(why, FILE_WHY_MAX, "%s: %s", path, file != NULL && !ferror(file) ? "it is too long" : strerror(errno));
    if (file != NULL)
        fclose(file);
    return is_read;
}

static bool take_key_file(struct loader *in, const yaml_node_t *node)
{
    char why[FILE_WHY_MAX];
    struct buf *key = &in->hook->key;
    const char *path = text_of(node);
    if (path == NULL)
        return fail(in, node, "key_file: a path", NULL);
    if (!read_file(path, SECRET_BYTES_MAX, key, why))
        return fail(in, node, "key_file", why);
    while (key->len > 0 && (key->at[key->len - 1] == '\n' || key->at[key->len - 1] == '\r'))
        key->len--;
    return key->len >= SECRET_BYTES_MIN || fail(in, node, "key_file: a secret has at least 16 bytes", path);
}

static bool take_header_file(struct loader *in, const yaml_node_t *node)
{
    char why[FILE_WHY_MAX];
    struct buf text = {0};
    const char *path = text_of(node);
    if (path == NULL)
        return fail(in, node, "header_file: a path", NULL);
    bool good = read_file(path, FILE_BYTES_MAX, &text, why) || fail(in, node, "header_file", why);
    buf_add(&text, "", 1);
    char *rest = (char *) text.at;
    for (char *line; good && (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0')
            continue;
        good = strchr(line, ':') > line && in->hook->headers.n < HOOK_WORDS_MAX;
        if (good)
            in->hook->headers.at[in->hook->headers.n++] = copy(line);
        else
            fail(in, node, "header_file: lines \"Name: value\", at most 64", path);
    }
    buf_fini(&text);
    return good;
}

/* ---- values ------------------------------------------------------------------------- */

static bool take_name(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    if (text == NULL || !value_is_name(text, HOOK_NAME_MAX) || *text == '.')
        return fail(in, node, "name: letters, digits and . _ @ - only, at most 32, and no . at its beginning", NULL);
    snprintf(in->hook->name, sizeof in->hook->name, "%s", text);
    return true;
}

static bool take_url(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    const char *host = text == NULL                        ? NULL
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                       : strncmp(text, "http://", 7) == 0  ? text + 7
                                                           : NULL;
    if (host == NULL || strcspn(host, "/?#") == 0)
        return fail(in, node, "url: http://... or https://...", NULL);
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return fail(in, node, "url: no name and password here; header_file is the place for them", NULL);
    in->hook->url = copy(text);
    return true;
}

static bool take_words(struct loader *in, const yaml_node_t *node, const char *form, struct words *to)
{
    const yaml_node_t *item;
    for (ptrdiff_t i = 0; node->type == YAML_SEQUENCE_NODE && (item = yaml_nodes_item(&in->document, node, i)) != NULL;
         i++) {
        if (text_of(item) == NULL || to->n == HOOK_WORDS_MAX)
            return fail(in, item, form, NULL);
        to->at[to->n++] = copy(text_of(item));
    }
    return to->n > 0 || fail(in, node, form, NULL);
}

static bool take_program(struct loader *in, const yaml_node_t *node)
{
    if (!take_words(in, node, "program: a list like [/usr/local/bin/tell, --to, desk], at most 64", &in->hook->program))
        return false;
    return strchr(in->hook->program.at[0], '/') != NULL ||
           fail(in, node, "program: the path of it, no search", in->hook->program.at[0]);
}

static bool take_programmes(struct loader *in, const yaml_node_t *node)
{
    return take_words(in, node, "programmes: a list of names, at most 64", &in->hook->programmes);
}

static bool take_teams(struct loader *in, const yaml_node_t *node)
{
    return take_words(in, node, "teams: a list of names, at most 64", &in->hook->teams);
}

static bool take_events(struct loader *in, const yaml_node_t *node)
{
    static const char form[] = "events: a list of "
#define HOOK_EVENT(name, word, text) #word " "
#include "hooks/hook_events.def"
        ;
    const yaml_node_t *item;
    enum hook_event event;
    in->hook->events = 0;
    for (ptrdiff_t i = 0; node->type == YAML_SEQUENCE_NODE && (item = yaml_nodes_item(&in->document, node, i)) != NULL;
         i++) {
        if (text_of(item) == NULL || !hook_event_by_word(text_of(item), &event))
            return fail(in, item, form, NULL);
        in->hook->events |= 1u << event;
    }
    return in->hook->events != 0 || fail(in, node, form, NULL);
}

static const struct value_word fields_words[] = {
    {"none", FIELDS_NONE}, {"coarse", FIELDS_COARSE}, {"full", FIELDS_FULL}, {NULL, 0}};

const char *hook_fields_word(enum hook_fields fields)
{
    return fields_words[fields].word;
}

static bool take_fields(struct loader *in, const yaml_node_t *node)
{
    int number;
    if (text_of(node) == NULL || !value_read_word(fields_words, text_of(node), &number))
        return fail(in, node, "fields: none, coarse or full", NULL);
    in->hook->fields = (enum hook_fields) number;
    return true;
}

static bool take_ms(struct loader *in, const yaml_node_t *node, const char *form, int64_t most_ms, int64_t *to)
{
    int64_t value;
    if (text_of(node) == NULL || !value_read(VALUE_MS, text_of(node), &value) || value < 100 || value > most_ms)
        return fail(in, node, form, NULL);
    *to = value;
    return true;
}

#define HOUR_MS (INT64_C(3600) * 1000)

static bool take_timeout(struct loader *in, const yaml_node_t *node)
{
    return take_ms(in, node, "timeout: a duration from 100ms to 1h", HOUR_MS, &in->hook->timeout_ms);
}

static bool take_retry_most(struct loader *in, const yaml_node_t *node)
{
    return take_ms(in, node, "retry_most: a duration from 100ms to 1h", HOUR_MS, &in->hook->limits.retry_most_ms);
}

static bool take_retry_for(struct loader *in, const yaml_node_t *node)
{
    return take_ms(in, node, "retry_for: a duration from 100ms to 30d", 30 * 24 * HOUR_MS,
                   &in->hook->limits.retry_for_ms);
}

static bool take_parallel(struct loader *in, const yaml_node_t *node)
{
    int64_t value;
    if (text_of(node) == NULL || !value_read(VALUE_COUNT, text_of(node), &value) || value < 1 || value > PARALLEL_MAX)
        return fail(in, node, "parallel: a number from 1 to 64", NULL);
    in->hook->limits.parallel = (uint32_t) value;
    return true;
}

/* ---- the whole ------------------------------------------------------------------------ */

static const struct {
    const char *word;
    bool (*take)(struct loader *in, const yaml_node_t *node);
} keys[] = {
#define HOOK_KEY(key, value, initial, text) {#key, take_##key},
#include "hooks/hook_keys.def"
};
enum { KEYS = sizeof keys / sizeof *keys };

static bool is_in_clear(const char *url)
{
    static const char *const own[] = {"127.0.0.1", "localhost", "[::1]"};
    if (strncmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + 7;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(host, own[i], strlen(own[i])) == 0 && strchr(":/?#", host[strlen(own[i])]) != NULL)
            return false;
    return true;
}

/* What needs several keys. */
static bool judge(struct loader *in, const yaml_node_t *node, const struct hook_file *file)
{
    const struct hook *hook = in->hook;
    if (hook->name[0] == '\0')
        return fail(in, node, "a hook has a name", NULL);
    for (const struct hook *other = file->hooks; other < hook; other++)
        if (strcmp(other->name, hook->name) == 0)
            return fail(in, node, "two hooks have the same name", hook->name);
    if ((hook->url != NULL) == (hook->program.n > 0))
        return fail(in, node, "a hook has either a url or a program", hook->name);
    if (hook->url == NULL && (hook->key.len > 0 || hook->headers.n > 0))
        return fail(in, node, "key_file and header_file are for a url", hook->name);
    if (hook->url != NULL && is_in_clear(hook->url) && (hook->fields != FIELDS_NONE || hook->headers.n > 0))
        return fail(in, node, "what is in leads and in header_file leaves this machine by https:// only", hook->name);
    if (hook->url == NULL && hook->limits.parallel > HOOK_PROGRAMS_MAX)
        return fail(in, node, "parallel: at most 8 of a program at once", hook->name);
    return true;
}

static bool take_hook(struct loader *in, const yaml_node_t *node, const struct hook_file *file)
{
    const yaml_node_t *key, *value;
    unsigned taken = 0;
    *in->hook = (struct hook){
        .events = (1u << HOOK_EVENTS) - 1,
        .timeout_ms = 10 * 1000,
        .limits = {.retry_most_ms = 60 * 1000, .retry_for_ms = 24 * HOUR_MS, .parallel = 8},
    };
    if (node->type != YAML_MAPPING_NODE)
        return fail(in, node, "a hook is lines like \"name: crm\"", NULL);
    for (ptrdiff_t i = 0; (key = yaml_nodes_pair(&in->document, node, i, &value)) != NULL; i++) {
        const char *word = text_of(key);
        unsigned k = 0;
        while (word != NULL && k < KEYS && strcmp(keys[k].word, word) != 0)
            k++;
        if (word == NULL || k == KEYS)
            return fail(in, key, "not a key of a hook; docs/HOOKS.md has them all", word);
        if (taken & 1u << k)
            return fail(in, key, "this is here twice", word);
        taken |= 1u << k;
        if (!keys[k].take(in, value))
            return false;
    }
    return judge(in, node, file);
}

static bool take_all(struct loader *in, struct hook_file *file)
{
    const yaml_node_t *root = yaml_document_get_root_node(&in->document), *key, *hooks = NULL, *item;
    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return fail(in, root, "it begins with the line \"hooks:\"", NULL);
    for (ptrdiff_t i = 0; (key = yaml_nodes_pair(&in->document, root, i, &item)) != NULL; i++) {
        if (text_of(key) == NULL || strcmp(text_of(key), "hooks") != 0 || hooks != NULL)
            return fail(in, key, "there is one key here, hooks; not", text_of(key));
        hooks = item;
    }
    for (ptrdiff_t i = 0; hooks != NULL && hooks->type == YAML_SEQUENCE_NODE &&
                          (item = yaml_nodes_item(&in->document, hooks, i)) != NULL;
         i++) {
        if (file->n == HOOKS_MAX)
            return fail(in, item, "at most 32 hooks", NULL);
        in->hook = &file->hooks[file->n++];
        if (!take_hook(in, item, file))
            return false;
    }
    return file->n > 0 || fail(in, hooks, "hooks: a list of hooks, each beginning like \"- name: crm\"", NULL);
}

bool hook_file_parse(struct slice text, const char *name, struct hook_file *ret, char why[HOOK_WHY_MAX])
{
    struct loader in = {.name = name, .why = why};
    yaml_parser_t parser;
    ret->n = 0;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, text.at, text.len);
    const bool is_loaded = yaml_parser_load(&parser, &in.document);
    if (!is_loaded)
        snprintf(why, HOOK_WHY_MAX, "%s:%zu: %s", name, parser.problem_mark.line + 1,
                 parser.problem != NULL ? parser.problem : "it is no YAML");
    const bool good = is_loaded && take_all(&in, ret);
    if (is_loaded)
        yaml_document_delete(&in.document);
    yaml_parser_delete(&parser);
    if (!good)
        hook_file_fini(ret);
    return good;
}

bool hook_file_read(const char *path, struct hook_file *ret, char why[HOOK_WHY_MAX])
{
    struct buf text = {0};
    const bool good =
        read_file(path, FILE_BYTES_MAX, &text, why) && hook_file_parse(slice_of(text.at, text.len), path, ret, why);
    buf_fini(&text);
    return good;
}

static void drop_words(struct words *words)
{
    while (words->n > 0)
        free(words->at[--words->n]);
}

void hook_file_fini(struct hook_file *file)
{
    for (; file->n > 0; file->n--) {
        struct hook *hook = &file->hooks[file->n - 1];
        free(hook->url);
        drop_words(&hook->program);
        drop_words(&hook->headers);
        drop_words(&hook->programmes);
        drop_words(&hook->teams);
        if (hook->key.len > 0)
            explicit_bzero(hook->key.at, hook->key.len);
        buf_fini(&hook->key);
    }
}

static bool has(const struct words *words, struct slice name)
{
    for (uint32_t i = 0; i < words->n; i++)
        if (slice_is(name, words->at[i]))
            return true;
    return words->n == 0;
}

bool hook_wants(const struct hook *hook, enum hook_event event, const char *programme, struct slice team)
{
    return (hook->events >> event & 1) && has(&hook->programmes, slice_of(programme, strlen(programme))) &&
           has(&hook->teams, team);
}
