# SPDX-License-Identifier: Apache-2.0
"""What deploy/quickstart shows: `line FOLDER` while it runs (exit 0 when nothing
waits and nothing is in work), `table FOLDER` at the end (exit 0 when all is well).
Reads only what takt's own commands printed."""
import csv
import glob
import hashlib
import json
import os
import re
import sys

IN_HAND = ("offered", "owned", "working", "wrap_up", "revoking")
CLOSED = ("won", "lost", "invalid", "suppressed", "exhausted")


def read(folder, name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)


def total(rows, *columns):
    return sum(row[column] for row in rows for column in columns)


def line(folder):
    rows = read(folder, "status.json")
    said = "; ".join(f"{row['programme']} ({row['mode']}) {total([row], 'waiting')} wait, {total([row], *IN_HAND)} in hand, "
                     f"{row['pipeline']} pipeline, {total([row], *CLOSED)} closed" for row in rows)
    print(said, flush=True)
    return total(rows, "received") > 0 and total(rows, "waiting", *IN_HAND) == 0


def quantiles(folder, met):
    """{quantile: seconds} and the number of leads, of those that met a free or a busy agent."""
    with open(os.path.join(folder, "metrics.txt")) as file:
        text = file.read()
    found = dict(re.findall(r'takt_intake_to_hand_quantile_seconds\{met="%s",q="([\d.]+)"\} ([\d.]+)' % met, text))
    count = re.search(r'takt_intake_to_hand_seconds_count\{met="%s"\} (\d+)' % met, text)
    return {name: float(value) for name, value in found.items()}, int(count.group(1)) if count else 0


def lead_id(source, key):
    return hashlib.blake2b(source + b"\0" + key, digest_size=16).hexdigest()


def lost(folder, imports):
    """Acknowledged leads that the stored state does not know, by id where the keys are known here."""
    with open(os.path.join(folder, "states.txt")) as file:
        states = {row.split()[0] for row in file}
    accepted = total(imports, "accepted")
    known = len(states)
    parts = [("web", "part0.csv"), ("purchased", "part1.csv"), ("partner", "part2.csv")]
    if os.path.exists(os.path.join(folder, "part0.csv")):
        sent = set()
        for source, name in parts:
            with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape", newline="") as file:
                for row in list(csv.reader(file))[1:]:
                    sent.add(lead_id(source.encode(), row[0].encode(errors="surrogateescape")))
        known = len(states & sent)
    return accepted - known


def table(folder):
    imports = [read(folder, os.path.basename(name)) for name in sorted(glob.glob(os.path.join(folder, "import-*.json")))]
    status, fsck = read(folder, "status.json"), read(folder, "fsck.json")
    beliefs, orphans = read(folder, "beliefs.json"), read(folder, "orphans.json")
    waiting, missing = total(status, "waiting", *IN_HAND), lost(folder, imports)
    took_ms = max(one["took_ms"] for one in imports)
    rows = [
        ("leads in", f"{total(imports, 'accepted'):,} of {total(imports, 'rows'):,} rows, durable in {took_ms} ms"),
        ("duplicates", f"{total(imports, 'duplicate') + total(imports, 'payload_differs'):,} "
                       f"({total(imports, 'payload_differs'):,} of them with other contents)"),
        ("rejects", f"{total(imports, 'rejected'):,}"),
    ]
    for row in status:
        decided = row["scored"] + row["plain"]
        by_worker = f"; {100 * row['scored'] // decided} % decided by a worker" if decided else ""
        rows.append((f"{row['programme']} ({row['mode']})",
                     f"{total([row], *IN_HAND):,} owned, {row['pipeline']:,} pipeline, {total([row], *CLOSED):,} closed"
                     + by_worker))
    for met, words in (("free", "met a free agent"), ("busy", "queued for a busy agent")):
        found, count = quantiles(folder, met)
        shown = ", ".join(f"{name} {1000 * found.get(key, 0):,.1f} ms"
                          for name, key in (("p50", "0.5"), ("p99", "0.99"), ("max", "1")))
        rows.append(("receipt to hand", f"{shown}: the {count:,} leads that {words}" if count else f"no lead {words}"))
    rows += [
        ("left waiting", f"{waiting:,}"),
        ("lost", f"{missing:,} (accepted by the importers, unknown to the stored state)"),
        ("two owners", f"{beliefs['two_owners']:,} (of {beliefs['intervals']:,} times an agent held a lead)"),
        ("dead queues", f"{len(orphans):,}"),
        ("fsck", f"{len(fsck['findings']):,} findings in {fsck['entries']:,} log entries and {fsck['rows']:,} rows"),
    ]
    print()
    for name, text in rows:
        print(f"  {name:<20} {text}")
    good = total(imports, "accepted") > 0 and not (waiting or missing or beliefs["two_owners"] or beliefs["damaged"] or
                                                  orphans or fsck["findings"] or total(imports, "unanswered"))
    print("\n  all is well" if good else "\n  NOT as it should be")
    return good


if __name__ == "__main__":
    sys.exit(0 if {"line": line, "table": table}[sys.argv[1]](sys.argv[2]) else 1)
