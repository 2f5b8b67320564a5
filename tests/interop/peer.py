#!/usr/bin/env python3
# libe2ee behind the driver protocol of the interoperability peers: a JSON object a line on standard
# input, one reply a line on standard output, bytes in hex.  One process holds many clients, each
# with many groups.  Only the public API of the installed library is used.
#
#   E2EE_RELOAD=1  save, free and load the client and its groups after each operation that may have
#                  changed them, every other time in two blobs
#   E2EE_GREASE=0  send no GREASE
# SPDX-License-Identifier: ISC
import json
import os
import sys
import time

from objects import Client, Error, check, ffi, lib, make, read, slice_of, take_from
from wire import GroupInfo, Refused, unhex, unsupported

RELOAD = os.environ.get("E2EE_RELOAD") == "1"

clients = {}


def client_of(request, name="client"):
    client = clients.get(request.get(name) or request.get("client") or "main")
    if client is None:
        raise Refused("no such client")
    return client


def group_of(request):
    return client_of(request).group(request)


def op_hello(_):
    return {"impl": "libe2ee", "version": ffi.string(lib.e2ee_version_string()).decode(),
            "protocol": 1,
            "suites": [suite for suite in range(1, 8)
                       if lib.e2ee_supported(lib.E2EE_SUITE_MLS, suite)],
            "limitations": ["no authenticated_data on handshake messages",
                            "no new signature key in a group",
                            "extensions of a new group are set by its first commit",
                            "external senders propose Add and Remove only",
                            "a proposal changes one extension of the GroupContext",
                            "private keys of key packages stay in the library"]}


def op_client(request):
    client = Client(request)
    clients[request.get("client") or "main"] = client
    return {"signature_key": client.public_key().hex()}


def op_key_package(request):
    return {"key_package": client_of(request).key_package(request).hex()}


def op_create(request):
    client, group_id = client_of(request), unhex(request["group_id"])
    group = client.enter(make("group", lib.e2ee_group_new, client.handle, group_id, len(group_id)))
    if request.get("extensions"):
        return group.commit({}, [{"type": "gce", "extensions": request["extensions"]}])
    return group.state()


def op_join(request):
    client, welcome = client_of(request), unhex(request["welcome"])
    return client.join(make("incoming", lib.e2ee_welcome_open, client.handle, welcome, len(welcome),
                            *slice_of(unhex(request.get("ratchet_tree")) or None)))


def op_add(request):
    return group_of(request).commit(request, [{"type": "add", "key_package": key_package}
                                              for key_package in request["key_packages"]])


def op_remove(request):
    return group_of(request).commit(request, [{"type": "remove", "index": index}
                                              for index in request["removed"]])


def op_update(request):
    return group_of(request).commit(request, [])


def op_commit(request):
    return group_of(request).commit(request, request.get("proposals") or [])


def op_propose(request):
    group = group_of(request)
    group.client.choose_wire(request)
    return {"message": group.propose(request["proposal"]).hex()}


def op_merge(request):
    group = group_of(request)
    check(lib.e2ee_group_commit_accepted(group.handle))
    return group.state()


def op_discard(request):
    group = group_of(request)
    check(lib.e2ee_group_commit_discard(group.handle))
    return group.state()


def op_process(request):
    return group_of(request).process(unhex(request["message"]))


def op_unprotect(request):
    reply = op_process(request)
    if reply["kind"] != "application":
        raise Refused(f"not an application message, but a {reply['kind']}")
    return reply


def op_protect(request):
    message = group_of(request).encrypt(unhex(request["plaintext"]), unhex(request.get("aad")))
    return {"message": message.hex()}


def op_export(request):
    secret = group_of(request).export(request["label"].encode(), unhex(request.get("context")),
                                      request["length"])
    return {"secret": secret.hex()}


def op_epoch_authenticator(request):
    return group_of(request).state()


def op_state(request):
    group = group_of(request)
    state = {**group.state(), "members": group.members()}
    if state["status"] == "active":
        info = group.info()
        state.update(tree_hash=info.tree_hash.hex(),
                     confirmed_transcript_hash=info.transcript_hash.hex())
    return state


def op_members(request):
    return {"members": group_of(request).members()}


def op_tree(request):
    return {"ratchet_tree": group_of(request).tree()}


def op_psk(request):
    psk_id, psk = unhex(request["psk_id"]), unhex(request["psk"])
    check(lib.e2ee_client_add_psk(client_of(request).handle, psk_id, len(psk_id), psk, len(psk)))
    return {}


def op_group_info(request):
    group = group_of(request)
    group.client.choose_tree(request)
    return {"group_info": take_from(lib.e2ee_group_info, group.handle).hex(),
            "ratchet_tree": group.tree()}


def op_external_join(request):
    return client_of(request).join_external(request)


def op_propose_add_external(request):
    client, info = client_of(request), GroupInfo(unhex(request["group_info"]))
    key_package = take_from(lib.e2ee_key_package_new, client.handle)
    message = take_from(lib.e2ee_new_member_propose, client.handle, info.group_id,
                        len(info.group_id), info.epoch, key_package, len(key_package))
    return {"message": message.hex()}


def op_propose_external(request):
    client, info = client_of(request), GroupInfo(unhex(request["group_info"]))
    proposal, index = request["proposal"], info.sender_index(client.public_key())
    place = client.handle, info.group_id, len(info.group_id), info.epoch, index
    if proposal["type"] == "add":
        key_package = unhex(proposal["key_package"])
        message = take_from(lib.e2ee_external_propose_add, *place, key_package, len(key_package))
    elif proposal["type"] == "remove":
        message = take_from(lib.e2ee_external_propose_remove, *place, proposal["index"])
    else:
        raise unsupported(f"an external sender proposing {proposal['type']}")
    return {"message": message.hex()}


def op_reinit_key_package(request):
    return op_key_package({**request, "client": request.get("new_client") or request["client"]})


def op_reinit_create(request):
    """The group that `group` of `client` announced, for `new_client`, which may be the same."""
    client = client_of(request, "new_client")
    group = client.enter(make("group", lib.e2ee_group_successor, client.handle,
                              group_of(request).handle))
    return group.commit(request, [{"type": "add", "key_package": key_package}
                                  for key_package in request["key_packages"]])


def op_branch_create(request):
    client, group_id = client_of(request), unhex(request["group_id"])
    group = client.enter(make("group", lib.e2ee_group_branch, group_of(request).handle, group_id,
                              len(group_id)))
    return group.commit(request, [{"type": "add", "key_package": key_package}
                                  for key_package in request["key_packages"]])


def op_successor_join(request):
    client, welcome = client_of(request, "new_client"), unhex(request["welcome"])
    return client.join(make("incoming", lib.e2ee_welcome_open_successor, client.handle,
                            group_of(request).handle, welcome, len(welcome),
                            *slice_of(unhex(request.get("ratchet_tree")) or None)))


def op_safety_code(request):
    return {"code": read(lib.e2ee_group_safety_code, group_of(request).handle).decode()}


def op_set(request):
    client_of(request).set(request["setting"], request["value"])
    return {}


def op_forget(request):
    client = client_of(request)
    client.forget(request.get("group") or client.last)
    return {}


def op_quit(_):
    return {}


OPERATIONS = {
    "hello": op_hello, "client": op_client, "keypackage": op_key_package, "create": op_create,
    "join": op_join, "add": op_add, "remove": op_remove, "update": op_update, "commit": op_commit,
    "propose": op_propose, "merge": op_merge, "discard": op_discard, "process": op_process,
    "protect": op_protect, "unprotect": op_unprotect, "export": op_export,
    "epoch_authenticator": op_epoch_authenticator, "state": op_state, "members": op_members,
    "tree": op_tree, "psk": op_psk, "groupinfo": op_group_info, "external_join": op_external_join,
    "propose_add_external": op_propose_add_external, "propose_external": op_propose_external,
    "reinit_keypackage": op_reinit_key_package, "reinit_create": op_reinit_create,
    "reinit_join": op_successor_join, "branch_create": op_branch_create,
    "branch_join": op_successor_join, "safety_code": op_safety_code, "set": op_set,
    "forget": op_forget, "quit": op_quit,
}
CHANGE_NOTHING = {"hello", "client", "export", "epoch_authenticator", "state", "members", "tree",
                  "safety_code", "set", "forget", "quit"}


def explained(error, request):
    client = clients.get(request.get("client") or "main")
    return f"{error}: {client.explain()}" if client and isinstance(error, Error) else str(error)


def answer(request):
    started = time.perf_counter()
    try:
        operation = OPERATIONS.get(request.get("op"))
        if operation is None:
            raise unsupported(f"operation {request.get('op')}")
        reply = {"ok": True, **operation(request)}
        if RELOAD and request["op"] not in CHANGE_NOTHING:
            for client in {client_of(request), client_of(request, "new_client")}:
                client.reload()
    except Exception as error:  # whatever it is, the driver is told, and the next request comes
        reply = {"ok": False, "error": f"{type(error).__name__}: {explained(error, request)}"}
    reply["ms"] = (time.perf_counter() - started) * 1000
    if "id" in request:
        reply["id"] = request["id"]
    return reply


for line in sys.stdin:
    if line.strip():
        asked = json.loads(line)
        print(json.dumps(answer(asked)), flush=True)
        if asked.get("op") == "quit":
            break
