# SPDX-License-Identifier: Apache-2.0
"""The bank's 41,188 rows to 100 agents in each mode: every one in exactly one hand, and the sums are exact.

Real data is looked for in TAKT_DATA; without it the test is skipped by name (exit code 77)."""
import json
import os
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


if __name__ == "__main__":
    if not os.path.exists(BANK):
        print(f"no real data: {BANK} is not there")
        sys.exit(77)
    main({"push_hands_out_the_banks_41188": bank("web", "fresh", "north"),
          "pull_hands_out_the_banks_41188": bank("purchased", "aged", "desk", "--pull"),
          "push_pull_hands_out_the_banks_41188": bank("partner", "partner", "east")})
