# What a driver has to read and write of RFC 9420 itself: vectors, extensions, and the GroupContext in
# a GroupInfo.
# SPDX-License-Identifier: ISC
BASIC_CREDENTIAL = 1
REQUIRED_CAPABILITIES, EXTERNAL_SENDERS = 3, 5
GROUP_INFO = b"\0\1\0\4"  # version and wire format of an MLSMessage


class Refused(Exception):
    """The request cannot be carried out; drivers skip what says "unsupported"."""


def unsupported(what):
    return Refused(f"unsupported: {what}")


def unhex(text):
    return bytes.fromhex(text or "")


def vector(data):
    """data with its length before it (RFC 9420, section 2.1.2)."""
    size = len(data)
    if size < 1 << 6:
        return bytes([size]) + data
    if size < 1 << 14:
        return (1 << 14 | size).to_bytes(2, "big") + data
    return (1 << 31 | size).to_bytes(4, "big") + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.bytes(count), "big")

    def vector(self):
        first = self.number(1)
        more = (1 << (first >> 6)) - 1
        return self.bytes((first & 0x3F) << 8 * more | self.number(more))

    def left(self):
        return self.at < len(self.data)


class GroupInfo:
    """The GroupContext in a GroupInfo (RFC 9420, sections 8.1 and 12.4.3)."""

    def __init__(self, message):
        if message[:4] != GROUP_INFO:
            raise Refused("no GroupInfo")
        reader = Reader(message[8:])
        self.group_id = reader.vector()
        self.epoch = reader.number(8)
        self.tree_hash = reader.vector()
        self.transcript_hash = reader.vector()
        self.extensions = {}
        items = Reader(reader.vector())
        while items.left():
            kind = items.number(2)
            self.extensions[kind] = items.vector()

    def sender_index(self, public_key):
        """Where in external_senders a key is."""
        senders = Reader(Reader(self.extensions.get(EXTERNAL_SENDERS, b"\0")).vector())
        index = 0
        while senders.left():
            key, _, _ = senders.vector(), senders.number(2), senders.vector()
            if key == public_key:
                return index
            index += 1
        raise Refused("not an external sender of the group")


def extension_data(extension):
    def types(name):
        return vector(b"".join(kind.to_bytes(2, "big") for kind in extension.get(name, [])))

    kind = extension["type"]
    if kind == REQUIRED_CAPABILITIES and "data" not in extension:
        return types("extension_types") + types("proposal_types") + types("credential_types")
    if kind == EXTERNAL_SENDERS and "senders" in extension:
        return vector(b"".join(vector(unhex(sender["signature_key"])) + BASIC_CREDENTIAL.to_bytes(2, "big") +
                               vector(unhex(sender["identity"])) for sender in extension["senders"]))
    return unhex(extension.get("data"))
