# SPDX-License-Identifier: Apache-2.0
"""Each pool is set to its team's needs: an order by what leads are, and timers, of a unit; from the file that is checked to
the agents who hear of the right lead first, and to what `takt explain` says of one that waits."""
from harness import Agent, Cell, expect, main

POLICY = """cell: test
heartbeat: 500ms
lease: 2s
guard: 400ms
orphan_grace: 1s
units:
  - {name: recovery, kind: office, order: ORDER, timers: {offer: 3s}}
  - {name: closers, in: recovery}
programmes:
  - name: home
    strategy: longest_idle
    see: coarse
    wip_max: 1
    penalty: 0
    teams: [closers, callers]
    routes: [{when: {age: old}, to: closers}]
    timers: {offer: 90s, first_action: 60s, unclaimed: 1h}
"""
OURS = "[{state: [CA, NV]}, {contact_quality: highest}, {loan: highest}]"
LEADS = """id,name,phone,email,state,loan,age
1,Ada,256 372 5000,ada@example.com,TX,900000,old
2,Bo,256 372 5001,bo@example.com,CA,100000,old
3,Cy,,cy@example.com,CA,400000,old
4,Di,256 372 5003,di@example.com,CA,250000,old
5,Ed,256 372 5004,ed@example.com,CA,1,fresh
6,Flo,256 372 5005,flo@example.com,CA,900000,fresh
"""
MAP = "source: web\nkey: id\nfields: {name: name, phone: phone, email: email}\nattributes: [id, state, loan, age]\n"


def of(offer):
    """The number of the lead in the file."""
    return int(offer["attributes"][0]["id"])


# 003-21, 002-10
def a_team_s_pool_has_its_own_order_and_timers_and_explain_says_so(rng):
    del rng
    with Cell() as cell:
        said = cell.run("policy", "check", cell.write("faulty.yaml", POLICY.replace("ORDER", "[loan]")), check=False)
        expect(said.returncode == 1 and "faulty.yaml:7:44: units[0].order[0]: is \"loan\"; allowed is" in said.stdout + said.stderr,
               f"an attribute alone is told with what to write: {said}")
        cell.run("policy", "check", cell.write("good.yaml", POLICY.replace("ORDER", OURS)))
        cell.run("policy", "apply", cell.path("good.yaml"))
        cell.run("import", cell.write("old.csv", LEADS), "--map", cell.write("map.yaml", MAP))
        pools = {row["pool"]: row["waiting"] for row in cell.ask("pools")}
        expect((pools["home/closers"], pools["home"]) == (4, 2), f"old leads wait for the closers: {pools}")

        eva = Agent(cell, "eva", "closers")
        first = eva.hear("offer")
        expect(of(first) == 4, f"of California, reached both ways, and the larger loan: {first}")
        expect(2000 < first["answer_ms"] <= 3000, f"her unit gives her 3 s: {first}")
        expect(eva.hear("withdrawn")["lead"] == first["lead"], "they are over")
        told = cell.fields("explain", first["lead"])
        expect(told["pool"] == "home/closers" and told["order"] == "state as listed, then contact_quality highest, then loan "
               "highest, then oldest_first; line 7 of policy 2", f"it waits, and its order is told: {told}")
        expect(of(eva.hear("offer")) == 2, "the smaller one is next")
        expect(eva.ask("accept", "acted")["reason"] == "OK", "and she takes it")

        ben = Agent(cell, "ben", "callers")
        fresh = ben.hear("offer")
        expect(of(fresh) == 5 and fresh["answer_ms"] > 80000, f"the programme's pool goes by age, its timer is 90 s: {fresh}")

        cell.run("policy", "apply", cell.write("other.yaml", POLICY.replace("ORDER", "[{loan: highest}]").replace("3s", "40s")))
        told = cell.fields("explain", first["lead"])
        expect(told["order"] == "loan highest, then oldest_first; line 7 of policy 3", f"another order holds at once: {told}")
        zoe = Agent(cell, "zoe", "closers")
        largest = zoe.hear("offer")
        expect(of(largest) == 1 and largest["answer_ms"] > 30000, f"the largest loan, and 40 s for it: {largest}")
        fsck = cell.run("fsck", check=False)
        expect(fsck.returncode == 0, fsck.stdout)


if __name__ == "__main__":
    main({test.__name__: test for test in (a_team_s_pool_has_its_own_order_and_timers_and_explain_says_so,)})
