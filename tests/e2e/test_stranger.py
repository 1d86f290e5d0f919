# SPDX-License-Identifier: Apache-2.0
"""The protocol as its page tells it, by a client that shares nothing with takt but takt.proto: what a program in
another language may count on. The client is stranger_client.py; the classes of the schema are made here, by protoc."""
import hashlib
import os
import time

from harness import POLICY, Cell, Failed, expect, main, stranger, wait_for

takt = stranger()
Intent, Reason, State, Verb, wire = takt.Intent, takt.Reason, takt.State, takt.Verb, takt.wire
PHONE = b"+1 212 555 0142"


def lead(key, **fields):
    return wire.Lead(key=key.encode(), name=b"Jo Doe", phone=PHONE, **fields)


def source(cell, name):
    return takt.Source(cell.endpoint("source"), name)


def agent(cell, name, team, intent=Intent.AVAILABLE):
    return takt.Agent(cell.endpoint("agent"), name, team, intent)


def policy_of_offers(cell, duration):
    path = os.path.join(cell.folder, "policy.yaml")
    with open(POLICY) as file, open(path, "w") as out:
        out.write(file.read().replace("offer: 5s", f"offer: {duration}"))
    return path


def pump_all(condition, seconds, what, *peers):
    def turn():
        for peer in peers:
            peer.pump(0.01)
        return condition()
    return wait_for(turn, seconds, what, pause=0)


def refusal_of(peer, seconds=5):
    """The typed error that ends what this peer tried."""
    try:
        peer.wait(lambda: False, seconds)
    except takt.Refused as refused:
        return refused.reason
    except TimeoutError:
        pass
    raise Failed(f"{peer.hello['name'].decode()} was refused nothing")


def a_chunk_said_twice_has_the_same_receipt_and_a_lead_its_id(rng):
    with Cell() as cell:
        web, op = source(cell, "web"), takt.new_id()
        rows = [lead("1"), wire.Lead(name=b"no key"), lead("3", priority=7)]
        first = web.submit(rows, op)
        expect(first.reason == Reason.OK and list(first.outcomes) == [0, 26, 0], f"row by row: {first}")
        expected = [hashlib.blake2b(b"web\0" + key, digest_size=16).digest() for key in (b"1", b"3")]
        expect(first.lead_ids == expected[0] + bytes(16) + expected[1], "ids are the digest of source and key")
        again = web.submit(rows, op)
        expect((again.lead_ids, again.outcomes) == (first.lead_ids, first.outcomes), f"the same answer: {again}")
        other = web.submit([lead("1"), lead("3")])
        expect(list(other.outcomes) == [Reason.DUPLICATE_KEY, Reason.PAYLOAD_DIFFERS], f"under another op: {other}")
        expect(other.lead_ids == expected[0] + expected[1], "and the id is the first lead's")
        reused = web.submit([lead("1", priority=1), wire.Lead(), lead("3", priority=7)], op)
        expect(reused.reason == Reason.OP_ID_REUSED and not reused.lead_ids, f"an op stands for its rows: {reused}")
        web.connect()                                         # the connection is lost, and the program goes on
        after = web.submit(rows, op)
        expect(after.outcomes == first.outcomes, "over sessions too")
        expect(cell.total("received") == 2, "two leads, once each")
        web.leave()


def pull_gives_one_lead_a_ready_and_tells_what_is_owed(rng):
    with Cell() as cell:
        ana = agent(cell, "ana", "desk", Intent.ON_DEMAND)
        expect(ana.ready().reason == Reason.NO_LEAD, "nothing there yet")
        expect(ana.ready(wait_ms=5000).reason == Reason.OK, "a credit")
        bought = source(cell, "purchased")
        bought.submit([lead("1"), lead("2")])
        ana.wait(lambda: ana.held)
        held = next(iter(ana.held.values()))
        expect(held.state == State.OWNED and ana.may_show(held), "asked for is accepted")
        expect(held.row.phone == PHONE, "its owner sees how to reach the person")

        def owes(reason):
            answer = ana.ready()
            expect((answer.reason, answer.lead) == (reason, held.lead), f"not earned, and why: {answer}")

        def does(verb, state, **more):
            result = ana.act(held, verb, **more)
            expect((result.reason, result.state) == (Reason.OK, state), f"{verb.name}: {result}")

        owes(Reason.OWES_FIRST_ACTION)
        does(Verb.ACTION, State.WORKING)
        owes(Reason.OWES_DISPOSITION)
        does(Verb.ATTEMPT_END, State.WRAP_UP)
        owes(Reason.OWES_NOTE)
        expect(ana.act(held, Verb.DISPOSITION, code=10).reason == Reason.NOTE_REQUIRED, "no disposition before the note")
        does(Verb.NOTE, State.WRAP_UP, note="spoke to her brother".encode())
        owes(Reason.OWES_DISPOSITION)
        does(Verb.DISPOSITION, State.CLOSED_LOST, code=10)
        expect(not ana.held, "nothing in hand")
        op = takt.new_id()
        for _ in range(2):                                    # an answer that got lost: ask again
            ana.ask(op, agent_says=dict(ready=dict(op=op)))
            answer = ana.answer(op)
            expect(answer.reason == Reason.OK and answer.lead != held.lead, f"the same op, the same lead: {answer}")
        expect(list(ana.held) == [answer.lead], "and one lead only")
        ana.leave()
        bought.leave()


def push_offers_by_itself_and_an_act_is_done_once(rng):
    cell = Cell()
    cell.policy = policy_of_offers(cell, "60s")
    with cell:
        ana, web = agent(cell, "ana", "north"), source(cell, "web")
        ana.wait(lambda: ana.welcome)
        web.submit([lead("1", priority=2), lead("2", priority=1)])
        ana.wait(lambda: len(ana.held) == 2)
        one, two = sorted(ana.held.values(), key=lambda held: -held.row.priority)
        expect(one.state == State.OFFERED, "an offer, to be answered")
        expect(ana.act(one, Verb.ACTION).reason == Reason.WRONG_STATE, "nothing is done before it is accepted")
        op = ana.say_act(one.lead, one.fence, Verb.ACCEPT)
        expect(ana.answer(op).state == State.OWNED, "accepted")
        ana.ask(op, agent_says=dict(acts=[dict(op=op, lead=one.lead, fence=one.fence, verb=Verb.ACCEPT)]))
        expect(ana.answer(op).reason == Reason.OK, "the same op again: the same answer, not WRONG_STATE")
        ana.connect()                                         # the cable is pulled, and the program goes on
        ana.wait(lambda: ana.welcome and ana.held)
        expect(set(ana.held) == {one.lead, two.lead}, "what was held comes after the welcome")
        one, two = ana.held[one.lead], ana.held[two.lead]
        expect(one.state == State.OWNED and ana.may_show(one), "as it was")
        expect(ana.act(one, Verb.ACTION).state == State.WORKING, "and the fence still holds")
        soon = int(time.time() * 1000) + 1500
        expect(ana.act(one, Verb.DISPOSITION, code=50, at_ms=soon - 90000).reason == Reason.BAD_FIELD, "not in the past")
        expect(ana.act(one, Verb.DISPOSITION, code=50, at_ms=soon).state == State.PIPELINE, "a callback")
        expect(one.lead not in ana.held, "out of hand until it is due")
        back = ana.wait(lambda: ana.held.get(one.lead), 20)
        expect(back.state == State.OWNED and back.fence > one.fence, "and then it is ours again, by a new fence")
        expect(ana.act(one, Verb.ACTION).reason == Reason.STALE_FENCE, "the fence of before is over")
        expect(ana.act(two, Verb.DECLINE).state == State.POOLED and two.lead not in ana.held, "declined is gone")
        ana.leave()
        web.leave()


def the_next_owner_waits_for_the_former_to_let_go(rng):
    """Answered, a withdrawal frees the lead at once; unanswered, when its validity is over by the former's own clock."""
    cell = Cell()
    cell.policy = policy_of_offers(cell, "1s")
    with cell:
        ana, bob, web = agent(cell, "ana", "north"), agent(cell, "bob", "north", Intent.AWAY), source(cell, "web")
        ana.wait(lambda: ana.welcome)
        bob.wait(lambda: bob.welcome)
        web.submit([lead("1")])
        held = pump_all(lambda: next(iter(ana.held.values()), None), 5, "ana has it", ana, bob)
        bob.say_intent(Intent.AVAILABLE)
        pump_all(lambda: ana.withdrawn, 5, "the offer lapses", ana, bob)
        expect(ana.withdrawn[0].reason == 106 and not ana.may_show(held), "OFFER_LAPSED: shown no more")
        ana.say_intent(Intent.AWAY)
        taken = pump_all(lambda: bob.held.get(held.lead), 1.5, "bob has it, before ana's validity would have ended", ana, bob)
        expect(taken.fence > held.fence, "by a higher fence")
        expect(bob.act(taken, Verb.ACCEPT).state == State.OWNED, "and takes it")

        guard_s, lease_s = bob.welcome.guard_ms / 1000, bob.welcome.lease_ms / 1000
        eve = agent(cell, "eve", "north")
        expect(bob.may_show(taken), "now bob's program stalls: no frame is sent or read")
        pump_all(lambda: not bob.may_show(taken), lease_s, "by his own clock the lead is not to be shown", ana, eve)
        expect(time.monotonic() < taken.until and not eve.held, "the guard before the end")
        again = pump_all(lambda: eve.held.get(held.lead), 20, "eve has it", ana, eve)
        expect(time.monotonic() > taken.until + guard_s / 2, "after bob's validity, with the guard in between")
        late = bob.say_act(taken.lead, taken.fence, Verb.ACTION)
        result = pump_all(lambda: bob.results.get(late), 5, "bob's late act is answered, after HELLO_FIRST", ana, bob, eve)
        expect(result.reason == Reason.STALE_FENCE and not bob.held, f"he is not the owner any more: {result}")
        expect(eve.held[held.lead].fence == again.fence > taken.fence, "and eve is")


def a_broker_that_starts_anew_finds_its_peers_again(rng):
    with Cell() as cell:
        ana, web, op = agent(cell, "ana", "north"), source(cell, "web"), takt.new_id()
        web.submit([lead("1")], op)
        held = ana.wait(lambda: next(iter(ana.held.values()), None))
        expect(ana.act(held, Verb.ACCEPT).reason == Reason.OK, "accepted")
        cell.kill_child("takt-broker")
        act = ana.say_act(held.lead, held.fence, Verb.ACTION)
        result = pump_all(lambda: ana.results.get(act), 20, "an act is repeated until it is answered", ana, web)
        expect((result.reason, result.state) == (Reason.OK, State.WORKING), f"{result}")
        expect(ana.held[held.lead].fence == held.fence, "the same ownership")
        expect(list(web.submit([lead("1")], op).outcomes) == [Reason.OK], "and the receipt of before")
        expect(web.seen >= (2, 0), "under the next epoch")


def a_session_is_one_and_a_hello_says_what_is_wrong(rng):
    with Cell() as cell:
        first = agent(cell, "ana", "desk", Intent.ON_DEMAND)
        first.wait(lambda: first.welcome)
        second = agent(cell, "ana", "desk", Intent.ON_DEMAND)
        second.wait(lambda: second.welcome)
        expect(refusal_of(first) == Reason.SESSION_FENCED and not first.socket, "the older one ends")
        expect(second.ready().reason == Reason.NO_LEAD, "the newer one goes on")
        for wrong, reason in ((dict(team=b"nowhere"), Reason.UNKNOWN_TEAM), (dict(protocol=2), Reason.PROTOCOL_VERSION),
                              (dict(role=wire.SOURCE), Reason.WRONG_ROLE), (dict(name=b"two words"), Reason.BAD_FIELD),
                              (dict(intent=9), Reason.BAD_FIELD)):
            peer = agent(cell, "cy", "desk")
            peer.hello.update(wrong)
            expect(refusal_of(peer) == reason, f"{wrong}")
            peer.disconnect()
        web = source(cell, "web")
        web.wait(lambda: web.welcome)
        web.say(agent_says=dict(intent=Intent.AVAILABLE))
        expect(refusal_of(web) == Reason.WRONG_ROLE, "a source is no agent")
        web.say(session=12345, heartbeat={})
        before = web.session
        web.wait(lambda: web.welcome and web.session != before)
        expect(True, "HELLO_FIRST: said hello again on the same socket")


def an_import_goes_on_where_it_was_cut(rng):
    with Cell() as cell:
        web, number, states = source(cell, "web"), takt.new_id(), []
        web.hear_manifest_state = states.append
        manifest = {"import": number, "source": b"web", "rows": 3, "chunks": 3}

        def state():
            web.say(manifest=manifest)
            return web.wait(lambda: states and states.pop())

        web.wait(lambda: web.welcome)
        expect(state().standing == b"\0", "none stands")
        for chunk in (2, 0):
            op = takt.new_id()
            web.ask(op, chunk={"op": op, "source": b"web", "import": number, "number": chunk,
                               "leads": [lead(str(chunk)).SerializeToString()]})
            web.wait(lambda: web.receipts.get(op))
        said = state()
        expect((said.standing, said.accepted) == (b"\5", 2), f"chunks 0 and 2: {said}")
        manifest["rows"] = 4
        expect(state().reason == Reason.OP_ID_REUSED, "another size is another import")


if __name__ == "__main__":
    main({test.__name__: test for test in (a_chunk_said_twice_has_the_same_receipt_and_a_lead_its_id,
                                           pull_gives_one_lead_a_ready_and_tells_what_is_owed,
                                           push_offers_by_itself_and_an_act_is_done_once,
                                           the_next_owner_waits_for_the_former_to_let_go,
                                           a_broker_that_starts_anew_finds_its_peers_again,
                                           a_session_is_one_and_a_hello_says_what_is_wrong,
                                           an_import_goes_on_where_it_was_cut)})
