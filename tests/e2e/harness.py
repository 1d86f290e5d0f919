# SPDX-License-Identifier: Apache-2.0
"""Real processes for the tests of rings e2e and fault: standard library only.

A Cell is one `takt up` in a folder of its own. Everything waits for a condition
with a bound, nothing sleeps to hope, and processes are ended by their id. The
programs come from the build folder named by TAKT_BUILD.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("TAKT_BUILD", os.path.join(ROOT, "build", "release")))
TAKT = os.path.join(BUILD, "cli", "takt")
PROBE = os.path.join(BUILD, "tests", "e2e", "source_probe")
POLICY = os.path.join(ROOT, "tests", "e2e", "policy.yaml")
MAP = os.path.join(ROOT, "deploy", "maps", "generated.yaml")
IN_HAND = ("offered", "owned", "working", "wrap_up", "revoking")
CLOSED = ("won", "lost", "invalid", "suppressed", "exhausted")


class Failed(Exception):
    """A test's expectation that did not hold."""


def expect(holds, text):
    if not holds:
        raise Failed(text)


def mono_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def wait_for(condition, seconds, what, pause=0.02):
    """Return the first true value of condition(); Failed when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(pause)


def children_of(pid):
    """{pid: argv} of the living children of a process."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = file.read().split(b"\0")[:-1]
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found[int(name)] = [word.decode(errors="replace") for word in argv]
    return found


def stranger():
    """The module of the client that knows only the protocol's page, with the classes of takt.proto made here and now.
    Where Debian's modules for it are missing the test is skipped."""
    try:
        import google.protobuf  # noqa: F401
        import zmq  # noqa: F401
    except ImportError as missing:
        print(f"skipped: {missing}; deploy/packages.txt names Debian's package, which /usr/bin/python3 finds")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="takt-pb2-") as folder:
        subprocess.run(["protoc", f"--python_out={folder}", "-I", os.path.join(ROOT, "proto"), "takt.proto"], check=True)
        sys.path.insert(0, folder)
        import stranger_client
        sys.path.remove(folder)
    return stranger_client


class Program:
    """A process of ours in the background; its output in files."""

    def __init__(self, argv, log, env=None):
        self.argv, self.log = argv, log
        self.out = open(log + ".out", "w")
        self.err = open(log + ".err", "w")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=env)
        self.pid = self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()
        return mono_us()

    def end(self, seconds=15):
        """Ask it to end; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(seconds)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{os.path.basename(self.argv[0])} {self.argv[1]} did not end in {seconds} s; {self.tail()}") from None
        finally:
            self.out.close()
            self.err.close()

    def is_running(self):
        return self.process.poll() is None

    def output(self):
        with open(self.log + ".out") as file:
            return file.read()

    def tail(self):
        with open(self.log + ".err") as file:
            return file.read()[-2000:].strip()

    def json(self):
        return json.loads(self.output())


class Cell:
    """One `takt up`, its folder, and what tests do with it."""

    def __init__(self, policy=POLICY, workers=1, path_first=None, up_args=()):
        self.folder = tempfile.mkdtemp(prefix="takt-e2e-")
        self.dir = os.path.join(self.folder, "cell")
        self.policy, self.workers, self.path_first, self.up_args = policy, workers, path_first, up_args
        self.up, self.programs, self.ups = None, [], 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        for program in self.programs:
            if program.is_running():
                program.kill()
        if self.up and self.up.is_running():
            self.up.process.terminate()
            try:
                self.up.process.wait(30)
            except subprocess.TimeoutExpired:
                self.up.kill()
        if kind is not None and os.environ.get("TAKT_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    # -- up and down

    def start(self):
        self.ups += 1
        env = dict(os.environ)
        if self.path_first:
            env["PATH"] = self.path_first + ":" + env["PATH"]
        ready = self.path(f"ready-{self.ups}")
        self.up = Program([TAKT, "up", "--dir", self.dir, "--policy", self.policy, "--workers", str(self.workers),
                           "--ready-file", ready, *self.up_args], self.path(f"up-{self.ups}"), env)
        wait_for(lambda: os.path.exists(ready) or not self.up.is_running(), 40, "takt up is ready")
        expect(self.up.is_running(), f"takt up ended: {self.up.tail()}")

    def stop(self):
        code = self.up.end(30)
        expect(code == 0, f"takt up ended with {code}: {self.up.tail()}")

    def child(self, name):
        """The pid of redis-server, takt-broker or takt-worker; None while it is away."""
        for pid, argv in children_of(self.up.pid).items():
            if argv and os.path.basename(argv[0].split()[0]).startswith(name):
                return pid
        return None

    def kill_child(self, name):
        """kill -9; returns the instant."""
        pid = wait_for(lambda: self.child(name), 5, f"{name} runs")
        os.kill(pid, signal.SIGKILL)
        at = time.monotonic()
        wait_for(lambda: self.child(name) != pid, 5, f"{name} is gone", pause=0.001)
        return at

    # -- commands

    def run(self, *args, seconds=60, check=True):
        """One command of takt; returns the finished process."""
        done = subprocess.run([TAKT, *args], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
                              env={**os.environ, "TAKT_DIR": self.dir})
        if check:
            expect(done.returncode == 0, f"takt {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()[-1500:]}")
        return done

    def ask(self, *args, seconds=60):
        """A query's rows, as a list of objects."""
        return json.loads(self.run(*args, "--json", seconds=seconds).stdout)

    def total(self, *columns):
        """Sum of columns of the status over the programmes."""
        return sum(row[column] for row in self.ask("status") for column in columns)

    def fields(self, *args):
        """An answer of fields and values, a row each, as an object."""
        return {row["field"]: row["value"] for row in self.ask(*args)}

    def fsck(self, *args, seconds=0):
        """What fsck tells of the stored state, in which it must find nothing, at the latest after so long."""
        end = time.monotonic() + seconds
        while True:
            done = self.run("fsck", "--json", *args, check=False, seconds=120)
            if done.returncode == 0:
                return json.loads(done.stdout)
            expect(time.monotonic() < end, f"fsck {args}: exit {done.returncode}: {done.stdout[-800:]} {done.stderr[-400:]}")
            time.sleep(0.05)

    def states(self, seconds=0):
        """{id: state} of all leads that are stored."""
        self.fsck("--states", self.path("states.txt"), seconds=seconds)
        with open(self.path("states.txt")) as file:
            return dict(line.split() for line in file)

    def settled(self):
        """The digest once nothing changes any more."""
        def same():
            first = self.fsck("--digest")["digest"]
            return first if first == self.fsck("--digest")["digest"] else None
        return wait_for(same, 30, "the state settles", pause=0.2)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.endpoint('metrics')}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def metric(self, name):
        """The sum of its samples, whatever their labels."""
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.metrics(), re.M)
        expect(values, f"there is a metric {name}")
        return sum(map(float, values))

    def endpoint(self, role):
        with open(os.path.join(self.dir, "endpoints")) as file:
            return dict(line.split(None, 1) for line in file)[role].strip()

    def generate(self, leads, seed, name="leads.csv"):
        self.run("generate", "--leads", str(leads), "--seed", str(seed), "--out", self.path(name))
        return self.path(name)

    def take_in(self, leads, seed, source="web"):
        """Generated leads, imported; what the import says."""
        said = self.ask("import", self.generate(leads, seed, f"{source}-{seed}.csv"), "--map", MAP, "--source", source)
        expect(said["unanswered"] == 0, f"the import said {said}")
        expect(said["accepted"] > 0.9 * leads - (2 if leads < 50 else 0), f"a few of a hundred are dirt, and no more: {said}")
        return said

    def background(self, name, *args):
        program = Program([TAKT, *args, "--dir", self.dir], self.path(name))
        self.programs.append(program)
        return program

    def crew(self, name, *args):
        return self.background(name, "crew", "--prefix", name, "--json", "--belief", self.path(name + ".belief"), *args)

    def note_kill(self, name, at_us):
        """Tell a diary that its writer was killed, so that what it showed ends there."""
        with open(self.path(name + ".belief"), "a") as file:
            file.write(f"! {at_us}\n")

    def diaries(self):
        return [self.path(name) for name in sorted(os.listdir(self.folder)) if name.endswith(".belief")]


class Agent:
    """A `takt agent --script`: says words, hears events."""

    def __init__(self, cell, name, team, intent="available", *more):
        self.name, self.heard = name, []
        self.process = subprocess.Popen([TAKT, "agent", name, "--team", team, "--intent", intent, "--script", "--dir",
                                         cell.dir, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""
        cell.programs.append(self)
        self.hear("connected")

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def say(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()

    def read(self):
        while True:
            bytes_ = self.process.stdout.read()
            if not bytes_:
                return
            *lines, self.rest = (self.rest + bytes_).split(b"\n")
            self.heard += [json.loads(line) for line in lines]

    def hear(self, event, seconds=10):
        """The next event of this kind; others stay to be heard."""
        def found():
            self.read()
            for i, one in enumerate(self.heard):
                if one["event"] == event:
                    return self.heard.pop(i)
            return None
        return wait_for(found, seconds, f"{self.name} hears {event}")

    def ask(self, words, event):
        self.say(words)
        return self.hear(event)


    def work_off(self, lead, disposition="not-interested no"):
        """From its offer to its end."""
        for words in (f"accept {lead}", f"act {lead}", f"end {lead}", f"dispose {lead} {disposition}"):
            expect(self.ask(words, "acted")["reason"] == "OK", f"{self.name} says {words}")


class Redis:
    """A redis-server of our own on the files of a stopped cell, or that of a running one; and its protocol."""

    def __init__(self, cell, runs=False):
        self.path = os.path.join(cell.dir, "redis.sock")
        if runs:
            wait_for(self.connect, 5, "Redis answers")
            return
        self.server = subprocess.Popen([shutil.which("redis-server"), os.path.join(cell.dir, "redis.conf")],
                                       stdout=subprocess.DEVNULL)
        cell.programs.append(self)
        wait_for(self.connect, 10, "Redis answers")

    def connect(self):
        self.link = socket.socket(socket.AF_UNIX)
        try:
            self.link.connect(self.path)
            self.file = self.link.makefile("rb")
            return self("PING") == b"PONG"
        except OSError:
            self.link.close()
            return False

    def is_running(self):
        return self.server.poll() is None

    def kill(self):
        self.file.close()
        self.link.close()
        self.server.kill()
        self.server.wait()

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            value = self.file.read(int(rest) + 2)[:-2]
            return value
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return rest


def run_test(name, test, seed):
    """One line a test: PASS or FAIL, with its seed; and one for tests/tally.py. Returns whether it passed."""
    began = time.monotonic()
    try:
        said = test(random.Random(seed)) or ""
        verdict = "PASS"
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        verdict, said = "FAIL", str(failure)
    except Exception as failure:  # a mistake in the test itself, or an answer of a form not expected
        traceback.print_exc()
        verdict, said = "FAIL", repr(failure)
    print(f"{verdict} {name} seed={seed} {time.monotonic() - began:.1f} s {said}".rstrip(), flush=True)
    print(f"[{'       OK' if verdict == 'PASS' else '  FAILED '} ] {name}_seed_{seed}", flush=True)
    return verdict == "PASS"


def main(tests, rounds=1):
    """`program [--seed S] [--rounds N] [NAME...]`: run the tests, each N times with seeds S, S+1, ..."""
    args, seed = sys.argv[1:], 1
    names = []
    while args:
        word = args.pop(0)
        if word == "--seed":
            seed = int(args.pop(0))
        elif word == "--rounds":
            rounds = int(args.pop(0))
        else:
            names.append(word)
    chosen = {name: test for name, test in tests.items() if not names or name in names}
    passed = [run_test(name, test, seed + i) for name, test in chosen.items() for i in range(rounds)]
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if passed and all(passed) else 1)
