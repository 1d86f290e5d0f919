#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn the last ctest run of a build folder into lines `passed|failed|skipped NAME`.

A cmocka program counts by its cases, anything else as one test. A program that
ctest calls failed is at least one failure, whatever its cases said before.

    tests/tally.py BUILD_DIR JUNIT_FILE
"""
import re
import sys
import xml.etree.ElementTree as tree

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)\s*$", re.M)
WORD = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}


def outputs(build):
    """The whole output of each test: the JUnit file holds only its beginning."""
    with open(f"{build}/Testing/Temporary/LastTest.log", errors="replace") as log:
        parts = re.split(r"^\d+/\d+ Testing: (.*)$", log.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def verdict(case):
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed"
    if case.get("status") == "run":
        return "passed"
    # A program that is missing also counts as "notrun": only who says so himself is skipped.
    skipped = case.find("skipped")
    return "skipped" if skipped is not None and "SKIP_" in skipped.get("message", "") else "failed"


def main(build, junit):
    texts = outputs(build)
    for case in tree.parse(junit).getroot().iter("testcase"):
        name, whole = case.get("name"), verdict(case)
        cases = {f"{name}.{title}": WORD[word] for word, title in CASE.findall(texts.get(name, ""))}
        if not cases or (whole == "failed" and "failed" not in cases.values()):
            cases[name] = whole
        for title, word in cases.items():
            print(word, title)


if __name__ == "__main__":
    main(*sys.argv[1:])
