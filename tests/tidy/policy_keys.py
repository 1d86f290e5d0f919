#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tables of docs/POLICY.md from policy/policy_keys.def, policy_faults.def and proto/strategies.def.

    tests/tidy/policy_keys.py --write   put the tables between the markers of the page
    tests/tidy/policy_keys.py --check   fail when the page says something else
"""
import re
import sys

from page import ROOT, keep, table

UNITS = (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1))
NUMBERS = {"SECOND": 1000, "MINUTE": 60000, "HOUR": 3600000, "DAY": 86400000, "UINT32_MAX": 2**32 - 1}
TYPES = {"MS": "duration", "COUNT": "number", "PERMILLE": "thousandths", "MONEY": "amount", "FLAG": "true or false"}
STRING = r'"((?:[^"\\]|\\.)*)"'


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
    for line in (ROOT / "policy/policy_keys.def").read_text().splitlines():
        word = re.match(rf"(\w+)_WORD\((\w+), {STRING}, {STRING}, {STRING}\)$", line)
        list_ = re.match(rf"(\w+)_LIST\((\w+), (\w+), (\w+), {STRING}, {STRING}, {STRING}\)$", line)
        key = re.match(rf"(\w+)_KEY\((\w+), \w+, (\w+), ([^,]+), ([^,]+), ([^,]+), {STRING}\)$", line)
        order = re.match(rf"(\w+)_ORDER\((\w+), {STRING}, {STRING}, {STRING}\)$", line)
        timer = re.match(r"(\w+)_TIMER\((\w+)\)$", line)
        if word:
            section, name, allowed, default, text = word.groups()
            row = (name, "text", allowed, default, text)
        elif list_:
            section, name, least, most, of, default, text = list_.groups()
            row = (name, "list", f"{number(least, limits)} to {number(most, limits)} {of}", default, text)
        elif key:
            section, name, kind, default, least, most, text = key.groups()
            default, least, most = (number(one, limits) for one in (default, least, most))
            bounds = shown(least, kind) + (" to " + shown(most, kind) if most > least else "")
            row = (name, TYPES[kind], "" if kind == "FLAG" else bounds, shown(default, kind), text)
        elif order:
            section, name, allowed, default, text = order.groups()
            row = (name, "order", allowed, default, text)
        elif timer:
            section, of = timer.group(1) + "_TIMER", {row[0]: row for row in sections["TIMER"]}
            row = (*of[timer.group(2)][:3], "that of the unit above, or of the programme", of[timer.group(2)][4])
        elif re.match(r"[A-Z]+_(WORD|LIST|KEY|ORDER|TIMER)\(", line):
            sys.exit(f"policy/policy_keys.def: a line of no known form: {line}")
        else:
            continue
        sections.setdefault(section, []).append(row)
    return sections


def tables():
    """{marker: text}"""
    made = {section.lower(): table(["key", "type", "allowed", "default", ""], [[f"`{name}`", *rest] for name, *rest in rows])
            for section, rows in read_list().items()}
    strategies = re.findall(rf"^STRATEGY\(\d+, \w+, {STRING}, \w+, {STRING}\)", (ROOT / "proto/strategies.def").read_text(), re.M)
    made["strategies"] = table(["strategy", ""], [[f"`{word}`", text] for word, text in strategies])
    faults = re.findall(rf"^FAULT\((\w+), {STRING}\)", (ROOT / "policy/policy_faults.def").read_text(), re.M)
    made["faults"] = table(["reason", ""], [[f"`{name}`", text] for name, text in faults])
    return made


if __name__ == "__main__":
    keep("docs/POLICY.md", tables(), __doc__)
