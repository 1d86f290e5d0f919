# SPDX-License-Identifier: Apache-2.0
"""Decisions made again from the log alone, and told: who, who next, why nobody else, and what would have changed it."""
import json
import re

from harness import IN_HAND, ROOT, Agent, Cell, expect, main, wait_for
from test_strategies_e2e import AGENTS, Under, words


def told(cell, lead, *more):
    rows = cell.ask("explain", lead, *more)
    fields = {row["field"]: row["value"] for row in rows}
    expect(len(fields) == len(rows), f"a field is told twice: {[row['field'] for row in rows]}")
    return fields


def parts_add_up(fields, who):
    own = {field: value for field, value in fields.items() if field.startswith(who + " ")}
    chance = int(own[f"{who} chance"].split()[0])
    points = sum(int(value.split()[0]) for value in own.values() if value[0] in "+-")
    expect(chance == min(max(points, 1), 1000), f"{who}: parts are {own}")
    return own


def every_choice_is_made_again_from_its_record(strategy, rng):
    with Under(strategy) as cell:
        crew = cell.crew("north", "--team", "north", "--agents", str(len(AGENTS)), "--seed", "1", "--act-ms", "5")
        accepted = cell.take_in(50, rng.randrange(1000))["accepted"]
        wait_for(lambda: cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0, 60,
                 "every lead is worked on", pause=0.2)
        crew.end()
        kinds = {}
        for lead in cell.states():
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


def without_a_worker_the_plain_order_is_made_again(rng):
    with Cell(workers=0) as cell:
        crew = cell.crew("north", "--team", "north", "--agents", "4", "--act-ms", "5")
        accepted = cell.take_in(50, rng.randrange(1000))["accepted"]
        wait_for(lambda: cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0, 60,
                 "every lead is worked on", pause=0.2)
        crew.end()
        for lead in cell.states():
            fields = told(cell, lead)
            expect(fields["recomputed"] == "the same choice, from the record alone", f"{lead}: {fields}")
            expect("winner points" not in fields, f"the plain order knows no score: {fields}")


# 003-23, C-13: who got it, why nobody else, and what would have given it to each
def an_explanation_says_of_each_agent_why_not_and_what_would_have_changed_it(rng):
    with Cell() as cell:
        agents = {name: Agent(cell, name, "north") for name in ("ana", "ben", "cleo", "dora")}
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 4, 10, "all are there")
        cell.run("agents", "--pause", "cleo", "--reason", "coaching")
        cell.run("agents", "--pause", "dora")
        cell.take_in(1, rng.randrange(1000))
        [lead] = wait_for(lambda: cell.total("offered") == 1 and list(cell.states()), 10, "it is offered")
        fields = told(cell, lead)
        first, other = fields["winner"], {"ana": "ben", "ben": "ana"}[fields["winner"]]
        expect(fields[f"agent {first}"].startswith("got it; score "), f"{fields}")
        expect(fields[f"agent {other}"].startswith("rank 2; score "), f"{fields}")
        expect("PAUSED_BY_OPERATOR" in fields["agent cleo"], f"{fields}")
        expect(told(cell, lead, "--agent", first)["to"] == f"{first} has got it", "the winner")
        said = told(cell, lead, "--agent", other)[f"to {other}"]
        expect(said == f"1 thousandth more of score would have given it to {other}", said)
        said = told(cell, lead, "--agent", "cleo")["to cleo"]
        expect(said.startswith("a card: it had none (paused by an operator"), said)

        expect(agents[first].ask("decline", "acted")["reason"] == "OK", "it is declined")
        agents[other].hear("offer")
        fields = told(cell, lead)
        expect(fields[f"agent {first}"].startswith("not asked: declined this lead lately"), f"{fields}")
        expect(fields["recomputed"].startswith("the same"), f"{fields}")
        expect(cell.run("explain", lead, "--agent", "nobody-of-that-name", check=False).returncode == 1, "no such agent")

        # what has changed since does not change what is told of then
        cell.run("agents", "--resume", "cleo")
        expect("PAUSED_BY_OPERATOR" in told(cell, lead)["agent cleo"], "cleo was paused then")
        fields = cell.fields("explain", "--agent", first)
        expect(fields["why_none"] == "PENALTY" and "back-off" in fields["because"], f"{fields}")
        fields = cell.fields("explain", "--agent", "dora")
        expect(fields["why_none"] == "PAUSED_BY_OPERATOR", f"{fields}")
        fields = cell.fields("explain", "--agent", "cleo")
        expect(fields["why_none"] == "" and fields["because"].startswith("nothing keeps it"), f"{fields}")
        expect("paused by an operator" in cell.run("explain", lead, "--agent", "dora").stdout, "as people read it")


# The default policy, but for a licence, a group that takes its own state only, and silence that is noticed soon
LICENSED = """cell: test
heartbeat: 500ms
lease: 2s
guard: 400ms
units: [{name: south, only: {state: CA}}]
"""
AGENTS_OF = """    strategy: best_score
    licence: state
    agents: [{name: ana, licences: [TX, CA]}, {name: cleo, licences: [TX]}, {name: dora, licences: [TX, CA]}]
"""


def licensed_policy(cell):
    with open(f"{ROOT}/deploy/policies/default.yaml") as file:
        text = file.read()
    with open(cell.path("licensed.yaml"), "w") as file:
        file.write(LICENSED + re.sub(r"^cell:.*\n", "", text, flags=re.M).replace("    strategy: best_score\n", AGENTS_OF))
    return cell.path("licensed.yaml")


# 003-39, 003-41, 001-08: each input class is named where it counts: what an agent can and may do, what its group takes,
# how much it holds, what the lead is, and what was done before
def each_input_of_a_score_is_named_with_what_it_added(rng):
    with Cell() as cell:
        cell.run("policy", "apply", licensed_policy(cell))
        cleo, _, _ = (Agent(cell, name, team) for name, team in (("cleo", "north"), ("ben", "north"), ("dora", "south")))
        wait_for(lambda: sum(row["present"] == "yes" for row in cell.ask("agents")) == 3, 10, "they are there")
        with open(cell.path("one.csv"), "w") as file:
            file.write("name,phone,email,product,amount,language,state\n"
                       "A Lead,2125550100,a@example.com,refinance,250000,spanish,TX\n")
        with open(cell.path("map.yaml"), "w") as file:
            file.write("source: web\nheader_line: 1\nkey: phone\nfields: {name: name, phone: phone, email: email}\n"
                       "attributes: [product, amount, language, state]\n")
        said = cell.run("import", cell.path("one.csv"), "--map", cell.path("map.yaml"), "--source", "web", "--json").stdout
        expect(json.loads(said)["accepted"] == 1, said)
        lead = cleo.hear("offer")["lead"]
        expect("winner language=spanish" not in told(cell, lead), "cleo does not speak it, and gets nothing for it")
        for words in ("accept", "act", "release"):
            expect(cleo.ask(words, "acted")["reason"] == "OK", f"cleo says {words}")
        agent = Agent(cell, "ana", "north", "available", "--skills", "spanish")
        agent.hear("offer")
        fields = told(cell, lead)
        own = parts_add_up(fields, "winner")
        names = {field.removeprefix("winner ") for field in own}
        expect({"base", "product=refinance", "amount=250000", "language=spanish", "performance", "load", "chance", "value",
                "age", "points"} == names, f"{own}")
        expect(own["winner language=spanish"] == "+60 (weights[2], a skill of this agent)", f"a skill: {own}")
        expect("in hand" in own["winner load"] and "closed" in own["winner performance"], f"volume, prior actions: {own}")
        expect("has no licence for this lead" in fields["not ben"], f"a licence: {fields}")
        expect("unit's filter leaves this lead out" in fields["not dora"], f"a group: {fields}")
        expect("had this lead before" in fields["not cleo"], f"a past owner: {fields}")
        shown = cell.run("explain", lead).stdout
        expect("2125550100" not in shown and "a@example.com" not in shown and "A Lead" not in shown, shown)


if __name__ == "__main__":
    main({**{f"every_choice_by_{word}_is_made_again_from_its_record": test_of(word) for word in words()},
          **{test.__name__: test for test in (
              without_a_worker_the_plain_order_is_made_again,
              an_explanation_says_of_each_agent_why_not_and_what_would_have_changed_it,
              each_input_of_a_score_is_named_with_what_it_added)}})
