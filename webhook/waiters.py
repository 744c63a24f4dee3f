"""Requests that wait a moment for what is not known yet: a base may come in the same `kubectl apply`."""

import asyncio
import re
from collections.abc import Callable

from policies.kinds import WORKLOAD_KINDS
from policies.lookup import Snapshot
from webhook.review import CREATE, UPDATE, NotAReviewError, parse_review
from workloads.locate import locate_workload

MOST_WAITING = 100
MOST_SECONDS = 1.0
USUAL_TIMEOUT = 5.0  # of our webhook configurations
BASE = b'"baseWorkload"'
TIMEOUT = re.compile(rb"(?:^|&)timeout=([0-9]{1,3})s(?:&|$)")

Predicate = Callable[[Snapshot], bool]


class Waiters:
    """Those that wait for a Snapshot of which something holds."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.most = most
        self.waiting: dict[asyncio.Future[None], Predicate] = {}

    async def until(self, holds: Predicate, seconds: float) -> None:
        """Wait for the Snapshot, no longer than this; not at all if too many wait already."""
        if len(self.waiting) >= self.most:
            return
        turn = asyncio.get_running_loop().create_future()
        self.waiting[turn] = holds
        try:
            await asyncio.wait([turn], timeout=seconds)
        finally:
            del self.waiting[turn]

    def tell(self, snapshot: Snapshot) -> None:
        """There is a new Snapshot."""
        for turn, holds in self.waiting.items():
            if not turn.done() and holds(snapshot):
                turn.set_result(None)


def awaited_base(body: bytes) -> Predicate | None:
    """Whether a Snapshot knows the base that the review's workload begins to name; None if it names none."""
    if BASE not in body:
        return None
    try:
        review = parse_review(body)
    except NotAReviewError:
        return None
    kind = WORKLOAD_KINDS.get(review.kind)
    if kind is None or review.new is None or review.operation not in (CREATE, UPDATE):
        return None
    workload, old = (
        locate_workload(raw or {}, kind, review.namespace, review.name) for raw in (review.new, review.old)
    )
    if workload.base_name in (None, old.base_name) or workload.is_template:
        return None
    return lambda snapshot: snapshot.find_base(workload) is not None


def wait_seconds(query: bytes) -> float:
    """How long a request may wait that came with `?timeout=5s`: no more than a second, nor half of its time."""
    found = TIMEOUT.search(query)
    return min(MOST_SECONDS, (float(found[1]) if found else USUAL_TIMEOUT) / 2)
