# SPDX-License-Identifier: Apache-2.0
"""An operator's tables to one file of places, and a cell whose leads know where they are."""
import contextlib
import json
import os
import pty
import re
import subprocess

from harness import TAKT, Cell, expect, main, wait_for

POSTAL = """US\t35762\tNormal\tAlabama\tAL\tMadison\t089\t\t\t34.78\t-86.57\t4
US\t32501\tPensacola\tFlorida\tFL\tEscambia\t033\t\t\t30.42\t-87.22\t4
US\t09012\tAPO AE\t\t\t\t\t\t\t49.4\t7.6\t1
PR\t00601\tAdjuntas\tAdjuntas\t001\tAdjuntas\t001\t\t\t18.16\t-66.72\t4
CA\tK1A\tOttawa\tOntario\tON\t\t\t\t\t45.4\t-75.7\t1
DE\t10115\tBerlin\tLand Berlin\tBE\t\t00\t\t\t52.5\t13.4\t6
"""
METROS = """"CBSA Code","CBSA Title","County/County Equivalent","FIPS State Code","FIPS County Code"
26620,"Huntsville, AL",Madison County,01,089
37860,"Pensacola-Ferry Pass-Brent, FL",Escambia County,12,033
"""
AREA_CODES = """File Date,11/26/2025
NPA_ID,USE,IN_SERVICE,COUNTRY,LOCATION,TIME_ZONE
256,G,Y,US,AL,C
850,G,Y,US,FL,EC
800,N,Y,,,
221,G,N,US,XX,
"""
LEADS = """id,name,phone,zip
1,Ann,(256) 372-5000,35762
2,Bob,850-234-1234,32501-0110
"""
MAP = """source: web
key: id
fields: {name: name, phone: phone}
attributes: [zip]
"""
POLICY = """programmes:
  - name: fresh
    teams: [north]
    agents: [{name: ann}]
    routes:
      - {when: {county: Madison}, to: north}
      - {when: {area_code: 850}, to: ann}
    score:
      base: 100
      value: 100
      load: 0
      weights:
        - {attribute: county, is: Madison, add: 300}
        - {attribute: area_code, from: 850, to: 851, add: 200}
"""


def put(cell, name, text):
    with open(cell.path(name), "w") as file:
        file.write(text)
    return cell.path(name)


def tables(cell):
    return ["--postal", put(cell, "US.txt", POSTAL), "--metros", put(cell, "metros.csv", METROS),
            "--area-codes", put(cell, "npa.csv", AREA_CODES), "--to", cell.path("places.geo")]


def cell_with_places():
    cell = Cell(policy=None, up_args=["--geo", None])
    cell.policy = put(cell, "policy.yaml", POLICY)
    cell.run("geo", "build", *tables(cell))
    cell.up_args = ["--geo", cell.path("places.geo")]
    return cell


def import_leads(cell):
    put(cell, "leads.csv", LEADS)
    return json.loads(cell.run("import", cell.path("leads.csv"), "--map", put(cell, "map.yaml", MAP), "--json").stdout)


def what_an_agent_sees(cell, leads):
    """What `takt agent` shows a person of so many leads: a dictionary each, by name."""
    here, there = pty.openpty()  # a person sits at a terminal: a line is seen when it is written
    agent = subprocess.Popen([TAKT, "agent", "ann", "--team", "north", "--dir", cell.dir], stdin=there, stdout=there,
                             stderr=there, close_fds=True)
    os.close(there)
    os.set_blocking(here, False)
    text = b""

    def shown():
        nonlocal text
        with contextlib.suppress(BlockingIOError):
            text += os.read(here, 65536)
        return len(re.findall(rb"\n  zone +\S+\r?\n", text)) >= leads
    try:
        wait_for(shown, 15, "the leads are shown")
    finally:
        agent.kill()
        agent.wait()
        os.close(here)
    seen = {}
    for block in re.split(r"lead [0-9a-f]{32}", text.decode().replace("\r", ""))[1:]:
        one = dict(line.split(None, 1) for line in block.splitlines()[1:] if len(line.split(None, 1)) == 2)
        seen[one["name"]] = one
    return seen


def tables_become_a_file_that_is_asked(rng):
    with cell_with_places() as cell:
        said = json.loads(cell.run("geo", "build", *tables(cell), "--json").stdout)
        expect((said["zips"], said["counties"], said["metros"], said["area_codes"]) == (3, 3, 2, 2), f"counts: {said}")
        found = cell.ask("geo", "find", "35762")[0]
        expect((found["county"], found["county_code"], found["metro"], found["metro_code"], found["zone"]) ==
               ("Madison", 1089, "Huntsville, AL", 26620, "America/Chicago"), f"by zip: {found}")
        expect(cell.ask("geo", "find", "(256) 372-5000")[0]["state"] == "AL", "by phone")
        expect(cell.ask("geo", "find", "601", "--state", "PR")[0]["zone"] == "America/Puerto_Rico", "a territory")
        expect("Huntsville" in cell.run("geo", "find", "35762").stdout, "a table for people")
        nowhere = cell.run("geo", "find", "99999", check=False)
        expect(nowhere.returncode == 1 and "99999" in nowhere.stderr, f"an unknown zip: {nowhere.stderr}")


def what_is_no_table_is_refused_by_name(rng):
    with cell_with_places() as cell:
        right = tables(cell)
        before = os.stat(cell.path("places.geo"))
        for place, text, said in ((1, "zip;city\n1;2\n", "--postal"), (3, METROS.replace("CBSA Code", "Code"), "cbsacode"),
                                  (5, AREA_CODES.replace("TIME_ZONE", "TZ"), "timezone")):
            wrong = list(right)
            wrong[place] = put(cell, "wrong", text)
            done = cell.run("geo", "build", *wrong, check=False)
            expect(done.returncode == 1 and said in done.stderr and "docs/GEO.md" in done.stderr, f"{said}: {done.stderr}")
        expect(os.stat(cell.path("places.geo")).st_mtime_ns == before.st_mtime_ns, "the file that was there stays")
        expect(cell.run("geo", "build", check=False).returncode == 2, "tables are needed")
        expect(cell.run("geo", "dig", check=False).returncode == 2, "there are two words")


# 004-03, 004-04: no source said a county or an area code: zip and phone, and the operator's tables, do
def leads_know_their_place_and_are_routed_and_scored_by_it(rng):
    with cell_with_places() as cell:
        expect(import_leads(cell)["accepted"] == 2, "two leads")
        pools = {row["pool"]: row["waiting"] for row in cell.ask("pools")}
        expect(pools["fresh/north"] == 1 == pools["fresh"], f"to a team by county, and to one not yet known: {pools}")
        seen = what_an_agent_sees(cell, 2)
        ann, bob = seen["Ann"], seen["Bob"]
        expect((ann["state"], ann["county"], ann["metro"], ann["city"], ann["area_code"], ann["zone"]) ==
               ("AL", "Madison", "Huntsville, AL", "Normal", "256", "America/Chicago"), f"Ann: {ann}")
        expect((bob["zone"], bob["county"], bob["zip"]) == ("America/Chicago", "Escambia", "32501-0110"), f"Bob: {bob}")
        told = [cell.fields("explain", lead) for lead in cell.states()]
        scores = sorted(int(one["score"]) for one in told)
        expect(scores == [3000, 4000], f"base 100, 200 more by area code, 300 more by county: {scores}")
        routed = sorted(one["routed"] for one in told)
        expect(routed == ["fresh routes[0], line 6 of policy 1: to north", "fresh routes[1], line 7 of policy 1: to ann"],
               f"the rules are named: {routed}")


def another_file_or_none_changes_no_lead_that_stands(rng):
    with cell_with_places() as cell:
        import_leads(cell)
        cell.stop()
        cell.up_args = []
        cell.start()
        expect(cell.ask("geo", "find", "35762")[0]["county"] == "Madison", "DIR keeps the file that was given")
        expect(import_leads(cell)["duplicate"] + import_leads(cell)["known"] >= 2, "known")
        cell.stop()
        os.unlink(os.path.join(cell.dir, "places.geo"))
        cell.start()
        again = json.loads(cell.run("import", cell.path("leads.csv"), "--map", cell.path("map.yaml"), "--json").stdout)
        expect(again["new"] == 0 and again["payload_differs"] == 0, f"what came is what came: {again}")
        expect(what_an_agent_sees(cell, 2)["Ann"]["county"] == "Madison", "the lead has its place in itself")


def a_damaged_file_is_refused_before_anything_runs(rng):
    with cell_with_places() as cell:
        cell.stop()
        kept = os.path.join(cell.dir, "places.geo")
        with open(kept, "r+b") as file:
            file.seek(1000)
            file.write(b"\xff")
        up = cell.run("up", "--dir", cell.dir, check=False)
        expect(up.returncode == 1 and "places.geo is damaged" in up.stderr and "--geo FILE" in up.stderr, up.stderr)
        up = cell.run("up", "--dir", cell.dir, "--geo", put(cell, "text", "no"), check=False)
        expect(up.returncode == 1 and "no geo file" in up.stderr, up.stderr)
        cell.start()  # with --geo of a good one again


if __name__ == "__main__":
    main({test.__name__: test for test in (
        tables_become_a_file_that_is_asked, what_is_no_table_is_refused_by_name,
        leads_know_their_place_and_are_routed_and_scored_by_it, another_file_or_none_changes_no_lead_that_stands,
        a_damaged_file_is_refused_before_anything_runs)})
