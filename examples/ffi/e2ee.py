# libe2ee for Python, through cffi in ABI mode: no compiled module, and no prototype written by
# hand.  The declarations are those of the installed headers, the library is the installed one.
# SPDX-License-Identifier: ISC
import re
import shlex
import subprocess

import cffi


def declarations():
    """What the installed headers declare, as plain C that cffi can parse."""
    flags = subprocess.run(["pkg-config", "--cflags", "libe2ee"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    text = subprocess.run(["cc", "-E", "-D__attribute__(x)=", *shlex.split(flags), "-"],
                          input="#include <e2ee/mls.h>\n#include <e2ee/media.h>\n",
                          check=True, text=True, stdout=subprocess.PIPE).stdout
    # A line such as  # 12 "FILE"  says where the lines after it are from: keep our own.
    kept, own = [], False
    for line in text.splitlines():
        marker = re.match(r'#.*"(.*)"', line)
        if marker:
            own = "/e2ee/" in marker[1]
        elif own:
            kept.append(line)
    return "\n".join(kept)


ffi = cffi.FFI()
ffi.cdef(declarations())
lib = ffi.dlopen("libe2ee.so.0")


class Error(Exception):
    """A call failed; .code is its E2EE_ERR_*."""

    def __init__(self, code, explanation=""):
        text = ffi.string(lib.e2ee_strerror(code)).decode()
        super().__init__(f"{text} {explanation}".strip())
        self.code = code


def check(code, client=None):
    """Raise unless a call succeeded; `client` explains why it did not."""
    if code < 0:
        raise Error(code, read(lib.e2ee_client_explain, client).decode() if client else "")
    return code


def make(kind, function, *arguments):
    """Call a function whose last parameter is `T **out`; the object frees itself."""
    out = ffi.new(f"e2ee_{kind} **")
    check(function(*arguments, out))
    return ffi.gc(out[0], getattr(lib, f"e2ee_{kind}_free"))


def take(owned):
    """The contents of an e2ee_bytes, which is freed."""
    if owned == ffi.NULL:
        return None
    data = ffi.buffer(lib.e2ee_bytes_data(owned), lib.e2ee_bytes_size(owned))[:]
    lib.e2ee_bytes_free(owned)
    return data


def take_from(function, *arguments):
    """Call a function whose last parameter is `e2ee_bytes **out`."""
    out = ffi.new("e2ee_bytes **")
    check(function(*arguments, out))
    return take(out[0])


def read(function, *arguments):
    """Call a getter that fills (uint8_t *out, size_t *len): ask for the size, then for the bytes."""
    size = ffi.new("size_t *")
    check(function(*arguments, ffi.NULL, size))
    out = ffi.new("uint8_t[]", size[0])
    check(function(*arguments, out, size))
    return ffi.buffer(out, size[0])[:]


def fill(kind, function, *arguments):
    """Call a getter that fills a struct of a given size."""
    out = ffi.new(f"e2ee_{kind} *")
    check(function(*arguments, out, ffi.sizeof(out[0])))
    return out
