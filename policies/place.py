"""Where a line of a verdict points: a value, an item or a member; its name in messages, its path in the object."""

from dataclasses import dataclass

from policies.kinds import SPEC
from policies.printing import label_step, print_text
from policies.values import Type, Value

DELETED_MARKER = Value("deleted", Type.BOOLEAN, order=-1, spellings=("deleted",))


@dataclass(frozen=True, slots=True)
class Place:
    """A block, a value of it, an item of that (by label), a member of that; the later ones None where it ends.

    The one member of a plain map's items is `value.item`.
    """

    block: str
    value: Value | None = None
    label: str | None = None
    member: Value | None = None

    @property
    def shown(self) -> str:
        """Its name in messages: `ports.http.container`, `labels.team`, `masterSpec.gpu`."""
        if self.value is None:
            return self.block
        prefix = "" if self.block == SPEC else f"{self.block}."
        step = "" if self.label is None else label_step(self.label)
        named = self.member is not None and self.member is not self.value.item
        return f"{prefix}{self.value.name}{step}{self.member_step if named else ''}"

    @property
    def field(self) -> str:
        """Its path in the object: `spec.ports.items[http].value.container`, `spec.usage`."""
        if self.value is None:
            return self.block
        path = f"{self.block}.{self.value.name}"
        if self.label is not None:
            path += f".items[{print_text(self.label)}]"
        if self.member is DELETED_MARKER:
            return f"{path}.deleted"
        if self.member is not None:
            return f"{path}.value" if self.member is self.value.item else f"{path}.value{self.member_step}"
        wrapped = self.label is None and self.value.type is not Type.MAP and not self.value.bare
        return f"{path}.value" if wrapped else path

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to its node: a single value's content, a map's wrapper, an item, a member."""
        if self.value is None:
            return (self.block,)
        node = (self.block, self.value.name)
        if self.label is not None:
            item = (*node, "items", self.label)
            return item if self.member is None else (*item, "value", self.member.name)
        return node if self.value.bare or self.value.type is Type.MAP else (*node, "value")

    @property
    def member_step(self) -> str:
        """The member as the last step of a path."""
        return f".{self.member.name}" if self.member else ""

    @property
    def order(self) -> tuple[bool, int, bool, str, int]:
        """Spec before masterSpec, catalogue order, a map before its labels, an item before its members."""
        return (
            self.block != SPEC,
            -1 if self.value is None else self.value.order,
            self.label is not None,
            self.label or "",
            -2 if self.member is None else self.member.order,
        )
