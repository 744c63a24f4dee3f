"""The record Workload, and where its values stand in a raw block. Nothing is decoded or copied here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.kinds import Kind

Raw = Any  # what JSON decodes to
Block = Mapping[str, Raw]

TEMPLATE = "Template"
EMPTY: Block = {}


@dataclass(frozen=True, slots=True)
class Misshapen:
    """A node that should be a JSON object and is none."""

    raw: Raw


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload as the API server holds it; `blocks` are the raw `spec` and `masterSpec` where it has them.

    `deleting`: it has a deletionTimestamp. A block of the wrong JSON type is Misshapen.
    """

    kind: Kind
    namespace: str
    name: str
    blocks: Mapping[str, Block | Misshapen]
    deleting: bool = False

    def block(self, name: str) -> Block:
        """The block's values; empty if it is absent or no object."""
        block = self.blocks.get(name, EMPTY)
        return EMPTY if isinstance(block, Misshapen) else block

    @property
    def spec(self) -> Block:
        """The block that every workload has."""
        return self.block("spec")

    @property
    def is_template(self) -> bool:
        """Whether it only stores values. An unknown usage counts as Submit."""
        return self.spec.get("usage") == TEMPLATE

    @property
    def base_name(self) -> str | None:
        """The workload that it names as its base."""
        name = self.spec.get("baseWorkload")
        return name if isinstance(name, str) else None


def unwrap(wrapper: Raw, inner: str) -> Raw:
    """What a wrapper (`{value: X}`, `{items: {...}}`) holds: None if absent, Misshapen if it is no object."""
    if wrapper is None:
        return None
    if type(wrapper) is not dict:
        return Misshapen(wrapper)
    return wrapper.get(inner)


def raw_items(wrapper: Raw) -> Mapping[str, Raw] | Misshapen:
    """The items of a map by label, absent ones (null) left out."""
    items = unwrap(wrapper, "items")
    if items is None:
        return EMPTY
    if isinstance(items, Misshapen):
        return items
    if type(items) is not dict:
        return Misshapen(items)
    return {label: item for label, item in items.items() if item is not None}


def is_deleted(item: Raw) -> bool:
    """Whether an item carries the marker `deleted: true`."""
    return type(item) is dict and item.get("deleted") is True
