import asyncio
import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.kinds import API_VERSION, TRAINING
from webhook import reporter as reporter_module
from webhook.follow import Pace
from webhook.journal import Journal
from webhook.kube import ConflictError, MissingError, RefusedError, UnreachableError
from webhook.lease import LEASE_SECONDS, Election, Seat
from webhook.reporter import FAILED, MANAGER, WRITTEN, Reporter
from webhook.status import StoredStatus, stored_status
from workloads.locate import locate_policy
from workloads.shelf import Key, Shelf, Stock

WALL = 1767323045.0
SOUND: dict[str, Any] = {"gpu": {"rules": {"max": "1"}}}
BROKEN: dict[str, Any] = {"gpuu": {}}


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    time: float = 1000.0
    then: Callable[[], None] | None = None

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.then:
            self.then()
        await asyncio.sleep(0)


class Desk:
    """What a replica knows."""

    def __init__(self) -> None:
        self.stock = Stock()
        self.reports: Shelf[Key, StoredStatus] = Shelf()


@dataclass
class Replica:
    """What a replica has seen of the cluster."""

    synced: bool = True
    desk: Desk = field(default_factory=Desk)

    def take(self, name: str, raw: Any) -> None:
        key = TRAINING.name, "a", name
        stock, reports = self.desk.stock, self.desk.reports
        if raw is None:
            self.desk.stock, self.desk.reports = stock.without_policy(key), reports.without(key)
        else:
            self.desk.stock = stock.with_policy(locate_policy(raw, TRAINING))
            self.desk.reports = reports.with_item(key, stored_status(raw))


class Cluster:
    """An API server with one Lease and the TrainingPolicies of the namespace a; its replicas are told at once."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lease: Any = None
        self.policies: dict[str, Any] = {}
        self.replicas: list[Replica] = []
        self.version = 0
        self.writes: list[tuple[float, str]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.lease_fault: Exception | None = None
        self.keeps: Callable[[Any], Any] = lambda status: status

    # The API

    async def get(self, _path: str) -> Any:
        if self.lease_fault:
            raise self.lease_fault
        if self.lease is None:
            raise MissingError(404, "no Lease")
        return self.lease

    async def create(self, _path: str, body: Any) -> Any:
        self.version += 1
        self.lease = body | {"metadata": {"resourceVersion": str(self.version)}}
        return self.lease

    async def replace(self, _path: str, body: Any) -> Any:
        if self.lease_fault:
            raise self.lease_fault
        if body["metadata"] != self.lease["metadata"]:
            raise ConflictError(409, "changed meanwhile")
        return await self.create("", body)

    async def apply(self, path: str, body: Any, manager: str) -> Any:
        name = body["metadata"]["name"]
        assert path == f"/apis/{API_VERSION}/namespaces/a/trainingpolicies/{name}/status"
        assert manager == MANAGER
        self.writes.append((self.clock.time, name))
        if faults := self.faults.get(name):
            raise faults.pop(0)
        raw = self.policies.get(name)
        if raw is None:
            raise MissingError(404, "no such policy")
        if raw["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ConflictError(409, "changed meanwhile")
        self.store(name, raw | {"status": self.keeps(deepcopy(body["status"]))})

    # The cluster

    def put(self, name: str, spec: Any = SOUND, created: int = 0) -> None:
        """Create a policy, or change its rules."""
        old = self.policies.get(name, {"metadata": {"generation": 0}})
        stamp = f"2026-01-01T00:00:{created:02}Z"
        metadata = {"name": name, "namespace": "a", "creationTimestamp": stamp}
        metadata["generation"] = old["metadata"]["generation"] + 1
        head = {"apiVersion": API_VERSION, "kind": TRAINING.policy_name}
        self.store(name, old | head | {"metadata": metadata, "spec": spec})

    def store(self, name: str, raw: Any) -> None:
        self.version += 1
        raw = raw | {"metadata": raw["metadata"] | {"resourceVersion": str(self.version)}}
        self.policies[name] = raw
        self.tell(name)

    def delete(self, name: str) -> None:
        self.policies.pop(name, None)
        self.tell(name)

    def tell(self, name: str) -> None:
        for replica in self.replicas:
            replica.take(name, self.policies.get(name))

    def resync(self) -> None:
        for replica in self.replicas:
            replica.desk.reports = Shelf()
            for name, raw in self.policies.items():
                replica.take(name, raw)

    def said(self, name: str) -> list[tuple[str, str]]:
        """The conditions of a policy, short: type and status, reason."""
        status = self.policies[name]["status"]
        assert status["observedGeneration"] == self.policies[name]["metadata"]["generation"]
        return [(f"{one['type']}={one['status']}", one["reason"]) for one in status["conditions"]]

    def since(self, name: str) -> list[str]:
        return [one["lastTransitionTime"][14:19] for one in self.policies[name]["status"]["conditions"]]


@dataclass
class Running:
    cluster: Cluster
    replica: Replica
    reporter: Reporter
    counts: Counter[str]

    @property
    def said(self) -> list[str]:
        stream = self.reporter.journal.stream
        assert isinstance(stream, io.StringIO)
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line["message"] for line in lines if line["level"] != "info"]

    async def turns(self, seconds: float) -> None:
        """Turns for so long, as `run` has them."""
        end = self.cluster.clock.time + seconds
        while self.cluster.clock.time < end:
            await self.reporter.turn()
            await self.cluster.clock.sleep(1)


def a_replica(cluster: Cluster, name: str = "x", chance: float = 0.0) -> Running:
    clock, replica, counts = cluster.clock, Replica(), Counter[str]()
    cluster.replicas.append(replica)
    wall = lambda: WALL - 1000 + clock.time  # noqa: E731
    election = Election(cluster, Seat("ns", "lease", name), Pace(lambda: clock.time, clock.sleep, lambda: chance), wall)
    journal = Journal(io.StringIO(), wall)
    reporter = Reporter(cluster, election, replica, journal, lambda outcome: counts.update([outcome]))
    return Running(cluster, replica, reporter, counts)


def go(test: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test, 5)

    asyncio.run(bounded())


def settled(*names: str, chance: float = 0.0) -> Running:
    """A replica that has written the status of these."""
    cluster = Cluster()
    running = a_replica(cluster, chance=chance)
    for created, name in enumerate(names):
        cluster.put(name, created=created)
    go(running.turns(2))
    return running


SOUND_STATUS = [("Accepted=True", "Accepted"), ("Enforced=True", "InForce")]
REFUSED_STATUS = [("Accepted=False", "Refused"), ("Enforced=True", "InForce")]
SHADOWED_STATUS = [("Accepted=False", "Shadowed"), ("Enforced=False", "Shadowed")]


def test_every_policy_is_told_its_status() -> None:
    running = settled("p1", "p2")
    assert running.cluster.said("p1") == SOUND_STATUS
    assert running.cluster.said("p2") == SHADOWED_STATUS
    assert running.counts == {WRITTEN: 2}
    assert running.said == []


def test_a_hundred_resyncs_write_nothing() -> None:
    running = settled("p1", "p2")

    async def resyncs() -> None:
        for _ in range(100):
            running.cluster.resync()
            await running.turns(10)

    go(resyncs())
    assert len(running.cluster.writes) == 2


def test_a_round_is_left_out_if_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    running = settled("p1", "p2")
    go(running.turns(5))
    monkeypatch.setattr(running.reporter, "policies", lambda: pytest.fail("a round"))
    go(running.turns(1000))


def test_what_changes_is_written_with_the_time_of_what_turned() -> None:
    running = settled("p1")
    cluster = running.cluster
    cluster.clock.time = 1060
    cluster.put("p1", BROKEN)
    go(running.turns(1))
    assert cluster.said("p1") == REFUSED_STATUS
    assert cluster.since("p1") == ["05:05", "04:05"]
    cluster.clock.time = 1120
    cluster.put("p1", {"gpuuu": {}})
    go(running.turns(1))
    assert cluster.since("p1") == ["05:05", "04:05"]
    assert len(cluster.writes) == 3


def test_a_shadow_moves_on_when_the_governing_policy_goes() -> None:
    running = settled("p1", "p2", "p3")
    running.cluster.delete("p1")
    go(running.turns(2))
    assert running.cluster.said("p2") == SOUND_STATUS
    assert running.cluster.said("p3") == SHADOWED_STATUS
    assert "TrainingPolicy p2" in running.cluster.policies["p3"]["status"]["conditions"][0]["message"]
    assert running.reporter.notes.keys() == {(TRAINING.name, "a", name) for name in ("p2", "p3")}


def test_a_status_that_somebody_removes_comes_back() -> None:
    running = settled("p1")
    running.cluster.clock.time += 60
    running.cluster.store("p1", running.cluster.policies["p1"] | {"status": {}})
    go(running.turns(1))
    assert running.cluster.said("p1") == SOUND_STATUS


def test_no_more_than_twenty_writes_a_second() -> None:
    running = settled(*(f"p{number}" for number in range(100)))
    times = [time for time, _name in running.cluster.writes]
    assert len(times) == 100
    assert all(later - first >= 0.999 for first, later in zip(times, times[20:], strict=False))


# What does not come back


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_a_status_that_is_pruned_is_not_written_in_a_loop(chance: float) -> None:
    cluster = Cluster()
    running = a_replica(cluster, chance=chance)
    cluster.keeps = lambda _status: {}
    cluster.put("p1")
    go(running.turns(3600))
    assert 8 <= len(cluster.writes) <= 25
    pauses = [later[0] - first[0] for first, later in zip(cluster.writes, cluster.writes[1:], strict=False)]
    assert min(pauses) >= 2.5
    assert max(pauses) <= 601


def test_a_watch_that_lags_makes_no_second_write_at_once() -> None:
    running = settled("p1")
    cluster, replica = running.cluster, running.replica
    cluster.clock.time += 60
    cluster.replicas.clear()
    old = cluster.policies["p1"]
    cluster.put("p1", BROKEN)
    replica.take("p1", cluster.policies["p1"])  # and not what was written then
    go(running.turns(2))
    assert [name for _time, name in cluster.writes] == ["p1", "p1"]
    replica.take("p1", cluster.policies["p1"])
    go(running.turns(600))
    assert len(cluster.writes) == 2
    replica.take("p1", old)  # an older object would be refused: it is not the stored one
    go(running.turns(2))
    assert cluster.said("p1") == REFUSED_STATUS


def test_times_that_were_sent_are_kept_until_they_are_stored() -> None:
    running = settled("p1")
    cluster, replica = running.cluster, running.replica
    cluster.replicas.clear()
    cluster.put("p1", BROKEN)
    replica.take("p1", cluster.policies["p1"])
    go(running.turns(1))
    turned = cluster.since("p1")
    cluster.clock.time += 30
    stale = cluster.policies["p1"]["status"]
    cluster.put("p1", {"gpuuu": {}})
    replica.take("p1", cluster.policies["p1"] | {"status": {"conditions": []}})
    go(running.turns(1))
    assert cluster.policies["p1"]["status"] != stale
    assert cluster.since("p1") == turned


def test_pauses_begin_anew_after_a_long_peace() -> None:
    running = settled("p1")
    cluster = running.cluster
    for _ in range(5):
        cluster.clock.time += 1300
        cluster.store("p1", cluster.policies["p1"] | {"status": {}})
        go(running.turns(1))
    assert len(cluster.writes) == 6
    assert running.reporter.notes[TRAINING.name, "a", "p1"].tries == 1


# What the API server does wrong


FAULTS = {
    "deleted meanwhile": (MissingError(404, "gone"), []),
    "changed meanwhile": (ConflictError(409, "changed"), []),
    "too large": (RefusedError(413, "large"), ["the status of TrainingPolicy a/p1: HTTP 413: large"]),
    "not by its schema": (RefusedError(422, "invalid"), ["the status of TrainingPolicy a/p1: HTTP 422: invalid"]),
    "may not": (RefusedError(403, "may not"), ["the status of TrainingPolicy a/p1: HTTP 403: may not"]),
    "too many requests": (RefusedError(429, "slower", 3), ["the status of TrainingPolicy a/p1: HTTP 429: slower"]),
    "no answer": (UnreachableError("no answer"), ["the status of TrainingPolicy a/p1: no answer"]),
}


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS)
def test_a_write_that_fails_is_tried_again(fault: Exception, said: list[str]) -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    cluster.put("p1")
    cluster.put("p2", created=1)
    cluster.faults["p1"] = [fault]
    go(running.turns(1))
    assert "status" not in cluster.policies["p1"]
    go(running.turns(20))
    assert (cluster.said("p1"), cluster.said("p2")) == (SOUND_STATUS, SHADOWED_STATUS)
    assert running.counts == {WRITTEN: 2, FAILED: 1}
    assert running.said == said


def test_a_policy_that_cannot_be_written_does_not_hold_up_others() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    for created, name in enumerate(("p1", "p2", "p3")):
        cluster.put(name, created=created)
    cluster.faults["p1"] = [RefusedError(500, "too large for etcd") for _ in range(99)]
    go(running.turns(60))
    assert (cluster.said("p2"), cluster.said("p3")) == (SHADOWED_STATUS, SHADOWED_STATUS)
    assert running.counts[FAILED] < 8


def test_an_api_server_that_asks_to_wait_is_left_alone() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    cluster.put("p1")
    cluster.put("p2", created=1)
    cluster.faults["p1"] = [RefusedError(429, "slower", 30)]
    go(running.turns(100))
    assert [time - 1000 for time, _name in cluster.writes][1] >= 30


def test_a_kind_without_the_status_subresource_is_told_of() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    cluster.put("p1")
    cluster.faults["p1"] = [MissingError(404, "no such path") for _ in range(99)]
    go(running.turns(1000))
    assert running.said == ["the status of TrainingPolicy a/p1: HTTP 404: no such path"]
    assert running.counts[FAILED] < 12


def test_a_bug_is_survived() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    cluster.put("p1")
    cluster.faults["p1"] = [ZeroDivisionError()]

    async def scenario() -> None:
        task = asyncio.create_task(running.reporter.run())
        while "status" not in cluster.policies["p1"]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    go(scenario())
    assert running.said == ["the status of policies cannot be written"]


# Several replicas


def test_one_of_two_writes_and_the_other_takes_over() -> None:
    cluster = Cluster()
    one, two = a_replica(cluster, "x"), a_replica(cluster, "y")
    cluster.put("p1")

    async def scenario() -> None:
        for _ in range(20):
            await one.turns(1)
            await two.turns(1)
        assert (one.counts, two.counts) == ({WRITTEN: 1}, {})
        cluster.put("p1", BROKEN)
        await two.turns(LEASE_SECONDS + 5)  # one is dead
        assert cluster.said("p1") == REFUSED_STATUS
        cluster.put("p1", SOUND)
        await one.turns(1)
        await two.turns(1)

    go(scenario())
    assert (one.counts, two.counts) == ({WRITTEN: 1}, {WRITTEN: 2})
    assert not one.reporter.leads
    assert one.reporter.notes == {}


def test_a_replica_that_has_not_seen_all_policies_does_not_stand() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    running.replica.synced = False
    cluster.put("p1")
    go(running.turns(30))
    assert (cluster.lease, cluster.writes) == (None, [])


def test_a_lost_lease_stops_the_writing_at_once() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    for number in range(150):
        cluster.put(f"p{number}", created=number % 60)

    def steal() -> None:
        if len(cluster.writes) == 70:
            spec = cluster.lease["spec"] | {"holderIdentity": "y"}
            cluster.lease = {"metadata": {"resourceVersion": "stolen"}, "spec": spec}

    cluster.clock.then = steal
    go(running.turns(12))
    stolen = cluster.writes[69][0]
    assert all(time - stolen <= 3 for time, _name in cluster.writes)  # until the next renewal finds out
    assert 70 <= len(cluster.writes) < 140


def test_a_lease_that_cannot_be_renewed_stops_the_writing() -> None:
    cluster = Cluster()
    running = a_replica(cluster)
    for number in range(230):
        cluster.put(f"p{number}", created=number % 60)

    def cut() -> None:
        if len(cluster.writes) == 10:
            cluster.lease_fault = UnreachableError("no answer")

    cluster.clock.then = cut
    go(running.turns(60))
    assert cluster.writes[-1][0] <= 1010
    assert running.said == ["the Lease ns/lease: no answer"]


# What is known changes while it is written


def test_each_policy_is_judged_as_it_is_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter_module, "BREATH", 1)
    cluster = Cluster()
    running = a_replica(cluster)
    for name in ("p1", "p2", "p3"):
        cluster.put(name)

    def change() -> None:
        if len(cluster.writes) == 1:
            cluster.delete("p1")
            cluster.delete("p2")

    cluster.clock.then = change
    go(running.turns(30))
    assert [name for _time, name in cluster.writes[:2]] == ["p1", "p3"]
    assert cluster.said("p3") == SOUND_STATUS


# Laws

STEPS = st.lists(
    st.tuples(st.sampled_from(["p1", "p2", "p3"]), st.sampled_from(["sound", "broken", "delete", "clear", "wait"])),
    max_size=8,
)


async def take_step(running: Running, name: str, step: str) -> None:
    cluster = running.cluster
    if step == "wait":
        await running.turns(1)
    elif step == "delete":
        cluster.delete(name)
    elif step == "clear" and name in cluster.policies:
        cluster.store(name, cluster.policies[name] | {"status": {"conditions": []}})
    elif step in ("sound", "broken"):
        cluster.put(name, SOUND if step == "sound" else BROKEN)


@settings(max_examples=40)
@given(STEPS)
def test_after_it_has_settled_another_round_writes_nothing(steps: list[tuple[str, str]]) -> None:
    cluster = Cluster()
    running = a_replica(cluster)

    async def scenario() -> None:
        for name, step in steps:
            await take_step(running, name, step)
        await running.turns(30)
        count = len(cluster.writes)
        cluster.resync()
        await running.turns(30)
        assert len(cluster.writes) == count
        for place, name in enumerate(sorted(cluster.policies)):
            broken = cluster.policies[name]["spec"] == BROKEN
            assert cluster.said(name) == (SHADOWED_STATUS if place else REFUSED_STATUS if broken else SOUND_STATUS)

    go(scenario())
