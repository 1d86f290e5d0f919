# SPDX-License-Identifier: Apache-2.0
"""Pull in its variants, as an agent at `takt agent` meets them."""

from harness import CLOSED, IN_HAND, POLICY, Agent, Cell, expect, main, wait_for


class Pulls(Cell):
    """The aged programme's agents pull by these keys."""

    def __init__(self, keys):
        with open(POLICY) as file:
            text = file.read()
        self.text = text.replace("    mode: pull\n", "    mode: pull\n" + "".join(f"    {key}\n" for key in keys))
        super().__init__()
        self.policy = self.path("policy.yaml")
        with open(self.policy, "w") as file:
            file.write(self.text)


def a_preview_is_skipped_or_accepted_and_only_then_shown_whole(rng):
    with Pulls(["pull: preview", "skips_max: 2"]) as cell:
        cell.take_in(30, rng.randrange(1000), "purchased")
        ana = Agent(cell, "ana", "desk", "on-demand")
        seen = set()
        for _ in range(2):
            expect(ana.ask("ready 0", "ready")["reason"] == "OK", "a preview comes")
            offer = ana.hear("offer")
            expect(offer["state"] == "OFFERED" and offer["see"] == "coarse", f"masked, and not hers: {offer}")
            expect("state" in offer["attributes"][0], f"what it may be judged by: {offer}")
            owed = ana.ask("ready 0", "ready")
            expect(owed["reason"] == "OWES_ANSWER" and owed["lead"] == offer["lead"], f"one at a time: {owed}")
            seen.add(offer["lead"])
            if len(seen) < 2:
                expect(ana.ask("decline", "acted")["reason"] == "OK", "it is skipped")
        expect(len(seen) == 2, "a skipped lead does not come again at once")
        expect(ana.ask("accept", "acted")["state"] == "OWNED", "it is accepted")
        whole = ana.hear("offer")
        expect(whole["lead"] in seen and whole["see"] == "full" and whole["state"] == "OWNED", f"all of it: {whole}")
        expect(ana.ask("dispose not-interested no need", "acted")["reason"] == "OK", "it is closed")
        ana.ask("ready 0", "ready")
        ana.hear("offer")
        expect(ana.ask("decline", "acted")["reason"] == "OK", "the last skip")
        expect(ana.ask("ready 0", "ready")["reason"] == "OK", "and no penalty")
        expect(ana.hear("offer")["state"] == "OWNED", "but the next one comes blind")


def a_lead_is_taken_off_a_list_and_not_by_two(rng):
    with Pulls(["pull: choose"]) as cell:
        cell.take_in(30, rng.randrange(1000), "purchased")
        ana, ben = Agent(cell, "ana", "desk", "on-demand"), Agent(cell, "ben", "desk", "on-demand")
        expect(ana.ask("list 4", "ready")["reason"] == "OK", "there are some")
        shown = [ana.hear("candidate") for _ in range(4)]
        expect(len({one["lead"] for one in shown}) == 4 and all(one["see"] == "coarse" for one in shown), f"{shown}")
        taken = ben.ask("take " + shown[2]["lead"], "ready")
        expect(taken["reason"] == "OK" and taken["lead"] == shown[2]["lead"], f"ben takes one: {taken}")
        expect(ben.hear("offer")["state"] == "OWNED", "it is his")
        late = ana.ask("take " + shown[2]["lead"], "ready")
        expect(late["reason"] == "LEAD_TAKEN", f"and not hers: {late}")
        expect(ana.ask("take " + shown[1]["lead"], "ready")["reason"] == "OK", "another one is")
        why = cell.fields("explain", shown[1]["lead"])
        expect(why["decision"] == "chosen by the agent" and "ana" in why["why"], f"explained: {why}")
        cell.fsck()


def a_crew_that_pulls_previews_works_all_leads_and_each_is_one_agents(rng):
    with Pulls(["pull: preview", "see: none", "order: random", "earn: first_action", "wip_max: 2"]) as cell:
        accepted = cell.take_in(200, rng.randrange(1000), "purchased")["accepted"]
        crew = cell.crew("desk", "--team", "desk", "--agents", "5", "--pull")
        wait_for(lambda: cell.total("waiting", *IN_HAND) == 0, 60, "every lead is worked on", pause=0.2)
        expect(crew.end() == 0, crew.tail())
        closed = sum(cell.total(column) for column in CLOSED)
        expect(closed + cell.total("pipeline") == accepted, f"{closed} closed of {accepted}")
        cell.run("crew-check", *cell.diaries())
        cell.fsck()


if __name__ == "__main__":
    main({test.__name__: test for test in (
        a_preview_is_skipped_or_accepted_and_only_then_shown_whole,
        a_lead_is_taken_off_a_list_and_not_by_two,
        a_crew_that_pulls_previews_works_all_leads_and_each_is_one_agents)})
