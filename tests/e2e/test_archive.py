# SPDX-License-Identifier: Apache-2.0
"""The archive and the digest, on real processes with a real import: what is equal after a restart, after kills and
after a recovery from the archive alone; that the log is trimmed behind it; and what is refused."""
import itertools
import os
import re
import signal
import time

from harness import IN_HAND, MAP, Cell, Redis, children_of, expect, main, wait_for

QUIET = 2000    # leads: more than one segment of the size these tests choose


def position(text):
    return tuple(int(part) for part in text.split("-"))


def archived(cell):
    """The archive's digest, once it has the log's last entry."""
    def whole():
        found = cell.fsck("--archive", os.path.join(cell.dir, "archive"), "--digest")
        last = cell.fsck()["last"]
        return found["digest"] if position(found["segments"][-1]["last"]) >= position(last) else None
    return wait_for(whole, 20, "the archive has all", pause=0.2)


def at_rest(cell):
    """What the agents had in hand when they left has gone back: nothing moves by itself for some seconds."""
    wait_for(lambda: cell.total(*IN_HAND) == 0, 10, "nobody holds a lead", pause=0.05)


def worked(cell, rng, leads=QUIET):
    """An import, some of it worked off by agents that are gone again."""
    file = cell.generate(leads, rng.randrange(1000))
    cell.run("import", file, "--map", MAP, "--source", "web")
    crew = cell.crew("north", "--team", "north", "--agents", "4", "--leads", "120")
    expect(crew.wait(60) == 0, crew.tail())
    at_rest(cell)


def the_digest_is_the_same_after_a_restart_kills_and_from_the_archive_alone(rng):
    with Cell() as cell:
        worked(cell, rng)
        digest = cell.settled()
        expect(archived(cell) == digest, "the archive holds another state")
        cell.kill_child("takt-broker")
        wait_for(lambda: cell.child("takt-broker"), 10, "the broker is back")
        wait_for(lambda: cell.run("status", check=False).returncode == 0, 10, "it answers")
        expect(cell.settled() == digest, "another state after kill -9 of the broker")
        cell.kill_child("redis-server")
        wait_for(lambda: cell.run("status", check=False, seconds=20).returncode == 0, 20, "it answers")
        expect(cell.settled() == digest, "another state after kill -9 of Redis")
        cell.stop()
        cell.start()
        expect(cell.settled() == digest, "another state after a restart")
        expect(archived(cell) == digest, "the archive holds another state after all this")
        cell.stop()

        os.rename(os.path.join(cell.dir, "redis"), os.path.join(cell.folder, "lost"))
        os.mkdir(os.path.join(cell.dir, "redis"))
        redis = Redis(cell)
        place = ("--redis", f"unix:{cell.dir}/redis.sock", "--cell", "test")
        said = cell.ask("cell", "restore", "--from", os.path.join(cell.dir, "archive"), *place)
        whole = cell.fsck("--archive", os.path.join(cell.dir, "archive"))["segments"][-1]
        expect((said["cell"], said["redis"], said["last"], said["rows"], said["entries"]) ==
               ("test", place[1], whole["last"], whole["rows"], whole["entries"]), f"{said}, {whole}")
        expect(cell.fsck("--digest")["digest"] == digest, f"another state from the archive alone: {said}")
        again = cell.run("cell", "restore", "--from", os.path.join(cell.dir, "archive"), *place, check=False)
        expect(again.returncode == 1 and "is here already" in again.stderr, f"restored twice: {again.stderr}")
        redis.kill()
        cell.start()            # and a broker works on it, and the archive goes on
        expect(cell.settled() == digest, "another state once a broker has loaded it")
        expect(archived(cell) == digest, "the archive did not go on")
        crew = cell.crew("more", "--team", "north", "--agents", "4", "--leads", "40")
        expect(crew.wait(60) == 0, crew.tail())
        at_rest(cell)
        expect(archived(cell) == cell.settled() != digest, "the archive did not follow")


def archiver(cell):
    """The pid of the archive's process; None while it is away."""
    for pid, argv in children_of(cell.up.pid).items():
        if argv[1:2] == ["archive"]:
            return pid
    return None


def an_archive_that_is_killed_misses_nothing(rng):
    with Cell() as cell:
        file = cell.generate(3000, rng.randrange(1000))
        importer = cell.background("import", "import", file, "--map", MAP, "--source", "web", "--rate", "1000")
        kills = 0
        while importer.is_running():
            pid = wait_for(lambda: archiver(cell), 10, "the archive runs")
            time.sleep(rng.random() * 0.3)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: archiver(cell) != pid, 5, "it is gone")
            kills += 1
        expect(importer.wait(60) == 0, importer.tail())
        expect(kills >= 3, f"{kills} kills")
        digest = cell.settled()
        expect(archived(cell) == digest, "the archive holds another state")
        found = cell.fsck("--archive", os.path.join(cell.dir, "archive"))
        expect(not found["findings"], f"{found['findings']}")
        return f"{kills} kills"


def infos(redis):
    """How often Redis was asked how it is, this time included."""
    return int(re.search(rb"cmdstat_info:calls=(\d+)", redis("INFO", "commandstats"))[1])


def the_log_waits_for_the_archive_and_is_trimmed_behind_it(rng):
    asked_by_us = itertools.count(1)
    with Cell() as cell:
        worked(cell, rng, leads=1000)
        expect(archived(cell), "archived")
        pid = archiver(cell)
        os.kill(pid, signal.SIGSTOP)
        at = position(cell.fsck()["last"])
        redis = Redis(cell, runs=True)
        cell.run("import", cell.generate(500, 7, "more.csv"), "--map", MAP, "--source", "more")
        def trimmed():      # Redis is short of memory, whatever was given back, but intake goes on
            used = next(line for line in redis("INFO", "memory").decode().split() if line.startswith("used_memory:"))
            redis("CONFIG", "SET", "maxmemory", int(used[12:]) * 100 // 65)
            return position((redis("GET", "{test}:trimmed") or b"0-0").decode())

        wait_for(lambda: trimmed() > (0, 0), 10, "the log is trimmed")
        asked = infos(redis)
        wait_for(lambda: infos(redis) - next(asked_by_us) >= asked + 2, 10, "the broker looked at its levels twice")
        expect(trimmed() <= at, f"trimmed to {trimmed()}, archived up to {at}")
        wait_for(lambda: cell.metric("takt_archive_lag_seconds") > 1, 10, "the lag is told")
        before = cell.metric("takt_log_entries")
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: trimmed() > at, 10, "trimmed further")
        expect(wait_for(lambda: cell.metric("takt_archive_lag_seconds") == 0, 10, "no lag"), "caught up")
        wait_for(lambda: cell.metric("takt_log_entries") < before, 10, "a shorter log")
        digest = cell.settled()
        cell.kill_child("takt-broker")
        wait_for(lambda: cell.run("status", check=False).returncode == 0, 10, "it answers")
        expect(cell.settled() == digest == archived(cell), "another state from a trimmed log")
        return f"{before:.0f} entries before, {cell.metric('takt_log_entries'):.0f} after"


def a_damaged_segment_is_refused_and_a_torn_one_is_not(rng):
    with Cell() as cell:
        worked(cell, rng, leads=500)
        digest = cell.settled()
        expect(archived(cell) == digest, "archived")
        cell.stop()
        folder = os.path.join(cell.dir, "archive")
        segment = os.path.join(folder, sorted(name for name in os.listdir(folder) if name.endswith(".takt"))[-1])
        with open(segment, "ab") as file:
            file.write(b"TAKB\x04\0\0\0torn")
        found = cell.fsck("--archive", folder, "--digest")
        expect(found["digest"] == digest and found["segments"][-1]["torn_bytes"] == 12, f"torn: {found['segments']}")
        with open(segment, "rb") as file:
            whole = bytearray(file.read())
        whole[rng.randrange(100, len(whole) // 2)] ^= 1 << rng.randrange(8)
        with open(segment, "wb") as file:
            file.write(whole)
        done = cell.run("fsck", "--archive", folder, check=False)
        expect(done.returncode == 1 and "SEGMENT_DAMAGED" in done.stdout, f"exit {done.returncode}: {done.stdout}")
        done = cell.run("cell", "restore", "--from", folder, "--redis", "unix:/nowhere", "--cell", "test", check=False)
        expect(done.returncode == 1 and os.path.basename(segment) in done.stderr, f"it said: {done.stderr}")
        cell.start()
        wait_for(lambda: "archive and Redis do not fit" in cell.up.tail(), 10, "takt up says so")
        expect(cell.settled() == digest, "the cell itself is whole")


def without_an_archive_the_log_waits_for_nobody(rng):
    with Cell() as cell:
        worked(cell, rng, leads=300)
        expect(archived(cell), "archived")
        cell.stop()
        cell.up_args = ("--no-archive",)
        cell.start()
        wait_for(lambda: cell.metric("takt_archive_present") == 0, 5, "nothing archives")
        expect(archiver(cell) is None, "there is no such process")
        cell.fsck()


if __name__ == "__main__":
    main({test.__name__: test for test in (
        the_digest_is_the_same_after_a_restart_kills_and_from_the_archive_alone,
        an_archive_that_is_killed_misses_nothing, the_log_waits_for_the_archive_and_is_trimmed_behind_it,
        a_damaged_segment_is_refused_and_a_torn_one_is_not, without_an_archive_the_log_waits_for_nobody)})
