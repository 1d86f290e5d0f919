#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the life of a lead in docs/LEAD.md from core/lead_states.def.

    tests/tidy/lead_states.py --write   put picture and tables between the markers of the page
    tests/tidy/lead_states.py --check   fail when the page says something else
"""
from page import STRING, keep, rows

HOLDER = {"NOBODY": "nobody", "AGENT": "one agent", "END": "final"}


def read_lists():
    found = rows("core/lead_states.def", {"LEAD_STATE": rf"(\d+), (\w+), (\w+), {STRING}",
                                          "LEAD_MOVE": r"(\w+), (\w+), (\w+), (\w+)"})
    return [row for form, row in found if form == "LEAD_STATE"], [row for form, row in found if form == "LEAD_MOVE"]


def merge(moves):
    """One arrow for each pair of states, with all its events."""
    arrows = {}
    for start, event, end, fence in moves:
        arrows.setdefault((start, end), []).append(event + ("*" if fence == "RISE" else ""))
    return arrows


def draw():
    states, moves = read_lists()
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> RECEIVED"]
    for (start, end), events in merge(moves).items():
        lines.append(f"    {start} --> {end}: {', '.join(events)}")
    lines += [f"    {name} --> [*]" for _, name, kind, _ in states if kind == "END"]
    lines += ["```", "", "`*` the fence rises: whatever the former holder still says is refused as `STALE_FENCE`.", ""]
    lines += ["| state | number | held by | meaning | leaves by |", "| --- | ---: | --- | --- | --- |"]
    for number, name, kind, text in states:
        out = {}
        for start, event, end, fence in moves:
            if start == name:
                out.setdefault(event + ("*" if fence == "RISE" else ""), []).append(end)
        leaves = "; ".join(f"{event} → {', '.join(ends)}" for event, ends in out.items()) or "-"
        lines.append(f"| {name} | {number} | {HOLDER[kind]} | {text} | {leaves} |")
    return "\n".join(lines)


if __name__ == "__main__":
    keep("docs/LEAD.md", {"from core/lead_states.def": draw()}, __doc__)
