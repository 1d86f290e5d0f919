# SPDX-License-Identifier: Apache-2.0
"""The lists of the project as rows, and the tables of a page that are written from them, each between
<!-- its name --> and <!-- end -->."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRING = r'"((?:[^"\\]|\\.)*)"'


def rows(name, forms):
    """The rows NAME(...) of the list `name`, in its order: (form, what its groups are). `forms` are patterns,
    {NAME: what stands between the brackets}. A row of none of them ends the program, so that none is left out."""
    found = []
    for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
        if not re.match(r"[A-Z][A-Z_]*\(", line):
            continue
        matches = ((form, re.fullmatch(rf"{form}\({inside}\)", line)) for form, inside in forms.items())
        form, match = next(((form, match) for form, match in matches if match), (None, None))
        if not match:
            sys.exit(f"{name}:{number}: a row of no known form: {line}")
        found.append((form, match.groups()))
    return found


def table(head, lines):
    return "\n".join("| " + " | ".join(line).rstrip() + " |" for line in [head, ["---"] * len(head), *lines])


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
