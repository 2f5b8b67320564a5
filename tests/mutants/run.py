"""Build the library with mutants, run the tests against each of them, and tell which live on.

    run.py BUILD [--count N] [--seed S] [--jobs N] [--minutes N] [--only PATTERN] [--again] [--list]

A mutant is noticed when a test that comes past it fails or hangs; the shortest ones are tried, for
BUDGET seconds.  Those that are not noticed need a sentence in survivors.txt.  Results stay in BUILD, and a run that was cut short goes on from there.

SPDX-License-Identifier: ISC
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import mutate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GOAL = 0.97
LONG = 5  # seconds: of such tests each case counts as one
BUDGET = 90  # seconds of tests for one mutant, the shortest first
SUITES = ("unit", "vectors", "own-vectors", "libe2ee")
# What a build cannot run, or what takes long and sees nothing that the others do not.
LEFT_OUT = re.compile(r"^(bench|man|documents|layers|symbols|gates|arm|readme|ffi|header|source)$")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, help="stop after so many, and tell what is left")
    parser.add_argument("--only", default="", help="of the drawn ones, those whose file matches")
    parser.add_argument("--again", action="store_true",
                        help="try those once more that were not noticed, by tests that are new")
    parser.add_argument("--list", action="store_true", help="print the drawn ones, and end")
    return parser.parse_args()


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    return done.returncode, done.stdout


def copy(source):
    """A copy of the checkout, the work tree included, whose library can be spoiled."""
    code, names = run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"])
    if code != 0:
        sys.exit(names)
    for name in names.split("\n"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    base = source / "lib/base"
    for name in ("mutant.c", "mutant.h"):
        shutil.copy2(HERE / name, base / name)
    with (base / "meson.build").open("a") as build:
        build.write("sources += files('mutant.c')\n")


def set_up(source, binary):
    header = source / "lib/base/mutant.h"
    # A copy of headers in test programs that do not link the library has no mutants to choose.
    options = ["-Db_sanitize=address,undefined", "-Doptimization=1", "-Dbuildtype=custom",
               "-Ddebug=true", f"-Dc_args=-w -include {header}"]
    code, said = run(["meson", "setup", binary, source, *options])
    if code != 0:
        sys.exit(said)


def compiled(source, binary):
    """Files of the library that this machine compiles."""
    with (binary / "compile_commands.json").open() as file:
        commands = json.load(file)
    paths = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), source)
             for entry in commands if "e2ee-internal" in entry["output"]}
    return paths - {"lib/base/mutant.c"}


def sites(paths):
    paths = sorted(paths | {str(p.relative_to(ROOT)) for p in ROOT.glob("lib/**/*.h")})
    return [mutate.Sites(path, (ROOT / path).read_bytes()) for path in paths]


def write(files, source):
    for file in files:
        path, text = source / file.path, file.render()
        if path.read_text() != text:
            path.write_text(text)


def drop_broken(files, source, binary):
    """Build, and take out what does not compile: a pointer that is added to another, say.

    An error names a line, its own or that of the call that was inlined; all mutants there go.
    """
    dropped = 0
    while True:
        write(files, source)
        code, said = run(["ninja", "-k", "0", "-C", binary, "lib/libe2ee-internal.a"])
        if code == 0:
            return dropped
        broken = set()
        for path, line in re.findall(r"^(?:In function .*\n +inlined from .* at )?(\S+\.[ch]):(\d+)"
                                     r":\d+[:,;]", said, re.M):
            broken.add((os.path.relpath(os.path.join(binary, path), source), int(line)))
        before = dropped
        for file in files:
            for mutant in file.mutants:
                last = mutant.node.end_point[0] + 1
                if mutant.number and any(path == file.path and mutant.line <= line <= last
                                         for path, line in broken):
                    mutant.number = None
                    dropped += 1
        if dropped == before:
            sys.exit("this does not compile without a mutant:\n" + said[-4000:])


def kill(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Tests:
    """The tests of a build, how long each takes, and which mutants it comes past."""

    def __init__(self, binary, jobs):
        self.binary, self.jobs, self.lock = binary, jobs, threading.Lock()
        code, said = run(["meson", "introspect", "--tests", binary])
        if code != 0:
            sys.exit(said)
        self.tests = {}
        for test in json.loads(said):
            if not LEFT_OUT.match(test["name"]):
                self.tests[test["name"]] = test
        self.seconds, self.past = {}, collections.defaultdict(list)

    def split(self, name):
        """Take the cases of a long test, where there are several, for tests."""
        process = self.start(name, subprocess.PIPE, CK_VERBOSITY="verbose")
        said = process.communicate()[0].decode(errors="replace")
        cases = set(re.findall(r":P:([\w-]+):\w+:", said))
        if len(cases) < 2:
            return [name]
        for case in cases:
            test = self.tests[name]
            self.tests[f"{name} {case}"] = {**test, "env": {**test["env"], "CK_RUN_CASE": case}}
        del self.tests[name]
        return [f"{name} {case}" for case in sorted(cases)]

    def start(self, name, output=subprocess.DEVNULL, **environment):
        test = self.tests[name]
        environment = {**os.environ, **test["env"], **environment, "CK_TIMEOUT_MULTIPLIER": "10",
                       "ASAN_OPTIONS": "abort_on_error=0", "UBSAN_OPTIONS": "halt_on_error=1"}
        return subprocess.Popen(test["cmd"], env=environment, cwd=test["workdir"] or self.binary,
                                stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def run(self, name, limit, **environment):
        """Whether it passes in time, and the processor's seconds, of all its processes; all of them are
        gone afterwards."""
        process = self.start(name, **environment)
        alarm = threading.Timer(limit, kill, [process.pid])
        alarm.start()
        _, status, used = os.wait4(process.pid, 0)
        alarm.cancel()
        kill(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode in (0, 77), used.ru_utime + used.ru_stime

    def look(self, mutants, of):
        """Run each without a mutant, and note what it comes past.  @param of  what it holds for"""
        kept = self.binary / "look.json"
        if kept.exists():
            seen = json.loads(kept.read_text())
            if seen["of"] == of:
                self.seconds = seen["seconds"]
                self.past.update({int(number): names for number, names in seen["past"].items()})
                self.tests = seen["tests"]
                return
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(lambda name: self.look_at(name, mutants), list(self.tests)))
            for name in [name for name, seconds in self.seconds.items() if seconds > LONG]:
                list(pool.map(lambda case: self.look_at(case, mutants), self.split(name)))
        for names in self.past.values():
            names[:] = [name for name in names if name in self.tests]
            names.sort(key=self.seconds.get)
        kept.write_text(json.dumps({"of": of, "seconds": self.seconds, "past": self.past,
                                    "tests": self.tests}))

    def look_at(self, name, mutants):
        seen = self.binary / ("seen-" + re.sub(r"\W", "-", name))
        seen.unlink(missing_ok=True)
        passed, seconds = self.run(name, 900, MUTANT_SEEN=str(seen))
        if not passed:
            sys.exit(f"{name} fails without a mutant")
        bytes_seen = seen.read_bytes() if seen.exists() else b""
        seen.unlink(missing_ok=True)
        with self.lock:
            self.seconds[name] = seconds
            for mutant in mutants:
                if mutant.number < len(bytes_seen) and bytes_seen[mutant.number]:
                    self.past[mutant.number].append(name)

    def notice(self, mutant):
        """The first test that fails with this mutant, or None."""
        spent = 0
        for name in self.past[mutant.number]:
            if 0 < spent and spent + self.seconds[name] > BUDGET:
                break
            spent += self.seconds[name]
            limit = 15 + 8 * self.seconds[name]
            if not self.run(name, limit, MUTANT=str(mutant.number))[0]:
                return name
        return None


def key_of(mutant):
    return f"{mutant.file.path}:{mutant.function}: {mutant.kind}, {mutant.what}: {mutant.text}"


def sentences():
    """survivors.txt: a line of key_of(), then its sentence, indented."""
    found, key = {}, None
    for line in (HERE / "survivors.txt").read_text().split("\n"):
        if line.startswith(" ") and key:
            found[key] = (found.get(key, "") + " " + line.strip()).strip()
        elif line and not line.startswith("#"):
            key = line
    return found


def identity(options, folder="lib"):
    """Results hold for one state of the library, and for one draw."""
    digest = hashlib.sha256(f"{options.count} {options.seed}".encode())
    for path in sorted(ROOT.glob(f"{folder}/**/*.[ch]")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def hunt(tests, mutants, options, results_path, results):
    """Try every mutant that has no result yet."""
    lock, began = threading.Lock(), time.monotonic()
    todo = [m for m in mutants if key_of(m) + f" #{m.number}" not in results["noticed"]]
    random.Random(options.seed).shuffle(todo)  # so that a run that is cut short tried a fair sample
    done = 0

    def one(mutant):
        nonlocal done
        if options.minutes and time.monotonic() - began > options.minutes * 60:
            return
        name = tests.notice(mutant)
        with lock:
            done += 1
            results["noticed"][key_of(mutant) + f" #{mutant.number}"] = name
            if done % 20 == 0:
                results_path.write_text(json.dumps(results))
                lived = sum(1 for n in results["noticed"].values() if n is None)
                print(f"{done} of {len(todo)} tried, {lived} not noticed, "
                      f"{(time.monotonic() - began) / 60:.0f} min", flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, todo))
    results_path.write_text(json.dumps(results))


def report(mutants, results):
    known, kinds = sentences(), collections.Counter()
    lived, untried, unsaid = [], 0, 0
    for mutant in mutants:
        key = key_of(mutant) + f" #{mutant.number}"
        if key not in results["noticed"]:
            untried += 1
            continue
        noticed = results["noticed"][key] is not None
        kinds[mutant.kind, noticed] += 1
        if not noticed:
            lived.append(mutant)
    for kind in sorted({k for k, _ in kinds}):
        good, bad = kinds[kind, True], kinds[kind, False]
        print(f"{kind:12} {good:5} noticed {bad:4} not")
    for mutant in lived:
        if key_of(mutant) not in known:
            unsaid += 1
            print(f"{mutant.file.path}:{mutant.line}: {key_of(mutant)}")
    tried = len(mutants) - untried
    share = (tried - len(lived)) / tried if tried else 0
    print(f"{tried} mutants tried, {untried} not, {len(lived)} not noticed ({100 * share:.1f} % were), "
          f"{unsaid} of these without a sentence in tests/mutants/survivors.txt")
    return untried == 0 and unsaid == 0 and share >= GOAL


def main():
    options = arguments()
    build = options.build.resolve()
    source, binary = build / "source", build / "binary"
    build.mkdir(parents=True, exist_ok=True)
    copy(source)
    if not (binary / "build.ninja").exists():
        set_up(source, binary)
    files = sites(compiled(source, binary))
    mutants = mutate.draw(files, options.count, options.seed)
    dropped = drop_broken(files, source, binary)
    mutants = [m for m in mutants if m.number is not None and options.only in m.file.path]
    print(f"{sum(len(f.mutants) for f in files)} mutants, {len(mutants)} drawn by seed "
          f"{options.seed}, {dropped} more that do not compile", flush=True)
    if options.list:
        print("\n".join(f"{m.number} {key_of(m)}" for m in mutants))
        return
    code, said = run(["ninja", "-C", binary])
    if code != 0:
        sys.exit(said[-4000:])
    tests = Tests(binary, options.jobs)
    results = {"identity": identity(options), "noticed": {}}
    tests.look(mutants, results["identity"] + identity(options, "tests") + options.only)
    results_path = build / "results.json"
    if results_path.exists():
        earlier = json.loads(results_path.read_text())
        if earlier["identity"] == results["identity"]:
            results = earlier
    if options.again:
        results["noticed"] = {key: name for key, name in results["noticed"].items() if name}
    hunt(tests, mutants, options, results_path, results)
    if not report(mutants, results):
        sys.exit(1)


main()
