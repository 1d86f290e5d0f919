# SPDX-License-Identifier: Apache-2.0
"""What an operator does by hand, and what goes back to its source: through the CLI, over a restart of the broker."""
import csv
import io
import os

from harness import POLICY, Agent, Cell, expect, main, wait_for

WHY = ("--why", "knows the family", "--by", "chief")


def vetted_policy(folder):
    """The tests' policy, whose first programme has its leads vetted."""
    with open(POLICY) as file:
        text = file.read()
    path = os.path.join(folder, "vetted.yaml")
    with open(path, "w") as file:
        file.write(text.replace("    strategy: best_score\n", "    strategy: best_score\n    vet: true\n", 1))
    return path


def fields(cell, lead, *order):
    """A lead's fields, after an order if there is one; those that repeat as a list."""
    found = {}
    for row in cell.ask("lead", lead, *order):
        found.setdefault(row["field"], []).append(row["value"])
    return {name: values if name == "by_hand" else values[0] for name, values in found.items()}


def a_lead_is_vetted_assigned_taken_and_opened_again_by_hand(rng):
    with Cell(workers=1) as cell:
        cell.run("policy", "apply", vetted_policy(cell.folder))
        ana, ben = Agent(cell, "ana", "north", "away"), Agent(cell, "ben", "south", "away")
        cell.take_in(12, seed=7)
        good, bad, given, *_ = cell.states()
        expect(fields(cell, good)["because"] == "waits to be vetted", f"{fields(cell, good)}")
        held = cell.total("held")
        expect(held >= 4 and cell.total("waiting") == 0, f"{held} leads wait to be vetted")

        refused = cell.run("lead", good, "--release", check=False)
        expect(refused.returncode == 2 and "--why" in refused.stderr, f"an order needs a reason: {refused.stderr}")
        expect(fields(cell, good, "--release", *WHY)["state"] == "POOLED", "vetted: it goes to its pool")
        done = fields(cell, bad, "--reject", "fake", *WHY)
        expect(done["state"] == "CLOSED_INVALID" and done["disposition"] == "fake", f"{done}")
        refused = cell.run("lead", bad, "--release", *WHY, check=False)
        expect(refused.returncode == 1 and "WRONG_STATE" in refused.stderr, f"{refused.stderr}")

        cell.run("agents", "--absent", "ana")
        refused = cell.run("lead", given, "--assign", "ana", *WHY, check=False)
        expect(refused.returncode == 1 and "ABSENT" in refused.stderr, f"not to who is not there: {refused.stderr}")
        cell.run("agents", "--back", "ana")
        done = fields(cell, given, "--assign", "ana", *WHY)
        expect(done["state"] == "OWNED" and done["owner"] == "ana", f"{done}")
        expect(ana.hear("offer")["lead"] == given, "she has it on her screen")
        first = fields(cell, given)["fence"]
        fields(cell, given, "--assign", "ben", *WHY)
        expect(ana.hear("withdrawn")["lead"] == given, "it leaves her screen")
        expect(ben.hear("offer")["lead"] == given, "and comes to his")
        now = fields(cell, given)
        expect(now["owner"] == "ben" and now["fence"] > first, f"a new ownership: {now}")
        expect(now["by_hand"] == ["assign ana, by chief: knows the family", "assign ben, by chief: knows the family"],
               f"who and why stand there: {now}")
        explained = cell.fields("explain", given)
        expect(explained["decision"] == "assigned by an operator" and explained["not ana"] == "had this lead before",
               f"{explained}")

        cell.kill_child("takt-broker")
        wait_for(lambda: cell.run("status", check=False).returncode == 0, 20, "a broker is there again")
        expect(fields(cell, given)["by_hand"] == now["by_hand"], "it is remembered")

        wait_for(lambda: ben.ask("act", "acted")["reason"] == "OK", 10, "ben works on it")
        expect(ben.ask("dispose wrong-number spoke to a stranger", "acted")["state"] == "CLOSED_INVALID", "it is over")
        reopen = ("lead", given, "--reopen", *WHY)
        refused = cell.run(*reopen, check=False)
        expect("STILL_SHOWN" in refused.stderr, f"not at once: {refused.stderr}")
        returns = list(csv.DictReader(io.StringIO(cell.run("returns", "web", "--csv").stdout)))
        expect({(row["lead"], row["reason"]) for row in returns} == {(bad, "fake"), (given, "wrong-number")}, f"{returns}")
        expect(all(row["key"] for row in returns), f"by the key that the source knows: {returns}")
        source, = [row for row in cell.ask("sources") if row["source"] == "web"]
        expect(source["returns"] == 2 and source["returns_cents"] == sum(int(row["cost_cents"]) for row in returns),
               f"{source}")
        agent, = [row for row in cell.ask("agents") if row["agent"] == "ben"]
        expect(agent["why_none"] == "AWAY", f"no penalty for a wrong number: {agent}")
        wait_for(lambda: cell.run(*reopen, check=False).returncode == 0, 10, "after a while it begins anew")
        expect(fields(cell, given)["state"] == "POOLED", "it waits again")
        expect(cell.ask("orphans") == [], "no lead is dead")
        cell.fsck()


if __name__ == "__main__":
    main({test.__name__: test for test in (a_lead_is_vetted_assigned_taken_and_opened_again_by_hand,)})
