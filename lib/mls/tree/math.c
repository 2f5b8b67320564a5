/* SPDX-License-Identifier: ISC */
#include "mls/tree/math.h"

/*
 * The binary form of a node's index is its place: a node of height h ends in a zero followed by h
 * ones, and the bits in front of them say which of its height it is, from left to right.
 */

/* Bits needed to write a number; 0 for 0. */
static uint32_t bit_length(uint32_t number) {
  uint32_t length = 0;
  while (number != 0) {
    number >>= 1;
    length++;
  }
  return length;
}

uint32_t node_count(uint32_t width) {
  return (uint32_t)(2 * (uint64_t)width - 1);
}

uint32_t width_for(uint32_t leaves) {
  uint32_t width = 1;
  while (width < leaves && width < UINT32_C(1) << 31)
    width <<= 1;
  return width;
}

uint32_t node_height(uint32_t node) {
  /* The lowest zero, whose position is the number of ones behind it. */
  return bit_length(~node & (node + 1)) - 1;
}

uint32_t node_root(uint32_t width) {
  return width - 1;
}

uint32_t node_left(uint32_t node) {
  return node ^ UINT32_C(1) << (node_height(node) - 1);
}

uint32_t node_right(uint32_t node) {
  return node ^ UINT32_C(3) << (node_height(node) - 1);
}

uint32_t node_parent(uint32_t node) {
  uint32_t height = node_height(node);
  return (node | UINT32_C(1) << height) & ~(UINT32_C(1) << (height + 1));
}

uint32_t node_sibling(uint32_t node) {
  /* Siblings differ in the lowest bit in front of the zero. */
  return node ^ UINT32_C(1) << (node_height(node) + 1);
}

uint32_t node_ancestor(uint32_t leaf, uint32_t height) {
  uint64_t place = (uint64_t)leaf >> height;
  return (uint32_t)(place << (height + 1) | ((UINT64_C(1) << height) - 1));
}

uint32_t node_first_leaf(uint32_t node) {
  return (node + 1 - node_leaves(node)) / 2;
}

uint32_t node_leaves(uint32_t node) {
  return UINT32_C(1) << node_height(node);
}

bool node_covers(uint32_t node, uint32_t leaf) {
  return node_ancestor(leaf, node_height(node)) == node;
}

uint32_t common_height(uint32_t leaf_a, uint32_t leaf_b) {
  return bit_length(leaf_a ^ leaf_b);
}

uint32_t width_height(uint32_t width) {
  return bit_length(width) - 1;
}
