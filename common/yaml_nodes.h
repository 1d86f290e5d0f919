/* SPDX-License-Identifier: Apache-2.0
 * yaml_nodes.h - the items of a list and the pairs of a mapping in a document of
 * libyaml, one after the other. What they mean is the reader's. */
#ifndef TAKT_COMMON_YAML_NODES_H
#define TAKT_COMMON_YAML_NODES_H

#include <stddef.h>

#include <yaml.h>

/* The item at `i`, or NULL: for (i = 0; (item = yaml_nodes_item(...)); i++) */
static inline const yaml_node_t *yaml_nodes_item(yaml_document_t *document, const yaml_node_t *list, ptrdiff_t i)
{
    const yaml_node_item_t *at = list->data.sequence.items.start + i;
    return at < list->data.sequence.items.top ? yaml_document_get_node(document, *at) : NULL;
}

/* The key of the pair at `i`, or NULL. */
static inline const yaml_node_t *yaml_nodes_pair(yaml_document_t *document, const yaml_node_t *mapping, ptrdiff_t i,
                                                 const yaml_node_t **ret_value)
{
    const yaml_node_pair_t *at = mapping->data.mapping.pairs.start + i;
    if (at >= mapping->data.mapping.pairs.top)
        return NULL;
    *ret_value = yaml_document_get_node(document, at->value);
    return yaml_document_get_node(document, at->key);
}

#endif
