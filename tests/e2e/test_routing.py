# SPDX-License-Identifier: Apache-2.0
"""Leads are routed by rules: from a policy with a tree and ten thousand rules, applied to a running cell, to the agent
whose territory it is, and to the line of the rule in `takt explain`."""
import json
import os

from harness import Agent, Cell, expect, main

POLICY = """
units:
  - {name: west, kind: region}
  - {name: reno, kind: office, in: west}
  - {name: callers, kind: inside, in: reno}
  - {name: visitors, kind: field, in: west}
programmes:
  - name: home
    teams: [callers, visitors, east]
    licence: state
    agents:
      - {name: ana, licences: [NV, CA]}
      - {name: ben, licences: [NV]}
      - {name: eva, licences: [NV, NY]}
    routes:
      - {when: {state: NV, budget: {from: 500000}}, to: ben}
      - {when: {city: [Reno, Sparks]}, to: reno}
      - {when: {state: [CA, NV]}, to: west}
    timers: {offer: 5s, first_action: 60s, unclaimed: 2s}
"""
GRADED = """
programmes:
  - name: home
    teams: [closers, callers]
    score: {base: 100, value: 100, load: 0, weights: [{attribute: quality, is: B, add: 300}]}
    limits: [{of: agent, name: ana, per: day, money: 50}]
    routes:
      - {when: {quality: A}, to: closers}
      - {when: {quality: [B, C]}, to: callers}
    timers: {offer: 30s, first_action: 60s, unclaimed: 60s}
"""
FAST = "cell: test\nheartbeat: 500ms\nlease: 2s\nguard: 400ms\norphan_grace: 1s\n"


def take_in(cell, name, key, **attributes):
    """One lead of these attributes."""
    known = cell.write("map.yaml", "key: key\nfields: {name: name}\nattributes:\n" +
                  "".join(f"  - {one}: {one}\n" for one in attributes))
    row = json.dumps({"key": key, "name": "Ada", **attributes})
    cell.run("import", cell.write(name, row + "\n"), "--map", known, "--source", "web")


def a_lead_reaches_whose_territory_it_is_and_explain_names_the_line(rng):
    del rng
    with Cell() as cell:
        cell.run("policy", "apply", cell.write("tree.yaml", FAST + POLICY))
        eva, ana = Agent(cell, "eva", "east"), Agent(cell, "ana", "callers")
        Agent(cell, "ben", "callers", "away")
        take_in(cell, "one.ndjson", "k1", state="NV", city="Sparks", budget=100)
        lead = ana.hear("offer")["lead"]
        told = cell.fields("explain", lead)
        expect(told["routed"] == "home routes[1], line 22 of policy 2: to reno", f"explained: {told}")
        take_in(cell, "two.ndjson", "k2", state="NV", budget=600000)
        pools = {row["pool"]: row["waiting"] for row in cell.ask("pools")}
        expect(pools["home>ben"] == 1 and pools["home"] == 0, f"it waits for him alone: {pools}")
        take_in(cell, "three.ndjson", "k3", state="NY")
        told = cell.fields("explain", eva.hear("offer")["lead"])
        expect(told["routed"] == "by no rule: to the programme" and told["not ana"] == "has no licence for this lead",
               f"explained: {told}")
        cell.fsck()


def ten_thousand_rules_come_into_force_live(rng):
    with Cell() as cell:
        rules = "".join(f"      - {{when: {{zip: \"{n * 9:05}\", product: p{n % 7}}}, to: {'east' if n % 2 else 'callers'}}}\n"
                        for n in range(10000))
        head, tail = POLICY.replace("    licence: state\n", "").split("    routes:\n")
        head = "\n".join(line for line in head.split("\n") if "licences" not in line and "agents:" not in line)
        path = cell.write("many.yaml", f"{FAST}{head}    routes:\n{rules}    timers: {tail.split('timers: ')[1]}")
        expect(os.path.getsize(path) > 400000, "it is longer than a frame")
        cell.run("policy", "apply", path)
        with open(path) as file:
            expect(cell.run("policy", "show", "2").stdout == file.read(), "every line of it comes back")
        east, callers = Agent(cell, "eva", "east"), Agent(cell, "ana", "callers")
        for n in rng.sample(range(1000, 10000), 4):
            take_in(cell, f"{n}.ndjson", f"k{n}", zip=f"{n * 9:05}", product=f"p{n % 7}")
            agent = east if n % 2 else callers
            told = cell.fields("explain", agent.hear("offer")["lead"])
            expect(told["routed"].startswith(f"home routes[{n}], line "), f"rule {n} explained: {told}")
            expect(agent.ask("accept", "acted")["reason"] == "OK" and agent.ask("act", "acted")["reason"] == "OK", "taken")
            agent.ask("end", "acted")
            agent.ask("dispose not-interested no", "acted")
        cell.fsck()


# 003-26: what a lead cost and how good it is come with it, and rules, scores, budgets and reports go by them
def cost_and_quality_come_with_a_lead_and_count(rng):
    with Cell() as cell:
        cell.run("policy", "apply", cell.write("graded.yaml", FAST + GRADED))
        closer, caller = Agent(cell, "eva", "closers"), Agent(cell, "ana", "callers")
        rows = (("A", "45.00"), ("B", "20.00"), ("C", "4.50"), ("B", "60.00"))
        cell.run("import", cell.write("graded.csv", "id,name,grade,price\n" + "".join(
            f"{n},Ada,{grade},{price}\n" for n, (grade, price) in enumerate(rows))), "--map", cell.write("map.yaml", (
                "source: web\nkey: id\nfields: {name: name, cost: price}\nattributes: [quality: grade]\n")))
        best = closer.hear("offer")
        told = cell.fields("explain", best["lead"])
        expect(told["routed"] == "home routes[0], line 13 of policy 2: to closers", f"a rule chose by quality: {told}")
        others = [caller.hear("offer")["lead"] for _ in range(2)]
        scores = [int(cell.fields("explain", lead)["score"]) for lead in others]
        expect(scores == [4000, 1000], f"quality weighs in the score, the better one goes first: {scores}")
        limit = {row["name"]: row for row in cell.ask("limits")}["ana"]
        expect(limit["used"] == "24.50", f"a budget counts what they cost, and the dear one waits: {limit}")
        expect(cell.total("waiting") == 1, "the one that is too dear for her waits")
        for agent, leads in ((closer, [best["lead"]]), (caller, others)):
            for lead in leads:
                expect(agent.ask(f"accept {lead}", "acted")["reason"] == "OK", f"{agent.name} takes {lead}")
        said = json.loads(cell.run("report", "cost", "--by", "agent", "--json").stdout)
        costs = {row["agent"]: float(row["cost"]) for row in said["rows"]}
        expect((costs["eva"], costs["ana"]) == (45.0, 24.5), f"the report says whose leads cost how much: {said}")
        cell.fsck()


if __name__ == "__main__":
    main({test.__name__: test for test in (a_lead_reaches_whose_territory_it_is_and_explain_names_the_line,
                                           ten_thousand_rules_come_into_force_live,
                                           cost_and_quality_come_with_a_lead_and_count)})
