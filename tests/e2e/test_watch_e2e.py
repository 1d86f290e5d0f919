# SPDX-License-Identifier: Apache-2.0
"""`takt watch` in a real terminal (tmux) and without one: numbers move, it fits the window, and
whatever ends it the terminal is as it was."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from harness import MAP, ROOT, TAKT, Cell, children_of, expect, main, wait_for


class Terminal:
    """A tmux of its own with one shell in it."""

    def __init__(self, cell, columns=110, rows=40):
        self.socket = cell.path("tmux")
        self.cell = cell
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "env", "PS1=$ ", f"TAKT_DIR={cell.dir}",
                  "sh")
        self.run_line("stty -g > " + cell.path("stty-before") + "; echo started")
        wait_for(lambda: "started" in self.screen().split("echo started")[-1], 10, "the shell answers")

    def tmux(self, *args):
        done = subprocess.run(["tmux", "-S", self.socket, *args], capture_output=True, text=True, timeout=10, check=False)
        expect(done.returncode == 0, f"tmux {' '.join(args)}: {done.stderr}")
        return done.stdout

    def run_line(self, line):
        self.tmux("send-keys", line, "Enter")

    def key(self, key):
        self.tmux("send-keys", key)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def is_view(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def start_watch(self):
        self.run_line(TAKT + " watch; echo ended with $?")
        wait_for(lambda: self.is_view() and "programmes" in self.screen(), 10, "the view is there")

    def watch_pid(self):
        shell = int(self.tmux("display-message", "-p", "#{pane_pid}"))
        return wait_for(lambda: next((pid for pid, argv in children_of(shell).items() if argv[1:2] == ["watch"]), None), 5,
                        "the process of the view")

    def expect_restored(self, what):
        wait_for(lambda: not self.is_view(), 5, f"after {what} the former screen is back")
        wait_for(lambda: self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1", 5, "the cursor is back")
        self.run_line("stty -g > " + self.cell.path("stty-after") + "; echo said-$((20+3))")
        wait_for(lambda: "said-23" in self.screen(), 5, f"after {what} the shell answers")
        expect("echo said-$((20+3))" in self.screen(), f"after {what} what is typed is echoed")
        with open(self.cell.path("stty-before")) as before, open(self.cell.path("stty-after")) as after:
            expect(before.read() == after.read(), f"after {what} the terminal's settings are as before")
        self.run_line("clear")

    def end(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=10, check=False)


def number(screen, name):
    found = re.search(rf"\b{name} ([\d,]+)", screen)
    return int(found.group(1).replace(",", "")) if found else None


def the_view_moves_during_an_import_fits_the_window_and_gives_the_terminal_back(rng):
    with Cell(workers=2) as cell:
        terminal = Terminal(cell)
        try:
            terminal.start_watch()
            expect(number(terminal.screen(), "waiting") == 0, terminal.screen())
            expect("NOBODY_HERE" not in terminal.screen(), "no alert while nothing waits")
            importing = cell.background("import", "import", cell.generate(3000, rng.randrange(1000)), "--map", MAP,
                                        "--source", "web", "--rate", "400", "--json")
            wait_for(lambda: (number(terminal.screen(), "waiting") or 0) > 100, 10, "the number changes")
            first = number(terminal.screen(), "waiting")
            wait_for(lambda: number(terminal.screen(), "waiting") > first + 100, 10, "and changes again")
            rate = number(terminal.screen(), "in")
            expect(rate is not None and 50 < rate < 1500, f"about 400 a second come in: {rate}")
            expect("NOBODY_HERE" in terminal.screen(), "leads wait and nobody is here: that is an alert")
            shot = terminal.screen()
            for title in ("programmes", "pools", "agents", "workers", "worker-1", "north"):
                expect(title in shot, f"{title} is shown: {shot}")
            terminal.tmux("resize-window", "-x", "60", "-y", "12")
            wait_for(lambda: "lines more" in terminal.screen(), 5, "the small window says that there is more")
            expect(all(len(line) <= 60 for line in terminal.screen().splitlines()), "no line is wider than the window")
            terminal.tmux("resize-window", "-x", "110", "-y", "40")
            wait_for(lambda: "worker-2" in terminal.screen(), 5, "the large window shows all again")
            crew = cell.crew("north", "--team", "north", "--agents", "5", "--pipeline", "0")
            wait_for(lambda: "NOBODY_HERE" not in terminal.screen() and (number(terminal.screen(), "handed") or 0) > 0, 10,
                     "somebody came: the alert is over, leads are handed out")
            importing.kill()
            crew.end()
            terminal.key("q")
            terminal.expect_restored("q")
            return "\n" + shot if os.environ.get("TAKT_SHOW") else ""
        finally:
            terminal.end()


def every_end_of_the_view_restores_the_terminal(rng):
    with Cell(workers=0) as cell:
        terminal = Terminal(cell)
        try:
            for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGKILL"):
                terminal.start_watch()
                os.kill(terminal.watch_pid(), getattr(signal, name))
                terminal.expect_restored(name)
            terminal.start_watch()
            terminal.key("C-c")
            terminal.expect_restored("Ctrl-C")
            terminal.start_watch()
            pid = terminal.watch_pid()
            terminal.key("C-z")
            terminal.expect_restored("Ctrl-Z")
            terminal.run_line("fg")
            wait_for(lambda: terminal.is_view() and "programmes" in terminal.screen(), 5, "fg brings the view back")
            expect(terminal.watch_pid() == pid, "the same one")
            cell.stop()
            wait_for(lambda: "NO_ANSWER" in terminal.screen(), 10, "a broker that is gone is told")
            cell.start()
            wait_for(lambda: "NO_ANSWER" not in terminal.screen(), 15, "and seen when it is back")
            terminal.key("q")
            terminal.expect_restored("q")
        finally:
            terminal.end()


def without_a_terminal_it_is_plain_lines_or_one_object_a_line(rng):
    with Cell(workers=1) as cell:
        lines = cell.run("watch", "--count", "2", "--every", "200").stdout.splitlines()
        expect(len(lines) == 2 and all("waiting 0" in line and "\033" not in line for line in lines), f"two lines: {lines}")
        watch = cell.background("watch", "watch", "--json", "--every", "200")

        def objects():
            return [json.loads(line) for line in watch.output().splitlines() if line.endswith("}")]
        wait_for(objects, 10, "the first object")
        said = cell.take_in(500, rng.randrange(1000))
        wait_for(lambda: objects() and objects()[-1]["waiting"] == said["accepted"], 10, "the last object counts what waits")
        got = objects()
        expect(got[0]["in_per_s"] is None and any(one["in_per_s"] > 0 for one in got[1:]), "a rate needs two refreshes")
        expect(got[-1]["workers"][0]["worker"] == "worker-1" and "NOBODY_HERE" in got[-1]["alerts"], f"{got[-1]}")
        expect(got[-1]["received"] == sum(row["received"] for row in cell.ask("status")), "totals are the status'")
        cell.run("workers", "drain", "worker-1")
        wait_for(lambda: "NO_WORKER" in objects()[-1]["alerts"], 10, "a cell without a worker is an alert")
        expect(watch.end() == 0, "SIGTERM ends it in order")


def the_operators_page_tells_every_alert_and_every_metric(rng):
    with open(os.path.join(ROOT, "cli", "watch_alerts.def")) as file:
        alerts = re.findall(r"^ALERT\((\w+),", file.read(), re.M)
    with Cell(workers=1) as cell:
        wait_for(lambda: cell.ask("workers")["workers"], 5, "the worker is there")
        cell.take_in(100, rng.randrange(1000))
        metrics = re.findall(r"^# TYPE (\w+) ", cell.metrics(), re.M)
    with open(os.path.join(ROOT, "docs", "OPERATING.md")) as file:
        told = re.findall(r"^\| `(\w+)`", file.read(), re.M)
    expect(len(alerts) >= 5 and len(metrics) >= 30, f"{len(alerts)} alerts, {len(metrics)} metrics")
    expect(not set(alerts + metrics) - set(told), f"docs/OPERATING.md does not tell {sorted(set(alerts + metrics) - set(told))}")
    gone = [name for name in told if name not in alerts + metrics and name.startswith("takt_")]
    expect(not gone, f"docs/OPERATING.md tells of {gone}, which are not there")


if __name__ == "__main__":
    if not shutil.which("tmux"):
        print("no tmux here")
        sys.exit(77)
    main({test.__name__: test for test in (
        the_view_moves_during_an_import_fits_the_window_and_gives_the_terminal_back,
        every_end_of_the_view_restores_the_terminal, without_a_terminal_it_is_plain_lines_or_one_object_a_line,
        the_operators_page_tells_every_alert_and_every_metric)})
