# SPDX-License-Identifier: Apache-2.0
"""The benches themselves, small: each mode makes a whole figure, and a figure that is none is said to be none.
How fast anything is, is not asked here."""
import json
import os
import pathlib
import subprocess

from harness import expect, main

RUN = pathlib.Path(__file__).resolve().parents[2] / "bench" / "run"
SMALL = {
    "import": ("leads_per_s", 600, 20),
    "steady": ("view_leads_per_s", 600, 20),
    "fresh": ("p99_ms", 20, 5),
    "pull": ("p99_ms", 20, 5),
    "pool": ("flatness", 2000, 50),
    "agents": ("flatness", 600, 200),
    "memory": ("broker_bytes_per_lead", 2000, 1),
    "restart": ("broker_and_redis_s", 2000, 1),
    "core": ("steps_per_s", 2000, 20),
    "rules": ("flatness", 2000, 1),
}


def bench(*words):
    done = subprocess.run([RUN, *map(str, words), "--json", "--limit", "60", "--floor", "/nonexistent"],
                          capture_output=True, text=True, timeout=120, env=os.environ)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def every_mode_makes_a_figure_of_every_lead(rng):
    del rng
    for mode, (figure, leads, agents) in SMALL.items():
        done, results = bench(mode, "--runs", 1, "--leads", leads, "--agents", agents)
        expect(len(results) == 1, f"{mode}: one object: {done.stderr[-500:]}")
        result = results[0]
        # on a busy machine the worker may be late: then the run says so and is not valid
        expect(done.returncode == (0 if result["valid"] else 1), f"{mode}: {done.stderr[-500:]}")
        expect(result["bench"] == mode and result[figure] > 0, f"{mode}: {result}")
        expect(result["range"][figure][0] <= result[figure] <= result["range"][figure][1], f"{mode}: {result}")
        expect("ratio" not in result, f"{mode}: there is no floor to compare with")


def a_run_that_cannot_come_to_its_end_is_no_figure(rng):
    del rng
    done, results = bench("pool", "--leads", 1000, "--agents", 2000)  # more agents than leads: no lead for each
    expect(done.returncode == 1 and not results, f"exit {done.returncode}: {results}")
    expect(done.stderr.strip().splitlines()[-1].startswith("bench: "), f"one sentence says why: {done.stderr[-300:]}")


if __name__ == "__main__":
    main({test.__name__: test for test in (every_mode_makes_a_figure_of_every_lead,
                                           a_run_that_cannot_come_to_its_end_is_no_figure)})
