# SPDX-License-Identifier: Apache-2.0
"""Hooks, on real processes: what receivers are told of a real import, whatever they answer and whoever dies; and
that no lead waits for them."""
import collections
import fcntl
import hashlib
import hmac
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from harness import IN_HAND, MAP, POLICY, ROOT, TAKT, Agent, Cell, Redis, children_of, expect, main, wait_for

KEY = "a key of more than sixteen bytes"
LEADS = 400


class Receiver:
    """A web server that notes what it is sent; how it answers can be changed at any time."""

    def __init__(self):
        receiver = self
        self.answer, self.got, self.headers, self.tries = 200, [], [], 0
        self.release, self.take = threading.Event(), json.loads

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.tries += 1
                event = receiver.take(body)
                if receiver.answer == "hang":
                    receiver.release.wait(60)
                    self.close_connection = True
                    return
                answer = receiver.answer(event) if callable(receiver.answer) else receiver.answer
                if answer == 200:
                    receiver.got.append(event)
                    receiver.headers.append((dict(self.headers), body))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.handler = Handler
        self.server = None
        self.start(0)

    def start(self, port):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda request, address: None        # a client that was killed
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.release.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def events(self, *words):
        return [one for one in self.got if not words or one["event"] in words]

    def ids(self, *words):
        return {one["id"] for one in self.events(*words)}


class HookedCell(Cell):
    """A cell with hooks: their file, a receiver for each `url`, and what was written where."""

    def __init__(self, *hooks, **more):
        super().__init__(**more)
        self.receivers = {}
        lines = ["hooks:"]
        for hook in hooks:
            name = hook.pop("name")
            if "program" not in hook:
                self.receivers[name] = Receiver()
                hook["url"] = f"http://127.0.0.1:{self.receivers[name].port}/takt/secret-path"
            hook.setdefault("retry_most", "300ms")
            lines.append(f"  - name: {name}")
            lines += [f"    {key}: {value}" for key, value in hook.items()]
        self.write("hooks.yaml", "\n".join(lines) + "\n")
        self.up_args = (*self.up_args, "--hooks", self.path("hooks.yaml"))

    def __exit__(self, *what):
        for receiver in self.receivers.values():
            receiver.stop()
        super().__exit__(*what)

    def start(self):
        super().start()
        wait_for(lambda: "hooks.begin" in self.log() or "hooks.ready" in self.log(), 10, "the hooks follow")

    def hooks_pid(self):
        return next((pid for pid, argv in children_of(self.up.pid).items() if argv[1:2] == ["hooks"]), None)

    def log(self):
        try:
            with open(os.path.join(self.dir, "log", "hooks.log")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def hook(self, name):
        return next(row for row in self.ask("hooks", "status") if row["hook"] == name)

    def give_out(self, rng, leads=LEADS, name="north"):
        """An import, all of it worked off; returns what the crew says it was told."""
        self.run("import", self.generate(leads, rng.randrange(1000), f"{name}.csv"), "--map", MAP, "--source", "web")
        before = self.total("ended")
        crew = self.crew(name, "--team", "north", "--agents", "5", "--pipeline", "0")
        return self.worked_off(crew, before)

    def worked_off(self, crew, before=0):
        """Returns what the crew says: another witness than the cell, which must say the same."""
        wait_for(lambda: self.total("waiting", *IN_HAND) == 0, 60, "all is worked off", pause=0.1)
        expect(crew.end() == 0, crew.tail())
        said = crew.json()
        expect(said["closed"] == self.total("ended") - before, f"the cell ended what the crew closed: {said}")
        return said


def told_all(receiver, offers, closed, seconds=20):
    wait_for(lambda: len(receiver.ids("offer")) >= offers and len(receiver.ids("closed")) >= closed, seconds,
             f"{offers} offers and {closed} closed; {len(receiver.ids('offer'))}, {len(receiver.ids('closed'))} came")
    expect(len(receiver.ids("offer")) == offers and len(receiver.ids("closed")) == closed,
           f"no more: {len(receiver.ids('offer'))} of {offers}, {len(receiver.ids('closed'))} of {closed}")


def every_offer_is_told_once_in_order_and_without_contact_data(rng):
    with HookedCell({"name": "crm"}, {"name": "lost", "events": "[withdrawal, breach, exhausted]"}) as cell:
        crm = cell.receivers["crm"]
        said = cell.give_out(rng)
        told_all(crm, said["offers"], said["closed"])
        expect(len(crm.got) == len(crm.ids()), "each once, as nothing died")
        by_lead = collections.defaultdict(list)
        for one in crm.got:
            by_lead[one["lead"]].append(one)
        expect(all([one["event"] for one in of] == ["offer", "closed"] for of in by_lead.values()), "a lead's events in their order")
        one = crm.events("offer")[0]
        expect(one["agent"].startswith("north-") and one["team"] == "north" and one["programme"] == "fresh" and
               one["state"] == "OFFERED" and one["cell"] == "test" and one["fence"] > 0 and one["deadline_ms"] > one["at_ms"],
               f"{one}")
        expect("lead_data" not in one, "nothing of the lead itself unless it is asked for")
        expect(not cell.receivers["lost"].got, "and only what was asked for")
        row = wait_for(lambda: cell.hook("crm") if cell.hook("crm")["delivered"] == len(crm.got) else None, 5, "status")
        expect(row["running"] == "yes" and row["behind"] == 0 and row["failures"] == 0, f"{row}")
        with open(cell.path("north.csv"), errors="replace") as file:
            phones = [word for word in re.findall(r"\d{3}[-. )]*\d{3}[-. ]*\d{4}", file.read())]
        expect(len(phones) > LEADS // 4, f"the file has phones: {len(phones)}")
        kept = cell.log() + "".join(open(os.path.join(cell.dir, "hooks", name)).read() for name in
                                    os.listdir(os.path.join(cell.dir, "hooks")))
        expect(not any(phone in kept for phone in phones), "no contact data in log or state")
        expect("secret-path" not in cell.log(), "no part of the URL that may be secret in the log")


def the_body_is_signed_and_a_lead_is_shown_as_far_as_the_hook_may_see_it(rng):
    cell = HookedCell({"name": "full", "fields": "full", "key_file": "KEY"}, {"name": "coarse", "fields": "coarse", "header_file": "HEADERS"})
    cell.write("key", KEY + "\n")
    cell.write("headers", "Authorization: Bearer let-me-in\n")
    with open(cell.path("hooks.yaml")) as file:
        text = file.read().replace("KEY", cell.path("key")).replace("HEADERS", cell.path("headers"))
    cell.write("hooks.yaml", text)
    with cell:
        full, coarse = cell.receivers["full"], cell.receivers["coarse"]
        said = cell.give_out(rng, 100)
        told_all(full, said["offers"], said["closed"])
        told_all(coarse, said["offers"], said["closed"])
        for headers, body in full.headers:
            wanted = "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
            expect(headers["X-Takt-Signature"] == wanted, "the signature is that of the body")
            expect(headers["X-Takt-Id"] == json.loads(body)["id"] and headers["X-Takt-Event"] == json.loads(body)["event"], "headers")
        expect(all(headers["Authorization"] == "Bearer let-me-in" and "X-Takt-Signature" not in headers
                   for headers, _ in coarse.headers), "the headers of the file")
        expect(any(one["lead_data"]["phone"] for one in full.got) and all(one["lead_data"]["name"] or one["lead_data"]["phone"] or
                                                                         one["lead_data"]["email"] for one in full.got),
               f"contact data: {full.got[0]}")
        data = coarse.got[0]["lead_data"]
        expect(data["source"] == "web" and "attributes" in data and not {"name", "phone", "email", "street", "remarks"} & set(data), f"{data}")
        expect("let-me-in" not in cell.log() and KEY not in cell.log(), "no secret in the log")


def a_dead_receiver_delays_no_offer_and_misses_nothing(rng):
    with HookedCell({"name": "down"}, {"name": "hangs", "timeout": "300ms"}, {"name": "refuses"}, {"name": "works"}) as cell:
        down, hangs, refuses, works = (cell.receivers[name] for name in ("down", "hangs", "refuses", "works"))
        port = down.port
        down.stop()
        hangs.answer, refuses.answer = "hang", 500
        said = cell.give_out(rng)
        expect(said["closed"] == cell.total("received") > LEADS * 9 // 10, f"all leads were worked off: {said}")
        told_all(works, said["offers"], said["closed"])
        expect(not down.got and not hangs.got and not refuses.got, "three are told nothing yet")
        for name in ("down", "hangs", "refuses"):
            wait_for(lambda name=name: cell.hook(name)["behind"] == said["offers"] + said["closed"], 10, f"all waits for {name}")
            row = cell.hook(name)
            expect(row["failing"] > 0 and row["why"] and row["delivered"] == 0, f"{row}")
        began, before = time.monotonic(), refuses.tries
        time.sleep(1)
        expect(refuses.tries - before <= (time.monotonic() - began) / 0.3 + 2, f"one attempt a wait: {refuses.tries - before}")
        alerts = json.loads(cell.run("watch", "--json", "--count", "1").stdout)["alerts"]
        expect("HOOK_FAILING" in alerts, f"{alerts}")
        down.start(port)
        hangs.answer = refuses.answer = 200
        hangs.release.set()
        for receiver in (down, hangs, refuses):
            told_all(receiver, said["offers"], said["closed"], 30)
            order = [one["event"] for one in receiver.got if one["lead"] == receiver.got[0]["lead"]]
            expect(order == ["offer", "closed"], f"in order also then: {order}")
        wait_for(lambda: all(row["behind"] == 0 and row["failing"] == 0 for row in cell.ask("hooks", "status")), 10, "all is well")
        expect("HOOK_FAILING" not in json.loads(cell.run("watch", "--json", "--count", "1").stdout)["alerts"], "the alert goes")
        expect(all(row["lost"] == row["given_up"] == 0 for row in cell.ask("hooks", "status")), "nothing is lost")
        for name in ("down", "hangs", "refuses"):
            expect(f"hooks.failing hook={name} " in cell.log() and f"hooks.again hook={name} " in cell.log(), "the log says both")


def an_event_that_cannot_be_digested_is_given_up_in_time_and_holds_up_no_other(rng):
    with HookedCell({"name": "crm", "retry_for": "2s"}) as cell:
        crm = cell.receivers["crm"]
        poison = []

        def answer(event):
            if not poison:
                poison.append(event["lead"])
            return 422 if event["lead"] == poison[0] else 200
        crm.answer = answer
        said = cell.give_out(rng, 100)
        wait_for(lambda: len(crm.ids("offer")) == said["offers"] - 1, 10, "all others")
        row = wait_for(lambda: cell.hook("crm") if cell.hook("crm")["given_up"] >= 2 else None, 20, "offer and closed are given up")
        expect(row["behind"] == 0 and row["delivered"] == len(crm.got) and "hooks.given_up hook=crm" in cell.log(), f"{row}")


def killed_again_and_again_it_tells_everything_at_least_once_under_the_same_id(rng):
    with HookedCell({"name": "crm"}, {"name": "slow", "parallel": 1, "fields": "full"}) as cell:
        crm, slow = cell.receivers["crm"], cell.receivers["slow"]
        slow.answer = lambda event: time.sleep(0.002) or 200
        cell.run("import", cell.generate(1500, rng.randrange(1000)), "--map", MAP, "--source", "web")
        crew = cell.crew("north", "--team", "north", "--agents", "5", "--act-ms", "15", "--pipeline", "0")
        kills = 0
        while cell.total("waiting") and kills < 8:
            pid = wait_for(cell.hooks_pid, 10, "the hooks run")
            time.sleep(0.1 + rng.random() * 0.9)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: cell.hooks_pid() != pid, 5, "killed")
            kills += 1
        said = cell.worked_off(crew)
        for receiver in (crm, slow):
            told_all(receiver, said["offers"], said["closed"], 60)
            of_id = collections.defaultdict(set)
            for one in receiver.got:
                of_id[one["id"]].add(json.dumps(one, sort_keys=True))
            expect(all(len(forms) == 1 for forms in of_id.values()), "a repeat is the same event, to the letter")
        expect(all(one["lead_data"]["source"] == "web" for one in slow.got), "with its lead, also what waited through a kill")
        repeats = len(crm.got) - len(crm.ids())
        expect(kills >= 3, f"{kills} kills")
        pid = wait_for(cell.hooks_pid, 10, "the hooks run")
        wait_for(lambda: cell.hook("slow")["behind"] == cell.hook("crm")["behind"] == 0, 20, "nothing waits")
        crm.got.clear()
        starts = cell.log().count("hooks.ready")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: cell.log().count("hooks.ready") > starts, 10, "it is back")
        cell.stop()
        expect(not crm.got, "at rest a kill repeats nothing")
        return f"{kills} kills, {repeats} repeats of {said['offers'] + said['closed']}"


def a_slow_hook_has_everything_before_it_that_the_log_had(rng):
    with HookedCell({"name": "slow", "parallel": 1}) as cell:
        slow = cell.receivers["slow"]
        slow.answer = lambda event: time.sleep(0.05) or 200
        cell.run("import", cell.generate(1500, rng.randrange(1000)), "--map", MAP, "--source", "web")
        said = cell.worked_off(cell.crew("north", "--team", "north", "--agents", "5", "--act-ms", "20", "--pipeline", "0"))

        def taken():            # the log is trimmed without asking hooks: what waits there only is lost sooner or later
            row = cell.hook("slow")
            return row["behind"] + row["delivered"] == said["offers"] + said["closed"]

        wait_for(taken, 5, f"all is taken out of the log; {cell.hook('slow')}")
        expect(cell.hook("slow")["behind"] > 1000 and cell.hook("slow")["failing"] == 0, f"it is slow: {cell.hook('slow')}")
        slow.answer = 200
        told_all(slow, said["offers"], said["closed"], 30)
        return f"{said['offers'] + said['closed']} events"


def a_question_for_the_status_stops_no_hooks_that_start_just_then(rng):
    with HookedCell({"name": "crm"}) as cell:
        state, hooks = cell.path("other"), os.path.join(cell.folder, "hooks.yaml")
        os.mkdir(state)
        lock = open(cell.write("other/lock", ""))
        fcntl.flock(lock, fcntl.LOCK_SH)        # as the question does, for a moment

        def has_opened(program):
            folder = f"/proc/{program.pid}/fd"
            return any(os.path.realpath(os.path.join(folder, name)) == lock.name for name in os.listdir(folder))

        program = cell.background("other", "hooks", "run", hooks, "--state", state, "--json")
        wait_for(lambda: not program.is_running() or has_opened(program), 5, "it has come to the lock", pause=0.001)
        lock.close()
        wait_for(lambda: not program.is_running() or os.path.exists(os.path.join(state, "status.json")), 5, "it works, or not")
        expect(program.is_running(), f"it waits for the moment: {program.tail()}")
        second = cell.run("hooks", "run", hooks, "--state", state, check=False)
        expect(second.returncode == 1 and "another takt hooks works here" in second.stderr, f"{second.stderr}")
        expect(program.end() == 0, "the end")
        expect([row["running"] for row in program.json()] == ["no"] * len(program.json()) != [], f"{program.output()}")


def a_program_gets_one_line_and_nothing_in_its_arguments(rng):
    cell = HookedCell({"name": "tell", "program": "[PROGRAM, OUT]", "fields": "full", "events": "[offer]", "parallel": 4, "timeout": "2s"},
                      {"name": "stuck", "program": "[/bin/sleep, 600]", "events": "[closed]", "timeout": "200ms"})
    program = cell.write("tell", "#!/bin/sh\n{ cat; tr '\\0' ' ' </proc/$$/cmdline; env; } >\"$1/$$\"\n"
                                 "[ -e \"$1/../refuse\" ] && exit 7\nmv \"$1/$$\" \"$1/done-$$\"\n", 0o700)
    os.mkdir(cell.path("out"))
    with open(cell.path("hooks.yaml")) as file:
        text = file.read().replace("PROGRAM", program).replace("OUT", cell.path("out"))
    cell.write("hooks.yaml", text)
    cell.write("refuse", "")

    def told():
        events = []
        for name in os.listdir(cell.path("out")):
            if name.startswith("done-"):
                with open(os.path.join(cell.path("out"), name)) as file:
                    events.append((json.loads(file.readline()), file.read()))
        return events

    with cell:
        said = cell.give_out(rng, 60)
        row = wait_for(lambda: cell.hook("tell") if cell.hook("tell")["failing"] else None, 10, "it is seen to fail")
        expect(row["why"] == "exit code 7" and row["behind"] == said["offers"], f"{row}")
        os.remove(cell.path("refuse"))
        wait_for(lambda: len({event["id"] for event, _ in told()}) == said["offers"], 30, "all are told")
        for event, rest in told():
            expect(event["event"] == "offer" and event["lead_data"]["source"] == "web", f"{event}")
            expect(not any(event["lead_data"][key] and event["lead_data"][key] in rest for key in ("name", "phone", "email")),
                   "contact data in arguments or environment")
        row = wait_for(lambda: cell.hook("stuck") if cell.hook("stuck")["failures"] > 1 else None, 10, "the stuck one fails")
        expect(row["why"] == "its time was over" and row["delivered"] == 0, f"{row}")
        pid = cell.hooks_pid()
        wait_for(lambda: len(children_of(pid)) <= 1, 5, "killed programs are gone")
        cell.stop()


def withdrawals_breaches_and_exhausted_leads_are_told(rng):
    cell = HookedCell({"name": "crm"}, {"name": "alerts", "events": "[breach, exhausted]"})
    with open(POLICY) as file:
        text = file.read().replace("wip_max: 3", "wip_max: 3\n    distributions_max: 2\n    recycles_max: 0\n    attempts_min: 0").replace(
            "{offer: 5s, first_action: 60s, unclaimed: 10s}", "{offer: 3s, first_action: 1s, unclaimed: 500ms}", 1)
    cell.policy = cell.write("policy.yaml", text)
    with cell:
        crm, alerts = cell.receivers["crm"], cell.receivers["alerts"]

        def hears(event, **facts):
            return wait_for(lambda: [one for one in crm.events(event) if all(one[key] == value for key, value in facts.items())], 15,
                            f"{event} {facts}; {[(one['event'], one['agent'], one['reason']) for one in crm.got]}")[0]

        cell.run("import", cell.generate(1, rng.randrange(1000)), "--map", MAP, "--source", "web")
        first = hears("breach", reason="UNCLAIMED")
        expect(first["state"] == "POOLED" and first["agent"] is None, f"{first}")
        hears("breach", reason="UNCLAIMED_ALERT")
        anna = Agent(cell, "anna", "north")
        anna.hear("offer")
        hears("offer", agent="anna")
        anna.say("accept")
        late = hears("breach", reason="FIRST_ACTION_LATE")
        taken = hears("withdrawal", agent="anna")
        expect(late["agent"] == "anna" and late["team"] == "north" and taken["fence"] == late["fence"] and
               taken["reason"] == "FIRST_ACTION_LATE", f"{late} {taken}")
        bob = Agent(cell, "bob", "north")
        bob.hear("offer")
        bob.kill()
        hears("withdrawal", agent="bob", reason="LEASE_LOST")
        carl = Agent(cell, "carl", "south")
        carl.hear("offer")
        carl.say("decline")
        dora = Agent(cell, "dora", "south")
        dora.hear("offer")
        expect(not [one for one in crm.events("withdrawal") if one["agent"] == "carl"], "who declines is not told that it lost the lead")
        dora.say("accept")
        ended = hears("exhausted")
        expect(ended["contacted"] is False and ended["reason"] == "MAX_DISTRIBUTIONS" and ended["agent"] is None, f"{ended}")
        wait_for(lambda: alerts.ids() == crm.ids("breach", "exhausted"), 5, "the filter")
        order = [one["event"] for one in crm.got if one["agent"] == "dora"]
        expect(order == ["offer", "withdrawal", "breach"], f"{order}")  # she had let go before it ended
        cell.stop()


def what_was_trimmed_while_it_stood_still_is_counted_and_it_goes_on(rng):
    with HookedCell({"name": "crm"}) as cell:
        crm = cell.receivers["crm"]
        said = cell.give_out(rng, 100)
        told_all(crm, said["offers"], said["closed"])
        pid = cell.hooks_pid()
        os.kill(pid, signal.SIGSTOP)
        before = cell.ask("fsck")["last"]
        cell.give_out(rng, 300, "unseen")
        redis = Redis(cell, runs=True)

        def trimmed():      # Redis is short of memory, so nothing is kept for late readers: the log does not wait for hooks
            used = next(line for line in redis("INFO", "memory").decode().split() if line.startswith("used_memory:"))
            redis("CONFIG", "SET", "maxmemory", int(used[12:]) * 100 // 65)
            at = (redis("GET", "{test}:trimmed") or b"0-0").decode()
            return [int(part) for part in at.split("-")] > [int(part) for part in before.split("-")]

        wait_for(trimmed, 15, "the log is trimmed beyond what hooks have read")
        redis("CONFIG", "SET", "maxmemory", 0)
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: "hooks.gap" in cell.log(), 10, "it says that it missed something")
        wait_for(lambda: cell.log().count("hooks.begin") == 2, 10, "it goes on at the log's end")
        had = len(crm.got)
        said = cell.give_out(rng, 50, "more")
        wait_for(lambda: len(crm.got) - had >= said["offers"] + said["closed"], 10, "what comes then is told")
        wait_for(lambda: "were missed: trimmed" in cell.run("hooks", "status").stdout, 5, "status says so")


def broker_and_redis_may_die_and_every_offer_is_told(rng):
    with HookedCell({"name": "crm", "fields": "coarse"}) as cell:
        crm = cell.receivers["crm"]
        cell.run("import", cell.generate(2000, rng.randrange(1000)), "--map", MAP, "--source", "web")
        crew = cell.crew("north", "--team", "north", "--agents", "4", "--act-ms", "40", "--pipeline", "0")
        for name in ("takt-broker", "redis-server", "takt-broker"):
            time.sleep(0.5) # the rhythm of the killing
            expect(cell.total("waiting") > 0, f"{name} is killed while there is work")
            cell.kill_child(name)
            wait_for(lambda: cell.run("status", check=False, seconds=20).returncode == 0, 20, "it answers")
        cell.worked_off(crew)
        ended, offers = cell.total("ended"), cell.metric("takt_offers_total")
        wait_for(lambda: len(crm.ids("offer")) >= offers, 20, f"{offers} offers; {len(crm.ids('offer'))} came")
        expect(len(crm.ids("offer")) == offers, f"as many offers as the broker counted: {len(crm.ids('offer'))}, {offers}")
        wait_for(lambda: len(crm.ids("closed", "exhausted")) == ended, 20, f"{ended} ends; {len(crm.ids('closed', 'exhausted'))} came")
        expect({one["lead"] for one in crm.events("offer")} >= {one["lead"] for one in crm.events("closed")}, "each was offered first")
        expect(all(one["lead_data"]["source"] == "web" for one in crm.got), "and shown as far as it may be")
        expect("hooks.away" in cell.log(), "the log says that Redis was away")
        expect(len(crm.ids()) == len({(one["lead"], one["fence"], one["event"], one["at_ms"]) for one in crm.got}), "one id each")
        return f"{offers:.0f} offers"


def the_scripts_of_deploy_hooks_write_mail_text_messages_and_pop_ups(rng):
    folder = os.path.join(ROOT, "deploy", "hooks")
    gateway = Receiver()
    try:
        with HookedCell({"name": "x", "events": "[offer]"}) as cell:
            fake = "#!/bin/sh\n{ echo \"$0 $*\"; cat; } >>%s\n" % cell.path("written")
            os.mkdir(cell.path("bin"))
            cell.write("bin/sendmail", fake, 0o700)
            cell.write("bin/notify-send", fake, 0o700)
            cell.write("text.json", json.dumps({"url": f"http://127.0.0.1:{gateway.port}/", "headers": {"Authorization": "Bearer x"},
                                                "form": {"To": "{to}", "Body": "{text}"}, "agents": {"sample-agent": "+15550123"}}))
            gateway.take = lambda body: dict(urllib.parse.parse_qsl(body.decode()))
            hooks = cell.write("scripts.yaml", f"hooks:\n"
                               f"  - {{name: mail, program: [{folder}/mail, --to, a@example.com, --sendmail, {cell.path('bin/sendmail')}]}}\n"
                               f"  - {{name: text, program: [{folder}/text-message, {cell.path('text.json')}]}}\n"
                               f"  - {{name: pop-up, program: [/usr/bin/env, PATH={cell.path('bin')}:{os.environ['PATH']}, {folder}/pop-up, sample-agent]}}\n")
            done = cell.run("hooks", "test", hooks)
            expect(done.stdout.count("delivered") == 3, f"{done.stdout} {done.stderr}")
            with open(cell.path("written")) as file:
                written = file.read()
            expect("Subject: offer: allocated by a worker" in written and "To: a@example.com" in written, f"{written}")
            expect("notify-send --urgency normal takt: offer" in written, f"{written}")
            expect(gateway.got == [{"To": "+15550123", "Body": "takt: offer (sample sample-agent): allocated by a worker"}], f"{gateway.got}")
    finally:
        gateway.stop()


def check_and_test_say_what_is_wrong_before_anything_runs(rng):
    receiver = Receiver()
    try:
        with Cell() as cell:
            def file(text):
                with open(cell.path("h.yaml"), "w") as out:
                    out.write(text)
                return cell.path("h.yaml")
            good = file(f"hooks:\n  - {{name: a, url: 'http://127.0.0.1:{receiver.port}/x'}}\n  - {{name: b, program: [/bin/false]}}\n")
            expect("a: http://127.0.0.1" in cell.run("hooks", "check", good).stdout, "the list")
            expect("/x" not in cell.run("hooks", "check", good).stdout, "the path of a URL may be a secret")
            rows = cell.ask("hooks", "check", good)
            expect([(row["hook"], row["to"], row["signed"]) for row in rows] ==
                   [("a", f"http://127.0.0.1:{receiver.port}", False), ("b", "/bin/false", False)], f"{rows}")
            rows = json.loads(cell.run("hooks", "test", good, "--json", check=False).stdout)
            expect({row["hook"]: (row["delivered"], row["why"]) for row in rows} == {"a": (True, None), "b": (False, "exit code 1")},
                   f"{rows}")
            receiver.got.clear()
            done = cell.run("hooks", "test", good, check=False)
            expect(done.returncode == 1 and "a: delivered" in done.stdout and "b: exit code 1" in done.stdout, f"{done.stdout}")
            expect(len(receiver.got) == 1 and receiver.got[0]["event"] == "offer" and receiver.got[0]["programme"] == "sample", "a sample")
            expect(cell.run("hooks", "test", good, "a").returncode == 0, "one of them")
            done = subprocess.run([TAKT, "hooks", "test", good, "b"], capture_output=True, text=True, timeout=10, check=False,
                                  preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
            expect("b: exit code 1" in done.stdout, f"also where who started it ignores its own children: {done.stdout}")
            bad = file("hooks:\n  - name: a\n    url: ftp://x\n")
            done = cell.run("hooks", "check", bad, check=False)
            expect(done.returncode == 1 and "h.yaml:3: url:" in done.stderr, f"{done.stderr}")
            done = cell.run("up", "--dir", cell.path("other"), "--policy", cell.policy, "--hooks", bad, check=False)
            expect(done.returncode == 1 and "h.yaml:3: url:" in done.stderr, f"takt up says it, too: {done.stderr}")
            done = cell.run("hooks", "status", check=False)
            expect(done.returncode == 1 and "takt up --hooks" in done.stderr, f"the next step: {done.stderr}")
    finally:
        receiver.stop()


TESTS = (every_offer_is_told_once_in_order_and_without_contact_data,
         the_body_is_signed_and_a_lead_is_shown_as_far_as_the_hook_may_see_it,
         a_dead_receiver_delays_no_offer_and_misses_nothing,
         an_event_that_cannot_be_digested_is_given_up_in_time_and_holds_up_no_other,
         killed_again_and_again_it_tells_everything_at_least_once_under_the_same_id,
         a_slow_hook_has_everything_before_it_that_the_log_had,
         a_question_for_the_status_stops_no_hooks_that_start_just_then,
         a_program_gets_one_line_and_nothing_in_its_arguments, withdrawals_breaches_and_exhausted_leads_are_told,
         what_was_trimmed_while_it_stood_still_is_counted_and_it_goes_on,
         broker_and_redis_may_die_and_every_offer_is_told,
         the_scripts_of_deploy_hooks_write_mail_text_messages_and_pop_ups,
         check_and_test_say_what_is_wrong_before_anything_runs)

if __name__ == "__main__":
    main({test.__name__: test for test in TESTS})
