#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tables of docs/POLICY.md from policy/policy_keys.def, policy_faults.def and proto/strategies.def.

    tests/tidy/policy_keys.py --write   put the tables between the markers of the page
    tests/tidy/policy_keys.py --check   fail when the page says something else
"""
import re

from page import ROOT, STRING, keep, rows, table

UNITS = (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1))
NUMBERS = {"SECOND": 1000, "MINUTE": 60000, "HOUR": 3600000, "DAY": 86400000, "UINT32_MAX": 2**32 - 1}
WORD, LIST, KEY, ORDER, TIMER, MAPS, MAP, TESTS = (
    rf"([A-Z]+)_{form}" for form in ("WORD", "LIST", "KEY", "ORDER", "TIMER", "MAPS", "MAP", "TESTS"))
FORMS = {WORD: rf"(\w+), {STRING}, {STRING}, {STRING}", LIST: rf"(\w+), (\w+), (\w+), {STRING}, {STRING}, {STRING}",
         KEY: rf"(\w+), \w+, (\w+), ([^,]+), ([^,]+), ([^,]+), {STRING}", MAPS: rf"(\w+), (\w+), (\w+), {STRING}",
         ORDER: rf"(\w+), {STRING}, {STRING}, {STRING}", TIMER: r"(\w+)", MAP: rf"(\w+), {STRING}", TESTS: rf"(\w+), (\w+), {STRING}"}
TYPES = {"MS": "duration", "COUNT": "number", "PERMILLE": "thousandths", "MONEY": "amount", "FLAG": "true or false"}


def number(text, limits):
    """A constant expression of the list: products of numbers and names."""
    text = re.sub(r"INT64_C\((\d+)\)", r"\1", text)
    value = 1
    for factor in text.split("*"):
        factor = factor.strip()
        value *= int(factor) if factor.lstrip("-").isdigit() else {**NUMBERS, **limits}[factor]
    return value


def shown(value, kind):
    if kind == "FLAG":
        return "true" if value else "false"
    if kind == "MONEY":
        return f"{value // 100}.{value % 100:02}"
    if kind != "MS" or value == 0:
        return str(value)
    return next(f"{value // size}{unit}" for unit, size in UNITS if value % size == 0)


def read_list():
    """{section: [(key, type, allowed, default, text)]}, in the order of the list."""
    limits = {name: int(value) for name, value in
              re.findall(r"(POLICY_\w+_MAX) = (\d+)", (ROOT / "core/policy.h").read_text())}
    sections = {}
    for form, (section, name, *rest) in rows("policy/policy_keys.def", FORMS):
        if form == WORD:
            allowed, default, text = rest
            row = (name, "text", allowed, default, text)
        elif form == LIST:
            least, most, of, default, text = rest
            row = (name, "list", f"{number(least, limits)} to {number(most, limits)} {of}", default, text)
        elif form == KEY:
            kind, default, least, most, text = rest
            default, least, most = (number(one, limits) for one in (default, least, most))
            bounds = shown(least, kind) + (" to " + shown(most, kind) if most > least else "")
            row = (name, TYPES[kind], "" if kind == "FLAG" else bounds, shown(default, kind), text)
        elif form == ORDER:
            allowed, default, text = rest
            row = (name, "order", allowed, default, text)
        elif form == TIMER:
            of = next(row for row in sections["TIMER"] if row[0] == name)
            section, row = section + "_TIMER", (*of[:3], "that of the unit above, or of the programme", of[4])
        elif form == MAPS:
            most, of, text = rest
            row = (name, "list", f"up to {number(most, limits)} entries with keys of their own", "none", text)
        elif form == TESTS:
            most, text = rest
            row = (name, "mapping", f"up to {number(most, limits)} attributes", "none: all leads", text)
        else:
            row = (name, "mapping", "keys of its own", "each its own", rest[0])
        sections.setdefault(section, []).append(row)
    return sections


def tables():
    """{marker: text}"""
    made = {section.lower(): table(["key", "type", "allowed", "default", ""], [[f"`{name}`", *rest] for name, *rest in rows])
            for section, rows in read_list().items()}
    strategies = rows("proto/strategies.def", {"STRATEGY": rf"\d+, \w+, {STRING}, \w+, {STRING}"})
    made["strategies"] = table(["strategy", ""], [[f"`{word}`", text] for _, (word, text) in strategies])
    faults = rows("policy/policy_faults.def", {"FAULT": rf"(\w+), {STRING}"})
    made["faults"] = table(["reason", ""], [[f"`{name}`", text] for _, (name, text) in faults])
    return made


if __name__ == "__main__":
    keep("docs/POLICY.md", tables(), __doc__)
