# SPDX-License-Identifier: Apache-2.0
"""Somebody left for good: off the list by an operator's word, out of Redis, and gone over a restart; what the log tells of
her stays hers, whoever comes after her."""
from harness import Agent, Cell, expect, main, wait_for


def sell(agent):
    lead = agent.hear("offer")["lead"]
    for words in ("accept", "act", "end", "dispose sale sold"):
        expect(agent.ask(words, "acted")["reason"] == "OK", f"{agent.name} says {words}")
    return lead


def leave(cell, agent):
    agent.say("quit")
    wait_for(lambda: not agent.is_running(), 10, f"{agent.name} left")
    wait_for(lambda: row_of(cell, agent.name)["present"] == "no", 10, f"{agent.name} is known to have left")


def row_of(cell, name):
    return next((row for row in cell.ask("agents") if row["agent"] == name), None)


def who_was_forgotten_is_gone_but_not_from_the_past(rng):
    with Cell() as cell:
        ana = Agent(cell, "ana", "north")
        cell.take_in(1, rng.randrange(1000000))
        lead = sell(ana)
        refused = cell.run("agents", "--forget", "ana", check=False)
        expect(refused.returncode != 0 and "STILL_HERE" in refused.stderr + refused.stdout, f"{refused}")
        leave(cell, ana)
        told = wait_for(lambda: cell.run("agents", "--forget", "ana", "--json", check=False).stdout, 10, "she has no leads")
        expect('"ana"' in told, f"the answer is her last row: {told}")
        expect(row_of(cell, "ana") is None, "she is off the list")
        again = cell.run("agents", "--forget", "ana", check=False)
        expect("UNKNOWN_AGENT" in again.stderr + again.stdout, f"{again}")
        zoe = Agent(cell, "zoe", "north")
        cell.take_in(1, rng.randrange(1000000))
        sell(zoe)
        leave(cell, zoe)
        before = cell.settled()
        cell.run("fsck")
        cell.kill_child("takt-broker")
        wait_for(lambda: cell.run("status", check=False).returncode == 0, 20, "a broker is there again")
        expect(cell.settled() == before, "the state is the same before and after")
        cell.run("fsck")
        expect(row_of(cell, "ana") is None, "nobody is brought back by a restart")
        fields = cell.fields("explain", lead)
        expect("ana" in fields["recorded"], f"her decision is hers: {fields}")
        expect(fields["recomputed"] == "the same choice, from the record alone", f"{fields}")
        won = {row["agent"]: row["won"] for row in cell.ask("report", "funnel", "--by", "agent")["rows"]}
        expect(won.get("ana") == 1 and won.get("zoe") == 1, f"each has what was each's: {won}")
        expect(any(row["agent"] == "ana" for row in cell.ask("history", lead)), "and the lead's life names her")
        ana = Agent(cell, "ana", "north")
        expect(row_of(cell, "ana")["won"] == 0, "she begins anew")
        leave(cell, ana)


if __name__ == "__main__":
    main({test.__name__: test for test in (who_was_forgotten_is_gone_but_not_from_the_past,)})
