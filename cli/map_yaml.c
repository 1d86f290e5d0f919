/* SPDX-License-Identifier: Apache-2.0
 * map_yaml.c - a map file to a struct map.
 *
 * On libyaml's documents and not on libcyaml: `key` is a word or a list, and
 * `attributes` mixes words with mappings of free names; a fixed schema can say
 * neither. The tables below are the schema. */
#include "cli/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <yaml.h>

#include "common/yaml_nodes.h"

struct loader {
    yaml_document_t document;
    const char *name;
    char *why; /* [256] */
    struct map *map;
};

static bool fail(struct loader *in, const yaml_node_t *at, const char *what, const char *text)
{
    snprintf(in->why, 256, "%s:%zu: %s%s%s", in->name, at ? at->start_mark.line + 1 : 1, what, text ? ": " : "",
             text ? text : "");
    return false;
}

static const char *text_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *) node->data.scalar.value : NULL;
}

static bool is_none(const yaml_node_t *node)
{
    const char *text = text_of(node);
    return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!strcmp(text, "none") || !strcmp(text, "null") || !strcmp(text, "~") || !*text);
}

/* A word of at most MAP_SPEC_MAX bytes without NULs. */
static bool take_word(struct loader *in, const yaml_node_t *node, char ret[MAP_SPEC_MAX + 1])
{
    const char *text = text_of(node);
    if (!text)
        return fail(in, node, "a word is wanted here", NULL);
    if (node->data.scalar.length > MAP_SPEC_MAX || strlen(text) != node->data.scalar.length)
        return fail(in, node, "the word is over 255 bytes or has a NUL", NULL);
    memcpy(ret, text, node->data.scalar.length + 1);
    return true;
}

static bool take_column(struct loader *in, const yaml_node_t *node, char ret[MAP_SPEC_MAX + 1])
{
    if (!take_word(in, node, ret))
        return false;
    return ret[0] != '\0' || fail(in, node, "a column's name is wanted here", NULL);
}

static bool take_source(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    if (!text || !map_is_source(text))
        return fail(in, node, "source: letters, digits and . _ @ - only, at most 64", NULL);
    snprintf(in->map->source, sizeof in->map->source, "%s", text);
    return true;
}

static bool take_delimiter(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    if (text && (!strcmp(text, "tab") || !strcmp(text, "\\t")))
        text = "\t";
    if (!text || strlen(text) != 1 || !strchr(",;\t|", *text))
        return fail(in, node, "delimiter: one of , ; | tab", NULL);
    in->map->csv.delimiter = *text;
    return true;
}

static bool take_header_line(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    char *end = NULL;
    long line = text && *text ? strtol(text, &end, 10) : -1;
    if (line < 0 || *end || line > 1000)
        return fail(in, node, "header_line: a number from 0 to 1000", NULL);
    in->map->csv.header_line = line;
    return true;
}

static bool take_encoding(struct loader *in, const yaml_node_t *node)
{
    const char *text = text_of(node);
    in->map->csv.latin1 = text && !strcmp(text, "latin-1");
    return in->map->csv.latin1 || (text && !strcmp(text, "utf-8")) ||
           fail(in, node, "encoding: utf-8 or latin-1", NULL);
}

static bool take_key(struct loader *in, const yaml_node_t *node)
{
    struct map *map = in->map;
    if (is_none(node))
        return true;
    if (node->type == YAML_SCALAR_NODE) {
        map->n_key = 1;
        return take_column(in, node, map->key[0]);
    }
    const yaml_node_t *item;
    for (ptrdiff_t i = 0; node->type == YAML_SEQUENCE_NODE && (item = yaml_nodes_item(&in->document, node, i)); i++) {
        if (map->n_key == MAP_KEY_COLUMNS_MAX)
            return fail(in, item, "key: at most 8 columns", NULL);
        if (!take_column(in, item, map->key[map->n_key++]))
            return false;
    }
    return map->n_key > 0 || fail(in, node, "key: a column, a list of columns, or none", NULL);
}

static bool take_fields(struct loader *in, const yaml_node_t *node)
{
    static const char *const words[] = {
#define FIELD(name, word) word,
#include "cli/map_fields.def"
#undef FIELD
    };
    const yaml_node_t *key, *value;
    if (is_none(node))
        return true;
    if (node->type != YAML_MAPPING_NODE)
        return fail(in, node, "fields: a mapping like {name: Column}", NULL);
    for (ptrdiff_t i = 0; (key = yaml_nodes_pair(&in->document, node, i, &value)); i++) {
        const char *word = text_of(key);
        int field = 0;
        while (word && field < MAP_FIELDS && strcmp(words[field], word))
            field++;
        if (!word || field == MAP_FIELDS)
            return fail(in, key, "fields: name, phone, email, street, web, ref, remarks, priority, value, cost; not",
                        word);
        if (in->map->fields[field][0])
            return fail(in, key, "this field is here twice", word);
        if (!is_none(value) && !take_column(in, value, in->map->fields[field]))
            return false;
    }
    return true;
}

static bool add_attribute(struct loader *in, const yaml_node_t *name, const yaml_node_t *spec)
{
    struct map *map = in->map;
    const char *text = text_of(name);
    if (map->n_attributes == ROW_ATTRIBUTES_MAX)
        return fail(in, name, "attributes: at most 48", NULL);
    if (!text || !map_clean_name(slice_of(text, strlen(text)), map->attributes[map->n_attributes].name))
        return fail(in, name, "attributes: a name has letters or digits", NULL);
    for (uint32_t i = 0; i < map->n_attributes; i++)
        if (!strcmp(map->attributes[i].name, map->attributes[map->n_attributes].name))
            return fail(in, name, "this attribute is here twice", map->attributes[i].name);
    return take_column(in, spec, map->attributes[map->n_attributes++].spec);
}

static bool take_attributes(struct loader *in, const yaml_node_t *node)
{
    const yaml_node_t *item, *name, *spec;
    if (is_none(node))
        return true;
    if (node->type != YAML_SEQUENCE_NODE)
        return fail(in, node, "attributes: a list like [City, {state: ST}]", NULL);
    for (ptrdiff_t i = 0; (item = yaml_nodes_item(&in->document, node, i)); i++) {
        if (item->type == YAML_SCALAR_NODE) {
            if (!add_attribute(in, item, item))
                return false;
            continue;
        }
        if (item->type != YAML_MAPPING_NODE)
            return fail(in, item, "attributes: a column or {name: column}", NULL);
        for (ptrdiff_t k = 0; (name = yaml_nodes_pair(&in->document, item, k, &spec)); k++)
            if (!add_attribute(in, name, spec))
                return false;
    }
    return true;
}

static bool take_missing(struct loader *in, const yaml_node_t *node)
{
    const yaml_node_t *item;
    if (node->type != YAML_SEQUENCE_NODE)
        return fail(in, node, "missing: a list of cells", NULL);
    for (ptrdiff_t i = 0; (item = yaml_nodes_item(&in->document, node, i)); i++) {
        if (in->map->n_missing == MAP_MISSING_MAX)
            return fail(in, item, "missing: at most 32", NULL);
        if (!take_word(in, item, in->map->missing[in->map->n_missing++]))
            return false;
    }
    return true;
}

static const struct {
    const char *word;
    bool (*take)(struct loader *in, const yaml_node_t *node);
} keys[] = {
    {"source", take_source},
    {"delimiter", take_delimiter},
    {"header_line", take_header_line},
    {"encoding", take_encoding},
    {"key", take_key},
    {"fields", take_fields},
    {"attributes", take_attributes},
    {"missing", take_missing},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

static bool take_all(struct loader *in)
{
    const yaml_node_t *root = yaml_document_get_root_node(&in->document), *key, *value;
    unsigned taken = 0;
    if (!root || root->type != YAML_MAPPING_NODE)
        return fail(in, root, "a map begins with lines like \"key: Column\"", NULL);
    for (ptrdiff_t i = 0; (key = yaml_nodes_pair(&in->document, root, i, &value)); i++) {
        const char *word = text_of(key);
        unsigned k = 0;
        while (word && k < KEYS && strcmp(keys[k].word, word))
            k++;
        if (!word || k == KEYS)
            return fail(in, key, "source, delimiter, header_line, encoding, key, fields, attributes or missing; not",
                        word);
        if (taken & 1u << k)
            return fail(in, key, "this is here twice", word);
        taken |= 1u << k;
        if (!keys[k].take(in, value))
            return false;
    }
    return true;
}

bool map_parse(const char *text, size_t len, const char *name, struct map *ret_map, char why[256])
{
    struct loader in = {.name = name, .why = why, .map = ret_map};
    yaml_parser_t parser;
    *ret_map = (struct map){.csv.header_line = CSV_HEADER_FIND};
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *) text, len);
    bool loaded = yaml_parser_load(&parser, &in.document);
    if (!loaded)
        snprintf(why, 256, "%s:%zu: %s", name, parser.problem_mark.line + 1, parser.problem ? parser.problem : "?");
    bool taken = loaded && take_all(&in);
    if (loaded)
        yaml_document_delete(&in.document);
    yaml_parser_delete(&parser);
    if (taken)
        crypto_generichash(ret_map->digest, sizeof ret_map->digest, (const unsigned char *) text, len, NULL, 0);
    return taken;
}

bool map_load(const char *path, struct map *ret_map, char why[256])
{
    char *text = malloc(MAP_FILE_BYTES_MAX + 1);
    if (!text || sodium_init() < 0)
        abort();
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, MAP_FILE_BYTES_MAX + 1, file) : 0;
    bool read = file && !ferror(file) && len <= MAP_FILE_BYTES_MAX;
    if (!read)
        snprintf(why, 256, "%s: %s", path, file && !ferror(file) ? "over 64 KiB" : strerror(errno));
    bool parsed = read && map_parse(text, len, path, ret_map, why);
    if (file)
        fclose(file);
    free(text);
    return parsed;
}
