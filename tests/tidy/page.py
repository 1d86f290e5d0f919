# SPDX-License-Identifier: Apache-2.0
"""The tables of a page that are written from lists, each between <!-- its name --> and <!-- end -->."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def table(head, rows):
    return "\n".join("| " + " | ".join(line).rstrip() + " |" for line in [head, ["---"] * len(head), *rows])


def keep(name, tables, usage):
    """`tables` is {name: text}. With --write the page `name` gets them, with --check it must have them."""
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(usage)
    path = ROOT / name
    page = wanted = path.read_text()
    for marker, text in tables.items():
        wanted, n = re.subn(rf"(<!-- {re.escape(marker)} -->\n).*?(<!-- end -->)", lambda m, t=text: f"{m[1]}\n{t}\n\n{m[2]}",
                            wanted, flags=re.S)
        if n != 1:
            sys.exit(f"{name} has {n} places for the table of {marker}")
    if sys.argv[1] == "--write":
        path.write_text(wanted)
    elif page != wanted:
        sys.exit(f"{name} does not agree with its lists: run tests/tidy/{pathlib.Path(sys.argv[0]).name} --write")
