/*
 * The families that e2ee-vectors knows: FAMILY(name, function), each in tests/vectors/function.c.
 * No include guard: the list is expanded once for each use.
 * SPDX-License-Identifier: ISC
 */
FAMILY("deserialization", deserialization)
FAMILY("tree-math", tree_math)
