"""The objects of one resource, taken in from lists and watches; of each no more is kept than a decision needs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from policies.kinds import GROUP, KINDS, VERSION, Kind
from webhook.kube import Event, decode
from workloads.locate import locate_policy
from workloads.shelf import Key, Stock


@dataclass(frozen=True, slots=True)
class Resource:
    """One of the eight: the policies, or the workloads, of a kind."""

    kind: Kind
    name: str
    plural: str

    @property
    def is_policy(self) -> bool:
        """Whether it is a policy kind."""
        return self.name == self.kind.policy_name

    @property
    def path(self) -> str:
        """Where all of them are, in every namespace."""
        return f"/apis/{GROUP}/{VERSION}/{self.plural}"


RESOURCES = (
    *(Resource(kind, kind.policy_name, kind.policy_plural) for kind in KINDS),
    *(Resource(kind, kind.name, kind.plural) for kind in KINDS),
)


class Marks(msgspec.Struct):
    """The metadata by which an object is told from others, and from what it was."""

    name: str = ""
    namespace: str = ""
    resourceVersion: str = ""  # noqa: N815 - the API's name


class Head(msgspec.Struct):
    """What is read of every object."""

    metadata: Marks
    kind: str = ""


class OutlineMetadata(msgspec.Struct, omit_defaults=True):
    """The metadata that a located workload stands on."""

    deletionTimestamp: Any = None  # noqa: N815 - the API's name


class Outline(msgspec.Struct, omit_defaults=True):
    """What is kept of a workload; the blocks as the API server spells them."""

    metadata: OutlineMetadata
    spec: msgspec.Raw = msgspec.Raw()
    masterSpec: msgspec.Raw = msgspec.Raw()  # noqa: N815 - the API's name


class Desk:
    """Where everything that is known comes together; `changed` is set by each change."""

    def __init__(self) -> None:
        self.stock = Stock()
        self.changed = asyncio.Event()

    def take(self, stock: Stock) -> None:
        """Know this from now on."""
        if stock is not self.stock:
            self.stock = stock
            self.changed.set()


class Watched:
    """The objects of one resource. `versions` are their resourceVersions; `tell` hears of what cannot be taken in."""

    def __init__(self, resource: Resource, desk: Desk, tell: Callable[[str], None]) -> None:
        self.resource = resource
        self.desk = desk
        self.tell = tell
        self.versions: dict[Key, str] = {}

    def take_listed(self, raw: bytes) -> Key | None:
        """Take in an object of a list, unless it is known in this version. Its key, if that can be read."""
        head = self.head_of(raw)
        if head is None:
            return None
        key = self.key_of(head)
        if self.versions.get(key) != head.metadata.resourceVersion:
            self.put(key, head.metadata.resourceVersion, raw)
        return key

    def keep_only(self, keys: set[Key]) -> None:
        """Forget what is not in the list."""
        if len(keys) < len(self.versions):  # all of the list is known by now
            for key in [key for key in self.versions if key not in keys]:
                self.drop(key)

    def take_event(self, event: Event) -> str:
        """Take in a change, unless it is known or older than what is. The resourceVersion of the event."""
        head = self.head_of(event.object)
        if head is None:
            return ""
        key, version = self.key_of(head), head.metadata.resourceVersion
        known = self.versions.get(key, "")
        if event.type == "DELETED" and not is_older(version, known):
            self.drop(key)
        elif event.type in ("ADDED", "MODIFIED") and version != known and not is_older(version, known):
            self.put(key, version, event.object)
        return version

    def head_of(self, raw: bytes) -> Head | None:
        """What tells the object from others; None, and a word of it, if it is none of this resource."""
        try:
            head = decode(raw, Head)
        except ValueError as error:
            self.tell(f"an object cannot be read: {error}")
            return None
        if head.kind in ("", self.resource.name):
            return head
        self.tell(f"an object of another kind: {head.kind[:100]}")
        return None

    def key_of(self, head: Head) -> Key:
        """The key of an object; a policy's is that of the workload kind."""
        return self.resource.kind.name, head.metadata.namespace, head.metadata.name

    def put(self, key: Key, version: str, raw: bytes) -> None:
        """Take in an object that is new or changed. What cannot be read stays as it was."""
        self.versions[key] = version
        try:
            self.desk.take(self.stock_with(key, raw))
        except (ValueError, RecursionError) as error:
            _kind, namespace, name = key
            self.tell(f"{namespace}/{name} cannot be read: {error}")

    def stock_with(self, key: Key, raw: bytes) -> Stock:
        """The stock with an object that is new or changed."""
        _kind, namespace, name = key
        if self.resource.is_policy:
            policy = locate_policy(decode(raw, dict[str, Any]), self.resource.kind, namespace, name)
            return self.desk.stock.with_policy(policy)
        return self.desk.stock.with_workload(key, msgspec.json.encode(decode(raw, Outline)))

    def drop(self, key: Key) -> None:
        """Forget an object."""
        self.versions.pop(key, None)
        stock = self.desk.stock
        self.desk.take(stock.without_policy(key) if self.resource.is_policy else stock.without_workload(key))


def is_older(version: str, other: str) -> bool:
    """Whether a resourceVersion comes before another; never where they are no numbers."""
    return version.isdecimal() and other.isdecimal() and int(version) < int(other)
