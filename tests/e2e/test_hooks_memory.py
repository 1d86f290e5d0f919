# SPDX-License-Identifier: Apache-2.0
"""What takt hooks keeps in mind of leads that are over. A program of its own, because how much memory a process
takes depends on who else is at work: this one runs alone."""
from harness import Agent, expect, main, wait_for
from test_hooks import HookedCell


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def memory_does_not_grow_by_leads_that_are_over_and_a_reopened_one_is_shown_again(rng):
    notes, leads = [f"n{i}" for i in range(6)], 1000
    with HookedCell({"name": "crm", "fields": "coarse"}) as cell:
        crm, sizes, before = cell.receivers["crm"], [], 0
        cell.write("map.yaml", "source: web\ndelimiter: \",\"\nheader_line: 1\nkey: id\nfields:\n  name: name\n  phone: phone\nattributes:\n"
                   + "".join(f"  - {note}\n" for note in notes))
        for again in range(4):       # the first thousand only show how much it needs at its busiest
            rows = [f"{again}-{i},A B,20255{again}{i:04d}," + ",".join([f"{i}".ljust(1000, "x")] * len(notes)) for i in range(leads)]
            cell.write("long.csv", "\n".join(["id,name,phone," + ",".join(notes), *rows]) + "\n")
            cell.run("import", cell.path("long.csv"), "--map", cell.path("map.yaml"), "--source", "web")
            said = cell.worked_off(cell.crew(f"n{again}", "--team", "north", "--agents", "5", "--pipeline", "0"), before)
            before += said["closed"]
            wait_for(lambda: cell.hook("crm")["behind"] == 0 and len(crm.ids("closed")) == before, 20, "all is told")
            sizes.append(resident_kib(cell.hooks_pid()))
        expect(all(len(one["lead_data"]["attributes"]["n0"]) == 1000 for one in crm.got), "each event shows its lead")
        expect(sizes[3] - sizes[1] < leads * len(notes) * 3 // 2, f"KiB after each thousand, of some 6000 each: {sizes}")
        ended = next(one for one in crm.events("closed")[::-1] if one["state"] == "CLOSED_LOST")
        wait_for(lambda: cell.run("lead", ended["lead"], "--reopen", "--why", "test", "--by", "chief", check=False).returncode == 0, 10, "it begins anew")
        Agent(cell, "anna", "north").hear("offer")
        again = wait_for(lambda: [one for one in crm.events("offer") if one["agent"] == "anna"], 10, "she is offered it")[0]
        expect(again["lead"] == ended["lead"] and again["lead_data"] == ended["lead_data"], f"{again}")
        return f"KiB: {sizes}"


if __name__ == "__main__":
    main({test.__name__: test for test in (memory_does_not_grow_by_leads_that_are_over_and_a_reopened_one_is_shown_again,)})
