# SPDX-License-Identifier: Apache-2.0
"""`takt import FILE.ndjson`: a bad line is rejected alone. That real data gives the same leads as CSV is in test_real_data_e2e."""
import csv
import json

from harness import Cell, expect, main

ROWS = """{"lead_id": "a1", "first_name": "Ada", "phone": "303-555-0101"}
{"lead_id": "a2", "first_name": "Ben", "phone": "303-555-0102"
{"lead_id": "a3", "first_name": "Cleo", "phone": "303-555-0103", "extra": {"tags": ["x"]}}
{"first_name": "Dan", "phone": "303-555-0104"}
{"lead_id": "a1", "first_name": "Ada", "phone": "303-555-0101"}
{"lead_id": "a5"}
"""


def bad_lines_are_rejected_alone_with_their_number_and_reason(rng):
    with Cell(workers=0) as cell:
        leads, rejects, map_path = cell.path("leads.txt"), cell.path("bad.csv"), cell.path("map.yaml")
        with open(leads, "w") as file:
            file.write(ROWS)
        with open(map_path, "w") as file:
            file.write("source: web\nkey: lead_id\nfields: {name: first_name, phone: phone}\n")
        dry = json.loads(cell.run("import", leads, "--format", "ndjson", "--map", map_path, "--dry-run", "--json").stdout)
        said = json.loads(cell.run("import", leads, "--format", "ndjson", "--map", map_path, "--rejects", rejects, "--json").stdout)
        expect(said["rejected_by"] == {"NO_CONTACT": 1, "BAD_TEXT": 1, "NO_KEY": 1} and
               (said["rows"], said["accepted"], said["duplicate"]) == (6, 2, 1), f"{said}")
        expect(dry["rejected_by"] == said["rejected_by"] and dry["accepted"] == said["accepted"], "a dry run judges the same")
        with open(rejects, newline="") as file:
            told = [(row["line"], row["reason"]) for row in csv.DictReader(file)]
        expect(told == [("2", "BAD_TEXT"), ("4", "NO_KEY"), ("6", "NO_CONTACT")], f"{told}")
        wrong = cell.run("import", leads, "--format", "xml", "--map", map_path, check=False)
        expect(wrong.returncode != 0 and "csv or ndjson" in wrong.stderr, wrong.stderr)
        as_csv = cell.run("import", leads, "--map", map_path, check=False)
        expect(as_csv.returncode == 1 and "the header" in as_csv.stderr, "without the word it is a CSV file")


if __name__ == "__main__":
    main({test.__name__: test for test in (bad_lines_are_rejected_alone_with_their_number_and_reason,)})
