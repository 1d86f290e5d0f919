# SPDX-License-Identifier: Apache-2.0
"""A cell under attack: a witness at work beside, what an attack may cost, and peers that say what libzmq would not.

The witness is a process of its own, which sends a lead, gets it offered, accepts and closes it, over and over.
"""
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time

from harness import Cell, expect, stranger, wait_for

takt = stranger()
import zmq  # noqa: E402, after it is known to be there

State, Verb, wire = takt.State, takt.Verb, takt.wire
FRAME_MAX = 256 * 1024
MIB = 1024 * 1024
SANITIZED = "TAKT_SANITIZED" in os.environ  # such a program is slow, and what it frees it keeps
CYCLE_S = 8.0 if SANITIZED else 4.0         # a lead from its source until it is closed, while the attack goes on
CANARY = (b"Zebedee Canary", b"+1 212 555 0191", b"zebedee@canary.example", b"7 Canary Wharf", b"canary remark")
ROLES = {"source": wire.SOURCE, "agent": wire.AGENT, "worker": wire.WORKER, "operator": wire.OPERATOR}


def canary_lead(key):
    name, phone, email, street, remarks = CANARY
    return wire.Lead(key=key, name=name, phone=phone, email=email, street=street, remarks=remarks)


# ---- the witness ---------------------------------------------------------------------------------


def witness(source, agent):
    """Lines of JSON, one a lead, until nobody listens any more."""
    web = takt.Source(source, "web")
    ana = takt.Agent(agent, "witness", "north")
    ana.wait(lambda: ana.welcome, 10)
    session, number = ana.session, 0
    while True:
        began, number = time.monotonic(), number + 1
        receipt = web.submit([canary_lead(b"w%d" % number)])
        held = ana.wait(lambda: ana.held.get(receipt.lead_ids), 10)
        closed = ana.act(held, Verb.ACCEPT).reason == 0 and ana.act(held, Verb.DISPOSITION, code=1).state == State.CLOSED_WON
        print(json.dumps({"s": time.monotonic() - began, "closed": closed, "evicted": ana.session != session}), flush=True)
        ana.pump(0.02)
        web.pump(0)


class Siege:
    """A cell, the witness beside, and what one attack may cost."""

    def __init__(self, cell):
        self.cell, self.pid, self.cycles, self.worst_s, self.costs = cell, cell.child("takt-broker"), 0, 0.0, []
        self.witness = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), cell.endpoint("source"),
                                         cell.endpoint("agent")], stdout=subprocess.PIPE)
        os.set_blocking(self.witness.stdout.fileno(), False)
        self.rest = b""
        wait_for(lambda: self.listen() > 0, 10, "the witness is at work")

    def end(self):
        self.witness.kill()
        self.witness.wait()

    def listen(self):
        """Cycles since the last look, each within its time."""
        *lines, self.rest = (self.rest + (self.witness.stdout.read() or b"")).split(b"\n")
        for line in map(json.loads, lines):
            expect(line["closed"] and not line["evicted"], f"the witness: {line}")
            expect(line["s"] < CYCLE_S, f"the witness waited {line['s']:.2f} s for a lead")
            self.worst_s = max(self.worst_s, line["s"])
        self.cycles += len(lines)
        expect(self.witness.poll() is None, "the witness lives")
        return len(lines)

    def memory(self, field):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

    def metric(self, name):
        return self.cell.metric(name)

    def settled(self):
        """All that was sent is read."""
        seen = [-1.0]

        def still():
            seen.append(self.metric("takt_frames_in_total") + self.metric("takt_frames_refused_total"))
            return seen[-1] - seen[-2] < 100         # the witness goes on
        wait_for(still, 10, "the broker has read it all", pause=0.1)

    def attack(self, name, action, mib=8, refused=0):
        """Do it; hold the broker to its bounds. Returns what the action returns."""
        self.listen()
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")                          # the peak of the resident memory begins anew
        before, bad = self.memory("VmRSS"), self.metric("takt_frames_refused_total")
        value = action()
        self.settled()
        expect(self.cell.child("takt-broker") == self.pid, f"{name}: the broker lives")
        grown = self.memory("VmHWM") - before
        self.costs.append(f"{name} {grown / MIB:.1f}")
        expect(grown <= mib * MIB or SANITIZED, f"{name}: {grown / MIB:.1f} MiB more, the bound is {mib}")
        counted = self.metric("takt_frames_refused_total") - bad
        expect(counted >= refused, f"{name}: {refused} frames refused, {counted:.0f} counted")
        wait_for(lambda: self.listen() > 0, CYCLE_S + 1, f"{name}: the witness is served")
        return value

    def said(self):
        return f"{self.cycles} leads beside, the slowest {self.worst_s * 1000:.0f} ms; MiB: {', '.join(self.costs)}"

    def logs_are_clean(self):
        for folder, _, names in os.walk(self.cell.folder):
            for name in names:
                if name.endswith((".log", ".out", ".err")):
                    with open(os.path.join(folder, name), "rb") as file:
                        text = file.read()
                    for word in CANARY:
                        expect(word not in text, f"{name} shows contact data")


class besieged:
    """`with besieged() as (cell, siege)`: both started, and looked at when all is over."""

    def __init__(self):
        self.cell, self.around_start = Cell(), contextlib.nullcontext

    def __enter__(self):
        with self.around_start():
            self.cell.__enter__()
        try:
            self.siege = Siege(self.cell)
        except BaseException:
            self.cell.__exit__(*sys.exc_info())
            raise
        return self.cell, self.siege

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.siege.listen()
                self.siege.logs_are_clean()
                self.cell.fsck()
        finally:
            self.siege.end()
            self.cell.__exit__(kind, value, trace)


# ---- who attacks ---------------------------------------------------------------------------------


def dealer(endpoint):
    """A socket of ZeroMQ that stands."""
    sock = zmq.Context.instance().socket(zmq.DEALER)
    sock.setsockopt(zmq.LINGER, 0)
    sock.setsockopt(zmq.SNDHWM, 0)
    sock.setsockopt(zmq.RCVHWM, 0)
    sock.connect(endpoint)
    expect(sock.poll(2000, zmq.POLLOUT), "connected")
    return sock


def heard(sock, seconds=0.2, most=1 << 30):
    """The frames that came, until there are so many or it is quiet for a while."""
    frames = []
    while len(frames) < most and sock.poll(int(seconds * 1000)):
        frames.append(wire.Frame.FromString(sock.recv()))
    return frames


def answers(sock, frames, window=200):
    """What each of many frames is answered, some under way at a time: a reason, or the kind of a message. What a worker
    is asked meanwhile is no answer."""
    said = []
    for sent in range(0, len(frames), window):
        for frame in frames[sent:sent + window]:
            sock.send(frame)
        while len(said) < min(len(frames), sent + window):
            expect(sock.poll(3000), f"an answer to each frame, not only to {len(said)}")
            answer = wire.Frame.FromString(sock.recv())
            kind = answer.WhichOneof("body")
            if kind != "request":
                said.append(answer.error.reason if kind == "error" else kind)
    return said


def answer_to(sock, frame):
    return answers(sock, [frame])[0]


def hello(role, name, **fields):
    return wire.Frame(seq=1, hello=dict(protocol=1, role=ROLES[role], name=name, **fields)).SerializeToString()


class Zmtp:
    """ZMTP 3.0 by hand, to say what libzmq would not."""

    GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

    def __init__(self, endpoint, identity=b"", ready=True):
        host, port = endpoint.removeprefix("tcp://").split(":")
        self.tcp = socket.create_connection((host, int(port)), timeout=5)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ready:
            self.tcp.sendall(self.GREETING)
            self.take(64)
            body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER" + b"\x08Identity" + \
                struct.pack(">I", len(identity)) + identity
            self.tcp.sendall(self.frame(body, 4))
            self.take(self.take(2)[1])

    def take(self, size):
        got = b""
        while len(got) < size:
            more = self.tcp.recv(size - len(got))
            expect(more, "the broker goes on with the handshake")
            got += more
        return got

    @staticmethod
    def frame(body, flags=0):
        if len(body) < 256:
            return bytes([flags, len(body)]) + body
        return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body

    def send(self, body, more=False):
        self.tcp.sendall(self.frame(body, 1 if more else 0))

    def closed(self, seconds=5):
        """Whether the other side ends it in time."""
        self.tcp.settimeout(seconds)
        try:
            while self.tcp.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.tcp.close()


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


if __name__ == "__main__":
    witness(*sys.argv[1:])
