#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the tables of docs/HOOKS.md from hooks/hook_events.def and hooks/hook_keys.def.

    tests/tidy/hook_lists.py --write   put them between the markers of the page
    tests/tidy/hook_lists.py --check   fail when the page says something else
"""
from page import STRING, keep, rows, table


def tables():
    events = rows("hooks/hook_events.def", {"HOOK_EVENT": rf"(\w+), (\w+), {STRING}", "HOOK_OWN_ACT": r"\w+",
                                            "HOOK_WHEN": r"(\w+), (\w+), (\w+), (\w+)"})
    keys = rows("hooks/hook_keys.def", {"HOOK_KEY": rf"(\w+), {STRING}, {STRING}, {STRING}"})
    words = [row for form, row in events if form == "HOOK_EVENT"]
    by_name = {name: word for name, word, _ in words}
    said = [[f"`{by_name[name]}`", change.lower(), state.replace("ANY", "any"), reason.replace("ANY", "any")]
            for name, change, state, reason in (row for form, row in events if form == "HOOK_WHEN")]
    return {"events": table(["event", "the lead"], [[f"`{word}`", text] for _, word, text in words]),
            "whens": table(["event", "change", "state now", "reason"], said),
            "keys": table(["key", "value", "default", ""], [[f"`{key}`", *rest] for _, (key, *rest) in keys])}


if __name__ == "__main__":
    keep("docs/HOOKS.md", tables(), __doc__)
