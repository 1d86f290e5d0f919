# SPDX-License-Identifier: Apache-2.0
"""Limits and pauses as operators, agents and sources meet them, with a crowd of real processes. All limits here are
of an hour, which slides, so that no midnight falls into a test."""
import json

from harness import IN_HAND, MAP, Agent, Cell, expect, main, wait_for

POLICY = """
heartbeat: 500ms
lease: 2s
guard: 400ms
orphan_grace: 1s
default_programme: fresh
limits:
  - {of: source, name: web, per: hour, leads: 300}
programmes:
  - name: fresh
    teams: [north, south]
    sources: [web]
    timers: {unclaimed: 60s}
    limits:
      - {of: agent, per: hour, leads: 12}
      - {of: team, name: north, per: hour, leads: 50}
      - {of: agent, name: south-0001, per: hour, leads: 5}
"""


def with_policy(cell_test):
    """The test with a cell of that policy."""
    def test(rng):
        cell = Cell(workers=2)
        cell.policy = cell.path("policy.yaml")
        with open(cell.policy, "w") as file:
            file.write(POLICY)
        with cell:
            cell_test(cell, rng)
    test.__name__ = cell_test.__name__
    return test


def given(row):
    """Leads that this agent has, had and closed, or will call again."""
    return sum(row[column] for column in ("offered", "owned", "working", "wrap_up", "pipeline", "closed"))


def take_in(cell, leads, seed, check=True):
    done = cell.run("import", cell.generate(leads, seed, f"{seed}.csv"), "--map", MAP, "--source", "web", "--json",
                    "--rejects", cell.path("rejects.csv"), check=check)
    return json.loads(done.stdout)


def nobody_gets_over_a_limit(cell):
    agents = cell.ask("agents")
    for row in agents:
        most = 5 if row["agent"] == "south-0001" else 12
        expect(given(row) <= most, f"{row['agent']} was given {given(row)}, may have {most}: {row}")
    north = sum(given(row) for row in agents if row["team"] == "north")
    expect(north <= 50, f"north was given {north} of 50")
    return agents


@with_policy
def a_crowd_keeps_every_limit_and_the_commands_say_so(cell, rng):
    crews = [cell.crew(team, "--team", team, "--agents", "8", "--seed", str(i), "--act-ms", "5")
             for i, team in enumerate(("north", "south"))]
    wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 16, 10, "all are here")
    said = take_in(cell, 400, rng.randrange(1000))
    expect(said["accepted"] == 300 and said["unanswered"] == 0, f"the source may bring 300: {said}")
    with open(cell.path("rejects.csv"), "rb") as file: # as they came: not all of it is UTF-8
        expect(b"CAP_HOUR" in file.read(), "the rejects name the limit")

    def all_closed():
        return all(row["why_none"] in ("TEAM_LIMIT", "CAP_HOUR") for row in nobody_gets_over_a_limit(cell))
    wait_for(all_closed, 30, "everybody has what the limits allow", pause=0.1)
    cell.kill_child("takt-broker")
    wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 16, 20, "all are here again")
    wait_for(lambda: cell.total(*IN_HAND) == 0, 30, "all is worked off", pause=0.1)
    wait_for(all_closed, 30, "the limits outlast a restart", pause=0.1)
    agents = {row["agent"]: row for row in nobody_gets_over_a_limit(cell)}
    north, south = agents["north-0001"], agents["south-0002"]
    expect(north["why_none"] == "TEAM_LIMIT" and 0 < north["opens"] <= 3660000, f"north: {north}")
    expect(south["why_none"] == "CAP_HOUR" and 0 < south["opens"] <= 3660000, f"south: {south}")
    limits = {(row["of"], row["name"]): row for row in cell.ask("limits")}
    expect(limits["team", "north"]["used"] == limits["team", "north"]["most"] == "50", f"limits: {limits}")
    expect(limits["agent", "south-0001"]["used"] == "5", f"limits: {limits}")
    expect(limits["source", "web"]["used"] == "300", f"limits: {limits}")
    for crew in crews:
        expect(crew.end() == 0, crew.tail())
    cell.run("crew-check", *cell.diaries())
    cell.fsck()


@with_policy
def a_manager_holds_an_agent_back_and_lets_it_go_on(cell, rng):
    ana = Agent(cell, "ana", "south")
    row, = cell.ask("agents", "--pause", "ana", "--reason", "coaching")
    expect(row["why_none"] == "PAUSED_BY_OPERATOR" and row["note"] == "coaching", f"paused: {row}")
    accepted = take_in(cell, 5, rng.randrange(1000))["accepted"]
    cell.kill_child("takt-broker") # what an operator ordered outlasts it
    wait_for(lambda: cell.ask("agents")[0]["present"] == "yes", 20, "ana is here again")
    expect(cell.total("waiting") == accepted, "nothing was offered")
    explained = cell.fields("explain", next(iter(cell.states())))
    expect("PAUSED_BY_OPERATOR" in explained["not ana"], f"explained: {explained}")
    cell.run("agents", "--resume", "ana")
    ana.hear("offer")
    nobody = cell.run("agents", "--pause", "bob", check=False)
    expect(nobody.returncode == 1 and "takt agents" in nobody.stderr, f"nobody: {nobody.stderr}")
    expect(cell.run("agents", "--reason", "x", check=False).returncode == 2, "a reason needs a pause")


@with_policy
def whose_absence_was_planned_gives_back_what_it_did_not_touch(cell, rng):
    ana = Agent(cell, "ana", "south")
    take_in(cell, 1, rng.randrange(1000))
    ana.hear("offer")
    ana.ask("accept", "acted")
    row, = cell.ask("agents", "--absent", "ana", "--until", "2099-01-04")
    expect(row["why_none"] == "ABSENT", f"absent: {row}")
    ana.hear("withdrawn")
    wait_for(lambda: cell.total("waiting") == 1, 10, "the lead waits for somebody else")
    cell.run("agents", "--back", "ana")
    ana.hear("offer")
    expect(cell.run("agents", "--absent", "ana", "--from", "tomorrow", check=False).returncode == 2, "a day is a day")


@with_policy
def a_limit_that_is_raised_holds_at_once(cell, rng):
    ana = Agent(cell, "south-0001", "south")
    take_in(cell, 40, rng.randrange(1000))
    for _ in range(5):
        ana.hear("offer")
        ana.ask("accept", "acted")
        ana.ask("act", "acted")
        ana.ask("dispose not-interested no need", "acted")
    row = wait_for(lambda: next((one for one in cell.ask("agents") if one["closed"] == 5), None), 10, "five are closed")
    expect(row["why_none"] == "CAP_HOUR", f"the limit is reached: {row}")
    with open(cell.policy) as file:
        text = file.read()
    with open(cell.path("more.yaml"), "w") as file:
        file.write(text.replace("leads: 5}", "leads: 6}"))
    cell.run("policy", "apply", cell.path("more.yaml"))
    ana.hear("offer")


PACED = """
heartbeat: 500ms
lease: 2s
guard: 400ms
programmes:
  - name: fresh
    teams: [south]
    sources: [web]
    balance: 30
    score: {base: 100, load: 0, weights: [{attribute: quality, is: A, add: 300}]}
    limits: [{of: agent, name: ana, per: outcome, leads: 1}]
"""
OUTCOME = "dispose not-interested no need"


def work(agent, *last):
    for word in ("accept", "act", *last):
        agent.ask(word, "acted")


# 003-25, 003-37
def easy_leads_go_to_who_had_hard_ones_and_only_outcomes_make_room(rng):
    cell = Cell(workers=1)
    cell.policy = cell.path("policy.yaml")
    with open(cell.policy, "w") as file:
        file.write(PACED)
    names = iter(range(1000))

    def bring(quality):
        path = cell.path(f"{next(names)}.csv")
        with open(path, "w") as file:
            file.write(f"id,name,grade\n{path},Ada King,{quality}\n")
        with open(cell.path("map.yaml"), "w") as file:
            file.write("source: web\nkey: id\nfields: {name: name}\nattributes: [quality: grade]\n")
        cell.run("import", path, "--map", cell.path("map.yaml"))

    def row_of(name):
        return next(row for row in cell.ask("agents") if row["agent"] == name)

    with cell:
        ana = Agent(cell, "ana", "south")
        for _ in range(2):  # while she is alone they are hers, easy or not
            bring("A")
            ana.hear("offer")
            work(ana, OUTCOME)
        ben = Agent(cell, "ben", "south")
        wait_for(lambda: len(cell.ask("agents")) == 2, 10, "ben is there, too")
        cell.run("agents", "--pause", "ana")
        for _ in range(6):
            bring("C")
            ben.hear("offer")
            work(ben, OUTCOME)
        cell.run("agents", "--resume", "ana")
        wait_for(lambda: row_of("ana")["quality"] == 400 and row_of("ben")["quality"] < 330, 10, "both had theirs")
        cell.kill_child("takt-broker")
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 2, 20, "both are here again")

        bring("A")
        lead = ben.hear("offer")["lead"]
        said = cell.fields("explain", lead)
        expect("easier leads than its team" in said["agent ana"], f"{said}")
        expect(said["recomputed"].startswith("the same"), f"{said}")
        bring("C")
        ana.hear("offer")
        work(ana, "end", "dispose no-answer rang out")
        expect(row_of("ana")["pipeline"] == 1, "no outcome yet")
        expect(row_of("ana")["why_none"] == "UNDECIDED_OVER", f"{row_of('ana')}")
        limit, = cell.ask("limits")
        expect((limit["per"], limit["used"], limit["most"]) == ("outcome", "1", "1"), f"{limit}")


if __name__ == "__main__":
    main({test.__name__: test for test in (a_crowd_keeps_every_limit_and_the_commands_say_so,
                                           a_manager_holds_an_agent_back_and_lets_it_go_on,
                                           whose_absence_was_planned_gives_back_what_it_did_not_touch,
                                           a_limit_that_is_raised_holds_at_once,
                                           easy_leads_go_to_who_had_hard_ones_and_only_outcomes_make_room)})
