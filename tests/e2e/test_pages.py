# SPDX-License-Identifier: Apache-2.0
"""The worked examples of the pages on modes, typed as they stand there.

A block ```console is a terminal; ```console ana is one of its own, which stays open until the page ends. `$ ` begins a
command, `takt> ` a word to the agent of this terminal, and what follows is expected, line by line and in this order, with
other lines between; times, ids, large numbers and blanks may differ. A command that ends in & goes on in the background.
"""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness import ROOT, TAKT, expect, main

PATIENCE_S = 20
TERMINAL = re.compile(r"\x1b7.*?\x1b8|\x1b\[[0-9;]*[A-Za-z]|\r", re.S)


def blocks_of(page):
    with open(os.path.join(ROOT, "docs", page)) as file:
        return re.findall(r"^```console *(\w*)\n(.*?)^```$", file.read(), re.M | re.S)


def steps_of(text):
    """[(typed or None, [expected line])] of a block."""
    steps = [(None, [])]
    for line in text.splitlines():
        if line.startswith(("$ ", "takt> ")):
            steps.append((line, []))
        elif line.strip() not in ("", "..."):
            steps[-1][1].append(line.strip())
    return steps


def pattern(line):
    """Times, ids and numbers of three digits or with a point may be others, blanks more or fewer."""
    time_of = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?Z"
    varying = re.compile(rf"{time_of}|\b(?:[0-9a-f]{{8,32}}|\d+[.,]\d[\d.,]*|\d{{3,}})\b")
    words = re.split(r"\s+", varying.sub("\0", line))
    any_of = rf"(?:{time_of}|[0-9a-f][0-9a-f.,]*)"
    whole = r"\s+".join(re.escape(word).replace(re.escape("\0"), any_of) for word in words)
    return re.compile(rf"(?<![\d.,]){whole}(?![\d.,]*\d)")


class Terminal:
    """A process with a terminal of its own, and what stands on it."""

    def __init__(self, command, folder, env):
        master, slave = pty.openpty()
        self.master, self.text, self.seen = master, "", 0
        self.process = subprocess.Popen(["bash", "-c", command], stdin=slave, stdout=slave, stderr=slave, cwd=folder,
                                        env=env, start_new_session=True)
        os.close(slave)
        os.set_blocking(master, False)

    def read(self):
        try:
            while chunk := os.read(self.master, 65536):
                self.text += chunk.decode(errors="replace")
        except OSError:  # nothing there, or the other end is closed
            pass

    def show(self, line):
        wanted, end = pattern(line), time.monotonic() + PATIENCE_S
        while True:
            ended = self.process.poll() is not None
            self.read()
            shown = TERMINAL.sub("", self.text)
            found = wanted.search(shown, self.seen)
            if found:
                self.seen = found.end()
                return
            expect(not ended and time.monotonic() < end, f"the page shows: {line}\nbut there is:\n{shown[self.seen:][-1500:]}")
            time.sleep(0.02)

    def type(self, word):
        os.write(self.master, word.encode() + b"\n")

    def wait(self):
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            self.read()
            expect(time.monotonic() < end, f"not ended: {self.text[-500:]}")
            time.sleep(0.02)
        self.read()
        return self.process.returncode

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        os.close(self.master)


def type_block(name, text, folder, env, terminals):
    for typed, shown in steps_of(text):
        if typed is None:
            terminal = terminals.get(name)
            expect(terminal or not shown, f"{name}: lines before the first command")
        elif typed.startswith("takt> "):
            terminal = terminals[name]
            terminal.type(typed[6:])
            if typed == "takt> quit":
                expect(terminal.wait() == 0, f"{name} quits")
        else:
            stays = bool(name) or typed.endswith(" &")
            terminal = Terminal(typed[2:].removesuffix(" &"), folder, env)
            terminals[name if name else f"{len(terminals)}"] = terminal
        for line in shown:
            terminal.show(line)
        if typed and typed.startswith("$ ") and not stays:
            expect(terminal.wait() == 0, f"{typed}: exit {terminal.process.returncode}: {terminal.text[-800:]}")


def play(page):
    folder = tempfile.mkdtemp(prefix="takt-page-")
    env = {**os.environ, "TAKT_DIR": os.path.join(folder, "takt-data"),
           "PATH": os.path.dirname(TAKT) + ":" + os.environ["PATH"]}
    terminals = {}
    try:
        blocks = blocks_of(page)
        expect(len(blocks) >= 3, f"{page} has a worked example")
        for name, text in blocks:
            type_block(name, text, folder, env, terminals)
    finally:
        for terminal in reversed(terminals.values()):
            terminal.end()
        shutil.rmtree(folder, ignore_errors=True)


def the_example_of_push_does_what_its_page_says(rng):
    play("PUSH.md")


def the_example_of_pull_does_what_its_page_says(rng):
    play("PULL.md")


def the_example_of_push_pull_does_what_its_page_says(rng):
    play("PUSH_PULL.md")


def each_template_is_printed_whole_and_has_no_fault(rng):
    listed = json.loads(subprocess.run([TAKT, "policy", "template", "--json"], capture_output=True, check=True).stdout)
    expect({"mortgage", "real-estate", "insurance", "debt-credit", "other-finance"} <= {one["name"] for one in listed},
           f"one for each trade: {[one['name'] for one in listed]}")
    with tempfile.TemporaryDirectory(prefix="takt-template-") as folder:
        for one in listed:
            path = os.path.join(folder, one["name"] + ".yaml")
            with open(path, "wb") as file:
                subprocess.run([TAKT, "policy", "template", one["name"]], stdout=file, check=True)
            with open(path) as file, open(os.path.join(ROOT, "deploy", "policies", one["name"] + ".yaml")) as shipped:
                expect(file.read() == one["text"] == shipped.read(), f"{one['name']} is the file that was tested")
            said = subprocess.run([TAKT, "policy", "check", path, "--json"], capture_output=True, text=True)
            expect(said.returncode == 0 and json.loads(said.stdout) == [], f"{one['name']}: {said.stdout}")
    said = subprocess.run([TAKT, "policy", "template", "mortage"], capture_output=True, text=True)
    expect(said.returncode == 1 and "takt policy template" in said.stderr, f"an unknown one: {said}")


if __name__ == "__main__":
    main({test.__name__: test for test in (each_template_is_printed_whole_and_has_no_fault,
                                           the_example_of_push_does_what_its_page_says,
                                           the_example_of_pull_does_what_its_page_says,
                                           the_example_of_push_pull_does_what_its_page_says)})
