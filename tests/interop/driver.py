# An implementation of MLS in a process of its own, asked over the driver protocol: a JSON object a
# line, and one reply a line.
# SPDX-License-Identifier: ISC
import json
import os
import select
import shlex
import subprocess

PATIENCE = 120  # seconds for one reply


class Refusal(Exception):
    """What was asked was not done."""


class Unsupported(Refusal):
    """The implementation has no such operation, or its driver does not offer it."""


class Peer:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.received = b""
        hello = self.call("hello")
        self.implementation, self.suites = hello["impl"], set(hello["suites"])
        self.version = hello["version"]

    def call(self, operation, **request):
        line = json.dumps({"op": operation, **request}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Refusal(f"{self.name} has ended") from None
        reply = json.loads(self.line(operation))
        if not reply["ok"]:
            kind = Unsupported if "unsupported" in reply["error"] else Refusal
            who = request.get("client", self.name)
            raise kind(f"{who} refuses {operation}: {reply['error'][:400]}")
        return reply

    def line(self, operation):
        pipe = self.process.stdout
        while b"\n" not in self.received:
            if not select.select([pipe], [], [], PATIENCE)[0]:
                raise Refusal(f"{self.name} does not answer {operation}")
            more = os.read(pipe.fileno(), 1 << 20)
            if not more:
                raise Refusal(f"{self.name} ended at {operation}")
            self.received += more
        line, self.received = self.received.split(b"\n", 1)
        return line

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
