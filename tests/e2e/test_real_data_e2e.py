# SPDX-License-Identifier: Apache-2.0
"""The bank's 41,188 rows to 100 agents in each mode: every one in exactly one hand, and the sums are exact.
And real files as NDJSON, copied here: the same receipts and the same leads as from the CSV.

Real data is looked for in TAKT_DATA; without it the test is skipped by name (exit code 77)."""
import csv
import gzip
import json
import os
import subprocess
import sys

from harness import CLOSED, IN_HAND, ROOT, Cell, expect, main, wait_for

DATA = os.environ.get("TAKT_DATA", os.path.join(os.path.dirname(ROOT), "shared", "data"))
BANK = os.path.join(DATA, "bank-additional-full.csv.gz")
POLICY = os.path.join(ROOT, "deploy", "policies", "default.yaml")
BANK_MAP = os.path.join(ROOT, "deploy", "maps", "bank-additional.yaml")
ROWS = 41188


def bank(source, programme, team, *crew_options):
    def test(rng):
        with Cell(policy=POLICY) as cell:
            crew = cell.crew(team, "--team", team, "--agents", "100", "--seed", str(rng.randrange(1000)), "--pipeline", "0",
                             *crew_options)
            wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 100, 20, "100 agents are there")
            said = json.loads(cell.run("import", BANK, "--map", BANK_MAP, "--source", source, "--json", seconds=120).stdout)
            expect((said["rows"], said["accepted"]) == (ROWS, ROWS), f"each row is a lead: {said}")

            def row():
                return next(one for one in cell.ask("status") if one["programme"] == programme)

            wait_for(lambda: row()["received"] == ROWS and sum(row()[name] for name in ("waiting", "pipeline", *IN_HAND)) == 0,
                     150, "every lead is closed", pause=0.5)
            end = row()
            expect(sum(end[name] for name in CLOSED) == ROWS, f"all closed, none lost: {end}")
            expect(crew.end() == 0, crew.tail())
            took = crew.json()
            expect(took["closed"] == ROWS and took["accepted"] + took["granted"] >= ROWS, f"each one was in a hand: {took}")
            cell.run("crew-check", *cell.diaries(), seconds=120)
            fsck = cell.run("fsck", check=False, seconds=120)
            expect(fsck.returncode == 0, fsck.stdout[-1500:])
    return test


SETS = {"bank-additional-full.csv.gz": ("bank-additional.yaml", ";"), "x-education-leads.csv.gz": ("x-education.yaml", ",")}
COUNTS = ("rows", "accepted", "new", "known", "duplicate", "payload_differs", "rejected", "unanswered", "rejected_by", "warnings")


def typed(text):
    """As an exporter would write it: a number where that loses nothing."""
    for kind in (int, float):
        try:
            if str(kind(text)) == text:
                return kind(text)
        except ValueError:
            pass
    return text


def copy_as_ndjson(path, delimiter, to, value):
    """An empty line stands for the header, so that each row keeps its line number."""
    with gzip.open(path, "rt", newline="", encoding="utf-8-sig") as file, open(to, "w") as out:
        rows = csv.reader(file, delimiter=delimiter)
        header = next(rows)
        out.write("\n")
        for row in rows:
            out.write(json.dumps(dict(zip(header, map(value, row), strict=True))) + "\n")


def imported(cell, path, map_path, source):
    said = json.loads(cell.run("import", path, "--map", map_path, "--source", source, "--json", seconds=120).stdout)
    return {name: said[name] for name in COUNTS}


def leads_of(cell):
    """The ids of all leads in the store: they wait, so each is a key."""
    keys = subprocess.run(["redis-cli", "-s", os.path.join(cell.dir, "redis.sock"), "--scan", "--pattern", "*:lead:*"],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    return {key.rsplit(":", 1)[1] for key in keys.split()}


def ndjson_gives_the_same_receipts_and_leads_as_csv(rng):
    for name, (map_name, delimiter) in SETS.items():
        map_path = os.path.join(ROOT, "deploy", "maps", map_name)
        with Cell(workers=0) as one, Cell(workers=0) as other:
            copy, typed_copy = other.path("copy.ndjson"), other.path("typed.jsonl")
            copy_as_ndjson(os.path.join(DATA, name), delimiter, copy, str)
            copy_as_ndjson(os.path.join(DATA, name), delimiter, typed_copy, typed)
            of_csv = imported(one, os.path.join(DATA, name), map_path, "web")
            of_ndjson = imported(other, copy, map_path, "web")
            expect(of_csv == of_ndjson and of_csv["accepted"] > 9000, f"{name}: {of_csv} {of_ndjson}")
            again = imported(one, copy, map_path, "web")
            expect(again["duplicate"] == of_csv["accepted"] + of_csv["duplicate"] and again["payload_differs"] == 0,
                   f"{name}: each lead of the copy is known, byte for byte: {again}")
            again = imported(one, typed_copy, map_path, "web")
            expect(again["accepted"] == 0 and again["payload_differs"] == 0, f"{name}: and so with numbers as numbers: {again}")
            one.stop()
            other.stop()         # the view has caught up
            one.start()
            other.start()
            expect(leads_of(one) == leads_of(other) and len(leads_of(one)) == of_csv["accepted"], f"{name}: the same lead ids")


if __name__ == "__main__":
    if not os.path.exists(BANK):
        print(f"no real data: {BANK} is not there")
        sys.exit(77)
    main({"push_hands_out_the_banks_41188": bank("web", "fresh", "north"),
          "pull_hands_out_the_banks_41188": bank("purchased", "aged", "desk", "--pull"),
          "push_pull_hands_out_the_banks_41188": bank("partner", "partner", "east"),
          "ndjson_gives_the_same_receipts_and_leads_as_csv": ndjson_gives_the_same_receipts_and_leads_as_csv})
