# Protected frames through GStreamer's RTP payloaders and back: each has to arrive byte for byte as
# it was sent, and decrypt.  Run by tests/gstreamer.sh, with the path of libe2ee.so.
# SPDX-License-Identifier: ISC
import ctypes
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401 (appsink has methods with it)

DATA = pathlib.Path(__file__).parent / "data" / "media"
OPUS, VP8, VP9, AV1, H264, H265, VP8_PARTITIONS = 1, 2, 3, 4, 5, 6, 7
RANGES_MAX = 1024
KEY = bytes(range(32))

lib = ctypes.CDLL(sys.argv[1])


class Range(ctypes.Structure):
    _fields_ = [("offset", ctypes.c_uint32), ("length", ctypes.c_uint32)]


def check(err):
    if err != 0:
        lib.e2ee_strerror.restype = ctypes.c_char_p
        raise RuntimeError(lib.e2ee_strerror(err).decode())


def make(function, *arguments):
    handle = ctypes.c_void_p()
    check(function(*arguments, ctypes.byref(handle)))
    return handle


class Sender:
    def __init__(self):
        self.media = make(lib.e2ee_media_new_sender_keys, 0, 0)
        check(lib.e2ee_media_set_own_key(self.media, ctypes.c_uint64(0), KEY, ctypes.c_size_t(32)))
        self.sender = make(lib.e2ee_sender_new, self.media)

    def protect(self, codec, frame):
        ranges, count = (Range * RANGES_MAX)(), ctypes.c_size_t(RANGES_MAX)
        check(lib.e2ee_frame_clear_ranges(codec, frame, ctypes.c_size_t(len(frame)), ranges,
                                          ctypes.byref(count)))
        room = len(frame) + 100000
        out, size = ctypes.create_string_buffer(room), ctypes.c_size_t()
        check(lib.e2ee_sender_encrypt_partial(
            self.sender, codec, None, ctypes.c_size_t(0), frame, ctypes.c_size_t(len(frame)),
            ranges, count, out, ctypes.c_size_t(room), ctypes.byref(size)))
        return out.raw[:size.value]


class Receiver:
    def __init__(self):
        self.media = make(lib.e2ee_media_new_sender_keys, 0, 0)
        check(lib.e2ee_media_add_sender(self.media, 1, 0))
        check(lib.e2ee_media_set_sender_key(self.media, 1, ctypes.c_uint64(0), ctypes.c_uint64(0),
                                            KEY, ctypes.c_size_t(32)))
        self.receiver = make(lib.e2ee_media_receiver_new, self.media, 1)

    def unprotect(self, frame):
        out, size = ctypes.create_string_buffer(len(frame)), ctypes.c_size_t()
        check(lib.e2ee_receiver_decrypt_partial(
            self.receiver, None, ctypes.c_size_t(0), frame, ctypes.c_size_t(len(frame)), out,
            ctypes.c_size_t(len(frame)), ctypes.byref(size), None, ctypes.c_size_t(0)))
        return out.raw[:size.value]


def normalize(codec, frame):
    room = 2 * len(frame) + 64
    out, size = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
    check(lib.e2ee_frame_normalize(codec, frame, ctypes.c_size_t(len(frame)), out,
                                   ctypes.byref(size)))
    return out.raw[:size.value]


def of_ivf(data):
    at = 32
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        yield data[at + 12:at + 12 + size]
        at += 12 + size


def of_ogg(data):
    at, packets = 0, []
    while at < len(data):
        lengths = data[at + 27:at + 27 + data[at + 26]]
        at += 27 + len(lengths)
        for length in lengths:
            packets.append(data[at:at + length])
            at += length
    yield from packets[2:]  # the first two describe the stream


def of_units(delimiter):
    """An access unit begins with its delimiter."""
    return lambda data: (delimiter + unit for unit in data.split(delimiter)[1:])


SOUND = "audio/x-opus,channel-mapping-family=0,channels=1,rate=48000"
VIDEO = "framerate=10/1,width=96,height=64"
UNITS = "stream-format=byte-stream,alignment=au"
# File, its frames, codec, caps that the depayloader has to meet, and its name.
STREAMS = [
    ("opus.ogg", of_ogg, OPUS, SOUND, "opus"),
    ("vp8.ivf", of_ivf, VP8_PARTITIONS, "video/x-vp8", "vp8"),
    ("vp8-partitions.ivf", of_ivf, VP8_PARTITIONS, "video/x-vp8", "vp8"),
    ("vp9.ivf", of_ivf, VP9, "video/x-vp9", "vp9"),
    ("vp9-superframes.ivf", of_ivf, VP9, "video/x-vp9", "vp9"),
    ("av1.ivf", of_ivf, AV1, "video/x-av1,stream-format=obu-stream,alignment=tu", "av1"),
    ("h264.h264", of_units(b"\0\0\0\1\x09"), H264, "video/x-h264," + UNITS, "h264"),
    ("h264-reordered.h264", of_units(b"\0\0\0\1\x09"), H264, "video/x-h264," + UNITS, "h264"),
    ("h265.h265", of_units(b"\0\0\0\1\x46"), H265, "video/x-h265," + UNITS, "h265"),
]


def session(name):
    """What a session description says, and no more.  With the parameter sets in it, the depayloader
    would put them in front of the first frame once more."""
    if name not in ("h264", "h265"):
        return "identity"
    return ("capssetter replace=true caps=application/x-rtp,media=video,clock-rate=90000,"
            f"payload=96,encoding-name={name.upper()}")


def through_rtp(frames, caps, name, mtu):
    given = caps if name == "opus" else f"{caps},{VIDEO}"
    pipeline = Gst.parse_launch(
        f"appsrc name=in format=time caps={given} ! rtp{name}pay mtu={mtu} ! {session(name)} ! "
        f"rtp{name}depay ! {caps} ! appsink name=out sync=false max-buffers=1000")
    source, sink = pipeline.get_by_name("in"), pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    for i, frame in enumerate(frames):
        buffer = Gst.Buffer.new_wrapped(frame)
        buffer.pts = buffer.dts = i * Gst.SECOND // 10
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    arrived = []
    while (sample := sink.emit("try-pull-sample", 10 * Gst.SECOND)) is not None:
        buffer = sample.get_buffer()
        arrived.append(buffer.extract_dup(0, buffer.get_size()))
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message is not None:
        raise RuntimeError(message.parse_error()[1].splitlines()[-1])
    return arrived


def carry(split, file, codec, caps, name, mtu):
    """All frames of a file, protected, sent, and back."""
    sender, receiver = Sender(), Receiver()
    frames = [normalize(codec, frame) for frame in split((DATA / file).read_bytes())]
    sent = [sender.protect(codec, frame) for frame in frames]
    arrived = through_rtp(sent, caps, name, mtu)
    if arrived != sent:
        raise RuntimeError(f"{len(sent)} frames were sent, and {len(arrived)} others arrived")
    if [receiver.unprotect(frame) for frame in arrived] != frames:
        raise RuntimeError("frames are not what they were")
    return len(frames)


Gst.init(None)
failed = False
for file, split, codec, caps, name in STREAMS:
    if Gst.ElementFactory.find(f"rtp{name}pay") is None:
        print(f"{file}: skipped, there is no rtp{name}pay")
        continue
    for mtu in (1200, 200):
        try:
            count = carry(split, file, codec, caps, name, mtu)
            print(f"{file}: {count} frames, packets of {mtu} bytes")
        except RuntimeError as error:
            failed = True
            print(f"{file}, packets of {mtu} bytes: {error}")

# What is said of rtpvp8pay is still so: it refuses less.
try:
    carry(of_ivf, "vp8.ivf", VP8, "video/x-vp8", "vp8", 1200)
    failed = True
    print("vp8.ivf: rtpvp8pay takes frames whose first partition is encrypted")
except RuntimeError:
    pass
sys.exit(failed)
