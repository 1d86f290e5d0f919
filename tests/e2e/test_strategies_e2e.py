# SPDX-License-Identifier: Apache-2.0
"""A policy file with each strategy, by the name users know: a small import, all accepted, all worked on."""
import json
import re

from harness import IN_HAND, MAP, POLICY, ROOT, Cell, expect, main, wait_for

LEADS = 150
AGENTS = ("north-0001", "north-0002", "north-0003", "north-0004")


def words():
    with open(f"{ROOT}/proto/strategies.def") as file:
        return re.findall(r'^STRATEGY\(\d+, \w+, "(\w+)"', file.read(), re.M)


def policy_with(cell, strategy):
    """The test policy's push programme under this strategy, with a list of its agents."""
    with open(POLICY) as file:
        text = file.read()
    agents = ", ".join(f"{{name: {name}, weight: {i + 1}}}" for i, name in enumerate(AGENTS))
    text = text.replace("    strategy: best_score\n", f"    strategy: {strategy}\n    agents: [{agents}]\n", 1)
    path = cell.path("policy.yaml")
    with open(path, "w") as file:
        file.write(text)
    return path


class Under(Cell):
    """A cell whose push programme has this strategy."""

    def __init__(self, strategy):
        super().__init__()
        self.policy = policy_with(self, strategy)


def all_accepted_under(strategy, rng):
    with Under(strategy) as cell:
        checked = cell.run("policy", "check", cell.policy).stdout
        expect(f"fresh: push, {strategy}, 2 teams" in checked, f"policy check said {checked}")
        crew = cell.crew("north", "--team", "north", "--agents", str(len(AGENTS)), "--seed", "1", "--act-ms", "5")
        wait_for(lambda: {row["agent"] for row in cell.ask("agents") if row["present"] == "yes"} == set(AGENTS), 10,
                 "those of the list are there")
        said = json.loads(cell.run("import", cell.generate(LEADS, rng.randrange(1000)), "--map", MAP, "--source", "web",
                                   "--json").stdout)
        accepted = said["accepted"]
        expect(accepted > 0.9 * LEADS and said["unanswered"] == 0, f"the import said {said}")
        wait_for(lambda: cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0, 60,
                 "every lead is worked on", pause=0.2)
        status = next(row for row in cell.ask("status") if row["programme"] == "fresh")
        expect(status["scored"] > 0.9 * accepted, f"workers decide: {status}")
        cell.run("fsck", "--states", cell.path("states.txt"))
        with open(cell.path("states.txt")) as file:
            lead = file.readline().split()[0]
        explained = {row["field"]: row["value"] for row in cell.ask("explain", lead)}
        expect(explained["strategy"] == strategy and explained["winner"] in explained["why"], f"explained: {explained}")
        expect(crew.end() == 0, crew.tail())
        expect(cell.run("fsck", check=False).returncode == 0, "fsck finds nothing")


def test_of(strategy):
    return lambda rng: all_accepted_under(strategy, rng)


if __name__ == "__main__":
    main({f"all_are_accepted_under_{word}": test_of(word) for word in words()})
