#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tables of docs/REPORTS.md from report/reports.def.

    tests/tidy/reports.py --write   put the tables between the markers of the page
    tests/tidy/reports.py --check   fail when the page says something else
"""
import re

from page import STRING, keep, rows, table


def read_list():
    """({name: (word, text)} of keys, [(word, text, first key, keys, [(column, text)])] of reports)"""
    keys, reports = {}, {}
    for form, row in rows("report/reports.def", {
            "KEY": rf"(\w+), {STRING}, {STRING}", "FACT": r"\w+", "MEASURE": r"\w+",
            "REPORT": rf"(\w+), {STRING}, \w+, (\w+), (.+?), \w+, {STRING}",
            "COLUMN": rf"(\w+), {STRING}, \w+, \w+, \w+, {STRING}"}):
        if form == "KEY":
            keys[row[0]] = row[1:]
        elif form == "REPORT":
            name, word, first, by, said = row
            reports[name] = (word, said, first, re.findall(r"BY\((\w+)\)", by), [])
        elif form == "COLUMN":
            reports[row[0]][4].append(row[1:])
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
