# SPDX-License-Identifier: Apache-2.0
"""One ordinary day per mode, end to end: leads in, to one agent each, disposed of, all accounted for."""

from harness import CLOSED, IN_HAND, Agent, Cell, expect, main, wait_for


def accounted_for(cell, accepted, *crews):
    """Every lead closed or in a pipeline, by one agent at a time, and the store whole."""
    worked = 0
    for crew in crews:
        expect(crew.end() == 0, crew.tail())
        worked += crew.json()["closed"] + crew.json()["pipeline"]
    row = {column: cell.total(column) for column in ("received", "waiting", "pipeline", *IN_HAND, *CLOSED)}
    closed = sum(row[column] for column in CLOSED)
    expect(row["received"] == accepted and closed + row["pipeline"] == accepted, f"{accepted} accepted, status {row}")
    expect(worked == accepted, f"the crews say {worked}, the importer {accepted}")
    cell.run("crew-check", *cell.diaries())
    cell.fsck()
    cell.run("fsck", "--orphans")


def idle(cell, accepted):
    return cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0


def push_gives_each_lead_to_one_available_agent(rng):
    with Cell() as cell:
        north = cell.crew("north", "--team", "north", "--agents", "5", "--seed", "1")
        south = cell.crew("south", "--team", "south", "--agents", "5", "--seed", "2")
        accepted = cell.take_in(1000, rng.randrange(1000), "web")["accepted"]
        wait_for(lambda: idle(cell, accepted), 60, "every lead is worked on", pause=0.2)
        explained = cell.fields("explain", one_lead(cell))
        expect(explained["winner"].startswith(("north-", "south-")), f"explained: {explained}")
        accounted_for(cell, accepted, north, south)


def one_lead(cell):
    return next(iter(cell.states()))


def pull_gives_one_lead_for_each_ready_and_says_what_is_owed(rng):
    with Cell() as cell:
        accepted = cell.take_in(200, rng.randrange(1000), "purchased")["accepted"]
        ana = Agent(cell, "ana", "desk", "on-demand")
        expect(ana.ask("ready 0", "ready")["reason"] == "OK", "the first ready gets a lead")
        lead = ana.hear("offer")
        expect(lead["state"] == "OWNED", f"pull is accepted by asking: {lead}")
        owed = ana.ask("ready 0", "ready")
        expect(owed["reason"] != "OK" and owed["lead"] == lead["lead"], f"the second is refused: {owed}")
        expect(ana.ask("act", "acted")["state"] == "WORKING", "it is worked on")
        expect(ana.ask("end", "acted")["state"] == "WRAP_UP", "the attempt is over")
        owed = ana.ask("ready 0", "ready")
        expect(owed["reason"] == "OWES_NOTE", f"a note is owed: {owed}")
        expect(ana.ask("note spoke to her brother", "acted")["reason"] == "OK", "it is annotated")
        owed = ana.ask("ready 0", "ready")
        expect(owed["reason"] == "OWES_DISPOSITION", f"a disposition is owed: {owed}")
        done = ana.ask("dispose not-interested no need", "acted")
        expect(done["reason"] == "OK" and done["state"] == "CLOSED_LOST", f"it is closed: {done}")
        expect(ana.ask("ready 0", "ready")["reason"] == "OK", "and the next ready gets the next")
        second = ana.hear("offer")
        expect(second["lead"] != lead["lead"], "another lead")
        expect(ana.ask("release", "acted")["reason"] == "OK", "it is given back")
        ana.say("quit")
        ana.process.wait(10)
        crew = cell.crew("desk", "--team", "desk", "--agents", "5", "--pull")
        wait_for(lambda: idle(cell, accepted), 60, "every lead is worked on", pause=0.2)
        expect(crew.end() == 0, crew.tail())
        expect(crew.json()["closed"] + crew.json()["pipeline"] == accepted - 1, f"all but ana's one: {crew.json()}")
        cell.fsck()
        cell.run("crew-check", *cell.diaries())


def push_pull_keeps_each_teams_pool_small(rng):
    with Cell() as cell:
        east = cell.crew("east", "--team", "east", "--agents", "4", "--act-ms", "20")
        west = cell.crew("west", "--team", "west", "--agents", "4", "--act-ms", "20")
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 8, 10, "the teams are there")
        accepted = cell.take_in(1000, rng.randrange(1000), "partner")["accepted"]
        deepest = 0
        def done():
            nonlocal deepest
            pools = {row["pool"]: row["waiting"] for row in cell.ask("pools")}
            deepest = max(deepest, pools["partner/east"], pools["partner/west"])
            return idle(cell, accepted)
        wait_for(done, 60, "every lead is worked on", pause=0.05)
        expect(0 < deepest <= 3 * 4, f"a team's pool held {deepest}, with 4 agents and 3 leads each at most")
        accounted_for(cell, accepted, east, west)


if __name__ == "__main__":
    main({test.__name__: test for test in (push_gives_each_lead_to_one_available_agent,
                                           pull_gives_one_lead_for_each_ready_and_says_what_is_owed,
                                           push_pull_keeps_each_teams_pool_small)})
