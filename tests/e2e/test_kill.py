# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each part, and a power cut, in the middle of an import with agents at work.

Afterwards, every time: nothing that was acknowledged is lost, nothing unexpected
is there, no lead ever had two believed owners, the same import again makes no
second lead, the store is whole, and leads moved again within the promised time.

    test_kill.py [--seed S] [--rounds N] [NAME...]      TAKT_KILL_ROUNDS=20 for the long run
"""
import csv
import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import time

from harness import BUILD, IN_HAND, MAP, PROBE, Cell, Program, expect, main, mono_us, wait_for

HEARTBEAT, LEASE, GUARD, GRACE = 0.5, 2.0, 0.4, 1.0   # policy.yaml
WORKER_BACK = 2 * HEARTBEAT + 1
BROKER_BACK = 3.0
REDIS_BACK = 2.0
SOURCE_BACK = 1.0
RESTART = 1.0          # takt up has a dead child running again within this
AGENT_BACK = LEASE + GUARD + GRACE
LOOK = 0.5             # what one look at the status may take on a busy machine
ROWS, RATE, PROBE_ROWS, PROBE_RATE = 3000, 500, 1800, 300


class Load:
    """An import at a limited rate, a source that writes its receipts down, and crews."""

    def __init__(self, cell, rng):
        self.cell = cell
        self.leads = cell.generate(ROWS, rng.randrange(1000))
        self.sent_ids = self.ids_of(self.leads, "web")
        crews = {"north": 15, "south": 15, "desk": 15, "east": 10, "west": 10}
        self.crews = [cell.crew(team, "--team", team, "--agents", str(n), "--act-ms", "20", "--seed",
                                str(rng.randrange(1000)), *(["--pull"] if team == "desk" else []))
                      for team, n in crews.items()]
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) >= sum(crews.values()), 15,
                 "the crews are there")
        self.start_import()
        self.probes = {source: None for source in ("purchased", "partner")}
        for source in self.probes:
            self.start_probe(source)

    @staticmethod
    def ids_of(path, source):
        """Ids of all rows that have a key: what could become a lead."""
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            keys = [row[0].encode(errors="surrogateescape") for row in list(csv.reader(file))[1:]]
        return {hashlib.blake2b(source.encode() + b"\0" + key, digest_size=16).hexdigest() for key in keys}

    def start_import(self):
        self.importer = self.cell.background(f"import-{mono_us()}", "import", self.leads, "--map", MAP, "--source",
                                             "web", "--rate", str(RATE), "--json")

    def start_probe(self, source):
        program = Program([PROBE, self.cell.endpoint("source"), source, source[:7], str(PROBE_ROWS), str(PROBE_RATE),
                           self.receipts(source)], self.cell.path(f"probe-{source}-{mono_us()}"))
        self.cell.programs.append(program)
        self.probes[source] = program

    def receipts(self, source):
        return self.cell.path(source + ".receipts")

    def acknowledged(self):
        """Lead ids that a receipt named, as the probes wrote them down."""
        ids = set()
        for source in self.probes:
            with open(self.receipts(source)) as file:
                for line in file:
                    lead, outcome = line.split()
                    expect(outcome in ("OK", "DUPLICATE_KEY"), f"{lead}: {outcome}")
                    ids.add(lead)
        return ids

    def receipt_lines(self):
        return sum(os.path.getsize(self.receipts(source)) for source in self.probes) // len(f"{'0' * 32} OK\n")

    def strike_in_the_middle(self, rng):
        """Wait for a chosen part of the import; returns how much of it was in, and that is between 5 and 95 %."""
        part = rng.uniform(0.15, 0.75)
        def far_enough():
            row = next(row for row in self.cell.ask("status") if row["programme"] == "fresh")
            return row["received"] / ROWS if row["received"] >= part * ROWS else None
        landed = wait_for(far_enough, 60, "the import is in its middle", pause=0.01)
        expect(0.05 < landed < 0.95, f"the kill would land at {landed:.0%}")
        expect(self.importer.is_running(), "the import runs")
        return landed


def progress(cell):
    """Decisions and leads received so far; None while nobody answers."""
    done = cell.run("status", "--json", "--timeout", "300", check=False)
    if done.returncode != 0:
        return None
    rows = json.loads(done.stdout)
    return {name: sum(row[name] for row in rows) for name in ("scored", "plain", "received")}


def moving_again(cell, since, bound, *columns):
    """Leads move: every one of the columns rises against its first value after the fault. Returns seconds."""
    began = None
    while True:
        now = progress(cell)
        if now and began is None:
            began = now
        if began and all(now[name] > began[name] for name in columns):
            return time.monotonic() - since
        expect(time.monotonic() - since < bound + LOOK, f"leads do not move within {bound:.1f} s: {began} {now}")
        time.sleep(0.02)


def finish(cell, load):
    """Let everything come to rest, then judge. Returns the number of leads."""
    expect(load.importer.wait(90) == 0, f"the import ended badly: {load.importer.tail()}")
    for source, probe in load.probes.items():
        expect(probe.wait(90) == 0, f"the probe {source} ended badly: {probe.tail()}")
    wait_for(lambda: cell.total("waiting", *IN_HAND) == 0, 60, "every lead is worked on", pause=0.2)
    said = load.importer.json()
    again = json.loads(cell.run("import", load.leads, "--map", MAP, "--source", "web", "--json").stdout)
    expect(said["unanswered"] == 0 and again["new"] == 0, f"the import again: {again}")
    expect(again["accepted"] == said["accepted"], f"once {said}, again {again}")
    for crew in load.crews:
        if crew.is_running():
            crew.end()
    cell.run("fsck", "--orphans")
    states = set(cell.states())
    acknowledged = load.acknowledged()
    expect(len(acknowledged) == 2 * PROBE_ROWS, f"{len(acknowledged)} of {2 * PROBE_ROWS} rows acknowledged to the probes")
    expect(acknowledged <= states, f"{len(acknowledged - states)} acknowledged leads are lost")
    expect(states <= acknowledged | load.sent_ids, f"{len(states - acknowledged - load.sent_ids)} leads that nobody sent")
    expect(len(states) == len(acknowledged) + said["accepted"],
           f"{len(states)} leads, {len(acknowledged)} + {said['accepted']} acknowledged")
    beliefs = cell.run("crew-check", *cell.diaries(), check=False)
    expect(beliefs.returncode == 0, f"crew-check: {beliefs.stdout} {beliefs.stderr}")
    return len(states)


def said(landed, took, leads):
    return f"killed at {landed:.0%} of the import, moving again after {took:.2f} s, {leads} leads"


def worker(rng):
    with Cell() as cell:
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        killed = cell.kill_child("takt-worker")
        took = moving_again(cell, killed, WORKER_BACK, "scored", "received")
        return said(landed, took, finish(cell, load))


def broker(rng):
    with Cell() as cell:
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        killed = cell.kill_child("takt-broker")
        took = moving_again(cell, killed, RESTART + BROKER_BACK, "scored", "received")
        return said(landed, took, finish(cell, load))


def redis_answers(path):
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(0.5)
            link.connect(path)
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def redis(rng):
    with Cell() as cell:
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        cell.kill_child("redis-server")
        wait_for(lambda: redis_answers(os.path.join(cell.dir, "redis.sock")), 10, "Redis answers", pause=0.005)
        took = moving_again(cell, time.monotonic(), REDIS_BACK, "scored", "received")
        return said(landed, took, finish(cell, load))


def agents(rng):
    """Agents that hold accepted leads die; their leads go to others, not before their validity is over."""
    with Cell() as cell:
        victims = cell.crew("victims", "--team", "north", "--agents", "5", "--mode", "accept-only")
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        wait_for(lambda: held_by(cell, "victims-") > 0, 10, "the victims hold leads")
        held = held_by(cell, "victims-")
        cell.note_kill("victims", victims.kill())
        killed = time.monotonic()
        wait_for(lambda: held_by(cell, "victims-") == 0, AGENT_BACK + LOOK, f"the {held} leads of dead agents are taken")
        took = time.monotonic() - killed
        return f"{held} leads taken from the dead; " + said(landed, took, finish(cell, load))


def held_by(cell, prefix):
    return sum(row["offered"] + row["owned"] + row["working"] + row["wrap_up"] for row in cell.ask("agents")
               if row["agent"].startswith(prefix))


def importer(rng):
    """The importer and the probes die; each begins anew and asks the same again."""
    with Cell() as cell:
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        for program in (load.importer, *load.probes.values()):
            program.kill()
        killed = time.monotonic()
        early, lines = load.acknowledged(), load.receipt_lines()
        load.start_import()
        for source in list(load.probes):
            load.start_probe(source)
        wait_for(lambda: load.receipt_lines() > lines, SOURCE_BACK, "a source that begins anew is answered")
        took = time.monotonic() - killed
        leads = finish(cell, load)
        expect(load.importer.json()["known"] > 0, "the second import found the first one's chunks")
        expect(early <= load.acknowledged(), "what was acknowledged once is acknowledged again, as the same leads")
        return said(landed, took, leads)


def power(rng):
    """All processes of the machine die at once, and Redis' files keep what was synced, nothing more."""
    with Cell(path_first=power_wrapper(rng.choice((5, 10, 20)))) as cell:
        load = Load(cell, rng)
        landed = load.strike_in_the_middle(rng)
        pids = [cell.child(name) for name in ("redis-server", "takt-broker", "takt-worker")]
        os.kill(cell.up.pid, signal.SIGSTOP)       # or it would start again what dies first
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        cell.up.kill()
        cut = cut_files(os.path.join(cell.dir, "redis", "appendonlydir"))
        killed = time.monotonic()
        cell.start()
        took = moving_again(cell, killed, RESTART + BROKER_BACK, "scored", "received")
        return f"{cut} bytes not synced; " + said(landed, took, finish(cell, load))


def power_wrapper(sync_ms):
    """A folder with a redis-server that notes what was synced, on a disk as slow as a disk is: tests/fault/power.c."""
    folder = os.path.join(BUILD, "tests", "fault", "power-path")
    os.makedirs(folder, exist_ok=True)
    wrapper = os.path.join(folder, "redis-server")
    shim, real = os.path.join(BUILD, "tests", "fault", "power_shim.so"), shutil.which("redis-server")
    expect(os.path.exists(shim) and real, f"{shim} is built and redis-server installed")
    with open(wrapper, "w") as file:
        file.write(f'#!/bin/sh\nexec env LD_PRELOAD={shim} FSYNC_DELAY_MS={sync_ms} {real} "$@"\n')
    os.chmod(wrapper, os.stat(wrapper).st_mode | stat.S_IXUSR)
    return folder


def cut_files(folder):
    """Cut each append-only file to the size that was synced last; returns the bytes cut."""
    cut = 0
    for name in os.listdir(folder):
        note = os.path.join(folder, name + ".synced")
        if name.endswith(".synced") or not os.path.exists(note):
            continue
        path = os.path.join(folder, name)
        with open(note) as file:
            synced = int(file.read())
        cut += max(0, os.path.getsize(path) - synced)
        os.truncate(path, min(synced, os.path.getsize(path)))
    return cut


if __name__ == "__main__":
    main({test.__name__: test for test in (worker, broker, redis, agents, importer, power)},
         rounds=int(os.environ.get("TAKT_KILL_ROUNDS", "1")))
