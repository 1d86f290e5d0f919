#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of what takt was asked for (tests/rows.tsv) against the tests that are there.

    tests/rows.py             each row with its tests
    tests/rows.py --check     only what is wrong: a row without a test, twice or left out, a test that does not exist

Both exit with 1 when something is wrong.

A test of a C program is a function of its source: the compiler lets none stand that nobody runs. One of a Python
program is a function that its list names. docs/SEEDS.md must speak of each row once.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLE, PAGE = ROOT / "tests" / "rows.tsv", ROOT / "docs" / "SEEDS.md"
SEEDS = {"000": 22, "001": 15, "002": 12, "003": 43, "004": 17}
GROUPS = {"rows proven": [f"{seed}-{i:02}" for seed, n in SEEDS.items() for i in range(1, n + 1)],
          "defects": [f"D-{i:02}" for i in range(1, 18)],
          "complaints": [f"C-{i:02}" for i in range(1, 16)]}
KINDS, LATER_MOST = ("proven", "missing", "note", "later"), 8
ID = re.compile(r"(?<!`)\b(?:00[0-4]|D|C)-\d\d\b")  # one in backticks is only an example


def read_table(wrong):
    """{id: (kind, tests, words)}; what is wrong with a line is told in `wrong`."""
    rows = {}
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or fields[1] not in KINDS or not all(fields):
            wrong.append(f"{TABLE.name}:{number}: id, kind ({', '.join(KINDS)}), tests and words, divided by tabs")
        elif fields[0] in rows:
            wrong.append(f"{TABLE.name}:{number}: {fields[0]} is there twice")
        else:
            rows[fields[0]] = (fields[1], [] if fields[2] == "-" else fields[2].split(" "), fields[3])
    expected = {row for group in GROUPS.values() for row in group}
    wrong += [f"{TABLE.name}: {row} is left out" for row in sorted(expected - set(rows))]
    wrong += [f"{TABLE.name}: {row} is no row" for row in sorted(set(rows) - expected)]
    return rows


def sources_of(program):
    """The text of a test program, whole; "" where no CMakeLists.txt runs it."""
    names, texts = [program + ".c", program + ".py"] + ["stories_*.c"] * (program == "test_stories"), []
    for lists in sorted(ROOT.glob("tests/*/CMakeLists.txt")):
        if re.search(rf"\b{program}\b", lists.read_text()):
            texts += [path.read_text() for name in names for path in sorted(lists.parent.glob(name))]
    return "\n".join(texts)


def exists(test, sources={}):
    program, _, name = test.partition(":")
    if program not in sources:
        sources[program] = sources_of(program)
    text = sources[program]
    if not re.fullmatch(r"\w+", name):
        return False
    return bool(re.search(rf"^static void {name}\(void \*\*", text, re.M) or
                (re.search(rf"^def {name}\(", text, re.M) and re.search(rf"[(\[,]\s*{name}\s*[,\])]", text)))


def proven_by(row, rows):
    """The tests of a row, also of one that refers to another."""
    kind, tests, _ = rows[row]
    if tests and tests[0].startswith("="):
        other = tests[0][1:]
        return proven_by(other, rows) if other in rows and not rows[other][1][:1] == [f"={row}"] else []
    return tests if kind == "proven" else []


def check(rows, wrong):
    for row, (kind, tests, _) in rows.items():
        if (kind == "proven") != bool(tests):
            wrong.append(f"{row}: {kind}, {'with' if tests else 'without'} a test")
        for test in tests:
            if test.startswith("=") and (len(tests) > 1 or test[1:] not in rows):
                wrong.append(f"{row}: {test} is no other row")
            elif not test.startswith("=") and not exists(test):
                wrong.append(f"{row}: there is no test {test}")
    later = {row: words for row, (kind, _, words) in rows.items() if kind == "later"}
    if len(later) > LATER_MOST:
        wrong.append(f"{len(later)} rows are left for later, at most {LATER_MOST}: {' '.join(later)}")
    left = "".join(line for line in PAGE.read_text().splitlines() if line.startswith("| Left for later"))
    for row, words in later.items():
        if not re.match(r"[\w ]+: ", words) or words.split(":")[0] not in left or row not in left:
            wrong.append(f"{row} is for later: its words must begin with the subject, and {PAGE.name} list both")
    wrong += [f"{PAGE.name} leaves {row} for later, the table does not" for row in ID.findall(left) if row not in later]
    spoken = ID.findall(PAGE.read_text())
    for row in sorted(set(rows) | set(spoken)):
        if spoken.count(row) != 1 or row not in rows:
            wrong.append(f"{PAGE.name} speaks of {row} {spoken.count(row)} times"
                         f"{', and the table has no such row' if row not in rows else ''}")


def main(only_check):
    wrong, ends = [], []
    rows = read_table(wrong)
    check(rows, wrong)
    for title, ids in GROUPS.items():
        proven, later = 0, 0
        for row in (row for row in ids if row in rows):
            kind, tests, words = rows[row]
            found = [test for test in proven_by(row, rows) if exists(test)]
            shown = kind if kind in ("note", "later") else "proven" if found else "MISSING"
            proven += shown in ("proven", "note")
            later += shown == "later"
            if shown == "MISSING":
                wrong.append(f"{row} is missing: {words}")
            if not only_check:
                how = " ".join(tests[:1] + found if tests and tests[0].startswith("=") else found) or "-"
                print(f"{row:<7} {shown:<8} {words}\n                 {how}")
        ends.append(f"{title} {proven}/{len(ids)}" + (f" ({later} later)" if later else ""))
    print("\n".join(wrong + ends))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main("--check" in sys.argv[1:])
