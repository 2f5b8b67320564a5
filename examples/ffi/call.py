#!/usr/bin/env python3
# A call of two, in Python: alice makes a group and adds bob, frames go both ways, then she removes
# bob, who cannot read on.
# SPDX-License-Identifier: ISC
from e2ee import Error, check, ffi, fill, lib, make, read, take, take_from

MLS_SUITE = 1  # MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519
OVERHEAD = lib.e2ee_frame_overhead()


class Member:
    def __init__(self, name):
        self.client = make("client", lib.e2ee_client_new, MLS_SUITE, name, len(name))
        self.media = make("media", lib.e2ee_media_new, 0)
        self.sender = make("sender", lib.e2ee_sender_new, self.media)
        self.receiver = make("receiver", lib.e2ee_receiver_new, self.media)
        self.group = None

    def enter_epoch(self):
        epoch = fill("group_status", lib.e2ee_group_get_status, self.group).epoch
        check(lib.e2ee_media_install(self.media, self.group))
        check(lib.e2ee_media_activate(self.media, epoch))
        check(lib.e2ee_media_retire(self.media, epoch))

    def commit(self, change, *arguments):
        """Build a commit of one change, send it (here: return it), and enter its epoch."""
        commit = make("commit", lib.e2ee_commit_new, self.group)
        check(change(commit, *arguments), self.client)
        message, welcome = ffi.new("e2ee_bytes **"), ffi.new("e2ee_bytes **")
        check(lib.e2ee_commit_build(commit, message, welcome), self.client)
        check(lib.e2ee_group_commit_accepted(self.group), self.client)
        self.enter_epoch()
        return take(message[0]), take(welcome[0])

    def encrypt(self, frame, metadata=b""):
        out, size = ffi.new("uint8_t[]", len(frame) + OVERHEAD), ffi.new("size_t *")
        check(lib.e2ee_sender_encrypt(self.sender, metadata, len(metadata), frame, len(frame), out,
                                      len(frame) + OVERHEAD, size))
        return ffi.buffer(out, size[0])[:]

    def decrypt(self, frame, metadata=b""):
        """The plaintext, and the identity of its sender."""
        out, size = ffi.new("uint8_t[]", len(frame)), ffi.new("size_t *")
        info = ffi.new("e2ee_frame_info *")
        check(lib.e2ee_receiver_decrypt(self.receiver, metadata, len(metadata), frame, len(frame), out,
                                        len(frame), size, info, ffi.sizeof(info[0])))
        identity = read(lib.e2ee_media_member, self.media, info.epoch, info.leaf,
                        lib.E2EE_MEMBER_IDENTITY)
        return ffi.buffer(out, size[0])[:], identity


alice, bob = Member(b"alice"), Member(b"bob")

# Alice makes a group and adds bob, who looks at the members before he joins.
group_id = b"call of two"
alice.group = make("group", lib.e2ee_group_new, alice.client, group_id, len(group_id))
key_package = take_from(lib.e2ee_key_package_new, bob.client)
_, welcome = alice.commit(lib.e2ee_commit_add, key_package, len(key_package))
incoming = make("incoming", lib.e2ee_welcome_open, bob.client, welcome, len(welcome), ffi.NULL, 0)
members = [read(lib.e2ee_incoming_member, incoming, i, lib.E2EE_MEMBER_IDENTITY)
           for i in range(fill("incoming_status", lib.e2ee_incoming_get_status, incoming).changes)]
assert b"alice" in members, members
bob.group = make("group", lib.e2ee_incoming_join, incoming)
bob.enter_epoch()
codes = [read(lib.e2ee_group_safety_code, member.group) for member in (alice, bob)]
assert codes[0] == codes[1]
print(f"bob joined, safety code {codes[0].decode()}")

# Frames, both ways.
for sender, receiver, name in (alice, bob, b"alice"), (bob, alice, b"bob"):
    for number in range(3):
        frame = b"frame %d of " % number + name
        sealed = sender.encrypt(frame, b"metadata")
        assert frame not in sealed
        assert receiver.decrypt(sealed, b"metadata") == (frame, name)
print("frames went both ways")

# A frame whose metadata was changed on its way is refused.
try:
    bob.decrypt(alice.encrypt(b"frame", b"metadata"), b"other")
    raise SystemExit("bob took a forged frame")
except Error as error:
    assert error.code == lib.E2EE_ERR_AUTH, error

# Alice removes bob, who learns of it and cannot read what she says from then on.
bob_leaf = fill("group_status", lib.e2ee_group_get_status, bob.group).own_leaf
message, _ = alice.commit(lib.e2ee_commit_remove, bob_leaf)
sealed = alice.encrypt(b"now that bob has gone")
incoming = make("incoming", lib.e2ee_group_process, bob.group, message, len(message))
check(lib.e2ee_incoming_accept(incoming), bob.client)
assert fill("group_status", lib.e2ee_group_get_status, bob.group).state == lib.E2EE_GROUP_LEFT
try:
    bob.decrypt(sealed)
    raise SystemExit("bob read on after his removal")
except Error as error:
    assert error.code == lib.E2EE_ERR_NO_KEY, error
print("bob was removed and cannot read on")
