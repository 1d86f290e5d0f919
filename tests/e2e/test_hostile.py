# SPDX-License-Identifier: Apache-2.0
"""Hostile peers on the live ports: whatever bytes come, the broker lives, its memory stays within a stated bound, who is
at work beside is served in time, what is refused is answered with a reason and counted, and no log shows contact data.
"""
import os
import resource
import socket
import struct
import time

from harness import POLICY, expect, main, wait_for
from siege import (CYCLE_S, FRAME_MAX, MIB, ROLES, Zmtp, answer_to, answers, besieged, canary_lead, dealer, field, heard, hello,
                   takt, varint)

import zmq  # siege has seen that it is there

Intent, Reason, Verb, wire = takt.Intent, takt.Reason, takt.Verb, takt.wire


def valid_frames(session=0):
    """One of each message of the schema, some of which no peer may send."""
    op = bytes(range(16))
    lead = canary_lead(b"k").SerializeToString()
    act = dict(op=op, lead=op, fence=7, verb=Verb.NOTE, note=b"canary remark")
    bodies = (dict(hello=dict(protocol=1, role=wire.AGENT, name=b"x", team=b"north", skills=[b"a", b"b"])),
              dict(heartbeat={}), dict(bye={}), dict(chunk=dict(op=op, source=b"web", leads=[lead] * 3)),
              dict(manifest={"import": op, "source": b"web", "rows": 1, "chunks": 1}),
              dict(agent_says=dict(acts=[act] * 3, ready=dict(op=op, wait_ms=1))),
              dict(decision=dict(id=1, agent=[1], score=[-1], runner_up=[0], margin=[0])), dict(query=dict(what=1, limit=10)),
              dict(welcome=dict(session=1, cell=b"x")), dict(error=dict(reason=3, text=b"x")),
              dict(receipt=dict(op=op, lead_ids=op, outcomes=[0])), dict(heard=dict(seq=1)),
              dict(agent_hears=dict(offers=[dict(lead=op, fence=1, row=lead)])), dict(report=dict(columns=[b"a"])),
              dict(request=dict(id=1, age_ms=[1], priority=[1])))
    return [wire.Frame(seq=9, session=session, **body).SerializeToString() for body in bodies]


def malformed_frames_are_answered_and_counted(rng):
    with besieged() as (cell, siege):
        base = valid_frames()
        socks = {role: dealer(cell.endpoint(role)) for role in ROLES}

        def damaged():
            frame = bytearray(rng.choice(base))
            kind = rng.randrange(4)
            if kind == 0:
                return rng.randbytes(rng.randrange(1, 400))
            if kind == 1:
                return bytes(frame[:rng.randrange(len(frame))])
            for _ in range(rng.randrange(1, 6)):
                frame[rng.randrange(len(frame))] = rng.randrange(256)
            return bytes(frame) + (rng.randbytes(8) if kind == 2 else b"")

        def storm():
            for sock in socks.values():
                expect(all(answers(sock, [damaged() for _ in range(3000)], 8)), "each frame has its answer")
        siege.attack("damaged", storm, refused=4000)

        def typed():
            agent, source = socks["agent"], socks["source"]
            says = b"\x11" + struct.pack("<Q", 5)          # field 2... of session's number, with another type
            cases = {
                "deep": (agent, field(30, field(1, field(1, field(1, field(1, b"\n\0")))))),
                "empty acts": (agent, field(30, field(1, b"") * 60000)),
                "acts over the limit": (agent, field(30, field(1, b"\x20\x05") * 513)),
                "empty rows": (source, field(22, field(5, b"") * 80000)),
                "unknown fields": (agent, b"".join(varint(1000 + i << 3) + b"\1" for i in range(20000))),
                "one field twice": (agent, field(10, b"\x08\1\x08\1")),
                "two bodies": (agent, field(12, b"") + field(14, b"")),
                "a body twice": (agent, field(12, b"") + field(12, b"")),
                "a long varint": (agent, b"\x10" + b"\xff" * 10 + b"\1"),
                "a number too large": (agent, field(10, b"\x08" + varint(1 << 32 | 1))),
                "a role of 2^31 - 1": (agent, field(10, b"\x08\1\x10" + varint(2**31 - 1))),
                "another wire type": (agent, says),
                "a length beyond the end": (agent, varint(30 << 3 | 2) + varint(2**31 - 1) + b"x"),
                "a length of 2^64 - 1": (agent, varint(30 << 3 | 2) + varint(2**64 - 1) + b"x"),
                "a group": (agent, b"\x0b\x0c"),
                "field number 0": (agent, b"\0\1"),
                "packed without end": (socks["worker"], field(41, field(3, b"\1" * 200000))),
                "no UTF-8": (agent, hello("agent", b"\xff\xfe", team=b"north")),
                "a NUL in a name": (agent, hello("agent", b"a\0b", team=b"north")),
                "nothing": (agent, b""),
            }
            for name, (sock, frame) in cases.items():
                expect(len(frame) <= FRAME_MAX, name)
                answer = answer_to(sock, frame)
                expect(answer in (Reason.BAD_FRAME, Reason.BAD_FIELD), f"{name}: answered {answer}")
        siege.attack("bombs", typed, refused=20)

        def empty():
            expect(set(answers(socks["agent"], [b""] * 20000)) == {Reason.BAD_FRAME}, "each has its answer")
        siege.attack("empty", empty, refused=20000)

        def texts():
            web = takt.Source(cell.endpoint("source"), "web")
            rows = [wire.Lead(key=b"t%d" % i, name=text) for i, text in enumerate((b"a\0b", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
                                                                                  b"\xf4\x90\x80\x80", b"a\nb", b"\x7f"))]
            expect(set(web.submit(rows).outcomes) == {23}, "BAD_TEXT, row by row")
            garbage = [rng.randbytes(rng.randrange(300)) for _ in range(255)] + [rng.randbytes(9000)]
            expect(all(web.submit(garbage).outcomes), "garbage is no lead")
            web.leave()
        siege.attack("texts", texts)
        for sock in socks.values():
            sock.close()
        return siege.said()


def frames_of_a_wrong_form_are_dropped_or_their_connection_is(rng):
    with besieged() as (cell, siege):
        endpoint = cell.endpoint("agent")

        def oversized():
            sock = dealer(endpoint)
            expect(answer_to(sock, bytes(FRAME_MAX + 1)) == Reason.FRAME_TOO_LARGE, "just over the limit")
            monitor = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            sock.send(bytes(MIB))
            expect(monitor.poll(3000), "far over it, the connection is ended")
            sock.disable_monitor()
            sock.close()
            for size in (2**63 - 1, 2**63, 2**64 - 1, FRAME_MAX * 2):
                peer = Zmtp(endpoint)
                peer.tcp.sendall(b"\x02" + struct.pack(">Q", size) + b"x" * 10)
                expect(peer.closed(), f"a frame of {size} bytes announced")
                peer.close()
        siege.attack("oversized", oversized)

        def parts():
            sock = dealer(endpoint)
            for _ in range(2000):
                sock.send_multipart([b"a"] * rng.choice((2, 3, 50)))
            expect(answer_to(sock, hello("agent", b"parts", team=b"south")) == "welcome", "unanswered, and what follows is heard")
            sock.close()
        siege.attack("parts", parts, refused=2000)

        def endless():
            peer = Zmtp(endpoint)
            for _ in range(32 * 16):
                peer.send(bytes(65536), more=True)
            peer.close()
        # libzmq keeps the parts of a message until its last: nobody but who limits the process can stop that
        siege.attack("32 MiB that never end", endless, mib=48)

        def identities():
            peers = []
            for identity in (b"", b"\0", b"a", b"\0abcd", b"same", b"same", b"x" * 8, b"x" * 9, b"x" * 255):
                peer = Zmtp(endpoint, identity)
                peer.send(hello("agent", b"id%d" % len(peers), team=b"south"))
                peers.append(peer)
            for peer in peers[:5] + peers[6:7]:
                expect(peer.take(2)[1], "welcome")
            for peer in peers:
                peer.close()
        siege.attack("identities", identities)

        def bytewise():
            peer = Zmtp(endpoint)
            for byte in Zmtp.frame(hello("agent", b"slow", team=b"south")):
                peer.tcp.sendall(bytes([byte]))
            expect(peer.take(2)[1], "a byte at a time is a frame as well")
            peer.close()
        siege.attack("a byte at a time", bytewise)

        def commands():
            for body in (b"", b"\x04PING", b"\x04PING\0\0" + bytes(16), b"\x04PONG", b"\x05ERROR\x05abc", b"\x09SUBSCRIBE",
                         b"\x05READY", b"\xff" * 20, rng.randbytes(200)):
                peer = Zmtp(endpoint)
                peer.tcp.sendall(Zmtp.frame(body, 4))
                peer.send(hello("agent", b"cmd", team=b"south"))
                peer.close()
        siege.attack("commands", commands)

        def no_zmtp():
            for first in (b"GET /metrics HTTP/1.1\r\nHost: takt\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                          b"SSH-2.0-x\r\n", b"*1\r\n$4\r\nPING\r\n", bytes(4096), b"\xff" * 4096, b"\x01\0" * 500):
                for role in ROLES:
                    peer = Zmtp(cell.endpoint(role), ready=False)
                    peer.tcp.sendall(first)
                    peer.close()
            for _ in range(100):
                peer = Zmtp(endpoint, ready=False)
                try:
                    peer.tcp.sendall(rng.choice((b"", Zmtp.GREETING, Zmtp.GREETING[:11])) + rng.randbytes(rng.randrange(2000)))
                except ConnectionError:
                    pass
                peer.close()
        siege.attack("no ZMTP", no_zmtp)
        return siege.said()


def open_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class started_with_few_descriptors:
    """What starts meanwhile has a low limit, as from a login shell; we keep ours."""

    def __enter__(self):
        self.ours = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, self.ours[1]))

    def __exit__(self, kind, value, trace):
        resource.setrlimit(resource.RLIMIT_NOFILE, self.ours)


def connections_that_say_nothing_cost_little_and_go(rng):
    siege = besieged()
    siege.around_start = started_with_few_descriptors
    with siege as (cell, siege):
        before = open_fds(siege.pid)

        def stalled():
            peers = [Zmtp(cell.endpoint("agent"), ready=False) for _ in range(400)]
            for peer in peers:
                peer.tcp.sendall(Zmtp.GREETING[:rng.randrange(64)])
            wait_for(lambda: open_fds(siege.pid) <= before + 20, 8, "half a greeting is not waited for")
            for peer in peers:
                peer.close()
        siege.attack("400 half greetings", stalled, mib=20)

        def silent():
            peers = [Zmtp(cell.endpoint("agent")) for _ in range(1500)]
            wait_for(lambda: siege.listen() > 0, CYCLE_S, "the witness is served meanwhile")
            for peer in peers:
                peer.close()
            wait_for(lambda: open_fds(siege.pid) <= before + 20, 5, "they are let go")
        siege.attack("1500 without hello", silent, mib=60)

        def again():
            for _ in range(500):
                peer = Zmtp(cell.endpoint("source"))
                peer.send(b"x")
                peer.close()
        siege.attack("500 that come and go", again, mib=8, refused=400)

        def http():
            host, port = cell.endpoint("metrics").removeprefix("http://").split(":")
            return [socket.create_connection((host, int(port))) for _ in range(12)]
        for one in siege.attack("12 at the metrics", http):
            one.close()

        def none_left():
            resource.prlimit(siege.pid, resource.RLIMIT_NOFILE, (before + 100, before + 100))
            tcps = [socket.create_connection(("127.0.0.1", int(cell.endpoint("agent").rsplit(":", 1)[1]))) for _ in range(300)]
            wait_for(lambda: open_fds(siege.pid) >= before + 99, 5, "no descriptor is left")
            for _ in range(5):
                wait_for(lambda: siege.listen() > 0, CYCLE_S, "who is connected is served")
            for tcp in tcps:
                tcp.close()
            wait_for(lambda: open_fds(siege.pid) <= before + 20, 8, "and then there are some again")
            sock = dealer(cell.endpoint("agent"))
            expect(answer_to(sock, hello("agent", b"late", team=b"south")) == "welcome", "who comes then is heard")
            sock.close()
        siege.attack("no descriptor left", none_left, mib=20)
        return siege.said()


def sessions_are_nobodys_but_their_owners(rng):
    with besieged() as (cell, siege):
        ana = takt.Agent(cell.endpoint("agent"), "ana", "desk", Intent.ON_DEMAND)
        ana.wait(lambda: ana.welcome)

        def others():
            for role in ROLES:
                sock = dealer(cell.endpoint(role))
                for other in ROLES:
                    if other != role:
                        expect(answer_to(sock, hello(other, b"x", team=b"desk")) == Reason.WRONG_ROLE, f"{other} at {role}")
                for i, frame in enumerate(valid_frames(ana.session)[1:]):
                    answer = answer_to(sock, frame)
                    refusals = (Reason.HELLO_FIRST,) if i < 7 else (Reason.HELLO_FIRST, Reason.BAD_FIELD)
                    expect(answer in refusals, f"another's session is not known here: {answer} to message {i + 1}")
                expect(answer_to(sock, hello(role, b"x" + role.encode(), team=b"desk")) == "welcome", role)
                session = 0
                sock.send(hello(role, b"y" + role.encode(), team=b"desk"))
                for frame in heard(sock):
                    session = frame.welcome.session or session
                mine = {"source": (3, 4), "agent": (5,), "worker": (6,), "operator": (7,)}[role]
                for i, frame in enumerate(valid_frames(session)):
                    if i > 2 and i not in mine:
                        answer = answer_to(sock, frame)
                        refusals = (Reason.WRONG_ROLE,) if i < 8 else (Reason.WRONG_ROLE, Reason.BAD_FIELD)
                        expect(answer in refusals, f"message {i} of a {role}: {answer}")
                sock.close()
        siege.attack("others' sessions", others)

        def replayed():
            web = takt.Source(cell.endpoint("source"), "web")
            op = takt.new_id()
            first = web.submit([canary_lead(b"r")], op)
            frame = wire.Frame(seq=2, session=web.session, chunk=dict(op=op, source=b"web", leads=[
                canary_lead(b"r").SerializeToString()])).SerializeToString()
            sock = dealer(cell.endpoint("source"))
            for _ in range(300):
                sock.send(frame)
            expect({frame.error.reason for frame in heard(sock)} == {Reason.HELLO_FIRST}, "over another connection")
            for _ in range(300):
                web.socket.send(frame)
            expect(list(web.submit([canary_lead(b"r")], op).outcomes) == list(first.outcomes), "over its own: the same answer")
            sock.close()
            web.leave()
        siege.attack("replayed", replayed)

        def twice():
            for _ in range(50):
                sock = dealer(cell.endpoint("agent"))
                expect(answer_to(sock, hello("agent", b"twin", team=b"desk")) == "welcome", "the newest wins")
                sock.close()
        siege.attack("50 of one name", twice)
        ana.connect()
        ana.wait(lambda: ana.welcome)
        ana.leave()
        return siege.said()


def floods_and_who_never_reads_are_bounded(rng):
    cell = besieged()
    policy = cell.cell.path("policy.yaml")
    with open(POLICY) as file, open(policy, "w") as out:
        out.write(file.read().replace("cell: test\n", "cell: test\nagents_max: 500\n"))
    cell.cell.policy = policy
    with cell as (cell, siege):
        def names():
            sock = dealer(cell.endpoint("agent"))
            got = answers(sock, [hello("agent", b"flood%d" % i, team=b"south") for i in range(3000)])
            expect(got.count(Reason.TOO_MANY) >= 2500, f"agents_max is kept: {got.count(Reason.TOO_MANY)} of 3000 refused")
            sock.close()
        siege.attack("3000 names", names)

        def beats():
            sock = dealer(cell.endpoint("agent"))
            expect(answer_to(sock, hello("agent", b"flood1", team=b"south")) == "welcome", "a name of before")
            beat = b"\x62\0"                                  # without a session
            expect(set(answers(sock, [beat] * 30000)) == {Reason.HELLO_FIRST}, "each has its answer")
            sock.close()
        siege.attack("30000 heartbeats", beats, mib=24)

        def unread():
            peers = []
            asks = [("operator", dict(query=dict(what=what, limit=1000))) for what in (3, 7) * 3]
            for role, kind in (*asks, ("agent", dict(heartbeat={}))):
                peer = Zmtp(cell.endpoint(role))
                peer.send(hello(role, b"deaf" + role.encode(), team=b"desk"))
                size = peer.take(2)[1]
                session = wire.Frame.FromString(peer.take(size)).welcome.session
                frame = wire.Frame(seq=2, session=session, **kind).SerializeToString()
                peer.tcp.settimeout(0.3)
                try:
                    for _ in range(3000):
                        peer.send(frame)
                except TimeoutError:
                    pass
                peers.append(peer)
            return peers
        for peer in siege.attack("never read", unread, mib=24):
            peer.close()

        def large():
            peers = [dealer(cell.endpoint("source")) for _ in range(4)]
            rows = [bytes(1000)] * 250
            frame = wire.Frame(seq=2, session=1, chunk=dict(op=bytes(range(16)), source=b"web", leads=rows)).SerializeToString()
            for _ in range(200):
                for peer in peers:
                    peer.send(frame)
            for peer in peers:
                got = len(heard(peer, 10, 200))
                expect(got == 200, f"each is answered in the end, not only {got}")
                peer.close()
        siege.attack("200 MB of chunks", large, mib=40)

        def nonsense():
            sock = dealer(cell.endpoint("worker"))
            expect(answer_to(sock, hello("worker", b"liar", capacity=64)) == "welcome", "a worker")
            sock.send(hello("worker", b"liar", capacity=64))
            session = [frame.welcome.session for frame in heard(sock) if frame.HasField("welcome")][-1]
            end, n, asked = time.monotonic() + 1.5, 0, 0
            while time.monotonic() < end:
                sock.send(wire.Frame(seq=n + 2, session=session, heartbeat={}).SerializeToString())
                for frame in heard(sock, 0.02):
                    asked += frame.HasField("request")
                    number = frame.request.id if frame.HasField("request") else rng.randrange(1 << 20)
                    columns = [rng.randrange(1 << 32) for _ in range(rng.choice((0, 1, 2, 1000)))]
                    rest = [-2**31] * len(columns)
                    sock.send(wire.Frame(seq=n + 3, session=session, decision=dict(
                        id=number, agent=columns, score=rest, runner_up=columns[::-1], margin=rest)).SerializeToString())
                    n += 2
            expect(asked > 0, "it is asked")
            sock.send(wire.Frame(seq=n + 2, session=session, bye={}).SerializeToString())
            sock.close()
        siege.attack("a worker that lies", nonsense)
        return siege.said()


if __name__ == "__main__":
    main({test.__name__: test for test in (malformed_frames_are_answered_and_counted,
                                           frames_of_a_wrong_form_are_dropped_or_their_connection_is,
                                           connections_that_say_nothing_cost_little_and_go,
                                           sessions_are_nobodys_but_their_owners,
                                           floods_and_who_never_reads_are_bounded)})
