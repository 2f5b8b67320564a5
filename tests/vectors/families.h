/*
 * The families that e2ee-vectors knows: FAMILY(name, function), each in tests/vectors/function.c.
 * No include guard: the list is expanded once for each use.
 * SPDX-License-Identifier: ISC
 */
FAMILY("deserialization", deserialization)
FAMILY("messages", messages)
FAMILY("tree-math", tree_math)
FAMILY("key-schedule", key_schedule)
FAMILY("psk_secret", psk_secret)
FAMILY("transcript-hashes", transcript_hashes)
FAMILY("secret-tree", secret_tree)
FAMILY("message-protection", message_protection)
