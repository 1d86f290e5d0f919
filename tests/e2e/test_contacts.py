# SPDX-License-Identifier: Apache-2.0
"""The same person twice, and people who must not be called: what an operator, an importer and an agent see of it."""
import json
import os

from harness import POLICY, Agent, Cell, expect, main, wait_for

MAP = "key: id\nfields: {name: name, phone: phone, email: email, street: street}\n"


def policy(path, duplicates):
    with open(POLICY) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("    sources: [web]\n", f"    sources: [web]\n    duplicates: {duplicates}\n"))
    return path


def send(cell, name, *rows):
    """Imports these rows (id, name, phone, email, street); what was said, and the rejects by line."""
    with open(cell.path("map.yaml"), "w") as file:
        file.write(MAP)
    with open(cell.path(name), "w") as file:
        file.write("id,name,phone,email,street\n" + "".join(",".join(row) + "\n" for row in rows))
    rejects = cell.path(name + ".rejects")
    said = json.loads(cell.run("import", cell.path(name), "--map", cell.path("map.yaml"), "--source", "web", "--json",
                               "--rejects", rejects).stdout)
    with open(rejects) as file:
        return said, file.read()


def leads(cell):
    return list(cell.states(seconds=20))


def applied(cell, duplicates):
    cell.run("policy", "apply", policy(cell.path(f"{duplicates}.yaml"), duplicates))


ADA = ("1", "Ada Byron", "310/246-1501", "ada@example.com", "12 Square")


def an_import_tells_of_each_row_whose_person_is_known(rng):
    with Cell() as cell:
        applied(cell, "reject")
        said, _ = send(cell, "first.csv", ADA)
        expect(said["accepted"] == 1, said)
        first = leads(cell)[0]
        said, rejects = send(cell, "again.csv", ("2", "ADA BYRON", "+1 310 246 1501", "", ""),
                             ("3", "Bob", "310-246-1501", "", "1 Lane"), ("4", "Cy", "", "ADA@EXAMPLE.COM", ""))
        expect(said["accepted"] == 1 and said["rejected_by"] == {"DUPLICATE_CONTACT": 2}, said)
        expect(said["warnings"].get("PHONE_KNOWN") == 1, said)
        expect(rejects.count(first) == 2, f"each names the first lead, {first}: {rejects}")
        applied(cell, "merge")
        said, _ = send(cell, "third.csv", ("5", "Ada Byron", "3102461501", "", ""))
        expect(said["accepted"] == 1 and said["warnings"].get("MERGED") == 1, said)
        told = cell.fields("lead", first)
        expect(told["merged"] == "1", told)
        other = cell.fields("lead", told["last_merged"])
        expect(other["state"] == "DUPLICATE" and other["merged_into"] == first, other)
        expect(cell.total("received") == 3, "each lead counts once")


def who_is_on_the_list_is_called_by_nobody_also_after_a_restart(rng):
    with Cell() as cell:
        send(cell, "first.csv", ADA, ("2", "Bob", "202 555 0100", "", ""))
        ana = Agent(cell, "ana", "north")
        shown = {ana.hear("offer")["lead"], ana.hear("offer")["lead"]}
        with open(cell.path("list"), "w") as file:
            file.write("+1 310-246-1501\r\nnobody@example.com\n\n")
        said = json.loads(cell.run("suppress", cell.path("list"), "--json").stdout)
        expect((said["contacts"], said["changed"], said["unreadable"]) == (2, 2, 0), said)
        gone = ana.hear("withdrawn")
        expect(gone["lead"] in shown, gone)
        wait_for(lambda: cell.total("suppressed") == 1, 5, "it ends when it was let go")
        expect(cell.fields("lead", gone["lead"])["state"] == "SUPPRESSED", cell.fields("lead", gone["lead"]))
        expect(cell.run("suppress", "--phone", "zip", check=False).returncode == 1, "what is no contact is refused")
        cell.stop()
        for name in os.listdir(cell.dir):
            path = os.path.join(cell.dir, name)
            if name.endswith((".log", ".aof", ".rdb")) and os.path.isfile(path):
                with open(path, "rb") as file:
                    expect(b"nobody@example.com" not in file.read(), f"the contact stands in {name}")
        cell.start()
        said, rejects = send(cell, "later.csv", ("7", "A. B.", "310.246.1501", "", ""), ("8", "No", "", "Nobody@example.com", ""))
        expect(said["accepted"] == 0 and said["rejected_by"] == {"SUPPRESSED_CONTACT": 2}, said)
        cell.run("suppress", "--phone", "3102461501", "--remove")
        said, _ = send(cell, "last.csv", ("9", "A. B.", "310.246.1501", "", ""))
        expect(said["accepted"] == 1, said)
        expect(json.loads(cell.run("suppress", "--json").stdout)["contacts"] == 1, "one is left on the list")


def who_says_so_on_the_phone_is_called_by_nobody_any_more(rng):
    with Cell() as cell:
        send(cell, "both.csv", ADA, ("2", "A. Byron", "310.246.1501", "", ""))
        ana = Agent(cell, "ana", "north")
        first, other = ana.hear("offer")["lead"], ana.hear("offer")["lead"]
        ana.work_off(first, "do-not-call asked for it")
        expect(ana.hear("withdrawn")["lead"] == other, "the other lead of the same person is taken from her screen")
        wait_for(lambda: cell.total("suppressed") == 2, 5, "both end")
        said, _ = send(cell, "later.csv", ("3", "Ada", "+1 310 246 1501", "", ""))
        expect(said["rejected_by"] == {"SUPPRESSED_CONTACT": 1}, said)


if __name__ == "__main__":
    main({test.__name__: test for test in (an_import_tells_of_each_row_whose_person_is_known,
                                           who_says_so_on_the_phone_is_called_by_nobody_any_more,
                                           who_is_on_the_list_is_called_by_nobody_also_after_a_restart)})
