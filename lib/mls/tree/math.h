/*
 * Node indices of the array-based tree (RFC 9420, appendix C): leaf i is node 2i.
 * Widths are numbers of leaves and always a power of two.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_MATH_H
#define MLS_TREE_MATH_H

#include <stdbool.h>
#include <stdint.h>

/** Nodes of a tree of `width` leaves: 2 * width - 1. */
uint32_t node_count(uint32_t width);
/** The smallest power of two that holds so many leaves (at least 1, at most 2^31). */
uint32_t width_for(uint32_t leaves);
/** Height above the leaves. */
uint32_t node_height(uint32_t node);
uint32_t node_root(uint32_t width);
/* Undefined for a leaf (left, right) and for the root (parent, sibling). */
uint32_t node_left(uint32_t node);
uint32_t node_right(uint32_t node);
uint32_t node_parent(uint32_t node);
uint32_t node_sibling(uint32_t node);
/** The ancestor of a leaf at a height; height 0 is the leaf's own node. */
uint32_t node_ancestor(uint32_t leaf, uint32_t height);
/** First leaf below a node, and the number of leaves below it. */
uint32_t node_first_leaf(uint32_t node);
uint32_t node_leaves(uint32_t node);
/** Whether a leaf is below a node (a leaf's own node included). */
bool node_covers(uint32_t node, uint32_t leaf);
/** Height of the lowest node above both leaves; 0 if they are the same. */
uint32_t common_height(uint32_t leaf_a, uint32_t leaf_b);
/** log2 of a width. */
uint32_t width_height(uint32_t width);

#endif
