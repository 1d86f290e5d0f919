# SPDX-License-Identifier: Apache-2.0
"""`takt fsck` finds by name what is planted in a real Redis, and finds nothing where nothing is wrong,
beside a living broker, too."""
import json
import os
import struct
import subprocess

from harness import BUILD, MAP, ROOT, Cell, Redis, expect, main, wait_for

SEAL = os.path.join(BUILD, "tests", "e2e", "seal_row")
BENCH = os.path.join(ROOT, "deploy", "policies", "import-bench.yaml")
POOLED, CLOSED_WON = 3, 16


class Planted:
    """Keys that are put back as they were when the block is over."""

    def __init__(self, redis, *keys):
        self.redis, self.keys = redis, keys

    def __enter__(self):
        self.kept = {key: self.redis("DUMP", key) for key in self.keys}

    def __exit__(self, *error):
        for key, value in self.kept.items():
            self.redis("DEL", key)
            if value is not None:
                self.redis("RESTORE", key, 0, value)


def find(cell, name, id_=None):
    """fsck finds this name (of this id); returns all names."""
    done = cell.run("fsck", "--json", check=False)
    expect(done.returncode == 1, f"{name} planted, exit {done.returncode}: {done.stdout[-500:]} {done.stderr}")
    findings = json.loads(done.stdout)["findings"]
    named = [finding for finding in findings if finding["name"] == name and (id_ is None or id_ in finding["id"])]
    expect(named, f"{name} {id_} planted, found: {findings[:5]}")
    return {finding["name"] for finding in findings}


def seal(row):
    return subprocess.run([SEAL], input=row, capture_output=True, check=True).stdout


def payload_at(row):
    """Offset of a lead row's payload: type u8, length u32, key_len u8, key."""
    return 6 + row[5]


def worked_cell(cell, rng):
    """A stopped cell with waiting, owned, closed and pipeline leads; Redis on its files; an old row of each lead."""
    leads = cell.generate(300, rng.randrange(1000))
    cell.run("import", leads, "--map", MAP, "--source", "web")
    wait_for(lambda: cell.fsck()["rows"] >= 500, 10, "the view is written")
    redis = Redis(cell, runs=True)
    old = {key: redis("GET", key) for key in redis("KEYS", "{test}:lead:*")}
    redis.link.close()
    keepers = cell.crew("keepers", "--team", "north", "--agents", "4", "--mode", "accept-only", "--leads", "12")
    expect(keepers.wait(30) == 0, keepers.tail())
    crew = cell.crew("north", "--team", "north", "--agents", "4", "--leads", "150")
    expect(crew.wait(60) == 0, crew.tail())
    cell.stop()
    return Redis(cell), old


def lead_rows(redis):
    return {key: redis("GET", key) for key in sorted(redis("KEYS", "{test}:lead:*"))}


def state_of(row):
    return row[payload_at(row) + 1]


def each_corruption_is_found_by_its_name(rng):
    with Cell() as cell:
        redis, old = worked_cell(cell, rng)
        cell.fsck()
        rows = lead_rows(redis)
        waiting = [key for key, row in rows.items() if state_of(row) == POOLED]
        ended = [key for key, row in rows.items() if state_of(row) >= CLOSED_WON]
        expect(len(waiting) > 20 and len(ended) > 20, f"{len(waiting)} wait, {len(ended)} have ended")
        some, done = rng.choice(waiting), rng.choice(ended)
        lead, done_lead = some.decode().rsplit(":", 1)[1], done.decode().rsplit(":", 1)[1]
        pool = next(key for key in redis("KEYS", "{test}:pool:*") if redis("ZSCORE", key, lead) is not None)
        row = bytearray(rows[some])

        with Planted(redis, some):
            row[rng.randrange(len(row))] ^= 1 << rng.randrange(8)
            redis("SET", some, bytes(row))
            expect("NOT_RECOVERABLE" in find(cell, "ROW_DAMAGED", lead), "a broker would refuse it, too")
        with Planted(redis, some):
            redis("DEL", some)
            find(cell, "ROW_MISSING", lead)
        with Planted(redis, some):
            redis("SET", some, rows[waiting[0] if some != waiting[0] else waiting[1]])
            find(cell, "ROW_DAMAGED", lead)
        with Planted(redis, done):
            redis("SET", done, old[done])   # sound by its check, but long past: it would wait again
            find(cell, "ROW_DIFFERS", done_lead)
        with Planted(redis, "{test}:log"):
            entries = redis("XRANGE", "{test}:log", "-", "+")
            middle = rng.choice(entries[5:-5])[0]
            redis("XDEL", "{test}:log", middle)
            find(cell, "LOG_BROKEN")
        with Planted(redis, "{test}:log"):
            entries = redis("XRANGE", "{test}:log", "-", "+")
            redis("DEL", "{test}:log")
            bad = rng.randrange(5, len(entries) - 5)
            for i, (at, (field, entry, *inputs)) in enumerate(entries):
                entry = bytearray(entry)
                entry[rng.randrange(len(entry))] ^= (i == bad)
                redis("XADD", "{test}:log", at, field, bytes(entry), *inputs)
            find(cell, "ENTRY_DAMAGED", entries[bad][0].decode())
        bulk, places = next((at, fields[3]) for at, fields in entries if len(fields) == 4)
        inputs = b"{test}:inputs:%s-%s" % (bulk, places.split()[0])
        with Planted(redis, inputs):            # the import's, which its entry only names
            redis("DEL", inputs)
            find(cell, "ENTRY_DAMAGED", bulk.decode())
        with Planted(redis, pool):
            redis("ZADD", pool, 5, done_lead)
            find(cell, "POOL_EXTRA", done_lead)
            redis("ZADD", pool, 5, "f" * 32)
            find(cell, "POOL_EXTRA", "f" * 32)
            redis("ZINCRBY", pool, 1, lead)
            find(cell, "POOL_SCORE", lead)
            redis("ZREM", pool, lead)
            find(cell, "POOL_MISSING", lead)
        with Planted(redis, "{test}:view"):
            redis("SET", "{test}:view", "7-9 99")
            expect("NOT_RECOVERABLE" in find(cell, "POSITION_AHEAD"), "a broker would refuse it, too")
        with Planted(redis, "{test}:log"):
            redis("XDEL", "{test}:log", redis("XREVRANGE", "{test}:log", "+", "-", "COUNT", "1")[0][0])
            find(cell, "LAST_DIFFERS")
        cell.fsck()


def a_row_that_passes_its_check_and_breaks_a_rule_is_found(rng):
    with Cell() as cell:
        redis, old = worked_cell(cell, rng)
        rows = lead_rows(redis)
        key = rng.choice([key for key, row in rows.items() if state_of(row) >= CLOSED_WON])
        lead = key.decode().rsplit(":", 1)[1]
        row = bytearray(rows[key][:-8])
        with Planted(redis, key):               # a second owner: WORKING again, by agent 0
            owned = with_owner(row, 6, 0)
            redis("SET", key, seal(owned))
            find(cell, "ROW_DIFFERS", lead)
        with Planted(redis, key):               # an owner that is nobody
            redis("SET", key, seal(with_owner(row, 6, 9999)))
            find(cell, "NOT_RECOVERABLE")
        some = rng.sample(sorted(rows), 40)
        with Planted(redis, *some):             # more leads than one agent may hold
            for key in some:
                redis("SET", key, seal(with_owner(bytearray(rows[key][:-8]), 6, 0)))
            find(cell, "INVARIANT")
        cell.fsck()


def number(value):
    """LEB128, as core/record_bytes.h writes it."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def number_end(row, at):
    while row[at] & 128:
        at += 1
    return at + 1


def with_owner(row, state, owner):
    """A lead row with another state and owner: see record_lead() in core/record.c."""
    row = bytearray(row)
    at = payload_at(row)
    waited = row[at + 1] == POOLED
    row[at + 1] = state
    at = number_end(row, at + 2)                # version, state, flags
    at = number_end(row, at)                    # due
    at += 1                                     # ring
    at += 1 + row[at]                           # programme
    at += 1 + row[at]                           # team
    if waited:
        del row[at:at + 8]                      # rank: only who waits has one
    row[at:number_end(row, at)] = number(owner + 1)
    row[1:5] = struct.pack("<I", len(row) - 5)
    return bytes(row)


def a_trimmed_log_is_no_finding(rng):
    with Cell() as cell:
        redis, old = worked_cell(cell, rng)
        entries = cell.fsck()["entries"]
        first = redis("XRANGE", "{test}:log", "-", "+")[-1][0]
        with Planted(redis, "{test}:log"):
            redis("XTRIM", "{test}:log", "MAXLEN", 1)
            find(cell, "LOG_HEAD_MISSING")      # nobody has said that this much may go
        redis("SET", "{test}:trimmed", first)
        redis("XTRIM", "{test}:log", "MAXLEN", 1)
        left = cell.fsck()["entries"]
        expect(entries > left == 1, f"{entries} entries before, {left} after")


def a_living_broker_is_no_finding(rng):
    with Cell() as cell:
        leads = cell.generate(3000, rng.randrange(1000))
        crew = cell.crew("north", "--team", "north", "--agents", "20", "--act-ms", "5")
        importer = cell.background("import", "import", leads, "--map", MAP, "--source", "web", "--rate", "1000")
        looks = moved = 0
        while importer.is_running():
            moved += cell.fsck()["moved"]
            looks += 1
        expect(importer.wait(60) == 0 and looks >= 5 and moved >= 2, f"{looks} looks, {moved} of them at a moving store")
        expect(crew.end() == 0, crew.tail())


def a_bulk_beside_it_is_no_finding(rng):
    """Agents with room for all take each lead at once: then first rows lie together, for fsck and for who loads."""
    with Cell(policy=BENCH) as cell:
        keepers = cell.crew("keepers", "--team", "bench", "--agents", "50", "--mode", "accept-only", "--leads", "100000")
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 50, 20, "the keepers are there")
        redis, imports = Redis(cell, runs=True), 0
        while not redis("KEYS", "{bench}:leads:*"):
            imports += 1
            expect(imports < 8, "first rows of a bulk lie together")
            leads = cell.generate(1500, imports + 10 * rng.randrange(1000))
            importer = cell.background(f"import-{imports}", "import", leads, "--map", MAP, "--source", "bench")
            redis("CLIENT", "PAUSE", 300)  # a slow disk: meanwhile a beat grows, and in it leads come and are offered
            while importer.is_running():
                cell.fsck()
            expect(importer.wait(60) == 0, importer.tail())
        wait_for(lambda: sum(row["offered"] for row in cell.ask("status")) == 0, 20, "what is offered is taken")
        states = cell.states()
        cell.kill_child("takt-broker")
        wait_for(lambda: cell.ask("status"), 20, "a broker is back")
        expect(len(states) > 1200 and cell.states() == states, "a broker that loads them has them all, each as it was")
        expect(keepers.end() == 0, keepers.tail())


def what_cannot_be_read_is_said(rng):
    with Cell() as cell:
        cell.stop()
        done = cell.run("fsck", check=False)
        expect(done.returncode == 2 and done.stderr, f"exit {done.returncode}: {done.stderr}")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        each_corruption_is_found_by_its_name, a_row_that_passes_its_check_and_breaks_a_rule_is_found,
        a_trimmed_log_is_no_finding, a_living_broker_is_no_finding, a_bulk_beside_it_is_no_finding, what_cannot_be_read_is_said)})
