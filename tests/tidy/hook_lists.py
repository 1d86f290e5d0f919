#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the tables of docs/HOOKS.md from hooks/hook_events.def and hooks/hook_keys.def.

    tests/tidy/hook_lists.py --write   put them between the markers of the page
    tests/tidy/hook_lists.py --check   fail when the page says something else
"""
import re

from page import ROOT, keep, table

STRING = r'"([^"]*)"'


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


if __name__ == "__main__":
    keep("docs/HOOKS.md", tables(), __doc__)
