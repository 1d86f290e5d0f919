# SPDX-License-Identifier: Apache-2.0
"""`takt policy apply`: another policy while leads come in and agents work; nothing is lost, each decision names the
version it was made by, and a version that was answered for is there after any kill."""
import json
import os
import re
import subprocess

from harness import MAP, POLICY, TAKT, Cell, expect, main, wait_for


def write_policy(cell, name, **changes):
    """The tests' policy with other values: {"wip_max": 5} for the first programme."""
    with open(POLICY) as file:
        text = file.read()
    for key, value in changes.items():
        text, n = re.subn(rf"^(    {key}: ).*$", rf"\g<1>{value}", text, count=1, flags=re.M)
        expect(n == 1, f"{key} is in the policy")
    with open(cell.path(name), "w") as file:
        file.write(text)
    return cell.path(name)


def apply(cell, path, check=True):
    return cell.run("policy", "apply", path, "--json", check=check)


def in_force(cell):
    rows = cell.ask("policy", "versions")
    now = [row["version"] for row in rows if row["in_force"] == "yes"]
    expect(len(now) == 1 and now[0] == rows[0]["version"], f"one version is in force, the newest: {rows}")
    return now[0]


def an_import_goes_on_while_the_policy_changes_three_times(rng):
    with Cell() as cell:
        leads = cell.generate(4000, rng.randrange(1000))
        # each hand is worked and emptied, so decisions go on all the time
        crew = cell.crew("north", "--team", "north", "--agents", "20", "--until-idle", "3000")
        load = cell.background("import", "import", leads, "--map", MAP, "--source", "web", "--json")
        versions = [in_force(cell)]
        for n, wip in enumerate((5, 2, 4)):
            received = n * 800
            wait_for(lambda: cell.total("received") > received, 20, "leads come in")
            said = json.loads(apply(cell, write_policy(cell, f"p{n}.yaml", wip_max=wip)).stdout)
            versions.append(said[0]["version"])
        expect(versions == [1, 2, 3, 4], f"the versions count up: {versions}")
        expect(load.wait(60) == 0, load.tail())
        expect(crew.wait(120) == 0, crew.tail())
        accepted = load.json()["accepted"]
        expect(cell.total("received") == accepted > 3000, f"{accepted} accepted, {cell.total('received')} received")
        expect(cell.run("orphans").stdout.strip().count("\n") == 0, "no orphan")
        ids = list(cell.states(seconds=20))
        expect(len(ids) == accepted, f"{len(ids)} leads are kept")
        named = set()
        for lead in rng.sample(ids, 40):
            told = cell.fields("explain", lead)
            version = int(told.get("policy_version", 0))
            named.add(version)
            if version:
                since = {row["version"]: row["in_force_since"] for row in cell.ask("policy", "versions")}
                decided = int(told["decided_ms"])
                expect(since[version] <= decided + 1 and decided <= since.get(version + 1, decided) + 1,
                       f"version {version} was in force when {lead} was decided: {told}, {since}")
        expect(len(named - {0}) > 1, f"decisions of several versions: {named}")


def a_kill_right_after_the_answer_keeps_the_version(rng):
    with Cell() as cell:
        for n in range(4):
            path = write_policy(cell, "next.yaml", wip_max=5 + n)
            apply(cell, path)
            cell.kill_child("takt-broker")
            wait_for(lambda: cell.run("status", check=False).returncode == 0, 10, "the broker is back")
            expect(in_force(cell) == n + 2, f"version {in_force(cell)} is in force, not {n + 2}")
            with open(path) as file:
                expect(cell.run("policy", "show").stdout == file.read(), "and its text is the one that was applied")
        with open(POLICY) as file:
            expect(cell.run("policy", "show", "1").stdout == file.read(), "the first is kept as it was")
        cell.fsck()


def the_cell_goes_on_with_its_policy_and_says_that_the_file_differs(rng):
    with Cell() as cell:
        apply(cell, write_policy(cell, "other.yaml", wip_max=7))
        cell.stop()
        cell.start()  # with --policy, the file of the first start
        expect(in_force(cell) == 2, "the policy applied is in force, not the file")
        expect("is not the policy in force; `takt policy apply" in cell.up.tail(), f"takt up said: {cell.up.tail()}")
        same = apply(cell, cell.path("other.yaml"))
        expect(json.loads(same.stdout)[0]["version"] == 2, "the same text is the same version")
        cell.policy = cell.path("other.yaml")
        cell.stop()
        cell.start()
        expect("is not the policy in force" not in cell.up.tail(), "the same file is not worth a word")
        cell.fsck()


def what_cannot_come_into_force_is_refused_and_changes_nothing(rng):
    with Cell() as cell:
        cell.run("import", cell.generate(5, 1), "--map", MAP, "--source", "web")
        gone = cell.path("gone.yaml")
        with open(gone, "w") as file:
            file.write("version: 1\ncell: test\nheartbeat: 500ms\nlease: 2s\nguard: 400ms\nprogrammes:\n"
                       "  - {name: aged, mode: pull, teams: [desk]}\n")
        said = apply(cell, gone, check=False)
        expect(said.returncode == 1 and "POLICY_IN_USE" in said.stderr, f"exit {said.returncode}: {said.stderr}")
        expect(re.search(r"programme fresh is not in it, and \d+ leads are", said.stderr), f"it said: {said.stderr}")
        faulty = cell.path("faulty.yaml")
        with open(faulty, "w") as file:
            file.write("programmes:\n  - {name: a, teams: [t], mode: shove, wip: 3}\n")
        said = apply(cell, faulty, check=False)
        expect(said.returncode == 1 and ":2:33: programmes[0].mode" in said.stderr and "wip_max" in said.stderr,
               f"it said: {said.stderr}")
        large = cell.path("large.yaml")
        with open(large, "w") as file:
            file.write("# " + "x" * 80 + "\n" * 4 + "# y\n" * 600000)
        said = apply(cell, large, check=False)
        expect(said.returncode == 1 and "longer than 2048 KiB" in said.stderr, f"it said: {said.stderr}")
        expect(in_force(cell) == 1, "the first version is in force")
        check = subprocess.run([TAKT, "policy", "check", faulty, "--json"], capture_output=True, text=True, timeout=20)
        told = json.loads(check.stdout)
        expect(check.returncode == 1 and [(one["line"], one["reason"]) for one in told] ==
               [(2, "BAD_VALUE"), (2, "UNKNOWN_KEY")], f"check says: {told}")
        single = cell.path("single.yaml")  # 003-13: a lead idles with an owner who has left, and nothing follows
        with open(single, "w") as file:
            file.write("programmes:\n  - {name: a, teams: [t], distributions_max: 1, recycles_max: 0}\n")
        for done in (cell.run("policy", "check", single, check=False), apply(cell, single, check=False)):
            expect(done.returncode == 1 and ":2:46: programmes[0].distributions_max: is 1, and nothing follows" in
                   done.stdout + done.stderr, f"it said: {done.stdout} {done.stderr}")
        cell.fsck()


def a_large_policy_is_applied_and_shown_whole(rng):
    with Cell() as cell:
        with open(POLICY) as file:
            text = file.read() + "".join(f"# line {n} {'x' * rng.randrange(60)}\n" for n in range(5000))
        path = cell.path("large.yaml")
        with open(path, "w") as file:
            file.write(text)
        expect(os.path.getsize(path) > 150000, "it is large")
        apply(cell, path)
        expect(cell.run("policy", "show", "2").stdout == text, "every line of it comes back")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        an_import_goes_on_while_the_policy_changes_three_times, a_kill_right_after_the_answer_keeps_the_version,
        the_cell_goes_on_with_its_policy_and_says_that_the_file_differs,
        what_cannot_come_into_force_is_refused_and_changes_nothing, a_large_policy_is_applied_and_shown_whole)})
