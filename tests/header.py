#!/usr/bin/env python3
# Call every function of the public headers with arguments that no program should pass: all NULL or
# 0, NULL with the largest lengths, each pointer NULL in turn while the others are valid.  Nothing may
# crash, functions that return an error must say E2EE_ERR_INVALID_ARG, and a `T **out` must be NULL.
# SPDX-License-Identifier: ISC
import faulthandler
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../examples/ffi"))
from e2ee import check, ffi, lib, make, take_from

# These have no argument to refuse, or answer a question: what they return for zeros.
ANSWERS = {"e2ee_init": 0, "e2ee_supported": 0}

# Pointers that may be NULL, counted from 0: outputs that not everybody asks for.
OPTIONAL = {("e2ee_incoming_change_data", 2), ("e2ee_group_reinit", 1)}

faulthandler.enable()
failures = []


def is_handle(kind):
    return kind.kind == "pointer" and kind.item.kind == "struct" and kind.item.fields is None


def is_owned_out(kind):
    return kind.kind == "pointer" and kind.item.kind == "pointer"


def zero(kind):
    return ffi.NULL if kind.kind == "pointer" else 0


def largest(kind):
    if kind.kind == "pointer":
        return ffi.NULL
    return 2 ** (8 * ffi.sizeof(kind) - (kind.cname == "int")) - 1


def valid(kind, handles):
    """An argument that is fine as such; lengths are 32, for buffers of 64 bytes."""
    if kind.kind != "pointer":
        return 32 if kind.cname == "size_t" else 1
    if is_handle(kind):
        return handles[kind.item.cname]
    if is_owned_out(kind):
        return ffi.new(kind, ffi.cast(kind.item, 1))  # to be overwritten with NULL
    if kind.item.cname in ("uint8_t", "unsigned char", "char"):
        return ffi.new(f"{kind.item.cname}[64]")
    if kind.item.kind == "struct":
        return ffi.new(f"{kind.item.cname}[64]")
    return ffi.new(kind, 64)


def expect_refused(name, kinds, arguments, what):
    print(f"{name}: {what}", file=sys.stderr)  # the last line before a crash
    result = getattr(lib, name)(*arguments)
    if ffi.typeof(getattr(lib, name)).result.cname != "int":
        return
    if result != ANSWERS.get(name, lib.E2EE_ERR_INVALID_ARG):
        failures.append(f"{name}, {what}: returned {result}")
    for kind, argument in zip(kinds, arguments):
        if is_owned_out(kind) and argument != ffi.NULL and argument[0] != ffi.NULL:
            failures.append(f"{name}, {what}: left *out as it was")


def is_size_query(kinds, i):
    """Whether a NULL here asks for the size: (uint8_t *out, size_t *len), or an array of ranges."""
    return (i + 1 < len(kinds) and kinds[i].item.cname in ("uint8_t", "unsigned char", "e2ee_range")
            and kinds[i + 1].cname == "size_t *")


def walk(name, handles):
    kinds = ffi.typeof(getattr(lib, name)).args
    expect_refused(name, kinds, [zero(kind) for kind in kinds], "all NULL or 0")
    expect_refused(name, kinds, [largest(kind) for kind in kinds], "all NULL or the largest number")
    pointers = [i for i, kind in enumerate(kinds) if kind.kind == "pointer"]
    if all(is_handle(kinds[i]) for i in pointers) and len(pointers) < 2:
        return  # nothing else to leave out

    if not all(is_handle(kinds[i]) for i in pointers):
        for rest, what in (zero, "NULL or 0"), (largest, "NULL or the largest number"):
            arguments = [valid(k, handles) if is_handle(k) else rest(k) for k in kinds]
            expect_refused(name, kinds, arguments, "all but the handle " + what)
    for i in pointers:
        arguments = [valid(kind, handles) for kind in kinds]
        arguments[i] = ffi.NULL
        if not is_size_query(kinds, i) and (name, i) not in OPTIONAL:
            expect_refused(name, kinds, arguments, f"argument {i + 1} NULL")


def make_handles():
    """One live object of each kind, made by two members of a group."""
    alice, bob = (make("client", lib.e2ee_client_new, 1, name, len(name))
                  for name in (b"alice", b"bob"))
    group = make("group", lib.e2ee_group_new, alice, b"id", 2)
    commit = make("commit", lib.e2ee_commit_new, group)
    key_package = take_from(lib.e2ee_key_package_new, bob)
    check(lib.e2ee_commit_add(commit, key_package, len(key_package)))
    message, welcome = ffi.new("e2ee_bytes **"), ffi.new("e2ee_bytes **")
    check(lib.e2ee_commit_build(commit, message, welcome))
    incoming = make("incoming", lib.e2ee_welcome_open, bob, lib.e2ee_bytes_data(welcome[0]),
                    lib.e2ee_bytes_size(welcome[0]), ffi.NULL, 0)
    check(lib.e2ee_group_commit_accepted(group))
    media = make("media", lib.e2ee_media_new, 0)
    check(lib.e2ee_media_install(media, group))
    check(lib.e2ee_media_activate(media, 1))
    return {
        "e2ee_bytes": message[0], "e2ee_client": alice, "e2ee_group": group,
        "e2ee_commit": make("commit", lib.e2ee_commit_new, group), "e2ee_incoming": incoming,
        "e2ee_media": media, "e2ee_sender": make("sender", lib.e2ee_sender_new, media),
        "e2ee_receiver": make("receiver", lib.e2ee_receiver_new, media),
    }


handles = make_handles()
functions = [name for name in dir(lib) if name.startswith("e2ee_")]
for name in functions:
    walk(name, handles)
print(*failures, sep="\n")
print(f"{len(functions)} functions, {len(failures)} failures")
sys.exit(1 if failures or not functions else 0)
