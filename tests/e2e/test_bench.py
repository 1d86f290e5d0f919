# SPDX-License-Identifier: Apache-2.0
"""`takt bench` on a cell of one's own: every lead accounted for, and no real lead or agent touched."""
import json

from harness import Agent, Cell, expect, main, wait_for


def bench(cell, *args, check=True, seconds=90):
    done = cell.run("bench", *args, "--json", check=check, seconds=seconds)
    return json.loads(done.stdout) if done.stdout else None


def all_leads_of_a_load_are_accepted_handed_over_and_closed(rng):
    with Cell(workers=2) as cell:
        fast = bench(cell, "--leads", "2000", "--agents", "20")
        expect(fast["leads"] == fast["accepted"] == fast["handed"] == fast["closed"] == 2000, f"{fast}")
        expect(fast["rejected"] == fast["unanswered"] == fast["given_back"] == 0, f"{fast}")
        for name in ("receipt_us", "hand_us"):  # the slowest of a crowd, where others take a minute for the first
            expect(0 < fast[name]["p50"] <= fast[name]["p99"] <= fast[name]["max"] < min(10, fast["done_s"]) * 1e6,
                   f"{name}: {fast}")
        expect(cell.total("invalid") == 2000 == cell.total("received"), "they are closed as no real leads")
        wait_for(lambda: cell.total("waiting", "offered", "owned", "pipeline") == 0, 5, "and none is left")
        wait_for(lambda: sum(row["present"] for row in cell.ask("teams")) == 0, 5, "its agents have gone")
        paced = bench(cell, "--rate", "400", "--seconds", "2", "--agents", "10", "--team", "south")
        expect(780 <= paced["accepted"] == paced["handed"] <= 820, f"400 a second for 2 s: {paced}")
        expect(1.5 < paced["took_s"] < 10, f"{paced}")
        expect(paced["hand_us"]["p50"] < 100e3 and paced["hand_us"]["p99"] < 1e6, f"{paced}")
        said = cell.run("bench", "--leads", "100", "--agents", "2", "--pull").stdout
        expect("100 accepted" in said and "100 as fake after" in said and "0 not handed over" in said, said)
        return f"p50/p99 of a receipt {paced['receipt_us']['p50']}/{paced['receipt_us']['p99']} us, of a hand " \
               f"{paced['hand_us']['p50']}/{paced['hand_us']['p99']} us at 400 a second"


def it_refuses_a_cell_with_real_leads_or_agents_and_gives_back_what_is_not_its_own(rng):
    with Cell(workers=1) as cell:
        said = cell.take_in(40, rng.randrange(1000))
        refused = cell.run("bench", "--leads", "10", check=False)
        expect(refused.returncode == 1 and f"{said['accepted']} open leads" in refused.stderr and "--yes" in refused.stderr,
               f"{refused.returncode}: {refused.stderr}")
        expect(cell.total("received") == said["accepted"], "nothing was sent")
        ran = bench(cell, "--leads", "50", "--agents", "5", "--yes", "--drain", "3", check=False, seconds=60)
        expect(ran["accepted"] == 50 and ran["given_back"] > 0, f"{ran}")
        expect(cell.total("invalid") == ran["closed"] <= 50, f"no real lead was closed: {cell.ask('status')} {ran}")
        expect(cell.total("won", "lost", "exhausted") == 0, "nor ended otherwise")
    with Cell(workers=1) as cell:
        agent = Agent(cell, "ana", "north")
        refused = cell.run("bench", "--leads", "10", check=False)
        expect(refused.returncode == 1 and "1 agents" in refused.stderr, refused.stderr)
        agent.kill()


def what_cannot_be_is_told(rng):
    with Cell(workers=0) as cell:
        wrong = cell.run("bench", "--team", "nowhere", check=False)
        expect(wrong.returncode == 2 and "takt teams" in wrong.stderr, wrong.stderr)
        wrong = cell.run("bench", "--leads", "20", "--agents", "1", "--team", "desk", "--drain", "1", check=False)
        expect(wrong.returncode == 3 and "does a programme take source bench" in wrong.stderr, f"{wrong.returncode} {wrong.stderr}")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        all_leads_of_a_load_are_accepted_handed_over_and_closed,
        it_refuses_a_cell_with_real_leads_or_agents_and_gives_back_what_is_not_its_own, what_cannot_be_is_told)})
