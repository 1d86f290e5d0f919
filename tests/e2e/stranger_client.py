# SPDX-License-Identifier: Apache-2.0
"""A client of takt in another language than takt's: a lead source and an agent, as small as they can be and whole.

Written from docs/PROTOCOL.md and proto/takt.proto alone; it shares no code with libtakt, so what works here is what
the page says. It needs Debian's python3-zmq and python3-protobuf, and the classes protoc makes from the schema:

    protoc --python_out=FOLDER -I proto takt.proto          # then FOLDER is on the module path

There is no thread: heartbeats leave, and frames arrive, while the program is in wait() or pump(). A program with a
loop of its own calls pump(0) in it at least every heartbeat. Contact data is shown, never logged.
"""
import collections
import enum
import os
import random
import time

import takt_pb2 as wire
import zmq

PROTOCOL = 1
SENT_KEPT = 1000                 # frames whose moment of sending is remembered
HELLO_S = 2.0                    # without a welcome by then: a new socket
REPEAT_S = 1.0                   # what is not answered is said again
ASKED_MAX = 3                    # heartbeats without an answer before the connection is given up
NOW = time.monotonic             # all of takt's times are durations on the listener's own clock

Reason = enum.IntEnum("Reason", {
    "OK": 0, "BAD_FRAME": 1, "FRAME_TOO_LARGE": 2, "BAD_FIELD": 3, "HELLO_FIRST": 4, "WRONG_ROLE": 5,
    "PROTOCOL_VERSION": 6, "BUSY": 7, "NOT_ACTIVE": 8, "SESSION_FENCED": 9, "STATE_ROLLED_BACK": 10, "UNKNOWN_TEAM": 11,
    "OP_ID_REUSED": 12, "TOO_MANY": 13, "DUPLICATE_KEY": 20, "PAYLOAD_DIFFERS": 21, "STALE_FENCE": 41, "WRONG_STATE": 42,
    "NOTE_REQUIRED": 44, "OWES_DISPOSITION": 60, "OWES_NOTE": 61, "OWES_FIRST_ACTION": 62, "WIP_FULL": 63,
    "NO_LEAD": 72})
Verb = enum.IntEnum("Verb", "ACCEPT DECLINE ACTION ATTEMPT_END NOTE DISPOSITION RELEASE WITHDRAWN")
Intent = enum.IntEnum("Intent", "OFFLINE AVAILABLE ON_DEMAND AWAY", start=0)
State = enum.IntEnum("State", {
    "POOLED": 3, "OFFERED": 4, "OWNED": 5, "WORKING": 6, "WRAP_UP": 7, "REVOKING": 8, "PIPELINE": 9, "CLOSED_WON": 16,
    "CLOSED_LOST": 17})
IN_HAND = (State.OFFERED, State.OWNED, State.WORKING, State.WRAP_UP)
TRY_LATER = (Reason.BUSY, Reason.NOT_ACTIVE, Reason.STATE_ROLLED_BACK, Reason.TOO_MANY)


class Refused(Exception):
    """The broker refused a frame, and saying it again would not help. After SESSION_FENCED the peer has ended."""

    def __init__(self, error):
        super().__init__(f"{error.reason}: {error.text.decode()}")
        self.reason, self.seq = error.reason, error.seq


def new_id():
    return os.urandom(16)


class Peer:
    """A session: hello, heartbeats, and repeating what was not answered, over every reconnect."""

    def __init__(self, endpoint, role, name, **hello):
        self.endpoint, self.hello = endpoint, dict(hello, protocol=PROTOCOL, role=role, name=name.encode())
        self.socket, self.session, self.welcome, self.seq = None, 0, None, 0
        self.sent = collections.OrderedDict()     # seq -> when it was handed to the socket
        self.open = collections.OrderedDict()     # op -> [body, when to say it again]; until it is answered
        self.seen = (0, 0)                        # highest position of the log that we were told
        self.pause_s = 0.1
        self.connect()

    # -- the connection

    def connect(self):
        """A new socket; hello is its first frame, as soon as it takes one."""
        self.disconnect()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.LINGER, 500)
        self.socket.connect(self.endpoint)
        self.welcome, self.said_hello, self.hello_by = None, False, NOW() + HELLO_S

    def disconnect(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def say_hello(self):
        self.welcome, self.said_hello, self.hello_by = None, True, NOW() + HELLO_S
        # the session that was tells the broker that this is not a second device
        hello = dict(self.hello, seen_epoch=self.seen[0], seen_beat=self.seen[1])
        if self.session:
            hello["replaces"] = self.session
        self.say(session=None, hello=hello)

    def leave(self):
        """Bye: nothing is shown any more, and nothing need wait for the lease."""
        self.say(bye={})
        self.end()

    def end(self):
        self.session, self.welcome = 0, None
        self.open.clear()
        self.disconnect()

    # -- frames

    def say(self, session=0, **body):
        """Hand one frame to the socket; returns its seq. What must arrive goes through ask()."""
        self.seq += 1
        frame = wire.Frame(seq=self.seq, **body)
        if session is not None:
            frame.session = session or self.session
        self.sent[self.seq] = NOW()               # before it leaves: validity counts from here
        if len(self.sent) > SENT_KEPT:
            self.sent.popitem(last=False)
        try:
            self.socket.send(frame.SerializeToString(), zmq.DONTWAIT)
        except zmq.Again:                         # no broker, or it does not read: repeated later
            pass
        return self.seq

    def ask(self, op, **body):
        """Say it, and again under the same op until it is answered."""
        self.open[op] = [body, NOW() + REPEAT_S]
        if self.welcome:
            self.say(**body)
        return op

    def pump(self, seconds=0.0):
        """Hear what there is, waiting up to `seconds`; keep the session alive."""
        if not self.socket:
            return
        self.keep_alive()
        if not self.socket.poll(int(seconds * 1000)):
            return
        while self.socket and self.socket.poll(0):
            self.hear(wire.Frame.FromString(self.socket.recv()))

    def wait(self, condition, seconds=5.0):
        """Pump until condition() is true and return its value."""
        end = NOW() + seconds
        while True:
            value = condition()
            if value:
                return value
            if NOW() > end:
                raise TimeoutError(f"{self.hello['name'].decode()} waited {seconds} s in vain")
            self.pump(0.05)

    def keep_alive(self):
        now = NOW()
        if not self.welcome:
            if not self.said_hello and self.socket.poll(0, zmq.POLLOUT):
                self.say_hello()
            elif now > self.hello_by:
                self.reconnect()
            return
        beat_s = self.welcome.heartbeat_ms / 1000
        if now > self.heard_at + 2 * beat_s and self.asked >= ASKED_MAX:
            self.reconnect()
            return
        if now >= self.next_heartbeat:
            self.say(heartbeat={})
            self.asked += 1
            # while answers stay away ask more often: a broker that was restarted answers HELLO_FIRST
            self.next_heartbeat = now + (beat_s if self.asked < 2 else min(1.0, beat_s))
        for item in list(self.open.values()):
            if now >= item[1]:
                self.repeat(item)

    def repeat(self, item):
        item[1] = NOW() + REPEAT_S
        self.say(**item[0])

    def reconnect(self):
        time.sleep(self.pause_s * random.uniform(1, 3))
        self.pause_s = min(self.pause_s * 2, 5.0 / 3)
        self.connect()

    def hear(self, frame):
        self.heard_at = NOW()
        kind = frame.WhichOneof("body")
        if kind == "error":
            self.hear_error(frame.error)
        elif kind == "welcome":
            self.welcome, self.session, self.pause_s = frame.welcome, frame.welcome.session, 0.1
            self.asked, self.next_heartbeat = 0, NOW()
            self.saw(frame.welcome)
            self.hear_welcome()
            for item in list(self.open.values()):
                self.repeat(item)
        elif self.welcome:                        # before it, what comes is meant for the session that was
            self.asked = 0
            getattr(self, "hear_" + kind)(getattr(frame, kind))

    def hear_error(self, error):
        if error.reason == Reason.HELLO_FIRST:
            if self.welcome:                      # several frames may each be answered so; one hello is enough
                self.say_hello()
        elif error.reason in TRY_LATER:           # ask() says it again; here only not too early
            for item in self.open.values():
                item[1] = max(item[1], NOW() + error.retry_after_ms / 1000)
        else:
            if error.reason == Reason.SESSION_FENCED:
                self.end()                        # somebody else is us now
            raise Refused(error)

    def hear_welcome(self):
        pass

    def hear_heard(self, heard):
        pass

    def saw(self, position):
        self.seen = max(self.seen, (position.epoch, position.beat))


class Source(Peer):
    """Sends leads and keeps each receipt until it is asked for."""

    def __init__(self, endpoint, name):
        super().__init__(endpoint, wire.SOURCE, name)
        self.receipts = {}

    def submit(self, leads, op=None):
        """One chunk, all or nothing; wait for its receipt. `leads` are wire.Lead, or bytes encoded before."""
        op = op or new_id()
        rows = [lead if isinstance(lead, bytes) else lead.SerializeToString() for lead in leads]
        self.receipts.pop(op, None)
        self.ask(op, chunk=dict(op=op, source=self.hello["name"], leads=rows))
        return self.wait(lambda: self.receipts.get(op))

    def hear_receipt(self, receipt):
        self.saw(receipt)
        if receipt.reason == Reason.BUSY and receipt.op in self.open:
            self.open[receipt.op][1] = NOW() + receipt.retry_after_ms / 1000
        elif self.open.pop(receipt.op, None):
            self.receipts[receipt.op] = receipt


class Held:
    """A lead that is this agent's, and until when."""

    def __init__(self, offer, until):
        self.lead, self.fence, self.state, self.until = offer.lead, offer.fence, offer.state, until
        self.row = wire.Lead.FromString(offer.row)


class Agent(Peer):
    """Holds leads and acts on them. `held` is what it may show: look with may_show() before showing anything."""

    def __init__(self, endpoint, name, team, intent=Intent.AVAILABLE, **hello):
        self.held = {}                            # lead id -> Held
        self.results, self.withdrawn = {}, []
        super().__init__(endpoint, wire.AGENT, name, team=team.encode(), intent=intent, **hello)

    # -- what an agent says

    def ready(self, wait_ms=0):
        """Give me one lead. OK with a lead: it is in `held`, then or soon."""
        op = new_id()
        self.ask(op, agent_says=dict(ready=dict(op=op, wait_ms=wait_ms)))
        return self.answer(op)

    def act(self, held, verb, **more):
        return self.answer(self.say_act(held.lead, held.fence, verb, **more))

    def say_act(self, lead, fence, verb, **more):
        op = new_id()
        return self.ask(op, agent_says=dict(acts=[dict(op=op, lead=lead, fence=fence, verb=verb, **more)]))

    def answer(self, op):
        self.wait(lambda: op in self.results)
        return self.results.pop(op)

    def say_intent(self, intent, away_code=0):
        self.hello["intent"] = intent             # so that the next session says it too
        self.say(agent_says=dict(intent=intent, away_code=away_code))

    def end(self):
        self.held.clear()
        super().end()

    # -- how long a lead may be shown

    def may_show(self, held):
        """Up to the guard before the end, on our own clock."""
        return self.held.get(held.lead) is held and NOW() < held.until - self.welcome.guard_ms / 1000

    def end_of(self, seq, valid_ms):
        """The end of a validity counts from when our frame left; long forgotten is over."""
        return self.sent[seq] + valid_ms / 1000 if seq in self.sent else 0.0

    # -- what an agent hears

    def hear_welcome(self):
        self.held.clear()                         # offers of what is still ours come right after

    def hear_heard(self, heard):
        end = self.end_of(heard.seq, heard.valid_ms)
        for held in self.held.values():
            held.until = max(held.until, end)

    def hear_agent_hears(self, hears):
        """In this order: an offer may give a lead again that a result or a withdrawal of the same frame took."""
        for result in hears.results:
            if self.open.pop(result.op, None):
                self.results[result.op] = result
            self.hear_result(result)
        for withdrawal in hears.withdrawals:
            self.let_go(withdrawal)
        for offer in hears.offers:
            before = self.held.get(offer.lead)
            if not before or before.fence <= offer.fence:
                self.held[offer.lead] = Held(offer, self.end_of(offer.valid_seq, offer.valid_ms))
        if hears.HasField("ready") and self.open.pop(hears.ready.op, None):
            self.results[hears.ready.op] = hears.ready

    def hear_result(self, result):
        held = self.held.get(result.lead)
        if held and result.reason in (Reason.OK, Reason.WRONG_STATE):
            held.state = result.state
        if held and (held.state not in IN_HAND or result.reason == Reason.STALE_FENCE):
            del self.held[result.lead]            # closed, given back, or in the pipeline until it is due

    def let_go(self, withdrawal):
        """Stop showing it, then say so: only then may another have it."""
        held = self.held.get(withdrawal.lead)
        if not held or held.fence <= withdrawal.fence:
            self.held.pop(withdrawal.lead, None)
            self.withdrawn.append(withdrawal)
        self.say_act(withdrawal.lead, withdrawal.fence, Verb.WITHDRAWN)
