# SPDX-License-Identifier: Apache-2.0
"""A policy file with each strategy, by the name users know: a small import, all accepted, all worked on; and whom a
lead goes to when it is its worth that decides."""
import re

from harness import IN_HAND, POLICY, ROOT, Agent, Cell, expect, main, wait_for

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
        accepted = cell.take_in(LEADS, rng.randrange(1000))["accepted"]
        wait_for(lambda: cell.total("received") == accepted and cell.total("waiting", *IN_HAND) == 0, 60,
                 "every lead is worked on", pause=0.2)
        status = next(row for row in cell.ask("status") if row["programme"] == "fresh")
        expect(status["scored"] > 0.9 * accepted, f"workers decide: {status}")
        explained = cell.fields("explain", next(iter(cell.states())))
        expect(explained["strategy"] == strategy and explained["winner"] in explained["why"], f"explained: {explained}")
        expect(crew.end() == 0, crew.tail())
        cell.fsck()


WORTH = """cell: test
heartbeat: 500ms
lease: 2s
guard: 400ms
programmes:
  - name: home
    teams: [north]
    strategy: {strategy}
    wip_max: 1
    score:
      {{base: 100, load: 0, value: 100, half_life: {half_life}, weights: [
        {{attribute: language, skill: true, add: 60}}, {{attribute: tier, skill: true, add: 20}},
        {{attribute: warm, is: yes, add: 300}}]}}
    timers: {{offer: 60s, first_action: 60s, unclaimed: 60s}}
"""


def under(cell, **changes):
    with open(cell.path("worth.yaml"), "w") as file:
        file.write(WORTH.format(**changes))
    cell.run("policy", "apply", cell.path("worth.yaml"))


def come(cell, *rows):
    """Leads of one chunk, each "key language tier warm value"."""
    with open(cell.path("worth.csv"), "w") as file:
        file.write("key,name,language,tier,warm,value\n" + "".join(f"{row.replace(' ', ',Ada,', 1).replace(' ', ',')}\n"
                                                                   for row in rows))
    with open(cell.path("worth.map"), "w") as file:
        file.write("source: web\nkey: key\nfields: {name: name, value: value}\nattributes: [language, tier, warm, mark: key]\n")
    cell.run("import", cell.path("worth.csv"), "--map", cell.path("worth.map"))


def gets(cell, agent):
    """What the lead that this agent is offered is worth; it is worked off at once."""
    lead = agent.hear("offer")["lead"]
    agent.work_off(lead)
    return float(cell.fields("explain", lead)["winner value"])


# 000-13, 001-01: the largest expected value first, not the likeliest nor the first; 001-10: to who closes it best, though
# another is free for longer; 003-33: what gets old is worth less; D-06: two leads are worth most together
def a_lead_s_worth_decides_and_no_turn(rng):
    del rng
    with Cell() as cell:
        under(cell, strategy="best_score", half_life="1h")
        ben = Agent(cell, "ben", "north", "available", "--skills", "french")
        ana = Agent(cell, "ana", "north", "available", "--skills", "french,spanish,gold")
        for value in (101, 102, 103):
            come(cell, f"to-ana-{value} spanish - no {value}")
            expect(gets(cell, ana) == value, "she closes those best, and he is free for longer")
        ben.say("away")
        come(cell, "busy - - no 104")
        lead = ana.hear("offer")["lead"]
        come(cell, "first - - no 100", "likely - - yes 99", "dear - - no 900")
        ana.work_off(lead)
        order = [gets(cell, ana) for _ in range(3)]
        expect(order == [900, 99, 100], f"90, 40 and 10 are to be expected of them: {order}")

        under(cell, strategy="best_score", half_life="1s")
        come(cell, "busy-again - - no 105")
        lead = ana.hear("offer")["lead"]
        come(cell, "old - - no 100.10")
        come(cell, "new - - no 100")
        ana.work_off(lead)
        order = [gets(cell, ana) for _ in range(2)]
        expect(order == [100, 100.1], f"others call the new one now, and the old one have others called: {order}")

        under(cell, strategy="joint_optimum", half_life="1h")
        ben.say("back")
        wait_for(lambda: not any(row["why_none"] for row in cell.ask("agents")), 10, "both are free")
        come(cell, "either french gold no 201", "hers spanish - no 202")
        got = gets(cell, ben), gets(cell, ana)
        expect(got == (201, 202), f"the first alone would be worth most in her hand: {got}")


def test_of(strategy):
    return lambda rng: all_accepted_under(strategy, rng)


if __name__ == "__main__":
    main({**{f"all_are_accepted_under_{word}": test_of(word) for word in words()},
          **{test.__name__: test for test in (a_lead_s_worth_decides_and_no_turn,)}})
