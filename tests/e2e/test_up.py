# SPDX-License-Identifier: Apache-2.0
"""`takt up`: what it starts stays up, what it keeps stays kept, and it says no clearly."""
import json
import os
import subprocess
import time

from harness import MAP, TAKT, Cell, Failed, children_of, expect, main, wait_for


def each_killed_child_is_back_within_a_second(rng):
    with Cell(workers=2) as cell:
        for name in ("takt-worker", "takt-broker", "redis-server"):
            killed = cell.kill_child(name)
            wait_for(lambda: cell.child(name), 1, f"{name} is back")
            took = time.monotonic() - killed
            expect(took < 1, f"{name} was back after {took:.2f} s")
        wait_for(lambda: cell.run("status", check=False).returncode == 0, 5, "the broker answers again")
        expect("was killed by signal 9" in cell.up.tail(), "the deaths are told")


def a_program_that_starts_it_reads_when_all_is_up_and_what_comes_and_goes(rng):
    with Cell(up_args=("--json",)) as cell:
        def told(event, **fields):
            lines = [json.loads(line) for line in cell.up.output().splitlines()]
            return [line for line in lines if line["event"] == event and fields.items() <= line.items()]
        ready, = told("ready")
        with open(os.path.join(cell.dir, "endpoints")) as file:
            written = dict(line.split() for line in file)
        expect({**ready["endpoints"], "cell": ready["cell"]} == written, f"{ready} and {written}")
        expect(ready["dir"] == os.path.realpath(cell.dir) and ready["policy_differs"] is False, f"{ready}")
        expect(sorted(ready["programs"]) == ["archive", "broker", "redis", "worker-1"], f"{ready['programs']}")
        expect(set(ready["programs"].values()) == set(children_of(cell.up.pid)), f"{ready['programs']}")
        with open(cell.path("ready-1")) as file:
            expect(json.loads(file.read()) == ready, "the file that tells it is up says the same")
        cell.kill_child("takt-broker")
        down, = wait_for(lambda: told("down"), 5, "it is told that the broker is gone")
        expect((down["program"], down["pid"], down["signal"]) == ("broker", ready["programs"]["broker"], 9), f"{down}")
        expect(down["restart_in_ms"] == 0 or down["restart_in_ms"] == 100, f"{down}")
        again = wait_for(lambda: told("up", program="broker")[1:], 10, "and that it serves again")[0]
        expect(again["pid"] == cell.child("takt-broker"), f"{again}")
        cell.stop()
        order = [(line["event"], line.get("program")) for line in map(json.loads, cell.up.output().splitlines())]
        expect(order[-5:-4] == [("ending", None)] and order[-1] == ("down", "redis"), f"{order}")
        expect(all(line["restart_in_ms"] is None for line in told("down")[1:]), f"{told('down')}")
    with Cell(up_args=("--json",)) as cell:
        cell.stop()
        other = cell.write("other.yaml", open(cell.policy).read() + "# of another day\n")
        cell.policy = other
        cell.start()
        ready = [json.loads(line) for line in cell.up.output().splitlines()][-1]
        expect(ready["event"] == "ready" and ready["policy_differs"] is True, f"{ready}")
        expect("takt policy apply" in cell.up.tail(), "and people are told, too")


def a_second_takt_up_on_the_same_folder_is_refused(rng):
    with Cell() as cell:
        second = subprocess.run([TAKT, "up", "--dir", cell.dir], capture_output=True, text=True, timeout=20)
        expect(second.returncode == 1 and "in use by another takt up" in second.stderr, f"it said: {second.stderr}")
        cell.run("status")


def everything_is_kept_over_a_restart_ports_included(rng):
    with Cell() as cell:
        leads = cell.generate(300, rng.randrange(1000))
        said = json.loads(cell.run("import", leads, "--map", MAP, "--source", "web", "--json").stdout)
        with open(os.path.join(cell.dir, "endpoints")) as file:
            before = file.read()
        received = cell.total("received")
        expect(received == said["accepted"] > 0, f"{received} received, {said['accepted']} accepted")
        cell.stop()
        expect(not children_of(cell.up.pid), "no child is left")
        cell.start()
        with open(os.path.join(cell.dir, "endpoints")) as file:
            expect(file.read() == before, "the ports are the same")
        expect(cell.total("waiting") == received, "the leads wait as before")
        again = json.loads(cell.run("import", leads, "--map", MAP, "--source", "web", "--json").stdout)
        expect(again["new"] == 0 and cell.total("received") == received, "the same file again makes no lead")


def a_killed_takt_up_takes_its_children_along_and_can_start_again(rng):
    with Cell() as cell:
        children = children_of(cell.up.pid)
        expect(len(children) == 4, f"four children: {children}")
        cell.up.kill()
        cell.start()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}/exe") and os.access(f"/proc/{pid}/exe", os.R_OK)
                                 for pid in children), 5, "the old children are gone")
        cell.run("status")


def a_wrong_policy_is_told_before_anything_starts(rng):
    with Cell() as cell:
        bad = cell.path("bad.yaml")
        with open(bad, "w") as file:
            file.write("version: 1\ncell: test\nprogrammes:\n  - name: x\n    mode: shove\n")
        said = subprocess.run([TAKT, "up", "--dir", cell.path("other"), "--policy", bad], capture_output=True, text=True,
                              timeout=20)
        expect(said.returncode == 1 and "mode" in said.stderr, f"exit {said.returncode}: {said.stderr}")
        check = subprocess.run([TAKT, "policy", "check", bad], capture_output=True, text=True, timeout=20)
        expect(check.returncode == 1 and "mode" in check.stderr, "takt policy check says the same")


def what_is_not_started_leaves_nothing_behind(rng):
    with Cell() as cell:
        bad = cell.write("bad.yaml", "version: 1\n")
        no_hooks = cell.write("hooks.yaml", "hooks: [{name: a, url: ftp://x}]\n")
        other = cell.write("other.yaml", open(cell.policy).read().replace("cell: test", "cell: other"))
        taken = cell.endpoint("source").rpartition(":")[2]
        before = sorted(os.listdir(cell.folder))

        def refused(says, *args, folder=cell.path("new")):
            done = cell.run("up", "--dir", folder, *args, check=False)
            expect(done.returncode == 1 and says in done.stderr and not done.stdout, f"{args}: {done}")
            expect(sorted(os.listdir(cell.folder)) == before, f"{args}: {sorted(os.listdir(cell.folder))}")

        refused("programmes", "--policy", bad)
        refused("takt policy template")
        refused("nowhere.yaml", "--policy", cell.path("nowhere.yaml"))
        refused("places.geo", "--policy", cell.policy, "--geo", cell.path("places.geo"))
        refused("hooks.yaml:1", "--policy", cell.policy, "--hooks", no_hooks)
        refused("--port-base", "--policy", cell.policy, "--port-base", taken)
        refused("too long", "--policy", cell.policy, folder=cell.path("n" * 99))
        kept = os.path.join(cell.dir, "policy.yaml")
        cell.stop()
        with open(kept) as file:
            policy = file.read()
        refused("holds the cell test", "--policy", other, folder=cell.dir)
        with open(cell.policy) as file:
            cell.write("newer.yaml", file.read() + "# newer\n")
        before = sorted(os.listdir(cell.folder))
        refused("hooks.yaml:1", "--policy", cell.path("newer.yaml"), "--hooks", no_hooks, folder=cell.dir)
        with open(kept) as file:
            expect(file.read() == policy, "a folder that was there has the policy that it had")
        cell.start()


def the_ready_file_is_where_who_starts_it_says(rng):
    with Cell() as cell:
        cell.stop()
        up = subprocess.Popen([TAKT, "up", "--dir", cell.dir, "--ready-file", "up.txt"], cwd=cell.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.exists(cell.path("up.txt")) or up.poll() is not None, 20, "it is up")
            expect(os.path.exists(cell.path("up.txt")), "in the folder it was started in")
        finally:
            up.terminate()
            up.wait(20)


def lost_data_does_not_look_like_a_new_beginning(rng):
    with Cell() as cell:
        cell.stop()
        aof = os.path.join(cell.dir, "redis", "appendonlydir")
        for name in os.listdir(aof):
            os.unlink(os.path.join(aof, name))
        try:
            cell.start()
        except Failed as failure:
            expect("broker does not start" in str(failure), f"it said: {failure}")
            with open(os.path.join(cell.dir, "log", "broker.log")) as file:
                expect("no such cell" in file.read(), "the broker names the reason")
            return
        raise Failed("it started with an empty Redis")


def metrics_are_served_and_no_log_holds_contact_data(rng):
    with Cell() as cell:
        leads = cell.path("canary.csv")
        with open(leads, "w") as file:
            file.write("lead_id,first_name,last_name,phone,email,street,zip\n")
            file.writelines(f"k{i},Zebulon{i},Quackenbush,(212) 555-0{i:03},zq{i}@example.com,{i} Canary Row,10001\n"
                            for i in range(50))
        cell.run("import", leads, "--source", "web")
        crew = cell.crew("north", "--team", "north", "--agents", "2", "--until-idle", "1000")
        expect(crew.wait(60) == 0, crew.tail())
        metrics = cell.metrics()
        expect('takt_leads_received_total{programme="fresh"} 50' in metrics, "the metrics count the leads")
        texts = [metrics, cell.up.tail(), crew.output(), crew.tail()]
        for folder in (os.path.join(cell.dir, "log"), cell.folder):
            for name in os.listdir(folder):
                if name.endswith((".log", ".out", ".err", ".belief")):
                    with open(os.path.join(folder, name)) as file:
                        texts.append(file.read())
        for canary in ("Zebulon", "Quackenbush", "555-0", "zq1@", "Canary Row"):
            expect(not any(canary in text for text in texts), f"{canary} stands in a log")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        each_killed_child_is_back_within_a_second,
        a_program_that_starts_it_reads_when_all_is_up_and_what_comes_and_goes, a_second_takt_up_on_the_same_folder_is_refused,
        everything_is_kept_over_a_restart_ports_included,
        a_killed_takt_up_takes_its_children_along_and_can_start_again, a_wrong_policy_is_told_before_anything_starts,
        what_is_not_started_leaves_nothing_behind, the_ready_file_is_where_who_starts_it_says,
        lost_data_does_not_look_like_a_new_beginning, metrics_are_served_and_no_log_holds_contact_data)})
