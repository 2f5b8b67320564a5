#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Show that verify.py sees what is wrong: spoil copies of a good run, one thing at a time.

    verify_test.py MEDIA RUN

Each spoiled copy must fail, and by the statement that is about what was spoiled.
"""
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import verify

MEDIA, RUN = Path(sys.argv[1]), Path(sys.argv[2])


def replace(path, edit):
    path.write_bytes(edit(path.read_bytes()))


def flip(path, at):
    def edit(data):
        data = bytearray(data)
        data[at] ^= 1
        return bytes(data)
    replace(path, edit)


def ivf_write(path, edit):
    """Rewrite an IVF file with its list of frames edited."""
    frames = edit(verify.read_ivf(path))
    header = path.read_bytes()[:32]
    path.write_bytes(header + b"".join(struct.pack("<IQ", len(frame), position) + frame
                                       for position, frame in frames))


def capture_records(run, edit):
    """Rewrite the capture; edit() maps (kind, guest, data) to what replaces the record's data."""
    data, out, at = (run / "capture").read_bytes(), [], 0
    while at < len(data):
        size, time = struct.unpack_from(">IQ", data, at)
        kind, guest, body = chr(data[at + 12]), data[at + 13], data[at + 14:at + 4 + size]
        body = edit(kind, guest, body)
        if body is not None:
            out.append(struct.pack(">IQBB", 10 + len(body), time, ord(kind), guest) + body)
        at += 4 + size
    (run / "capture").write_bytes(b"".join(out))


def forward_silently(run):
    """A relay that loses one packet in a thousand, and does not say so."""
    count = [0]

    def edit(kind, _, body):
        count[0] += kind == "f"
        return None if kind == "f" and count[0] % 1000 == 0 else body
    capture_records(run, edit)


def overhear(run):
    """A removed member's file with a frame from after its removal: one that the others had."""
    position, frame = verify.read_ivf(run / "dave" / "alice.ivf")[-1]
    ivf_write(run / "grace" / "alice.ivf", lambda frames: frames + [(position, frame)])


def reuse_counter(run):
    """A sender that starts again at counter 0 under the key it had."""
    first = {}

    def edit(kind, guest, body):
        if kind == "m" and body[11] == 0 and body[6] == verify.VIDEO:
            first.setdefault(guest, []).append(body)
            if guest == 2 and len(first[guest]) == 3:
                return body[:13] + first[guest][0][13:]
        return body
    capture_records(run, edit)


def leak(run):
    """A packet that holds a piece of a video frame as it came from the encoder."""
    piece = verify.read_ivf(MEDIA / "carol.ivf")[7][1][100:145]
    seen = [0]

    def edit(kind, _, body):
        seen[0] += kind == "m"
        return body[:60] + piece if kind == "m" and seen[0] == 3000 and len(body) > 60 else body
    capture_records(run, edit)


def other_code(run):
    replace(run / "eve" / "epochs.txt",
            lambda data: data.replace(data.split()[-7], data.split()[-7][::-1], 1))


def fall_silent(run):
    """A second of one sender's audio that turns up where it does not belong."""
    def edit(kind, guest, body):
        position = int.from_bytes(body[7:11], "big")
        if kind == "m" and guest == 0 and body[6] == verify.AUDIO and 500 <= position < 550:
            return body[:7] + (position + (1 << 20)).to_bytes(4, "big") + body[11:]
        return body
    capture_records(run, edit)


def send_too_early(run):
    """A frame of grace's under a key of the epoch before she came."""
    capture_records(run, lambda kind, guest, body: b"\0\x03" + body[2:]
                    if kind == "m" and guest == 6 and body[11] == 0 else body)


SPOILERS = (
    ("a bit of a video frame flipped", "each received frame",
     lambda run: flip(run / "dave" / "bob.ivf", 500)),
    ("a bit of an audio frame flipped", "each received frame",
     lambda run: flip(run / "dave" / "bob.opus", 5000)),
    ("two frames exchanged", "each received frame",
     lambda run: ivf_write(run / "dave" / "bob.ivf", lambda frames: frames[:9] + [
         (frames[9][0], frames[10][1]), (frames[10][0], frames[9][1])] + frames[11:])),
    ("a received frame missing", "every frame delivered",
     lambda run: ivf_write(run / "dave" / "bob.ivf", lambda frames: frames[:9] + frames[10:])),
    ("a whole file missing", "every frame delivered",
     lambda run: (run / "frank" / "alice.opus").unlink()),
    ("a frame from after a removal", "nothing else is", overhear),
    ("a frame from before joining", "nothing sent before",
     lambda run: ivf_write(run / "frank" / "alice.ivf", lambda frames: verify.read_ivf(
         run / "dave" / "alice.ivf")[:1] + frames)),
    ("a frame that nobody sent", "nothing else is",
     lambda run: ivf_write(run / "dave" / "bob.ivf",
                           lambda frames: frames + [(frames[-1][0] + 999, frames[-1][1])])),
    ("a file of somebody unknown", "nothing else is",
     lambda run: shutil.copy(run / "dave" / "bob.ivf", run / "dave" / "mallory.ivf")),
    ("one participant with another safety code", "safety codes", other_code),
    ("a participant that does not know an epoch", "safety codes",
     lambda run: replace(run / "carol" / "epochs.txt", lambda data: data[data.index(b"\n") + 1:])),
    ("a relay that forwards less than it says", "the relay copied", forward_silently),
    ("a second that a member did not send", "every member sent", fall_silent),
    ("a frame under a key its sender cannot have", "no frame was sent", send_too_early),
    ("a key and counter used twice", "no key and counter", reuse_counter),
    ("plaintext on the wire", "no plaintext", leak),
    ("a removal that did not happen", "all members' safety codes",
     lambda run: replace(run / "scene.txt",
                         lambda data: data.replace(b"remove grace", b"renew alice"))),
    ("a race that did not happen", "two committed",
     lambda run: capture_records(run, lambda kind, _, body: None if kind == "r" else body)),
)


def judge(run):
    return subprocess.run([sys.executable, "-B", str(Path(__file__).with_name("verify.py")), MEDIA,
                           run], capture_output=True, text=True, check=False)


def main():
    good = judge(RUN)
    if good.returncode != 0:
        sys.exit("the run that was to be spoiled does not hold itself:\n" + good.stdout)
    blind = 0
    for what, statement, spoil in SPOILERS:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            shutil.copytree(RUN, run, ignore=shutil.ignore_patterns("*.in"))
            spoil(run)
            verdict = judge(run)
        failed = [line for line in verdict.stdout.splitlines() if line.startswith("  FAILS")]
        seen = verdict.returncode == 1 and any(statement in line for line in failed)
        blind += not seen
        print(f"{'seen  ' if seen else 'UNSEEN'}  {what}", flush=True)
        if not seen:
            print(verdict.stdout[-3000:], verdict.stderr[-3000:])
    print(f"{len(SPOILERS) - blind} of {len(SPOILERS)} spoiled runs were seen to be spoiled")
    sys.exit(1 if blind else 0)


if __name__ == "__main__":
    main()
