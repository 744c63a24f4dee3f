import asyncio
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from fakeapi import STREAM, FakeApi, Fault, client_of, fake_api, line, replies, says, stalls, streams
from wire import lines_of, run, until

from policies.kinds import API_VERSION, TRAINING
from policies.lookup import Snapshot
from webhook import follow
from webhook.follow import Contact, Follower, Pace, pause_seconds
from webhook.journal import Journal
from webhook.kube import Event
from webhook.sync import COALESCE_SECONDS, Sync
from webhook.waiters import Waiters, awaited_base, wait_seconds
from webhook.watched import RESOURCES, Desk, Resource, Watched

POLICIES = Resource(TRAINING, TRAINING.policy_name, TRAINING.policy_plural)
WORKLOADS = Resource(TRAINING, TRAINING.name, TRAINING.plural)
RULES = {"gpu": {"rules": {"max": "1"}}}


@dataclass(frozen=True, slots=True)
class Sleeper:
    """One who sleeps."""

    seconds: float
    due: float
    woken: asyncio.Event


@dataclass
class Clock:
    """Time that passes when somebody sleeps, or only when it is told to (`flows=False`)."""

    flows: bool = True
    time: float = 1000.0
    slept: list[float] = field(default_factory=list)
    sleepers: list[Sleeper] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.flows:
            self.time += seconds
            await asyncio.sleep(0)
        else:
            self.sleepers.append(Sleeper(seconds, self.time + seconds, woken := asyncio.Event()))
            await woken.wait()

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        for sleeper in self.sleepers:
            if sleeper.due <= self.time:
                sleeper.woken.set()

    def are_asleep(self, seconds: float) -> bool:
        """Whether somebody sleeps for so long."""
        return any(sleeper.seconds == seconds and not sleeper.woken.is_set() for sleeper in self.sleepers)

    async def pass_pauses(self, *pauses: float) -> None:
        """See each of these pauses begin, and end it."""
        for seconds in pauses:
            await until(lambda seconds=seconds: self.are_asleep(seconds))
            self.pass_time(seconds)

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.time, self.sleep, lambda: 0.0)


@dataclass(frozen=True, slots=True)
class Followed:
    """A server, and what follows it."""

    server: FakeApi
    clock: Clock
    contact: Contact
    follower: Follower

    @property
    def names(self) -> set[str]:
        """Of the policies that govern or are shadowed."""
        stock = self.follower.desk.stock
        shadowed = [policy for group in stock.shadowed.values() for policy in group]
        return {policy.name for policy in (*stock.governing.values(), *shadowed)}

    def put(self, name: str) -> None:
        self.server.put(POLICIES.plural, POLICIES.name, name, spec=RULES)

    def said(self) -> list[str]:
        return [line["message"] for line in lines_of(self.contact.journal)]


@asynccontextmanager
async def running(awaitable: Any) -> AsyncIterator[None]:
    task = asyncio.ensure_future(awaitable)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@asynccontextmanager
async def followed(clock: Clock | None = None) -> AsyncIterator[Followed]:
    clock = clock or Clock()
    async with fake_api() as server, client_of(server) as api:
        contact = Contact(api, clock.pace, Journal(io.StringIO(), lambda: 0.0))
        yield Followed(server, clock, contact, Follower(POLICIES, contact, Desk()))


def with_followed(test: Callable[[Followed], Awaitable[None]], clock: Clock | None = None) -> None:
    async def scenario() -> None:
        async with followed(clock) as known:
            await test(known)

    run(scenario())


# What the API server does wrong


def raw_policy(name: str, version: int, kind: str = POLICIES.name) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "a", "resourceVersion": str(version)}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": RULES}


GONE = line("ERROR", {"code": 410, "message": "too old resource version"})
HALF = {"metadata": {"resourceVersion": "11", "continue": "1"}, "items": [raw_policy("gone-since", 11)]}
WITH_GARBAGE = {"metadata": {"resourceVersion": "11"}, "items": [5, raw_policy("p1", 11)]}
FAULTS: dict[str, tuple[str, list[Fault], tuple[int, int]]] = {  # what fails, how, and how many lists and watches begin
    "410 in the watch": ("watch", [streams(GONE)], (2, 2)),
    "410 to the watch": ("watch", [replies(410)], (2, 2)),
    "410 to a continue token": ("list", [says(HALF), replies(410)], (2, 1)),
    "three times 410": ("watch", [streams(GONE)] * 3, (4, 4)),
    "a watch that ends": ("watch", [streams()], (1, 2)),
    "a watch that ends five times": ("watch", [streams()] * 5, (1, 6)),
    "cut within a line": ("watch", [streams(b'{"type": "AD', ends=False)], (1, 2)),
    "a garbled line": ("watch", [streams(b"garbage\n")], (1, 2)),
    "garbled objects": ("watch", [streams(line("ADDED", 5), line("ADDED", {"metadata": {"name": 5}}))], (1, 2)),
    "another kind": ("watch", [streams(line("ADDED", raw_policy("p3", 50, "Pod")))], (1, 2)),
    "an unknown event": ("watch", [streams(line("BLINKED", raw_policy("p3", 11)))], (1, 2)),
    "added twice": (
        "watch",
        [streams(line("ADDED", raw_policy("p1", 11)), line("ADDED", raw_policy("p1", 11)))],
        (1, 2),
    ),
    "a watch refused": ("watch", [replies(403)] * 3, (1, 4)),
    "an error in the watch": ("watch", [streams(line("ERROR", {"code": 500, "message": "etcd"}))], (1, 2)),
    "a list refused": ("list", [replies(403)] * 3, (4, 1)),
    "no such kind yet": ("list", [replies(404)] * 2, (3, 1)),
    "too many requests": ("list", [replies(429, retry_after="1")] * 2, (3, 1)),
    "a broken server": ("list", [replies(500)] * 2, (3, 1)),
    "a list with a garbled object": ("list", [says(WITH_GARBAGE)], (1, 1)),
    "a list of something else": ("list", [says(b"<html>"), says({"items": {}})], (3, 1)),
}


@pytest.mark.parametrize(("verb", "faults", "begun"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_survived(verb: str, faults: list[Fault], begun: tuple[int, int]) -> None:
    async def scenario(known: Followed) -> None:
        known.put("p1")
        known.server.faults[verb] = [*faults]
        async with running(known.follower.run()):
            await until(lambda: (known.follower.lists, known.follower.watches) == begun)
            known.put("p2")
            known.server.delete(POLICIES.plural, "p1")
            await until(lambda: known.names == {"p2"})
        assert (known.follower.lists, known.follower.watches) == begun
        assert len(known.clock.slept) == max(begun) - 1
        assert all(0.05 <= pause <= 5 for pause in known.clock.slept)

    with_followed(scenario)


def test_a_watch_that_stalls_is_listed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SILENCE_SECONDS", 0.05)

    async def scenario(known: Followed) -> None:
        known.put("p1")
        known.server.faults["watch"] = [stalls(), stalls(STREAM)]
        async with running(known.follower.run()):
            await until(lambda: known.follower.watches == 2)
            known.put("p2")
            await until(lambda: known.follower.lists >= 3)
            await until(lambda: known.names == {"p1", "p2"})

    with_followed(scenario)


def test_silence_that_lasts_ends_in_a_list() -> None:
    async def scenario(known: Followed) -> None:
        async def silence(writer: asyncio.StreamWriter) -> None:
            known.clock.time += 91
            await replies(500)(writer)

        known.server.faults["watch"] = [streams(), silence]
        async with running(known.follower.run()):
            await until(lambda: known.follower.watches == 3)
        assert (known.follower.lists, known.server.count("list")) == (2, 2)

    with_followed(scenario)


def test_an_api_server_that_restarts() -> None:
    async def scenario(known: Followed) -> None:
        known.put("p1")
        async with running(known.follower.run()):
            await until(lambda: known.server.count("watch") == 1)
            await known.server.stop()
            await known.clock.pass_pauses(0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5)
            assert not known.contact.is_answering
            assert known.names == {"p1"}
            known.put("p2")
            await until(lambda: known.clock.are_asleep(2.5))
            await known.server.start()
            await known.clock.pass_pauses(2.5)
            await until(lambda: known.names == {"p1", "p2"})
            assert known.contact.is_answering
        assert (known.server.count("list"), known.server.count("watch")) == (1, 2)
        broken, refused, *_ = said = known.said()
        assert (broken, refused) == (
            "the connection broke off",
            "the API server does not answer: what was last known stays in force",
        )
        assert said[2].startswith("Cannot connect to host 127.0.0.1:")
        assert said[3:] == ["the API server answers again", "followed again"]

    with_followed(scenario, Clock(flows=False))


def test_a_trouble_is_said_once() -> None:
    async def scenario(known: Followed) -> None:
        known.server.faults["list"] = [replies(403, "forbidden")] * 4
        async with running(known.follower.run()):
            await until(lambda: known.follower.is_listed)
        assert known.said() == ["HTTP 403: forbidden", "followed again"]
        assert known.server.count("get") == 4

    with_followed(scenario)


def test_a_bug_of_ours_is_told_and_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(known: Followed) -> None:
        known.put("p1")
        with monkeypatch.context() as patch:
            patch.setattr(Watched, "take_listed", lambda _self, _raw: 1 / 0)
            async with running(known.follower.run()):
                await until(lambda: known.follower.lists >= 2)
                patch.undo()
                await until(lambda: known.names == {"p1"})
        faults = [line for line in lines_of(known.contact.journal) if line["event"] == "fault"]
        assert (faults[0]["message"], faults[0]["error"]) == (
            "trainingpolicies cannot be followed",
            "ZeroDivisionError",
        )

    with_followed(scenario)


def test_others_have_their_turn_while_much_is_taken_in() -> None:
    async def scenario(known: Followed) -> None:
        for number in range(160):
            known.put(f"p{number}")
        seen = set[int]()
        async with running(known.follower.run()):
            while not known.follower.is_listed:
                seen.add(len(known.names))
                await asyncio.sleep(0)
        assert seen >= set(range(16, 160, 16))

    with_followed(scenario)


# Pauses


@pytest.mark.parametrize(
    ("attempt", "asked", "chance", "seconds"),
    [
        (0, 0, 0.0, 0.05),
        (0, 0, 1.0, 0.1),
        (3, 0, 0.5, 0.6),
        (6, 0, 1.0, 5),
        (10**6, 0, 0.0, 2.5),
        (0, 7, 0.5, 7),
        (9, 1, 1.0, 5),
        (0, 3600, 0.0, 60),
    ],
)
def test_pauses_grow_to_a_bound(attempt: int, asked: float, chance: float, seconds: float) -> None:
    assert pause_seconds(attempt, asked, chance) == pytest.approx(seconds)


def test_what_worked_for_long_is_taken_up_again_soon() -> None:
    async def scenario(known: Followed) -> None:
        known.server.faults["watch"] = [streams()] * 3
        async with running(known.follower.run()):
            await known.clock.pass_pauses(0.1, 0.2, 0.4)
            await until(lambda: known.server.count("watch") == 4)
            known.clock.pass_time(11)
            await known.server.stop()
            await known.clock.pass_pauses(0.05)

    with_followed(scenario, Clock(flows=False))


# Whether a replica is behind


@pytest.mark.parametrize(
    ("silent", "refused", "stale"),
    [
        (91, 31, True),
        (90, 31, False),
        (91, 30, False),
        (1000, None, False),
    ],
    ids=["both for long", "heard of", "an API server that has just started", "not refused"],
)
def test_when_a_resource_is_stale(silent: float, refused: float | None, stale: bool) -> None:
    async def scenario(known: Followed) -> None:
        known.follower.heard_at = 1000 - silent
        known.follower.refused_since = None if refused is None else 1000 - refused
        assert known.follower.is_stale is stale

    with_followed(scenario)


def test_a_resource_that_an_answering_api_server_does_not_list_gets_stale() -> None:
    async def scenario(known: Followed) -> None:
        async with running(known.follower.run()):
            await until(lambda: known.server.count("watch") == 1)
            known.server.broken |= {"list": replies(403), "watch": replies(403)}
            await known.server.stop()
            await known.server.start()
            await until(lambda: known.follower.is_stale)
            assert known.follower.silence > 90 + 30
            known.server.broken.clear()
            await until(lambda: not known.follower.is_stale)

    with_followed(scenario)


def test_while_the_api_server_does_not_answer_nothing_is_stale() -> None:
    async def scenario(known: Followed) -> None:
        async with running(known.follower.run()):
            await until(lambda: known.server.count("watch") == 1)
            await known.server.stop()
            await until(lambda: known.follower.silence > 1000)
            assert (known.follower.refused_since, known.follower.is_stale) == (None, False)

    with_followed(scenario)


# The objects of one resource


def an_event(kind: str, raw: Any) -> Event:
    return Event(kind, msgspec.Raw(json.dumps(raw).encode()))


EVENTS: dict[str, tuple[list[Event], dict[str, str], list[str]]] = {  # events, versions known then, what is told
    "added, changed, deleted": (
        [
            an_event("ADDED", raw_policy("p1", 1)),
            an_event("ADDED", raw_policy("p2", 2)),
            an_event("MODIFIED", raw_policy("p1", 3)),
            an_event("DELETED", raw_policy("p2", 4)),
        ],
        {"p1": "3"},
        [],
    ),
    "late": (
        [
            an_event("ADDED", raw_policy("p1", 9)),
            an_event("MODIFIED", raw_policy("p1", 8)),
            an_event("DELETED", raw_policy("p1", 8)),
        ],
        {"p1": "9"},
        [],
    ),
    "compared as numbers": (
        [an_event("ADDED", raw_policy("p1", 9)), an_event("MODIFIED", raw_policy("p1", 10))],
        {"p1": "10"},
        [],
    ),
    "deleted in the version that is known": (
        [an_event("ADDED", raw_policy("p1", 9)), an_event("DELETED", raw_policy("p1", 9))],
        {},
        [],
    ),
    "changed or deleted before it was known": (
        [an_event("MODIFIED", raw_policy("p1", 1)), an_event("DELETED", raw_policy("p2", 2))],
        {"p1": "1"},
        [],
    ),
    "another kind": ([an_event("ADDED", raw_policy("p1", 1, "Pod"))], {}, ["an object of another kind: Pod"]),
    "a bookmark": ([an_event("BOOKMARK", {"kind": POLICIES.name, "metadata": {"resourceVersion": "5"}})], {}, []),
    "no object": (
        [an_event("ADDED", [])],
        {},
        ["an object cannot be read: Expected `object`, got `array`"],
    ),
}


@pytest.mark.parametrize(("events", "versions", "told"), EVENTS.values(), ids=EVENTS)
def test_events(events: list[Event], versions: dict[str, str], told: list[str]) -> None:
    heard: list[str] = []
    watched = Watched(POLICIES, Desk(), heard.append)
    for event in events:
        watched.take_event(event)
    assert {name: version for (_kind, _namespace, name), version in watched.versions.items()} == versions
    assert {policy.name for policy in watched.desk.stock.governing.values()} == set(versions)
    assert heard == told


def a_workload(name: str, version: int, **fields: Any) -> bytes:
    metadata = {"name": name, "namespace": "a", "resourceVersion": str(version), **fields.pop("metadata", {})}
    return json.dumps({"apiVersion": API_VERSION, "kind": WORKLOADS.name, "metadata": metadata} | fields).encode()


@pytest.mark.parametrize(
    ("fields", "is_news"),
    [
        ({"spec": {"gpu": {"value": "1"}}, "status": {"phase": "Running"}}, False),
        ({"spec": {"gpu": {"value": "1"}}, "metadata": {"labels": {"a": "b"}}}, False),
        ({"spec": {"gpu": {"value": "2"}}}, True),
        ({"spec": {"gpu": {"value": 1}}}, True),
        ({"spec": {"gpu": {"value": "1"}}, "metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}}, True),
        ({"spec": []}, True),
        ({}, True),
    ],
    ids=["status", "labels", "spec", "text and number", "deletion", "misshapen", "no spec"],
)
def test_only_what_a_decision_reads_makes_a_snapshot(fields: dict[str, Any], is_news: bool) -> None:
    watched = Watched(WORKLOADS, Desk(), pytest.fail)
    watched.take_listed(a_workload("w", 1, spec={"gpu": {"value": "1"}}))
    watched.desk.changed.clear()
    before = watched.desk.stock
    watched.take_event(Event("MODIFIED", msgspec.Raw(a_workload("w", 2, **fields))))
    assert (watched.desk.stock is not before, watched.desk.changed.is_set()) == (is_news, is_news)
    assert list(watched.versions.values()) == ["2"]


def test_a_policy_that_says_what_it_said_stays_compiled() -> None:
    watched = Watched(POLICIES, Desk(), pytest.fail)
    watched.take_event(an_event("ADDED", raw_policy("p", 1)))
    before = watched.desk.stock
    watched.take_event(an_event("MODIFIED", raw_policy("p", 2) | {"status": {"observedGeneration": 1}}))
    assert watched.desk.stock is before


def test_a_list_is_compared_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(WORKLOADS, Desk(), pytest.fail)
    keys = {watched.take_listed(a_workload(name, 1, spec={})) for name in ("w1", "w2")}
    assert keys == {("TrainingWorkload", "a", "w1"), ("TrainingWorkload", "a", "w2")}
    monkeypatch.setattr(Watched, "stock_with", lambda *_: pytest.fail("it is known"))
    assert watched.take_listed(a_workload("w1", 1, spec={})) == ("TrainingWorkload", "a", "w1")
    watched.keep_only({("TrainingWorkload", "a", "w1")})
    assert list(watched.desk.stock.snapshot().workloads) == [("TrainingWorkload", "a", "w1")]


def test_what_cannot_be_read_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    watched = Watched(WORKLOADS, Desk(), told.append)
    watched.take_listed(a_workload("w", 1, spec={}))
    before = watched.desk.stock
    monkeypatch.setattr("webhook.watched.Outline", int)
    key = watched.take_listed(a_workload("w", 2, spec={}))
    watched.keep_only({key} if key else set())
    assert watched.desk.stock is before
    assert told == ["a/w cannot be read: Expected `int`, got `object`"]


def test_fifty_thousand_workloads_fit_in_150_megabytes() -> None:
    environment = {f"VARIABLE_{number}": {"value": f"value-{number}"} for number in range(20)}
    spec = {"image": {"value": "registry.example/team/image:1"}, "environment": {"items": environment}}
    watched = Watched(WORKLOADS, Desk(), pytest.fail)
    tracemalloc.start()
    for number in range(2000):
        watched.take_listed(a_workload(f"training-workload-{number}", number, spec=spec, status={"phase": "x" * 500}))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / 2000 * 50_000 < 150e6


# All eight


async def settle(sync: Sync, clock: Clock) -> None:
    """Let everything that is known be handed out."""
    while sync.desk.changed.is_set() or clock.are_asleep(COALESCE_SECONDS):
        clock.pass_time(COALESCE_SECONDS)
        await asyncio.sleep(0.001)


def with_synced(test: Callable[[FakeApi, Clock, Sync, list[Snapshot]], Awaitable[None]]) -> None:
    async def scenario() -> None:
        clock, taken = Clock(flows=False), list[Snapshot]()
        async with fake_api() as server, client_of(server) as api:
            server.put(WORKLOADS.plural, WORKLOADS.name, "w", "shared", spec={"usage": "Template"})
            sync = Sync(Contact(api, clock.pace, Journal(io.StringIO(), lambda: 0.0)), taken.append, "shared")
            async with running(sync.run()):
                await test(server, clock, sync, taken)

    run(scenario())


def test_nothing_is_handed_out_before_all_is_listed() -> None:
    async def scenario(server: FakeApi, clock: Clock, sync: Sync, taken: list[Snapshot]) -> None:
        server.faults["list"] = [replies(500)]
        await until(lambda: server.count("watch") == 7 and clock.are_asleep(0.1))
        await settle(sync, clock)
        assert (sync.synced, taken) == (False, [])
        clock.pass_time(0.1)
        await until(lambda: sync.synced)
        await settle(sync, clock)
        assert taken[0].global_namespace == "shared"
        assert taken[0].workloads["TrainingWorkload", "shared", "w"].is_template
        nothing = dict.fromkeys((resource.name for resource in RESOURCES), 0)
        assert sync.counts == nothing | {"TrainingWorkload": 1}
        assert sorted(sync.starts.values()) == [*[(1, 1)] * 7, (2, 1)]
        assert (sync.is_answering, sync.stale) == (True, ())

    with_synced(scenario)


def test_one_change_counts_at_once_and_many_together() -> None:
    async def scenario(server: FakeApi, clock: Clock, sync: Sync, taken: list[Snapshot]) -> None:
        await until(lambda: server.count("watch") == 8)
        await settle(sync, clock)
        begun = len(taken)
        server.put(POLICIES.plural, POLICIES.name, "p", spec=RULES)
        await until(lambda: len(taken) == begun + 1)
        for number in range(50):
            server.put(POLICIES.plural, POLICIES.name, f"p{number}", f"n{number}", spec=RULES)
        await until(lambda: sync.counts["TrainingPolicy"] == 51)
        assert len(taken) == begun + 1
        await settle(sync, clock)
        assert [len(snapshot.policies) for snapshot in taken[begun:]] == [1, 51]

    with_synced(scenario)


def test_what_is_quiet_is_asked_for_a_bookmark() -> None:
    async def scenario(server: FakeApi, clock: Clock, sync: Sync, _taken: list[Snapshot]) -> None:
        await until(lambda: server.count("watch") == 8)
        clock.pass_time(15)
        server.put(POLICIES.plural, POLICIES.name, "p", spec=RULES)
        await until(lambda: sync.counts["TrainingPolicy"] == 1)
        clock.pass_time(6)
        assert sync.silence == 21
        await until(lambda: clock.slept.count(20) == 2)
        nudges = [asked for asked in server.asked if "fieldSelector" in asked.query]
        assert {asked.query["fieldSelector"] for asked in nudges} == {"metadata.name=-"}
        assert sorted(asked.at for asked in nudges) == sorted(
            resource.plural for resource in RESOURCES if resource != POLICIES
        )

    with_synced(scenario)


# Waiting for a base


def a_review(new: dict[str, Any], old: dict[str, Any] | None = None, operation: str = "CREATE") -> bytes:
    kind = {"group": "run.ai", "version": "v2alpha1", "kind": "TrainingWorkload"}
    request = {"uid": "u", "kind": kind, "operation": operation, "namespace": "a", "name": "w"}
    request |= {"object": new, "oldObject": old}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


BASED = {"spec": {"baseWorkload": "base"}}


@pytest.mark.parametrize(
    ("body", "waits"),
    [
        (a_review(BASED), True),
        (a_review(BASED, {"spec": {}}, "UPDATE"), True),
        (a_review(BASED, BASED, "UPDATE"), False),
        (a_review({"spec": {}}), False),
        (a_review({"spec": {"baseWorkload": {"value": "x"}}}), False),
        (a_review({"spec": {"baseWorkload": "base", "usage": "Template"}}), False),
        (a_review(BASED, BASED, "DELETE"), False),
        (b'"baseWorkload"', False),
    ],
    ids=["create", "begins", "stays", "no base", "no name", "template", "delete", "no review"],
)
def test_which_reviews_wait_for_a_base(body: bytes, waits: bool) -> None:
    holds = awaited_base(body)
    assert (holds is not None) is waits
    if holds:
        watched = Watched(WORKLOADS, Desk(), pytest.fail)
        assert holds(watched.desk.stock.snapshot()) is False
        watched.take_listed(a_workload("base", 1, spec={}))
        assert holds(watched.desk.stock.snapshot()) is True


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=5s", 1),
        (b"timeout=1s", 0.5),
        (b"a=b&timeout=30s", 1),
        (b"", 1),
        (b"timeout=x", 1),
        (b"timeout=0s", 0),
    ],
)
def test_how_long_a_review_waits(query: bytes, seconds: float) -> None:
    assert wait_seconds(query) == seconds


def test_waiting_ends_with_the_right_snapshot() -> None:
    async def scenario() -> None:
        waiters = Waiters()
        wanted, other = Snapshot(global_namespace="wanted"), Snapshot()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(waiters.until(lambda snapshot: snapshot is wanted, 5))
            await asyncio.sleep(0)
            waiters.tell(other)
            await asyncio.sleep(0)
            assert len(waiters.waiting) == 1
            waiters.tell(wanted)
            waiters.tell(wanted)
        assert not waiters.waiting

    run(scenario())


def test_waiting_ends_in_time_and_for_more_than_a_few_does_not_begin() -> None:
    async def scenario() -> None:
        waiters = Waiters(most=1)
        async with running(waiters.until(lambda _: False, 5)):
            await asyncio.sleep(0)
            await waiters.until(lambda _: False, 5)
        assert not waiters.waiting
        await waiters.until(lambda _: False, 0.01)
        assert not waiters.waiting

    run(scenario())
