#!/usr/bin/env python3
# Run the conversations with all peers, in both roles, and histories that they share; then print a
# table.  tests/interop.sh prepares the folder in which that is done.
#
#   matrix.py FOLDER [--peer NAME=COMMAND]... [--only NAME]... [--seed N] [--seeds N] [--steps N]
# SPDX-License-Identifier: ISC
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

from faults import Faults

HERE = os.path.dirname(os.path.abspath(__file__))
OURS, RELOADED = "./L", "./LR"
NPM_PEERS = {"ts-mls": "npm", "core-crypto": "cc"}
MINUTE = 60  # seconds
KEY_PACKAGES = 200

# What a driver says of an operation that its implementation does not have.
NO_SUCH_THING = re.compile(
    r"unsupported|unknown op |unknown proposal type|B\.\w+ is not a function")


class Check:
    def __init__(self, outcome, name, detail=""):
        self.outcome, self.name, self.detail = outcome, name, detail
        if outcome == "failed" and NO_SUCH_THING.search(detail):
            self.outcome = "skipped"


class Conversation:
    """A program that talks to a peer and prints what came of it."""

    def __init__(self, peer, script, title, command, read, limit=5 * MINUTE):
        self.peer, self.script, self.title = peer, script, title
        self.command, self.read, self.limit = command, read, limit
        self.output, self.rows = "", {}

    def run(self, folder, running):
        process = subprocess.Popen(self.command, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, "V": "1"}, start_new_session=True)
        running.add(process)
        try:
            self.output, _ = process.communicate(timeout=self.limit)
            self.rows = self.read(self, self.output)
        except subprocess.TimeoutExpired:
            self.rows = {self.title: [Check("failed", "the whole conversation", "out of time")]}
        finally:
            end(process)
            running.discard(process)

    def ended(self, pattern):
        """Whether the last line is the sum that a conversation prints at its end."""
        lines = self.output.splitlines() or [""]
        if re.search(pattern, lines[-1]):
            return []
        return [Check("failed", "the whole conversation", "broke off: " + " ".join(lines[-12:]))]


def end(process):
    """End a program with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


OUTCOMES = {"ok": "passed", "FAIL": "failed", "skip": "skipped"}
SUM = r"\d+ (passed|comparisons), \d+ failed"


def read_line(line):
    found = re.match(r"\s*(ok|FAIL|skip) +(.*)", line)
    if not found:
        return None
    if found[1] == "skip" and line.endswith(")"):  # NAME (REASON), of others NAME: REASON
        name, _, detail = found[2][:-1].rpartition(" (")
    else:
        name, _, detail = found[2].partition(": ")
    return Check(OUTCOMES[found[1]], name, detail)


def read_lines(conversation, output):
    checks = list(filter(None, map(read_line, output.splitlines())))
    return {conversation.title: checks + conversation.ended(SUM)}


def read_suites(conversation, output):
    """Checks under a heading for each suite."""
    rows, title = {}, None
    for line in output.splitlines():
        heading = re.match(r"suite (\d+): (.*)", line)
        if heading:
            title = f"{conversation.title}, suite {heading[1]}"
            rows[title] = [Check("skipped", "the suite", heading[2])] \
                if "skipped" in heading[2] else []
        check = read_line(line)
        if check:
            rows[title].append(check)
    broken = conversation.ended(SUM)
    return {**rows, conversation.title: broken} if broken else rows


def read_one(good):
    """A program with one result."""
    def read(conversation, output):
        line = (output.splitlines() or [""])[-1]
        outcome = "passed" if re.search(good, line) else "failed"
        return {conversation.title: [Check(outcome, conversation.title, line)]}
    return read


def read_lifetimes(conversation, output):
    """The second line repeats the first with another clock: it counts if the first was refused."""
    lines = [line for line in output.splitlines() if line.startswith("commit read")]
    checks = [Check("failed" if "REFUSED" in line else "passed", *line.split(":", 1))
              for line in lines]
    return {conversation.title: checks if len(checks) == 2 else conversation.ended("no result")}


def key_package_rule(command):
    """Whether key packages list the extensions that they carry."""
    ask = 'echo \'{"op":"client","suite":1}\'; ' \
          f'for i in $(seq {KEY_PACKAGES}); do echo \'{{"op":"keypackage"}}\'; done'
    return ["sh", "-c", f"{{ {ask}; }} | {command} | python3 kp-extensions.py"]


def conversations(name, command):
    """All with one peer."""
    def node(script, title, *arguments, read=read_lines):
        return Conversation(name, script.split(".")[0], title, ["node", script, *arguments], read)

    suites = ",".join(map(str, range(1, 8)))
    yield node("interop.mjs", "libe2ee creates", OURS, command, suites, read=read_suites)
    yield node("interop.mjs", "libe2ee joins", command, OURS, suites, read=read_suites)
    if name != "core-crypto":
        yield node("extras.mjs", "extras", OURS, command)
        yield node("order.mjs", "late and early messages", OURS, command)
        yield node("clock.mjs", "fresh key packages", command, "200", read=read_one("^0 of"))
    yield node("lastresort.mjs", "last resort key package", command, read=read_one("accepted"))
    if name != "ts-mls":  # nobody joins it from outside
        yield node("grease.mjs", "GREASE", command, read=read_one(" 0 failed"))
    yield node("root-filtered.mjs", "libe2ee removes a subtree", OURS, command,
               read=read_one("agree$"))
    yield node("root-filtered.mjs", "the peer removes a subtree", command, OURS,
               read=read_one("agree$"))


def conversations_reloaded(name, command):
    """With libe2ee saving, freeing and loading everything all the time."""
    for title, pair in (("reloaded, creates", (RELOADED, command)),
                        ("reloaded, joins", (command, RELOADED))):
        yield Conversation(name, "interop", title, ["node", "interop.mjs", *pair, "1,2"],
                           read_suites)


def conversations_with_certificates(command, folder):
    if shutil.which("openssl"):
        make_certificates(os.path.join(folder, "certificates"))
        yield Conversation("mls-rs", "x509", "X.509",
                           ["node", "x509.mjs", OURS, command, "certificates"], read_lines)


def make_certificates(folder):
    """An authority and members a to d, Ed25519 and P-256."""
    os.makedirs(folder, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with open(os.path.join(folder, "leaf.cnf"), "w") as file:
        file.write("keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
    for kind, key in (("ed", ["ed25519"]), ("p256", ["ec", "-pkeyopt",
                                                     "ec_paramgen_curve:P-256"])):
        ca = f"ca-{kind}"
        openssl("req", "-x509", "-newkey", *key, "-nodes", "-days", "9", "-subj", "/CN=authority",
                "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
        openssl("x509", "-in", f"{ca}.pem", "-outform", "DER", "-out", f"{ca}.der")
        for member in "abcd":
            name = f"{member}-{kind}"
            openssl("req", "-newkey", *key, "-nodes", "-subj", f"/CN={member}", "-keyout",
                    f"{name}.pem", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey",
                    f"{ca}.key", "-CAcreateserial", "-days", "9", "-extfile", "leaf.cnf",
                    "-outform", "DER", "-out", f"{name}.der")
            openssl("pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.pem", "-outform", "DER", "-out",
                    f"{name}.key.der")


def histories(arguments, cargo_peers):
    """Groups of the implementations that take part in everything."""
    shared = {"libe2ee": OURS, "reloaded": RELOADED, "ts-mls": "node peer-ts-mls.mjs npm",
              **cargo_peers}
    pairs = [["libe2ee", "reloaded", name] for name in cargo_peers]
    for names in [list(shared)] + (pairs if arguments.seed is None else []):
        seeds = ["--seed", "1", "--seeds", str(arguments.seeds)]
        if arguments.seed is not None:
            seeds = ["--seed", str(arguments.seed)]
        yield Conversation(
            " + ".join(name for name in names if name not in ("libe2ee", "reloaded")),
            "histories", "histories",
            ["python3", "-B", os.path.join(HERE, "histories.py"), *seeds, "--steps",
             str(arguments.steps), *(f"{name}={shared[name]}" for name in names)],
            read_lines, limit=60 * MINUTE)


def all_conversations(arguments, cargo_peers):
    if arguments.seed is None:
        for name, command in {**NPM_PEERS, **cargo_peers}.items():
            yield from conversations(name, command)
        yield from conversations_reloaded("ts-mls", "npm")
        if "mls-rs" in cargo_peers:
            yield from conversations_reloaded("mls-rs", cargo_peers["mls-rs"])
            yield from conversations_with_certificates(cargo_peers["mls-rs"], arguments.folder)
        yield Conversation("davey", "davey", "DAVE", ["node", "test-davey-peer.mjs", OURS],
                           read_lines)
        yield Conversation("ts-mls", "lifetime", "lifetimes", ["node", "lifetime.mjs", OURS],
                           read_lifetimes)
        yield Conversation("-", "kp-extensions", "extensions of key packages",
                           key_package_rule(OURS), read_one("^0 of"))
    yield from histories(arguments, cargo_peers)


def excuse(faults, conversation, check):
    """A failure that is a peer's own fault is no failure."""
    if check.outcome == "failed":
        fault = faults.find(conversation.peer, conversation.script,
                            f"{check.name}: {check.detail}")
        if fault:
            check.outcome, check.detail = "skipped", f"{conversation.peer}: {fault.sentence}"


def reasons(checks):
    """Why checks were skipped, each reason once."""
    why = {}
    for check in checks:
        if check.outcome == "skipped":
            reason = re.sub(r"^\S+\.(\w+): (\w*Error: )?", r"\1: ", check.detail)
            reason = re.sub(r"B\.\w+ is not a function", "unsupported", reason)
            reason = reason.split(" {")[0] or check.name
            why[reason] = why.get(reason, 0) + 1
    return "; ".join(reason if count == 1 else f"{count}× {reason}"
                     for reason, count in why.items())


def count(checks, outcome):
    return sum(check.outcome == outcome for check in checks)


def merged(rows):
    """Rows of several suites that say the same are one: what, then passed, failed, skipped, why."""
    lines = {}
    for title, checks in rows.items():
        what, _, suite = title.partition(", suite ")
        result = [count(checks, outcome) for outcome in ("passed", "failed", "skipped")]
        lines.setdefault((what, *result, reasons(checks)), []).append(suite)
    for (what, *result, why), suites in lines.items():
        if suites != [""]:
            what += f", suite{'s' if len(suites) > 1 else ''} {' '.join(suites)}"
            why = "each: " + why if why and len(suites) > 1 else why
        yield [what, *(number * len(suites) for number in result), why]


def print_table(done):
    line = "{:<22} {:<40} {:>6} {:>6} {:>7}  {}"
    print("\n" + line.format("peer", "what", "passed", "failed", "skipped", "why skipped"))
    for conversation in done:
        for row in merged(conversation.rows):
            print(line.format(conversation.peer, *row).rstrip())


def print_failures(done):
    for conversation in done:
        failed = [(title, check) for title, checks in conversation.rows.items()
                  for check in checks if check.outcome == "failed"]
        if failed and conversation.script == "histories":
            print(conversation.output)
        for title, check in failed:
            print(f"FAILED: {conversation.peer}, {title}: {check.name}: {check.detail[:600]}")


def print_mended(faults, done):
    """Faults that the conversations should have met."""
    ran = {(conversation.peer, conversation.script) for conversation in done}
    for fault in faults.all:
        if not fault.met and fault.script != "histories" and (fault.peer, fault.script) in ran:
            print(f"This fault occurs no more, take it out of faults.txt: {fault}")


def run_all(work, folder):
    running, lock, left = set(), threading.Lock(), [len(work)]

    def stop(number, _):
        for process in list(running):
            end(process)
        os._exit(128 + number)

    def run(conversation):
        conversation.run(folder, running)
        with lock:
            left[0] -= 1
            print(f"{conversation.peer}: {conversation.title}: done, {left[0]} left", flush=True)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in [pool.submit(run, conversation) for conversation in work]:
            future.result()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="these peers or conversations only")
    parser.add_argument("--seed", type=int, help="run this history only")
    parser.add_argument("--seeds", type=int, default=4, help="histories of each set of peers")
    parser.add_argument("--steps", type=int, default=60, help="of each history")
    arguments = parser.parse_args()
    cargo_peers = dict(peer.split("=", 1) for peer in arguments.peer)
    work = [conversation for conversation in all_conversations(arguments, cargo_peers)
            if not arguments.only or {conversation.peer, conversation.script} & set(arguments.only)]
    run_all(work, arguments.folder)

    faults = Faults()
    checks = []
    for conversation in work:
        for row in conversation.rows.values():
            for check in row:
                excuse(faults, conversation, check)
            checks += row
    print_table(work)
    print()
    print_failures(work)
    print_mended(faults, work)
    failed = count(checks, "failed")
    print(f"{count(checks, 'passed')} passed, {failed} failed, {count(checks, 'skipped')} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
