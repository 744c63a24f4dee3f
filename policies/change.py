"""A block as it will be stored, beside the one that is stored: what a request changes (ratcheting).

A rule is asked only if something that it looks at is no longer equal in meaning (semantics.md, section 5), as
Kubernetes ratchets its own validation:
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting
"""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.reading import BlockReading, Item, is_live, members_of, same_item, spelled
from policies.values import Value


@dataclass(frozen=True, slots=True)
class Change:
    """One block of a request. `old` is None where all is new; `presence`: what is missing is asked for."""

    block: str
    values: Mapping[str, Value]
    new: BlockReading
    old: BlockReading | None
    presence: bool

    def touches(self, *names: str) -> bool:
        """Whether the request changes any of these single values."""
        old = self.old
        return old is None or any(
            spelled(self.values[name], self.new.values) != spelled(self.values[name], old.values)
            for name in names
            if name in self.values
        )

    def touches_anything(self) -> bool:
        """Whether the request changes any value or item of the block."""
        if self.old is None or self.touches(*self.new.values, *self.old.values):
            return True
        labels = {(name, label) for block in (self.new, self.old) for name in block.maps for label in block.maps[name]}
        return any(self.touches_item(self.values[name], label) for name, label in labels)

    def stored_item(self, name: str, label: str) -> Item | None:
        """The item as it is stored today; None if it is not."""
        return None if self.old is None else self.old.items(name).get(label)

    def brings_item(self, name: str, label: str) -> bool:
        """Whether an item is new: it was absent or deleted."""
        return not is_live(self.stored_item(name, label))

    def touches_item(self, value: Value, label: str) -> bool:
        """Whether anything of an item changes, its presence included."""
        if self.old is None:
            return True
        return not same_item(value, self.new.items(value.name).get(label), self.stored_item(value.name, label))

    def touches_members(self, value: Value, label: str, *names: str) -> bool:
        """Whether any of these members of an item changes; all of a new item do."""
        stored = self.stored_item(value.name, label)
        if stored is None or stored.deleted:
            return True
        members, new = members_of(value), self.new.items(value.name)[label]
        return any(spelled(members[name], new.members) != spelled(members[name], stored.members) for name in names)
