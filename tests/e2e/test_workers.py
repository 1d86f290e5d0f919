# SPDX-License-Identifier: Apache-2.0
"""Workers come and go under load: drained, stopped, killed, from elsewhere; no lead notices."""
import os
import signal
import subprocess

from harness import BUILD, MAP, POLICY, Cell, children_of, expect, main, wait_for

WORKER = os.path.join(BUILD, "worker", "takt-worker")


def patient(cell, deadline="2s"):
    """A policy whose workers have seconds to answer: what falls back then was lost, not late on a busy machine."""
    path = cell.path("policy.yaml")
    with open(POLICY) as file, open(path, "w") as out:
        out.write(file.read().replace("cell: test\n", f"cell: test\nscorer_deadline: {deadline}\n"))
    cell.policy = path
    return cell


def workers_of(cell):
    return {row["worker"]: row for row in cell.ask("workers")["workers"]}


def all_ready(cell, n):
    def ready():
        rows = workers_of(cell)
        return len(rows) == n and all(row["state"] == "ready" for row in rows.values())
    wait_for(ready, 10, f"{n} workers are ready")


class Load:
    """A crew that closes what it gets, and an import at a steady rate that lasts long enough to do things meanwhile."""

    def __init__(self, cell, rng, leads=6000, rate=1500):
        self.cell = cell
        self.crew = cell.crew("north", "--team", "north", "--agents", "20", "--pipeline", "0")
        self.importing = cell.background("import", "import", cell.generate(leads, rng.randrange(1000)), "--map", MAP,
                                         "--source", "web", "--json", "--rate", str(rate))
        wait_for(lambda: cell.total("scored") > 300, 20, "the load runs")

    def end(self):
        """All that was accepted is closed; returns how many that is."""
        expect(self.importing.wait(60) == 0, self.importing.tail())
        accepted = self.importing.json()["accepted"]
        wait_for(lambda: self.cell.total("ended") == accepted, 60, "every accepted lead is closed", pause=0.1)
        expect(self.cell.total("received") == accepted, "received = accepted")
        expect(self.crew.end() == 0, self.crew.tail())
        expect(self.crew.json()["closed"] == accepted, "each was closed by somebody once")
        return accepted


def a_drained_worker_can_be_killed_under_load_and_no_lead_falls_back(rng):
    with patient(Cell(workers=3)) as cell:
        all_ready(cell, 3)
        load = Load(cell, rng)
        said = cell.run("workers", "drain", "worker-2").stdout
        expect("worker-2 is drained" in said, said)
        before = workers_of(cell)["worker-2"]
        expect(before["state"] == "drained" and before["requests"] == 0, f"idle: {before}")
        decided = cell.total("scored")
        wait_for(lambda: cell.total("scored") > decided + 300, 20, "the others go on")
        after = workers_of(cell)["worker-2"]
        expect(after["answered"] == before["answered"] > 0, f"it gets nothing new: {before} {after}")
        pid = int(after["place"].rsplit("/", 1)[1])
        expect("takt-worker" in children_of(cell.up.pid)[pid][0], "place names its process")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: workers_of(cell)["worker-2"]["place"] != after["place"] and
                 workers_of(cell)["worker-2"]["state"] == "ready", 10, "takt up started it again, and it is asked")
        accepted = load.end()
        expect(cell.total("plain") == 0, f"{cell.total('plain')} of {accepted} leads fell back to the plain order")
        said = cell.run("workers").stdout
        expect(f"{accepted:.0f} by workers, 0 by the plain order (0.0 %)" in said, said)
        return f"{accepted} leads, 0 by the plain order"


def sigterm_lets_a_worker_finish_and_no_lead_falls_back(rng):
    with patient(Cell(workers=2)) as cell:
        all_ready(cell, 2)
        load = Load(cell, rng)
        for name in ("worker-1", "worker-2", "worker-1"):
            place = workers_of(cell)[name]["place"]
            os.kill(int(place.rsplit("/", 1)[1]), signal.SIGTERM)
            wait_for(lambda: workers_of(cell).get(name, {"place": place})["place"] != place, 10, f"{name} is back")
            all_ready(cell, 2)
        accepted = load.end()
        expect(cell.total("plain") == 0, f"{cell.total('plain')} of {accepted} leads fell back to the plain order")
        with open(os.path.join(cell.dir, "log", "worker-1.log")) as file:
            log = file.read()
        expect("worker.stopped" in log and "worker.unsent" not in log, "it ended in order")


def with_all_workers_drained_the_plain_order_carries_on(rng):
    with patient(Cell(workers=2), "10s") as cell:
        all_ready(cell, 2)
        load = Load(cell, rng)
        cell.run("workers", "drain", "worker-1")
        cell.run("workers", "drain", "worker-2")
        scored, ended = cell.total("scored"), cell.total("ended")
        wait_for(lambda: cell.total("ended") > ended + 300, 5, "leads go on being handed out, at once")
        expect(cell.total("scored") == scored, "by no worker")
        cell.run("workers", "undrain", "worker-1")
        wait_for(lambda: cell.total("scored") > scored, 10, "a worker is asked again")
        load.end()
        expect(cell.run("workers", "drain", "worker-7", check=False).returncode == 1, "an unknown name is refused")
        expect(cell.run("workers", "drian", "worker-1", check=False).returncode == 2, "so is an unknown word")


def two_of_three_workers_carry_on_when_one_is_killed_during_an_import(rng):
    with patient(Cell(workers=3)) as cell:
        all_ready(cell, 3)
        load = Load(cell, rng)
        place = workers_of(cell)["worker-3"]["place"]
        os.kill(int(place.rsplit("/", 1)[1]), signal.SIGKILL)
        decided = cell.total("scored")
        wait_for(lambda: cell.total("scored") > decided + 300, 5, "the rest carry on")
        wait_for(lambda: workers_of(cell).get("worker-3", {"place": place})["place"] != place, 10, "it is back")
        load.end()


def a_worker_from_elsewhere_joins_with_one_command_and_only_over_loopback(rng):
    with patient(Cell(workers=0)) as cell:
        joining = subprocess.Popen([WORKER, "--endpoint", cell.endpoint("worker"), "--name", "second-host", "--capacity", "2"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            all_ready(cell, 1)
            expect(workers_of(cell)["second-host"]["capacity"] == 2, "with its capacity")
            expect("second-host" in cell.run("status").stdout, "takt status shows it")
            load = Load(cell, rng, leads=1000)
            load.end()
            joining.terminate()
            expect(joining.wait(10) == 0, "it ends in order")
            wait_for(lambda: not workers_of(cell), 5, "it said goodbye")
            expect("no worker is connected" in cell.run("workers").stdout, "and that is told")
        finally:
            joining.kill()
            joining.wait()
    said = subprocess.run([WORKER, "--endpoint", "tcp://192.0.2.7:7703"], capture_output=True, text=True, timeout=10)
    expect(said.returncode == 2 and "without encryption" in said.stderr, f"it said: {said.stderr}")


if __name__ == "__main__":
    main({test.__name__: test for test in (
        a_drained_worker_can_be_killed_under_load_and_no_lead_falls_back,
        sigterm_lets_a_worker_finish_and_no_lead_falls_back, with_all_workers_drained_the_plain_order_carries_on,
        two_of_three_workers_carry_on_when_one_is_killed_during_an_import,
        a_worker_from_elsewhere_joins_with_one_command_and_only_over_loopback)})
