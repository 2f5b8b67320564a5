# A client of libe2ee and its groups, as the driver protocol sees them, through the public API.
# SPDX-License-Identifier: ISC
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/ffi"))
from e2ee import Error, check, ffi, fill, lib, make, read, take, take_from
from wire import EXTERNAL_SENDERS, GroupInfo, Refused, extension_data, unhex, unsupported

GREASE = os.environ.get("E2EE_GREASE") != "0"
STATE_KEY = bytes(32)
NOBODY = 0xFFFFFFFF

STATUS = {
    lib.E2EE_GROUP_ACTIVE: "active",
    lib.E2EE_GROUP_PENDING: "active",
    lib.E2EE_GROUP_LEFT: "removedFromGroup",
    lib.E2EE_GROUP_ENDED: "suspendedPendingReinit",
    lib.E2EE_GROUP_OUTSIDE: "outside",
}
INCOMING = {
    lib.E2EE_INCOMING_APPLICATION: "application",
    lib.E2EE_INCOMING_PROPOSAL: "proposal",
    lib.E2EE_INCOMING_COMMIT: "commit",
    lib.E2EE_INCOMING_OWN_COMMIT: "commit",
}



class Group:
    def __init__(self, client, handle):
        self.client, self.handle = client, handle

    def id(self):
        return read(lib.e2ee_group_id, self.handle).hex()

    def status(self):
        return fill("group_status", lib.e2ee_group_get_status, self.handle)

    def info(self):
        return GroupInfo(take_from(lib.e2ee_group_info, self.handle))

    def tree(self):
        return take_from(lib.e2ee_group_ratchet_tree, self.handle).hex()

    def state(self):
        status = self.status()
        state = {"group_id": self.id(), "epoch": status.epoch, "suite": status.mls_suite,
                 "own_leaf": status.own_leaf, "status": STATUS[status.state],
                 "members_count": status.members, "pending_proposals": status.proposals}
        if state["status"] == "active":
            state["epoch_authenticator"] = read(lib.e2ee_group_epoch_authenticator,
                                                self.handle).hex()
        return state

    def members(self):
        members, leaf = [], ffi.new("uint32_t *", NOBODY)
        while check(lib.e2ee_group_member_next(self.handle, leaf)) == 1:
            def about(what):
                return read(lib.e2ee_group_member, self.handle, leaf[0], what).hex()
            members.append({"index": leaf[0], "identity": about(lib.E2EE_MEMBER_IDENTITY),
                            "signature_key": about(lib.E2EE_MEMBER_PUBLIC_KEY)})
        return members

    def extensions_changed(self, wanted):
        """What to set, None to take out, so that the GroupContext has the wanted extensions."""
        new = {extension["type"]: extension_data(extension) for extension in wanted}
        old = self.info().extensions
        changed = {kind: data for kind, data in new.items() if old.get(kind) != data}
        changed.update({kind: None for kind in old if kind not in new})
        return changed

    def encrypt(self, plaintext, authenticated_data):
        return take_from(lib.e2ee_group_encrypt_with, self.handle, authenticated_data,
                         len(authenticated_data), plaintext, len(plaintext))

    def export(self, label, context, size):
        out = ffi.new("uint8_t[]", size)
        check(lib.e2ee_group_export(self.handle, label, len(label), context, len(context), out,
                                    size))
        return ffi.buffer(out)[:]

    def process(self, message):
        incoming = make("incoming", lib.e2ee_group_process, self.handle, message, len(message))
        try:
            status = fill("incoming_status", lib.e2ee_incoming_get_status, incoming)
            reply = {"kind": INCOMING[status.kind], "changes": changes_of(incoming, status.changes),
                     "aad": read(lib.e2ee_incoming_authenticated_data, incoming).hex()}
            if status.sender != NOBODY:
                reply["sender"] = status.sender
            if status.kind == lib.E2EE_INCOMING_APPLICATION:
                reply["plaintext"] = read(lib.e2ee_incoming_data, incoming).hex()
                reply["sender_identity"] = read(lib.e2ee_incoming_sender, incoming,
                                                lib.E2EE_MEMBER_IDENTITY).hex()
            else:
                self.accept(incoming)
            return {**reply, **self.state()}
        finally:
            ffi.release(incoming)

    def accept(self, incoming):
        try:
            check(lib.e2ee_incoming_accept(incoming))
        except Error as error:
            if error.code != lib.E2EE_ERR_PENDING_COMMIT:
                raise
            # Another commit than the own one has won.
            check(lib.e2ee_group_commit_discard(self.handle))
            check(lib.e2ee_incoming_accept(incoming))

    def put(self, commit, proposal):
        """Put a proposal into a commit by value."""
        kind = proposal["type"]
        if kind == "add":
            key_package = unhex(proposal["key_package"])
            check(lib.e2ee_commit_add(commit, key_package, len(key_package)))
        elif kind == "remove":
            check(lib.e2ee_commit_remove(commit, proposal["index"]))
        elif kind == "psk":
            psk_id = unhex(proposal["psk_id"])
            check(lib.e2ee_commit_psk(commit, psk_id, len(psk_id)))
        elif kind == "resumption_psk":
            if proposal.get("usage", 1) != 1 or proposal["group_id"] != self.id():
                raise unsupported("resumption PSK of another group or usage")
            check(lib.e2ee_commit_resumption_psk(commit, proposal["epoch"]))
        elif kind == "gce":
            for extension, data in self.extensions_changed(proposal["extensions"]).items():
                check(lib.e2ee_commit_extension(commit, extension, *slice_of(data)))
        elif kind == "reinit":
            group_id = unhex(proposal["group_id"])
            check(lib.e2ee_commit_reinit(commit, group_id, len(group_id), proposal["suite"]))
        elif kind == "custom":
            data = unhex(proposal["data"])
            check(lib.e2ee_commit_custom(commit, proposal["proposal_type"], data, len(data)))
        else:
            raise unsupported(f"proposal {kind} by value")

    def commit(self, request, proposals):
        self.client.choose_wire(request)
        commit = make("commit", lib.e2ee_commit_new, self.handle)
        try:
            for proposal in proposals:
                self.put(commit, proposal)
            return self.build(commit, request)
        finally:
            ffi.release(commit)

    def build(self, commit, request):
        message, welcome = ffi.new("e2ee_bytes **"), ffi.new("e2ee_bytes **")
        check(lib.e2ee_commit_build(commit, message, welcome))
        reply = {"commit": take(message[0]).hex(), "held": bool(request.get("hold"))}
        invitation = take(welcome[0])
        if invitation is not None:
            reply["welcome"] = invitation.hex()
        if not reply["held"]:
            check(lib.e2ee_group_commit_accepted(self.handle))
            reply.update(self.state())
            if reply["status"] == "active":
                reply["ratchet_tree"] = self.tree()
        return reply

    def propose(self, proposal):
        kind = proposal["type"]
        group = self.handle
        if kind == "add":
            key_package = unhex(proposal["key_package"])
            return take_from(lib.e2ee_group_propose_add, group, key_package, len(key_package))
        if kind == "remove":
            return take_from(lib.e2ee_group_propose_remove, group, proposal["index"])
        if kind == "update" and not proposal.get("new_key"):
            return take_from(lib.e2ee_group_propose_update, group)
        if kind == "leave":
            return take_from(lib.e2ee_group_propose_leave, group)
        if kind == "psk":
            psk_id = unhex(proposal["psk_id"])
            return take_from(lib.e2ee_group_propose_psk, group, psk_id, len(psk_id))
        if kind == "gce":
            changed = self.extensions_changed(proposal["extensions"])
            if len(changed) != 1:
                raise unsupported("proposing more or fewer than one changed extension")
            (extension, data), = changed.items()
            return take_from(lib.e2ee_group_propose_extension, group, extension, *slice_of(data))
        if kind == "reinit":
            group_id = unhex(proposal["group_id"])
            return take_from(lib.e2ee_group_propose_reinit, group, group_id, len(group_id),
                             proposal["suite"])
        if kind == "custom":
            data = unhex(proposal["data"])
            return take_from(lib.e2ee_group_propose_custom, group, proposal["proposal_type"], data,
                             len(data))
        raise unsupported(f"proposing {kind}")


def slice_of(data):
    return (ffi.NULL, 0) if data is None else (data, len(data))


def changes_of(incoming, count):
    changes = []
    for index in range(count):
        change = fill("change", lib.e2ee_incoming_change, incoming, index)
        changes.append({"kind": change.kind, "leaf": change.leaf, "proposer": change.proposer})
        if change.kind in (lib.E2EE_CHANGE_ADD, lib.E2EE_CHANGE_REMOVE, lib.E2EE_CHANGE_UPDATE):
            identity = read(lib.e2ee_incoming_member, incoming, index, lib.E2EE_MEMBER_IDENTITY)
            changes[-1]["identity"] = identity.hex()
    return changes


class Client:
    def __init__(self, request):
        suite = request["suite"]
        if not lib.e2ee_supported(lib.E2EE_SUITE_MLS, suite):
            raise unsupported(f"suite {suite}")
        kind, body = lib.E2EE_CREDENTIAL_BASIC, unhex(request.get("identity")) or request.get("client", "main").encode()
        key = unhex(request.get("signature_priv"))
        if "x509" in request:
            kind, body = lib.E2EE_CREDENTIAL_X509, unhex(request["x509"]["cert"])
            key = unhex(request["x509"]["key_der"])
        self.handle = make("client", lib.e2ee_client_new_credential, suite, kind, body, len(body),
                           *slice_of(key or None))
        self.groups, self.last, self.reloads = {}, None, 0
        self.settings = {lib.E2EE_SET_GREASE: int(GREASE)}
        if request.get("pad"):
            self.settings[lib.E2EE_SET_PADDING] = request["pad"]
        self.types = [(lib.E2EE_TYPE_EXTENSION, kind) for kind in request.get("extension_types", [])
                      if kind > EXTERNAL_SENDERS]
        self.types += [(lib.E2EE_TYPE_PROPOSAL, kind) for kind in request.get("proposal_types", [])]
        self.configure()

    def configure(self):
        """What a client does not save."""
        for setting, value in self.settings.items():
            check(lib.e2ee_client_set(self.handle, setting, value))
        for kind, number in self.types:
            check(lib.e2ee_client_support(self.handle, kind, number))

    def set(self, setting, value):
        check(lib.e2ee_client_set(self.handle, setting, value))
        self.settings[setting] = value

    def choose_wire(self, request):
        if request.get("aad"):
            raise unsupported("authenticated_data on handshake messages")
        if request.get("new_key"):
            raise unsupported("a new signature key")
        self.set(lib.E2EE_SET_ENCRYPT_HANDSHAKE, 0 if request.get("public") else 1)
        self.choose_tree(request)

    def choose_tree(self, request):
        with_tree = request.get("ratchet_tree_ext") is not False
        self.set(lib.E2EE_SET_TREE_IN_WELCOME, int(with_tree))

    def public_key(self):
        return read(lib.e2ee_client_public_key, self.handle)

    def explain(self):
        return read(lib.e2ee_client_explain, self.handle).decode()

    def group(self, request):
        group_id = request.get("group") or self.last
        if group_id not in self.groups:
            raise Refused(f"no group {group_id}")
        return self.groups[group_id]

    def enter(self, handle):
        group = Group(self, handle)
        self.last = group.id()
        self.groups[self.last] = group
        return group

    def forget(self, group_id):
        group = self.groups.pop(group_id, None)
        if group is not None:
            ffi.release(group.handle)

    def key_package(self, request):
        if request.get("secrets"):
            raise unsupported("private keys of key packages")
        function = lib.e2ee_key_package_new
        if request.get("last_resort"):
            function = lib.e2ee_key_package_new_last_resort
        if "lifetime" not in request:
            return take_from(function, self.handle)
        return self.key_package_valid(function, *map(int, request["lifetime"]))

    def key_package_valid(self, function, not_before, not_after):
        """A lifetime begins an hour before the time set, and ends so long after it as is set."""
        saved, clock = dict(self.settings), not_before + 3600
        self.set(lib.E2EE_SET_TIME, clock)
        self.set(lib.E2EE_SET_KEY_PACKAGE_SECONDS, min(max(1, not_after - clock), 2**63 - 1))
        try:
            return take_from(function, self.handle)
        finally:
            self.set(lib.E2EE_SET_TIME, saved.get(lib.E2EE_SET_TIME, 0))
            self.set(lib.E2EE_SET_KEY_PACKAGE_SECONDS,
                     saved.get(lib.E2EE_SET_KEY_PACKAGE_SECONDS, 90 * 86400))

    def join(self, incoming):
        try:
            status = fill("incoming_status", lib.e2ee_incoming_get_status, incoming)
            changes = changes_of(incoming, status.changes)
            group = self.enter(make("group", lib.e2ee_incoming_join, incoming))
        finally:
            ffi.release(incoming)
        return {"changes": changes, **group.state()}

    def join_external(self, request):
        if request.get("aad"):
            raise unsupported("authenticated_data on handshake messages")
        info, tree = unhex(request["group_info"]), unhex(request.get("ratchet_tree"))
        if request.get("resync"):
            self.forget(GroupInfo(info).group_id.hex())
        group = Group(self, make("group", lib.e2ee_group_open, self.handle, info, len(info),
                                 *slice_of(tree or None)))
        for message in request.get("self_removes", []):
            group.process(unhex(message))
        proposals = [{"type": "psk", "psk_id": psk_id} for psk_id in request.get("psks", [])]
        if request.get("resync"):
            own = self.public_key().hex()
            proposals += [{"type": "remove", "index": member["index"]}
                          for member in group.members() if member["signature_key"] == own]
        reply = group.commit({"hold": request.get("hold")}, proposals)
        self.enter(group.handle)
        return reply

    def reload(self):
        """Save everything, free it, and load it again."""
        self.reloads += 1
        in_two = self.reloads % 2 == 0
        saved = {group_id: save_group(group.handle, in_two)
                 for group_id, group in self.groups.items()}
        own = take_from(lib.e2ee_client_save, self.handle, STATE_KEY, len(STATE_KEY))
        for group_id in saved:
            self.forget(group_id)
        ffi.release(self.handle)
        self.handle = make("client", lib.e2ee_client_load, STATE_KEY, len(STATE_KEY), own, len(own))
        self.configure()
        for group_id, blobs in saved.items():
            function = lib.e2ee_group_load_changes if in_two else lib.e2ee_group_load
            slices = [value for blob in blobs for value in slice_of(blob)]
            self.groups[group_id] = Group(self, make("group", function, self.handle, STATE_KEY,
                                                     len(STATE_KEY), *slices))


def save_group(group, in_two):
    functions = [lib.e2ee_group_save]
    if in_two:
        functions = [lib.e2ee_group_save_tree, lib.e2ee_group_save_changes]
    return [take_from(function, group, STATE_KEY, len(STATE_KEY)) for function in functions]
