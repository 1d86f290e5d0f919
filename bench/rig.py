# SPDX-License-Identifier: Apache-2.0
"""The house that a measurement stands in: a private redis-server on a UNIX
socket (appendfsync always), a broker, a worker and the load, all on loopback
and on the same cores, in a folder of their own, stopped by their process ids.
What is measured in it says bench/run.

CPU is read from the kernel's accounts of each process with all its threads, so
that it holds on a machine which others use as well.
"""
import glob
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLICY = ROOT / "deploy" / "policies" / "import-bench.yaml"
START_S = 120  # for a server to come up: Redis may have a million leads to read


class Failed(Exception):
    """No valid run: said on stderr, exit code 1."""


def wait_for(what, condition, limit_s=START_S, every_s=0.02):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {limit_s} s")
        time.sleep(every_s)


def free_ports(n):
    """n free ports in a row, out of the range that the kernel hands out itself."""
    while True:
        base = random.randrange(20000, 32000, 10)
        taken = 0
        for port in range(base, base + n):
            with socket.socket() as probe:
                taken += probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            return base


def cpu_us(pid):
    ns = 0
    for account in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        ns += int(pathlib.Path(account).read_text().split()[0])
    return ns / 1000


class Load:
    """bench_load: a command is a line, its answer one JSON object."""

    def __init__(self, rig):
        self.rig = rig
        self.process = subprocess.Popen(
            [rig.programs / "bench" / "bench_load", rig.endpoint(0), rig.endpoint(1), str(rig.limit_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pids = {"source": [self.process.pid], "agents": []}

    def __call__(self, *words):
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(f"bench_load gave up at: {' '.join(map(str, words))}")
        return json.loads(answer)

    def agents(self, n, team="bench", intent="available", capacity=0):
        self.pids["agents"] = self("agents", n, team, intent, capacity)["pids"]

    def close(self):
        self.process.stdin.close()
        try:
            if self.process.wait(30) != 0:
                raise Failed("bench_load: it or its agents failed")
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("bench_load does not leave") from None


class Rig:
    def __init__(self, programs, limit_s):
        self.programs, self.limit_s = programs, limit_s
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="takt-bench-"))
        self.base = free_ports(5)
        self.servers = {}
        self.load = None

    def __enter__(self):
        try:
            self.start_redis()
            self.start_broker("--create-cell")
            self.start_worker()
            self.wait_worker()
            self.load = Load(self)
        except BaseException:
            self.__exit__(Failed)
            raise
        return self

    def __exit__(self, kind, *rest):
        try:
            if self.load and kind is None:
                self.load.close()
            elif self.load:
                self.load.process.kill()
            if kind is not None and issubclass(kind, Exception):
                self.show_logs()
        finally:
            for name in list(reversed(self.servers)):
                self.stop(name)
            shutil.rmtree(self.folder, ignore_errors=True)

    def show_logs(self):
        for log in sorted(self.folder.glob("*.log")):
            for line in log.read_text(errors="replace").splitlines()[-5:]:
                print(f"bench: {log.stem}: {line}", file=sys.stderr)

    def new_load(self):
        """Another source and crew; the one before is gone without a word."""
        self.load.process.kill()
        self.load.process.wait()
        self.load = Load(self)

    # ---- servers ------------------------------------------------------------------

    def endpoint(self, role):
        return f"tcp://127.0.0.1:{self.base + role}"

    def start(self, name, *command):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.servers[name] = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)

    def stop(self, name, how=signal.SIGTERM):
        server = self.servers.pop(name)
        server.send_signal(how)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def alive(self, name):
        if self.servers[name].poll() is not None:
            raise Failed(f"{name} left with {self.servers[name].returncode}")
        return True

    def redis(self, *command):
        done = subprocess.run(["redis-cli", "-s", self.folder / "redis", *command], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip()

    def start_redis(self):
        self.start("redis", "redis-server", "--port", 0, "--unixsocket", self.folder / "redis", "--dir", self.folder,
                   "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", 0,
                   "--maxmemory-policy", "noeviction")
        wait_for("redis-server", lambda: self.alive("redis") and self.redis("ping") == "PONG")

    def start_broker(self, *more):
        self.start("broker", self.programs / "broker" / "takt-broker", "--cell", "bench",
                   "--redis", f"unix:{self.folder}/redis", "--policy", POLICY, "--source", self.endpoint(0),
                   "--agent", self.endpoint(1), "--worker", self.endpoint(2), "--operator", self.endpoint(3),
                   "--metrics", f"127.0.0.1:{self.base + 4}", *more)

    def start_worker(self):
        self.start("worker", self.programs / "worker" / "takt-worker", "--endpoint", self.endpoint(2))

    def wait_worker(self):
        def is_there():
            try:
                return self.alive("broker") and self.metrics()["takt_workers"] > 0
            except OSError:
                return False
        wait_for("takt-broker and takt-worker", is_there)

    # ---- what can be read off it -----------------------------------------------------

    def metrics(self):
        """The broker's metrics by name, samples with labels by name{labels} and summed by name."""
        with socket.create_connection(("127.0.0.1", self.base + 4), 10) as port:
            port.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: port.recv(1 << 16), b"")).decode()
        values = {}
        for line in text.partition("\r\n\r\n")[2].splitlines():
            if line and line[0] != "#":
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
                if "{" in name:
                    plain = name.partition("{")[0]
                    values[plain] = values.get(plain, 0) + float(value)
        return values

    def waiting(self):
        return sum(n for name, n in self.metrics().items() if name.startswith("takt_leads{") and '"POOLED"' in name)

    def settle(self):
        """Until the view in Redis has caught up. Returns when: monotonic, microseconds."""
        wait_for("the view", lambda: self.metrics()["takt_view_rows_behind"] == 0, self.limit_s, 0.005)
        return time.monotonic() * 1e6

    def cpu(self):
        """CPU so far, in us, by part of the house."""
        spent = {name: cpu_us(server.pid) for name, server in self.servers.items()}
        for name, pids in self.load.pids.items():
            spent[name] = sum(map(cpu_us, pids))
        return spent

    def memory(self):
        """Bytes: the broker's resident pages, and what Redis uses with its log emptied: how long that is kept is
        another matter, and MEMORY USAGE does not know what its blocks really take."""
        self.redis("xtrim", "{bench}:log", "maxlen", "0")
        pages = int(pathlib.Path(f"/proc/{self.servers['broker'].pid}/statm").read_text().split()[1])
        info = dict(line.split(":", 1) for line in self.redis("info", "memory").splitlines() if ":" in line)
        return {"broker": pages * os.sysconf("SC_PAGESIZE"), "redis": int(info["used_memory"])}

    def check(self, waiting=0):
        """Each lead has exactly one owner or waits. Returns the share that was decided without the worker."""
        found, metrics = self.load("check"), self.metrics()
        scored, plain = metrics["takt_decisions_scored_total"], metrics["takt_decisions_plain_total"]
        share = plain / (scored + plain) if scored + plain else 0
        if found["sent"] != found["accepted"] + waiting or self.waiting() != waiting:
            raise Failed(f"conservation: {found['sent']} sent, {found['accepted']} accepted, {waiting} should wait, "
                         f"{self.waiting():.0f} do")
        return {"fallback_share": round(share, 4)}
