# SPDX-License-Identifier: Apache-2.0
"""Every command as somebody meets it in a terminal: its help, a wrong option, no takt that runs, JSON for programs,
and orders that are refused."""
import json
import os
import re
import subprocess
import tempfile

from harness import MAP, ROOT, TAKT, Agent, Cell, expect, main, wait_for

NO_BROKER_NEEDED = {"generate", "crew-check", "report", "policy", "geo", "up", "cell"}
ID = "0123456789abcdef0123456789abcdef"
WORDS = {"agent": ["ana", "--team", "north"], "crew": ["--team", "north", "--agents", "1"],
         "lead": [ID], "explain": [ID], "history": [ID], "suppress": ["--phone", "3102461501"], "hooks": ["status"]}


def commands():
    with open(os.path.join(ROOT, "cli", "commands.def")) as file:
        return re.findall(r'^COMMAND\(\w+, "([\w-]+)"', file.read(), re.M)


def takt(*args, folder="/nonexistent"):
    return subprocess.run([TAKT, *args], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
                          env={**os.environ, "TAKT_DIR": folder, "USER": "ops"})


def every_command_helps_itself_and_names_the_next_step(rng):
    leads = tempfile.NamedTemporaryFile(suffix=".csv")
    without_broker = [leads.name, "--map", MAP]
    expect(takt("generate", "--leads", "5", "--out", leads.name).returncode == 0, "leads to import")
    listed = takt("help")
    expect(listed.returncode == 0 and len(commands()) > 25, "takt help lists them")
    texts = {line.find(line.split(None, 1)[1]) for line in listed.stdout.splitlines() if line.startswith("  ")}
    expect(len(texts) == 1, f"what they do stands in one column: {listed.stdout}")
    for word in commands():
        done = takt(word, "--help")
        expect(done.returncode == 0 and not done.stderr, f"{word}: {done.stderr}")
        expect(done.stdout.startswith(f"usage: takt {word}"), f"{word}: {done.stdout[:80]}")
        options, _, example = done.stdout.partition("\nexample:\n")
        expect(f"takt {word}" in example, f"{word} has an example: {done.stdout}")
        expect(all(line.startswith("  ") for line in example.splitlines()), f"{word}: {example}")
        expect("\n  --json " in options, f"{word} tells programs, too: {options}")
        rows = re.findall(r"^(  --[\w-]+(?: [^ ]+)? +)\S", options.partition("\noptions:\n")[2], re.M)
        expect(rows and len({len(row) for row in rows}) == 1, f"{word}: what options do stands in one column: {options}")
        wrong = takt(word, "--nonsense")
        expect(wrong.returncode == 2, f"{word} --nonsense: exit {wrong.returncode}")
        expect(wrong.stderr.startswith(f"takt {word}: ") and f"takt {word} --help" in wrong.stderr, f"{word}: {wrong.stderr}")
        if word in NO_BROKER_NEEDED:
            continue
        for form in ([], ["--json"]):
            alone = takt(word, *(without_broker if word == "import" else WORDS.get(word, [])), *form)
            expect(alone.returncode not in (0, 124) and not alone.stdout, f"{word} without a broker: {alone.stdout}")
            expect("takt up" in alone.stderr, f"{word} without a broker: {alone.stderr}")


def what_pages_and_hints_tell_to_type_is_there(rng):
    """Every `takt WORD --option` of a page or of a sentence in the sources."""
    del rng
    helps, named = {word: takt(word, "--help").stdout for word in commands()}, 0
    for folder, _, names in os.walk(ROOT):
        if any(part.startswith((".", "build")) for part in os.path.relpath(folder, ROOT).split(os.sep) if part != "."):
            continue
        for name in names:
            if not name.endswith((".md", ".c", ".h", ".def", ".yaml")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text = file.read()
            typed = re.findall(r"`takt ([a-z][^`\n]*)`", text)
            if name.endswith(".md"):
                typed += re.findall(r"^(?:\$ )?takt ([a-z][^#|>&;\n]*)", text, re.M)
            for line in typed:
                word = line.split()[0]
                if word not in helps and (word in ("help", "is") or not re.search(r"^[a-z-]+( --|$)", line)):
                    continue    # a sentence
                named += 1
                expect(word in helps, f"{name}: takt {line}: no such command")
                for option in re.findall(r"(?<!\S)--([a-z][\w-]*)", line):
                    expect(f"  --{option} " in helps[word] or option == "help", f"{name}: takt {line}: no --{option}")
    expect(named > 250, f"{named} places name a command")


def what_programs_read_is_json(rng):
    with Cell() as cell:
        said = cell.ask("import", cell.generate(60, rng.randrange(1000)), "--map", MAP, "--source", "web")
        expect(said["accepted"] > 50, f"{said}")
        expect(cell.crew("north", "--team", "north", "--agents", "2", "--leads", "20").wait(30) == 0, "20 are worked on")
        with open(cell.path("odd \"name\".yaml"), "w") as file:
            file.write("programmes: [{name: x, teems: [a]}]\n")
        bad = cell.run("policy", "check", file.name, "--json", check=False)
        expect([row["path"] for row in json.loads(bad.stdout)] == ["programmes[0].teams", "programmes[0].teems"], bad.stdout)
        rows = {word: cell.ask(word) for word in ("status", "agents", "pools", "limits", "teams", "orphans", "sources",
                                                  "returns", "metrics", "report")}
        expect(all(isinstance(told, list) for told in rows.values()), f"lists of rows: {rows}")
        expect({row["report"] for row in rows["report"]} >= {"funnel", "cost", "speed"}, f"{rows['report']}")
        for asked in (("workers",), ("fsck",), ("suppress",), ("policy", "versions"), ("policy", "template"),
                      ("explain", "--agent", "north-0001"), ("report", "funnel"), ("watch", "--count", "1")):
            expect(cell.ask(*asked), f"{asked} tells something")
        with open(cell.policy) as file:
            expect(cell.ask("policy", "show", "1")["text"] == file.read(), "the text of a policy as it was given")
        one = takt("policy", "show", "99", folder=cell.dir)
        expect(one.returncode == 1 and "takt policy versions" in one.stderr, one.stderr)


def cells_and_archives_of_ones_own_tell_programs_what_they_did(rng):
    with Cell(up_args=("--no-archive",)) as cell:
        redis, folder = cell.endpoint("redis"), cell.path("kept")
        made = cell.ask("cell", "create", "--redis", redis, "--cell", "second")
        expect(made == {"cell": "second", "redis": redis}, f"{made}")
        archive = cell.background("archive", "archive", "--to", folder, "--json")
        ready = wait_for(archive.output, 10, "it says that it follows")
        expect(json.loads(ready)["event"] == "ready", ready)
        expect(archive.end() == 0, archive.tail())
        lines = [json.loads(line) for line in archive.output().splitlines()]
        expect([line["event"] for line in lines] == ["ready", "ended"], f"{lines}")
        kept = cell.ask("fsck", "--archive", folder)["segments"]
        expect((lines[1]["cell"], lines[1]["folder"], lines[1]["last"]) == ("test", folder, kept[-1]["last"]), f"{lines}, {kept}")
        expect(cell.ask("archive", "--end") == {"cell": "test", "archived": False}, "the log does not wait any more")


def what_is_refused_fails_and_says_so(rng):
    with Cell() as cell:
        Agent(cell, "ana", "north", "away")
        wait_for(lambda: [row["agent"] for row in cell.ask("agents")] == ["ana"], 5, "ana is there")

        def refused(code, says, *args):
            done = takt(*args, folder=cell.dir)
            expect(done.returncode == code and says in done.stderr and not done.stdout, f"{args}: {done}")

        refused(1, "takt history ID", "lead", ID)
        refused(1, "UNKNOWN_LEAD: no such lead, or not yours; `takt history", "lead", ID, "--release", "--why", "x")
        refused(1, "takt fsck --states", "history", ID)
        refused(1, "takt agents", "agents", "--pause", "nobody", "--json")
        refused(1, "No such file", "suppress", cell.path("nowhere.txt"))
        refused(2, "takt teams", "agent", "ana")
        refused(1, "UNKNOWN_AGENT", "agents", "--pause", "nobody")
        refused(1, "UNKNOWN_AGENT", "explain", "--agent", "nobody")
        refused(1, "UNKNOWN_WORKER", "workers", "drain", "nobody")
        refused(2, "an order", "lead", ID, "--why", "x")
        refused(2, "no day", "agents", "--absent", "ana", "--from", "2026-02-30")
        refused(2, "--since", "report", "funnel", "--since", "2026-02-30")
        refused(2, "--until", "report", "funnel", "--since", "2026-02-03", "--until", "2026-02-02")
        refused(2, "not both", "report", "funnel", "--csv", "--json")
        refused(2, "not both", "returns", "--csv", "--json")
        refused(2, "slo", "report", "funnel", "--target", "5")
        refused(2, "which report", "report", "--by", "source")
        refused(2, "--remove needs", "suppress", "--remove")
        refused(2, "--team", "crew", "--team", "north")
        refused(2, "takt geo find", "geo", "find", "35762", "--postal", "US.txt")
        refused(2, "ndjson", "import", "leads.csv", "--format", "xml")
        refused(1, "nowhere.log", "crew-check", cell.path("nowhere.log"))
        refused(1, "another takt archive", "archive")
        crew = cell.run("crew", "--team", "nobody", "--agents", "1", "--json", check=False)
        expect(crew.returncode == 1 and "takt teams" in crew.stderr and json.loads(crew.stdout)["connects"] == 0, f"{crew}")
        why = cell.fields("explain", "--agent", "ana")
        expect(why["agent"] == "ana" and why["why_none"] == "AWAY", f"{why}")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        every_command_helps_itself_and_names_the_next_step,
        what_pages_and_hints_tell_to_type_is_there, what_programs_read_is_json,
        cells_and_archives_of_ones_own_tell_programs_what_they_did, what_is_refused_fails_and_says_so)})
