# SPDX-License-Identifier: Apache-2.0
"""Decisions made again from the log alone, and told: who, who next, why nobody else, and what would have changed it."""
import json

from harness import IN_HAND, MAP, Agent, Cell, expect, main, wait_for
from test_strategies_e2e import AGENTS, Under, words


def told(cell, lead, *more):
    rows = cell.ask("explain", lead, *more)
    fields = {row["field"]: row["value"] for row in rows}
    expect(len(fields) == len(rows), f"a field is told twice: {[row['field'] for row in rows]}")
    return fields


def leads_of(cell):
    cell.run("fsck", "--states", cell.path("states.txt"))
    with open(cell.path("states.txt")) as file:
        return [line.split()[0] for line in file]


def take_in(cell, leads, rng, source="web"):
    said = json.loads(cell.run("import", cell.generate(leads, rng.randrange(1000), f"{rng.random()}.csv"), "--map", MAP,
                               "--source", source, "--json").stdout)
    return said["accepted"]


def parts_add_up(fields, who):
    own = {field: value for field, value in fields.items() if field.startswith(who + " ")}
    chance = int(own[f"{who} chance"].split()[0])
    points = sum(int(value.split()[0]) for value in own.values() if value[0] in "+-")
    expect(chance == min(max(points, 1), 1000), f"{who}: parts are {own}")
    return own


def every_choice_is_made_again_from_its_record(strategy, rng):
    with Under(strategy) as cell:
        crew = cell.crew("north", "--team", "north", "--agents", str(len(AGENTS)), "--seed", "1", "--act-ms", "5")
        accepted = take_in(cell, 50, rng)
        wait_for(lambda: cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0, 60,
                 "every lead is worked on", pause=0.2)
        crew.end()
        kinds = {}
        for lead in leads_of(cell):
            fields = told(cell, lead)
            expect(fields["recomputed"] == "the same choice, from the record alone", f"{lead}: {fields}")
            kinds[fields["decision"]] = kinds.get(fields["decision"], 0) + 1
            if "winner points" in fields:
                expect(fields["winner points"] == fields["score"], f"{fields}")
                parts_add_up(fields, "winner")
                if "runner_up points" in fields:
                    parts_add_up(fields, "runner_up")
                    expect(int(fields["score"]) - int(fields["runner_up points"]) == int(fields["margin"]), f"{fields}")
        return kinds


def test_of(strategy):
    return lambda rng: every_choice_is_made_again_from_its_record(strategy, rng)


if __name__ == "__main__":
    main({f"every_choice_by_{word}_is_made_again_from_its_record": test_of(word) for word in words()})
