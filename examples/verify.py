#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Judge a conference by its files.

    verify.py MEDIA RUN

MEDIA holds what was sent: NAME.opus and NAME.ivf, which repeat for as long as a call lasts.  RUN
holds what the conference left behind:

    capture           all that the relay handled, in its order (relay.c says in which form)
    scene.txt         what was asked of whom: "EPOCH VERB NAME...", EPOCH after the step
    NAME/SENDER.opus  what NAME decrypted of SENDER's audio; .ivf of the video
    NAME/epochs.txt   what NAME would read out: "EPOCH SAFETY-CODE MEMBER..."

What a participant received and when it was a member is never taken from its own word: the frames
are those in its files, what was on the wire is in the capture, and who was a member when follows
from the commits the relay put in order and from what the scene asked for.  Only a safety code must
come from the one who computed it, as it does when people read it out to each other.
"""
import array
import struct
import sys
from collections import defaultdict
from pathlib import Path

AUDIO, VIDEO = 1, 2
ENDING = {AUDIO: "opus", VIDEO: "ivf"}
COMMIT, BYE = 5, 8  # message types of wire.h
EPOCH_BITS = 4  # of an SFrame key id, as docs and media keys have it
CRASH_S = 0.6  # what came in this time before a kill may not have reached a file
LEARN_S = 1.0  # in this time everybody has learned of a commit
QUIET_S = 2.0  # a sender that is silent for longer has a gap


# ---- Media files -----------------------------------------------------------------------------

def crc_table():
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


CRC_TABLE = crc_table()


def ogg_crc(data):
    crc = 0
    table = CRC_TABLE
    for byte in data:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return crc


def read_ogg(path):
    """The Opus packets of a file, as (position, bytes); position from the end of its page."""
    data = path.read_bytes()
    packets, partial, at, headers = [], b"", 0, 0
    while at < len(data):
        if data[at:at + 4] != b"OggS" or len(data) < at + 27 + data[at + 26]:
            raise ValueError(f"{path}: no Ogg page at byte {at}")
        flags, granule = struct.unpack_from("<BQ", data, at + 5)
        lacing = data[at + 27:at + 27 + data[at + 26]]
        body = at + 27 + len(lacing)
        end = body + sum(lacing)
        crc, = struct.unpack_from("<I", data, at + 22)
        if crc != ogg_crc(data[at:at + 22] + bytes(4) + data[at + 26:end]):
            raise ValueError(f"{path}: wrong checksum at byte {at}")
        if flags & 2:  # a stream begins, with two packets that are no frames
            headers = 2
        for size in lacing:
            partial += data[body:body + size]
            body += size
            if size < 255:
                if headers > 0:
                    headers -= 1
                else:
                    packets.append((granule // 960 - 1, partial))
                partial = b""
        at = end
    return packets


def read_ivf(path):
    """The VP8 frames of a file, as (position, bytes)."""
    data = path.read_bytes()
    frames, at = [], 32
    if data[:4] != b"DKIF" or data[8:12] != b"VP80":
        raise ValueError(f"{path}: no VP8 in IVF")
    while at < len(data):
        size, position = struct.unpack_from("<IQ", data, at)
        if at + 12 + size > len(data):
            raise ValueError(f"{path}: cut off at byte {at}")
        frames.append((position, data[at + 12:at + 12 + size]))
        at += 12 + size
    return frames


READ = {AUDIO: read_ogg, VIDEO: read_ivf}


# ---- The capture -----------------------------------------------------------------------------

class Frame:
    """One encrypted codec frame, as the relay saw it."""

    def __init__(self, sender, session, stream, position, parts, time):
        self.sender, self.session, self.stream, self.position = sender, session, stream, position
        self.parts, self.time = parts, time
        self.epoch = self.kid = self.counter = None
        self.seen = set()  # parts that reached the relay
        self.to = defaultdict(dict)  # guest -> part -> time of forwarding, None if not forwarded

    def complete(self, guest):
        """When the last part went to a guest, or None if not all did."""
        times = [self.to[guest].get(part) for part in range(self.parts)]
        return None if None in times else max(times)


class Session:
    """From a guest's hello to the end of its connection."""

    def __init__(self, name, start):
        self.name, self.start, self.end, self.bye = name, start, None, False


def fields(message):
    """The type and the fields of a message (wire.h)."""
    found, at = [], 5
    while at < len(message):
        size, = struct.unpack_from(">I", message, at)
        found.append(message[at + 4:at + 4 + size])
        at += 4 + size
    return message[4], found


def sframe_header(data):
    """Key id and counter (RFC 9605, section 4.3)."""
    at, values = 1, []
    for bits in (data[0] >> 4, data[0] & 15):
        size = (bits & 7) + 1 if bits & 8 else 0
        values.append(int.from_bytes(data[at:at + size], "big") if size else bits)
        at += size
    return values


class Capture:
    """What the relay handled."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.sessions = []
        self.frames = {}
        self.commits = []  # (time, committer, names its Welcome is for); the first makes epoch 1
        self.refused = []  # (time, committer)
        self.copies = defaultdict(int)  # kind of record -> number of copies
        self.unaccounted = 0
        self._names, self._present, self._packets, self._message = {}, {}, [], None
        at = 0
        while at < len(self.data):
            size, time = struct.unpack_from(">IQ", self.data, at)
            kind, guest = chr(self.data[at + 12]), self.data[at + 13]
            self._take(kind, guest, time / 1e6, self.data[at + 14:at + 4 + size])
            at += 4 + size
        self.end = time / 1e6
        for frame, part, present in self._packets:
            self.unaccounted += sum(part not in frame.to[name] for name in present)

    def _take(self, kind, guest, time, data):
        if kind == "h":
            self._names[guest] = data.decode()
            self._present[guest] = Session(data.decode(), time)
            self.sessions.append(self._present[guest])
        elif kind == "x":
            self._present.pop(guest).end = time
        elif kind == "t":
            self._message = fields(data)
            self._present[guest].bye |= self._message[0] == BYE
        elif kind == "a":
            invited = [name.decode() for name in self._message[1][2:]]
            self.commits.append((time, self._names[guest], invited))
        elif kind == "r":
            self.refused.append((time, self._names[guest]))
        elif kind == "m":
            self._take_packet(guest, time, data)
        elif kind in "flws":
            self.copies[kind] += 1
            frame, part, _ = self._packets[int.from_bytes(data, "big")]
            frame.to[self._names[guest]][part] = time if kind == "f" else None

    def _take_packet(self, guest, time, data):
        low, source, stream, position, part, parts = struct.unpack_from(">HIBIBB", data)
        key = guest, source, stream, position
        if key not in self.frames:
            self.frames[key] = Frame(self._names[guest], self._present[guest], stream, position,
                                     parts, time)
        frame = self.frames[key]
        frame.seen.add(part)
        if part == 0:
            # The newest epoch so far that ends in these bits.
            newest = len(self.commits)
            frame.epoch = newest - (newest - low) % (1 << EPOCH_BITS)
            frame.kid, frame.counter = sframe_header(data[13:])
        present = [self._names[other] for other in self._present if other != guest]
        self._packets.append((frame, part, present))


# ---- Who was a member when -------------------------------------------------------------------

class Membership:
    """Epochs of each participant, from the commits in the capture and the scene's removals."""

    def __init__(self, capture, scene):
        self.last = len(capture.commits)
        self.joined, self.how, self.left = {}, {}, {}
        removed = {}
        for line in scene:
            epoch, verb, *names = line.split()
            if verb in ("remove", "leave"):
                removed.update((name, (int(epoch), verb)) for name in names)
        creator = capture.commits[0][1]
        self.joined[creator], self.how[creator] = 0, "created"
        for epoch, (_, committer, invited) in enumerate(capture.commits, 1):
            if committer not in self.joined:
                self.joined[committer], self.how[committer] = epoch, "external"
            for name in invited:
                self.joined[name], self.how[name] = epoch, "invited"
        for name, (epoch, verb) in removed.items():
            self.left[name] = epoch
            self.how[name] += ", removed" if verb == "remove" else ", left"
        #: When each epoch was ordered by the relay.
        self.began = [0.0] + [time for time, _, _ in capture.commits]

    def has(self, name, epoch):
        return epoch is not None and self.joined[name] <= epoch < self.left.get(name, self.last + 1)

    def last_epoch(self, name):
        return self.left.get(name, self.last + 1) - 1


# ---- The judgement ---------------------------------------------------------------------------

class Judge:
    def __init__(self, media, run):
        self.run = run
        self.capture = Capture(run / "capture")
        self.scene = (run / "scene.txt").read_text().splitlines()
        self.members = Membership(self.capture, self.scene)
        self.names = sorted(self.members.joined, key=lambda name: (self.members.joined[name], name))
        self.source = {(name, stream): [frame for _, frame in READ[stream](
            media / f"{name}.{ENDING[stream]}")] for name in self.names for stream in ENDING}
        self.frames = sorted(self.capture.frames.values(), key=lambda frame: frame.time)
        self.row = {name: dict.fromkeys(("sent", "received", "lost", "refused"), 0)
                    for name in self.names}
        self.codes = {}
        self.results = []

    def check(self, statement, problems):
        """Note whether a statement holds: it does if there are no problems."""
        problems = list(problems)
        self.results.append(not problems)
        print(f"  {'holds' if not problems else 'FAILS'}  {statement}")
        for problem in problems[:5]:
            print(f"         {problem}")
        if len(problems) > 5:
            print(f"         and {len(problems) - 5} more")

    # ---- Frames

    def check_received(self):
        """Compare each received file with the frames that were sent."""
        wrong, extra, missing, late, early = [], [], [], [], []
        files = compared = crashed = 0
        self.after_removal = defaultdict(int)
        by_sender = defaultdict(list)
        for frame in self.frames:
            by_sender[frame.sender, frame.stream].append(frame)
            self.row[frame.sender]["sent"] += 1
        for receiver in self.names:
            known = {f"{name}.{ending}" for name in self.names for ending in ENDING.values()}
            extra += [f"{path} is of nobody" for path in (self.run / receiver).iterdir()
                      if path.suffix in (".opus", ".ivf") and path.name not in known]
            for (sender, stream), frames in by_sender.items():
                path = self.run / receiver / f"{sender}.{ENDING[stream]}"
                try:
                    got = READ[stream](path) if path.exists() else []
                except (ValueError, IndexError, struct.error) as error:
                    wrong.append(str(error))
                    continue
                files += path.exists()
                positions = [position for position, _ in got]
                if any(a >= b for a, b in zip(positions, positions[1:])):
                    wrong.append(f"{path}: positions do not ascend")
                got = dict(got)
                for frame in frames:
                    crashed += self._one_frame(receiver, frame, got.pop(frame.position, None), path,
                                               wrong, extra, missing, late, early)
                    compared += 1
                extra += [f"{path}: frame {position} was never sent" for position in got]
        received = sum(row["received"] for row in self.row.values())
        self.check(f"each received frame equals the sent one, byte for byte: {received} frames in "
                   f"{files} files", wrong + ([] if received else ["nothing was received"]))
        self.check("every frame delivered between two members is in the receiver's file"
                   + (f" ({crashed} were lost in the kill)" if crashed else ""), missing)
        self.check("nothing else is: no frame of an epoch in which the two were not both members",
                   extra)
        self.check("nothing sent before its joining was decrypted by anybody", early)
        self.check(f"nothing sent later than {LEARN_S:.0f} s after its removal, either", late)

    def _one_frame(self, receiver, frame, got, path, wrong, extra, missing, late, early):
        """Judge one frame at one receiver.  Returns 1 if it was lost in a kill, else 0."""
        if receiver == frame.sender:
            if got is not None:
                extra.append(f"{path}: frame {frame.position} is its own")
            return 0
        members = self.members
        row = self.row[receiver]
        delivered = frame.complete(receiver)
        both = members.has(frame.sender, frame.epoch) and members.has(receiver, frame.epoch)
        if got is None:
            if not both:
                row["refused"] += delivered is not None
                if delivered and frame.epoch >= members.left.get(receiver, members.last + 1):
                    self.after_removal[receiver] += 1
            elif frame.to[receiver]:
                row["lost"] += 1
                if delivered is not None:
                    if self._killed_after(receiver, delivered):
                        return 1
                    missing.append(f"{path}: frame {frame.position} of epoch {frame.epoch}, "
                                   f"delivered at {delivered:.2f} s")
            return 0
        row["received"] += 1
        source = self.source[frame.sender, frame.stream]
        if got != source[frame.position % len(source)]:
            wrong.append(f"{path}: frame {frame.position} differs")
        if not both:
            extra.append(f"{path}: frame {frame.position} of epoch {frame.epoch}")
        if delivered is None:
            extra.append(f"{path}: frame {frame.position} was never delivered")
        if frame.time < members.began[members.joined[receiver]]:
            early.append(f"{path}: frame {frame.position}")
        if receiver in members.left and \
                frame.time > members.began[members.left[receiver]] + LEARN_S:
            late.append(f"{path}: frame {frame.position}")
        return 0

    def _killed_after(self, name, time):
        return any(session.name == name and session.end and not session.bye
                   and session.end - CRASH_S <= time <= session.end + CRASH_S
                   for session in self.capture.sessions)

    def check_sent(self):
        """What reached the relay is all that was sent, for as long as each was a member."""
        gaps, foreign = [], []
        by_session = defaultdict(list)
        used = {}
        twice = []
        for frame in self.frames:
            if frame.seen != set(range(frame.parts)):
                gaps.append(f"{frame.sender}: parts of frame {frame.position} are missing")
                continue
            by_session[frame.session, frame.stream].append(frame)
            if not self.members.has(frame.sender, frame.epoch):
                foreign.append(f"{frame.sender}: frame {frame.position} of epoch {frame.epoch}")
            use = used.setdefault((frame.epoch, frame.kid, frame.counter), frame)
            if use is not frame:
                twice.append(f"{frame.sender}: key id {frame.kid}, counter {frame.counter}")
        for (session, stream), frames in by_session.items():
            positions = sorted(frame.position for frame in frames)
            if positions != list(range(positions[0], positions[-1] + 1)):
                gaps.append(f"{session.name}: {ENDING[stream]} positions have gaps")
        for session in self.capture.sessions:
            gaps += self._silences(session, by_session)
        self.check("every member sent without a gap for as long as it was one", gaps)
        self.check("no frame was sent by one who was no member of its epoch", foreign)
        self.check(f"no key and counter was used twice, the killed one included: {len(used)} pairs",
                   twice)

    def _silences(self, session, by_session):
        members, name = self.members, session.name
        start = max(session.start, members.began[members.joined[name]])
        stop = session.end or self.capture.end
        if name in members.left:
            stop = min(stop, members.began[members.left[name]])
        for stream in ENDING:
            times = [frame.time for frame in by_session.get((session, stream), [])]
            times = [start] + [time for time in times if time < stop] + [stop]
            if any(b - a > QUIET_S for a, b in zip(times, times[1:])):
                yield f"{name}: silent for more than {QUIET_S:.0f} s ({ENDING[stream]})"

    def check_plaintext(self):
        """Look for 32 bytes of any sent frame, or all of a shorter one, anywhere in the capture.
        Such a piece holds 8 bytes that begin at a multiple of 8 in the capture: look those up.
        Runs of one byte, as both media and headers have them, tell nothing."""
        capture = self.capture.data
        windows, found = {}, []
        for name, stream in self.source:
            for index, frame in enumerate(self.source[name, stream]):
                for at in range(len(frame) - 7):
                    if len(set(frame[at:at + 8])) > 2:
                        windows.setdefault(frame[at:at + 8], []).append((name, stream, index, at))
                if len(frame) < 15 and frame in capture:
                    found.append(f"{name}: frame {index} of the {ENDING[stream]}")
        values = {int.from_bytes(piece, sys.byteorder): piece for piece in windows}
        blocks = array.array("Q", capture[:len(capture) // 8 * 8])
        for block, value in enumerate(blocks):
            for name, stream, index, at in windows[values[value]] if value in values else ():
                frame, start = self.source[name, stream][index], block * 8
                before, after = at, at + 8
                while before > 0 and capture[start - at + before - 1] == frame[before - 1]:
                    before -= 1
                while after < len(frame) and capture[start - at + after:start - at + after + 1] \
                        == frame[after:after + 1]:
                    after += 1
                if after - before >= min(32, len(frame)):
                    found.append(f"{name}: frame {index} of the {ENDING[stream]} at byte {start}")
        frames = sum(len(frames) for frames in self.source.values())
        self.check(f"no plaintext of {frames} frames occurs in the relay's {len(capture)} bytes",
                   found)

    # ---- Group

    def check_codes(self):
        """All members of an epoch have one safety code and one list of members."""
        problems = []
        for name in self.names:
            for line in (self.run / name / "epochs.txt").read_text().splitlines():
                epoch, code, *members = line.split()
                entry = code, tuple(sorted(members))
                if self.codes.setdefault((int(epoch), name), entry) != entry:
                    problems.append(f"{name} has two codes for epoch {epoch}")
        for epoch in range(self.members.last + 1):
            present = [name for name in self.names if self.members.has(name, epoch)]
            entries = {name: self.codes.get((epoch, name)) for name in self.names}
            if len({entries[name] for name in present}) != 1:
                problems.append(f"epoch {epoch}: members disagree")
            for name, entry in entries.items():
                if name in present and entry is None:
                    problems.append(f"epoch {epoch}: {name} has no code")
                elif name in present and entry[1] != tuple(sorted(present)):
                    problems.append(f"epoch {epoch}: {name} sees other members")
                elif name not in present and entry is not None:
                    problems.append(f"epoch {epoch}: {name} is no member, but has a code")
        codes = {entry[0] for entry in self.codes.values()}
        if len(codes) != self.members.last + 1:
            problems.append(f"{len(codes)} different codes in {self.members.last + 1} epochs")
        self.check(f"all members' safety codes and member lists agree, in each of "
                   f"{self.members.last + 1} epochs", problems)

    def check_scene(self):
        """All that the scene asks for did happen."""
        members, capture = self.members, self.capture
        problems = []
        how = [how.split(",")[0] for how in members.how.values()]
        starters = [name for name in self.names if members.joined[name] <= 1]
        if len(starters) != 4:
            problems.append(f"{len(starters)} started the call, not 4")
        if (how.count("created"), how.count("invited"), how.count("external")) != (1, 5, 1):
            problems.append(f"joined: {how}")
        if sorted(how.split(", ")[-1] for how in members.how.values() if ", " in how) != \
                ["left", "removed"]:
            problems.append("not exactly one was removed and one left")
        self.check("four started, one was invited, one came in by external commit, one was invited "
                   "and removed, one left", problems)
        removed = [name for name in self.names if members.how[name].endswith("removed")]
        self.check("the removed one went on listening: " + ", ".join(
            f"{name} was sent {self.after_removal[name]} frames that it could not open"
            for name in removed), [name for name in removed if self.after_removal[name] < 500])
        killed = [session.name for session in capture.sessions if session.end and not session.bye]
        self.check(f"one was killed and came back from its saved state: {', '.join(killed)}",
                   [] if len(killed) == 1 and [session.name for session in capture.sessions].count(
                       killed[0]) == 2 else ["nobody, or more than one"])
        again = [name for time, name in capture.refused
                 if any(name == other and later > time for later, other, _ in capture.commits)]
        self.check(f"two committed at the same moment; {' and '.join(sorted(set(again)))} lost the "
                   "race and won a later one", [] if again else ["no commit lost a race"])

    def check_relay(self):
        """The relay disturbed what it was to disturb, and hid nothing."""
        copies = self.capture.copies
        disturbed = copies["l"] + copies["w"] + copies["s"]
        total = copies["f"] + copies["l"]
        problems = [f"{self.capture.unaccounted} copies unaccounted for"] \
            if self.capture.unaccounted else []
        if not 0.02 < disturbed / max(total, 1) < 0.04 or 0 in (copies["l"], copies["w"],
                                                                copies["s"]):
            problems.append("not about 3 %, or not all three kinds")
        self.check(f"the relay copied {total} packets, and dropped {copies['l']}, delayed "
                   f"{copies['w']}, reordered {copies['s']} of them: "
                   f"{100 * disturbed / max(total, 1):.1f} %", problems)

    # ---- For the reader

    def table(self):
        titles = ("participant", "joined how", "epochs", "sent", "received", "lost", "refused",
                  "safety code (its last epoch)")
        rows = [titles]
        for name in self.names:
            members, row = self.members, self.row[name]
            last = members.last_epoch(name)
            code = self.codes.get((last, name), ("-",))[0]
            rows.append((name, members.how[name], f"{members.joined[name]}-{last}",
                         *(str(row[key]) for key in ("sent", "received", "lost", "refused")),
                         " ".join(code.split("-")[:4]) + " ..."))
        widths = [max(len(row[i]) for row in rows) for i in range(len(titles))]
        for row in rows:
            print("  " + "  ".join(
                cell.rjust(width) if 3 <= i <= 6 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths))).rstrip())

    def judge(self):
        self.check_codes()
        self.check_received()
        self.check_sent()
        self.check_plaintext()
        self.check_scene()
        self.check_relay()
        print()
        self.table()
        print()
        return all(self.results)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    judge = Judge(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"\nThe call lasted {judge.capture.end:.0f} s.  From its files:\n")
    held = judge.judge()
    number = sum(judge.results)
    print(f"PASS: all {number} statements hold." if held else
          f"FAIL: {len(judge.results) - number} of {len(judge.results)} statements do not hold.")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
