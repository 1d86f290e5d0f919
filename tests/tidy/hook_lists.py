#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the tables of docs/HOOKS.md from hooks/hook_events.def and hooks/hook_keys.def.

    tests/tidy/hook_lists.py --write   put them between the markers of the page
    tests/tidy/hook_lists.py --check   fail when the page says something else
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/HOOKS.md"
STRING = r'"([^"]*)"'


def table(head, rows):
    return "\n".join(["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows]])


def tables():
    events = (ROOT / "hooks/hook_events.def").read_text()
    keys = (ROOT / "hooks/hook_keys.def").read_text()
    words = re.findall(rf"^HOOK_EVENT\((\w+), (\w+), {STRING}\)", events, re.M)
    by_name = {name: word for name, word, _ in words}
    whens = re.findall(r"^HOOK_WHEN\((\w+), (\w+), (\w+), (\w+)\)", events, re.M)
    said = [[f"`{by_name[name]}`", change.lower(), state.replace("ANY", "any"), reason.replace("ANY", "any")]
            for name, change, state, reason in whens]
    rows = re.findall(rf"^HOOK_KEY\((\w+), {STRING}, {STRING}, {STRING}\)", keys, re.M)
    return {"events": table(["event", "the lead"], [[f"`{word}`", text] for _, word, text in words]),
            "whens": table(["event", "change", "state now", "reason"], said),
            "keys": table(["key", "value", "default", ""], [[f"`{key}`", *rest] for key, *rest in rows])}


def main(what):
    page = PAGE.read_text()
    wanted = page
    for marker, text in tables().items():
        wanted, n = re.subn(rf"(<!-- {marker} -->\n).*?(<!-- end -->)", lambda m, t=text: f"{m[1]}\n{t}\n\n{m[2]}", wanted, flags=re.S)
        if n != 1:
            sys.exit(f"docs/HOOKS.md has {n} places for the table of {marker}")
    if what == "--write":
        PAGE.write_text(wanted)
    elif page != wanted:
        sys.exit("docs/HOOKS.md does not agree with its lists: run tests/tidy/hook_lists.py --write")


if __name__ == "__main__":
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    main(sys.argv[1])
