#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tables of docs/REPORTS.md from report/reports.def.

    tests/tidy/reports.py --write   put the tables between the markers of the page
    tests/tidy/reports.py --check   fail when the page says something else
"""
import re
import sys

from page import ROOT, keep, table

STRING = r'"((?:[^"\\]|\\.)*)"'


def read_list():
    """({name: (word, text)} of keys, [(word, text, first key, keys, [(column, text)])] of reports)"""
    text = (ROOT / "report/reports.def").read_text()
    keys = {name: (word, said) for name, word, said in re.findall(rf"^KEY\((\w+), {STRING}, {STRING}\)$", text, re.M)}
    reports = {}
    for name, word, first, by, said in re.findall(rf"^REPORT\((\w+), {STRING}, \w+, (\w+), (.+?), \w+, {STRING}\)$", text, re.M):
        reports[name] = (word, said, first, re.findall(r"BY\((\w+)\)", by), [])
    for name, word, said in re.findall(rf"^COLUMN\((\w+), {STRING}, \w+, \w+, \w+, {STRING}\)$", text, re.M):
        reports[name][4].append((word, said))
    told = len(re.findall(r"^(?:KEY|REPORT|COLUMN)\(", text, re.M))
    if told != len(keys) + len(reports) + sum(len(report[4]) for report in reports.values()):
        sys.exit("report/reports.def: a line of no known form")
    return keys, list(reports.values())


def tables():
    """{marker: text}"""
    keys, reports = read_list()
    made = {"keys": table(["`--by`", "a row is"], [[f"`{word}`", said] for word, said in keys.values()])}
    sections = []
    for word, said, first, by, columns in reports:
        grouped = ", ".join(f"`{keys[key][0]}`" for key in [first] + [key for key in by if key != first])
        sections.append(f"### {word}\n\n{said[0].upper()}{said[1:]}. By {grouped}.\n\n" +
                        table(["column", ""], [[f"`{column}`", text] for column, text in columns]))
    made["reports"] = "\n\n".join(sections)
    return made


if __name__ == "__main__":
    keep("docs/REPORTS.md", tables(), __doc__)
