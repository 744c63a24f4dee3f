import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from webhook.follow import Pace
from webhook.kube import ApiError, ConflictError, MissingError, RefusedError, UnreachableError
from webhook.lease import LEASE_SECONDS, STOP_SECONDS, Election, Seat, micro_time

PATH = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/workload-policy"
WALL = 1767323045.0


@dataclass
class Clock:
    time: float = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class LeaseServer:
    """An API server that knows one Lease; `faults` befall the next requests, before or after they are done."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.asked: list[str] = []
        self.faults: list[ApiError | None] = []
        self.lost_answers = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def get(self, path: str) -> Any:
        assert path == PATH
        self.ask("get")
        if self.lease is None:
            raise MissingError(404, "no such Lease")
        lease = deepcopy(self.lease)
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return lease

    async def create(self, path: str, body: Any) -> Any:
        assert f"{path}/{body['metadata']['name']}" == PATH
        self.ask("create")
        if self.lease is not None:
            raise ConflictError(409, "exists already")
        return self.store(body)

    async def replace(self, path: str, body: Any) -> Any:
        assert path == PATH
        self.ask("replace")
        if self.lease is None:
            raise MissingError(404, "no such Lease")
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ConflictError(409, "changed meanwhile")
        return self.store(body)

    def ask(self, verb: str) -> None:
        self.asked.append(verb)
        if self.faults and (fault := self.faults.pop(0)):
            raise fault

    def store(self, body: Any) -> Any:
        self.version += 1
        self.lease = deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        if self.lost_answers:
            self.lost_answers -= 1
            raise UnreachableError("the connection broke off")
        return deepcopy(self.lease)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease
        spec: dict[str, Any] = self.lease["spec"]
        return spec


@dataclass
class Cluster:
    server: LeaseServer = field(default_factory=LeaseServer)
    clock: Clock = field(default_factory=Clock)

    def replica(self, name: str, skew: float = 0, chance: float = 0.0) -> Election:
        """One whose wall clock is wrong by `skew`, and whose own clock began elsewhere."""
        pace = Pace(lambda: self.clock.time + 1e6 * skew, self.clock.sleep, lambda: chance)
        seat = Seat("ns", "workload-policy", name)
        return Election(self.server, seat, pace, lambda: WALL - 1000 + self.clock.time + skew)


def passing(seconds: float, cluster: Cluster, *replicas: Election) -> list[list[bool]]:
    """Who holds the Lease in each of so many seconds, if all try whenever they may."""

    async def pass_time() -> list[list[bool]]:
        held = []
        for _ in range(int(seconds)):
            for replica in replicas:
                await replica.keep()
            held.append([replica.holds for replica in replicas])
            cluster.clock.time += 1
        return held

    return asyncio.run(pass_time())


def keep(replica: Election) -> bool:
    return asyncio.run(replica.keep())


def test_the_first_lease() -> None:
    cluster = Cluster()
    assert keep(cluster.replica("a"))
    assert cluster.server.asked == ["get", "create"]
    assert cluster.server.lease == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "workload-policy", "namespace": "ns", "resourceVersion": "1"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-02T03:04:05.000000Z",
            "renewTime": "2026-01-02T03:04:05.000000Z",
            "leaseTransitions": 0,
        },
    }


def test_a_renewal_is_one_request_and_changes_no_more_than_its_time() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    keep(replica)
    first = cluster.server.spec
    cluster.server.asked.clear()
    assert passing(60, cluster, replica) == [[True]] * 60
    assert cluster.server.asked == ["replace"] * 19
    assert cluster.server.spec == first | {"renewTime": micro_time(WALL + 57)}


def test_chance_spreads_the_tries() -> None:
    cluster = Cluster()
    replica = cluster.replica("a", chance=0.999)
    keep(replica)
    assert 2.4 < replica.due - cluster.clock.time < 2.41


def test_what_others_have_put_on_the_lease_stays() -> None:
    cluster = Cluster()
    keep(replica := cluster.replica("a"))
    assert cluster.server.lease
    cluster.server.lease["metadata"] |= {"labels": {"x": "y"}, "resourceVersion": "77"}
    assert passing(8, cluster, replica) == [[True]] * 8
    assert cluster.server.lease["metadata"]["labels"] == {"x": "y"}
    assert cluster.server.spec["leaseTransitions"] == 0


@pytest.mark.parametrize("skew", [0, -86400, 86400], ids=["no skew", "a day behind", "a day ahead"])
def test_one_of_two_and_takeover_after_expiry(skew: float) -> None:
    cluster = Cluster()
    one, two = cluster.replica("a"), cluster.replica("b", skew)
    assert passing(100, cluster, one, two) == [[True, False]] * 100
    held = passing(30, cluster, two)  # one is dead
    waited = held.index([True])
    assert LEASE_SECONDS - 3 <= waited <= LEASE_SECONDS + 3
    assert held == [[False]] * waited + [[True]] * (30 - waited)
    assert cluster.server.spec["holderIdentity"] == "b"
    assert cluster.server.spec["leaseTransitions"] == 1
    assert passing(20, cluster, one, two) == [[False, True]] * 20  # one comes back from its pause


def test_the_old_holder_has_stopped_before_another_begins() -> None:
    cluster = Cluster()
    one, two = cluster.replica("a"), cluster.replica("b", 3600)
    passing(30, cluster, one, two)
    held = []
    for _ in range(30):  # one no longer reaches the API server, and looks only at its own clock
        keep(two)
        held.append((one.holds, two.holds))
        cluster.clock.time += 1
    stopped, began = held.index((False, False)), held.index((False, True))
    assert (True, True) not in held
    assert stopped <= STOP_SECONDS
    assert began - stopped >= 3


def test_a_holder_that_is_not_answered_stops() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    keep(replica)
    cluster.server.faults = [UnreachableError("no answer")] * 5
    held = passing(20, cluster, replica)
    assert held == [[True]] * STOP_SECONDS + [[False]] * 8 + [[True]] * 2
    assert cluster.server.spec["leaseTransitions"] == 0


def test_trouble_is_told_until_it_is_over() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    cluster.server.faults = [RefusedError(403, "may not")]
    assert not keep(replica)
    assert replica.trouble == "the Lease ns/workload-policy: HTTP 403: may not"
    assert passing(4, cluster, replica)[-1] == [True]
    assert replica.trouble == ""


def test_no_namespace_to_create_it_in() -> None:
    cluster = Cluster()
    cluster.server.faults = [None, MissingError(404, "no namespace ns")]
    assert not keep(replica := cluster.replica("a"))
    assert replica.trouble == "the Lease ns/workload-policy: HTTP 404: no namespace ns"


def test_two_that_create_at_once() -> None:
    cluster = Cluster()
    one, two = cluster.replica("a"), cluster.replica("b")
    cluster.server.lease, cluster.server.faults = None, []
    create = cluster.server.create

    async def slow_create(path: str, body: Any) -> Any:
        await asyncio.sleep(0)
        return await create(path, body)

    cluster.server.create = slow_create  # type: ignore[method-assign]

    async def both() -> list[bool]:
        return list(await asyncio.gather(one.keep(), two.keep()))

    assert asyncio.run(both()) == [True, False]
    assert cluster.server.asked == ["get", "get", "create", "create"]
    assert two.trouble == ""


def test_two_that_take_over_at_once() -> None:
    cluster = Cluster()
    dead, one, two = (cluster.replica(name) for name in "cab")
    passing(10, cluster, dead, one, two)
    cluster.clock.time += LEASE_SECONDS
    cluster.server.meanwhile = two.keep  # between the other's read and its write
    assert not keep(one)
    assert two.holds
    assert cluster.server.spec["leaseTransitions"] == 1


def test_a_lease_that_was_taken_away_is_lost_at_once() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    keep(replica)
    assert cluster.server.lease
    cluster.server.lease["spec"]["holderIdentity"] = "b"
    cluster.server.lease["metadata"]["resourceVersion"] = "77"
    cluster.clock.time += 3
    assert not keep(replica)


def test_a_lease_that_was_deleted_is_made_again() -> None:
    cluster = Cluster()
    keep(replica := cluster.replica("a"))
    cluster.server.lease = None
    cluster.server.asked.clear()
    assert passing(4, cluster, replica) == [[True]] * 4
    assert cluster.server.asked == ["replace", "get", "create"]


def test_an_answer_that_was_lost() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    cluster.server.lost_answers = 1
    assert not keep(replica)
    cluster.clock.time += 3
    assert keep(replica)
    cluster.server.lost_answers = 1
    assert passing(7, cluster, replica) == [[True]] * 7
    assert cluster.server.spec["leaseTransitions"] == 0


SPECS: dict[str, tuple[Any, int]] = {  # what is found, and after how many seconds it is taken
    "no spec": (None, 0),
    "no holder": ({"leaseTransitions": 4}, 0),
    "released": ({"holderIdentity": "", "leaseDurationSeconds": 1}, 0),
    "of this process": ({"holderIdentity": "a", "leaseDurationSeconds": 15}, 0),
    "of another one": ({"holderIdentity": "b", "leaseDurationSeconds": 6}, 6),
    "without a duration": ({"holderIdentity": "b"}, 15),
    "for a year": ({"holderIdentity": "b", "leaseDurationSeconds": 31536000}, 60),
    "renewed long ago, as it says": ({"holderIdentity": "b", "renewTime": "1999-01-01T00:00:00.000000Z"}, 15),
    "renewed in the future, as it says": ({"holderIdentity": "b", "renewTime": "2099-01-01T00:00:00.000000Z"}, 15),
}


@pytest.mark.parametrize(("spec", "seconds"), SPECS.values(), ids=SPECS)
def test_what_is_found(spec: Any, seconds: int) -> None:
    cluster = Cluster()
    cluster.server.store({"metadata": {"name": "workload-policy"}, "spec": spec})
    held = passing(70, cluster, cluster.replica("a"))
    assert held.index([True]) == seconds


def test_a_lease_that_is_released_is_taken_at_once() -> None:
    cluster = Cluster()
    one, two = cluster.replica("a"), cluster.replica("b")
    passing(10, cluster, one, two)
    asyncio.run(one.release())
    assert not one.holds
    assert cluster.server.spec["holderIdentity"] == ""
    assert [True] in passing(4, cluster, two)


def test_a_release_that_fails_harms_nobody() -> None:
    cluster = Cluster()
    replica = cluster.replica("a")
    asyncio.run(replica.release())
    assert cluster.server.asked == []
    keep(replica)
    cluster.server.faults = [UnreachableError("no answer")]
    asyncio.run(replica.release())
    assert not replica.holds
