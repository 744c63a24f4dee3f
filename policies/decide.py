"""The decision on a request: what is filled, and every line on what is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from policies.ask import Question, policy_violations, total_violations
from policies.change import Change
from policies.compile import CompiledPolicy
from policies.intrinsic import intrinsic_violations, wrong_type
from policies.kinds import SPEC
from policies.lookup import Snapshot
from policies.merge import Addition, Layers, Origin, merge_block, single_raw
from policies.place import Place
from policies.printing import print_text
from policies.reading import malformed, read_block
from policies.rules import NOT_FOUND, Broken, Violation
from policies.values import Value, workload_values
from policies.verdict import Verdict, tidy
from policies.workload import EMPTY, Block, Misshapen, Raw, Workload, is_deleted, raw_items, unwrap


@dataclass(frozen=True, slots=True)
class Case:
    """A request to store a workload, with all that decides on it.

    old     the workload as it is stored; None on CREATE
    base    the workload that `new` names as its base; None if there is none
    """

    new: Workload
    old: Workload | None
    base: Workload | None
    compiled: CompiledPolicy | None
    global_namespace: str

    @property
    def stored(self) -> Workload | None:
        """What the request is held against: nothing on CREATE, nor when a Template becomes a Submit."""
        became_submit = self.old is not None and self.old.is_template and not self.new.is_template
        return None if became_submit else self.old

    @property
    def changes_base(self) -> bool:
        """Whether an UPDATE names another base than before."""
        return self.old is not None and self.new.base_name != self.old.base_name


@dataclass(frozen=True, slots=True)
class Edit:
    """An `add` to the object: the keys that lead to a missing node, and the node."""

    path: tuple[str, ...]
    value: Raw


@dataclass(frozen=True, slots=True)
class Filling:
    """The edits that complete a workload, and the names of what they fill (never its values)."""

    edits: tuple[Edit, ...] = ()
    defaults: tuple[str, ...] = ()


def case_of(snapshot: Snapshot, new: Workload, old: Workload | None) -> Case:
    """A request, with the policy and the base that the snapshot knows."""
    compiled = snapshot.find(new.kind, new.namespace)
    return Case(new, old, snapshot.find_base(new), compiled, snapshot.global_namespace)


# Filling


def fill_workload(case: Case) -> Filling:
    """What the merge of policy, base and workload adds to a Submit that is not being deleted."""
    new = case.new
    if new.is_template or new.deleting:
        return Filling()
    blocks = [name for name in new.kind.blocks if name == SPEC or name in new.blocks or gives_block(case, name)]
    added = [addition for block in blocks for addition in additions(case, block)]
    return fold_additions(added, new.blocks)


def gives_block(case: Case, block: str) -> bool:
    """Whether the base gives the workload a block: it has a masterSpec only if it or its base gives one."""
    return case.base is not None and block in case.base.blocks


def additions(case: Case, block: str) -> Iterator[Addition]:
    """What one block lacks and this request has filled."""
    values = workload_values(case.new.kind, block)
    base = case.base.block(block) if case.base else EMPTY
    compiled = case.compiled.blocks[block] if case.compiled else None
    layers = Layers(block, values, case.new.block(block), base, compiled)
    return (addition for addition in merge_block(layers) if is_due(case, addition, values))


def is_due(case: Case, addition: Addition, values: Mapping[str, Value]) -> bool:
    """Whether the request has it filled: on CREATE all; else what it took away, or brought in need of it."""
    stored, block = case.stored, addition.place.block
    if stored is None:
        return True
    if block != SPEC and block not in stored.blocks:
        return block in case.new.blocks or case.changes_base
    if addition.origin is Origin.BASE and case.changes_base:
        return True
    return was_there(stored.block(block), addition.place, values)


def was_there(block: Block, place: Place, values: Mapping[str, Value]) -> bool:
    """Whether the stored block had the value, the label, or the member (of an item that was not live: all)."""
    value, label, member = place.value, place.label, place.member
    if value is None or label is None:
        spellings = value.spellings if value else ()
        return any(single_raw(block, values[name]) is not None for name in spellings)
    items = raw_items(block.get(value.name))
    item = None if isinstance(items, Misshapen) else items.get(label)
    if member is None:
        return item is not None
    if item is None or is_deleted(item):
        return True
    content = unwrap(item, "value")
    return type(content) is dict and any(content.get(name) is not None for name in member.spellings)


def fold_additions(added: list[Addition], blocks: Mapping[str, Block | Misshapen]) -> Filling:
    """One edit for each topmost missing node. Below a node of the wrong JSON type nothing is added."""
    edits: dict[tuple[str, ...], Raw] = {}
    placed = [addition.place.shown for addition in added if fold_addition(addition, blocks, edits)]
    return Filling(tuple(Edit(path, value) for path, value in edits.items()), tuple(placed))


def fold_addition(
    addition: Addition, blocks: Mapping[str, Block | Misshapen], edits: dict[tuple[str, ...], Raw]
) -> bool:
    """Put an addition into the edit that makes its topmost missing node; False where there is no room for it."""
    path = addition.place.path
    node: Raw = blocks
    for depth, key in enumerate(path):
        if isinstance(node, Misshapen) or not isinstance(node, Mapping):
            return False
        node = node.get(key)
        if node is None:
            add_below(edits, path[: depth + 1], path[depth + 1 :], addition.raw)
            return True
    return False


def add_below(edits: dict[tuple[str, ...], Raw], top: tuple[str, ...], rest: tuple[str, ...], raw: Raw) -> None:
    """Nest a node below a missing one."""
    if not rest:
        edits[top] = raw
        return
    node = edits.setdefault(top, {})
    for key in rest[:-1]:
        node = node.setdefault(key, {})
    node[rest[-1]] = raw


def apply_filling(workload: Workload, filling: Filling) -> Workload:
    """The workload as it will be stored; the raw blocks of the given one stay untouched."""
    root: dict[str, Raw] = dict(workload.blocks)
    for edit in filling.edits:
        node = root
        for key in edit.path[:-1]:
            node[key] = dict(node[key])
            node = node[key]
        node[edit.path[-1]] = edit.value
    return replace(workload, blocks=root)


# Judging


def judge_workload(case: Case) -> Verdict:
    """Every line on the object as it will be stored, under the policy that governs it."""
    changes = {block: change_of(case, block) for block in case.new.kind.blocks}
    found = [line for change in changes.values() for line in block_violations(case, change)]
    if case.compiled and not isinstance(case.new.blocks.get(SPEC), Misshapen):
        found += total_violations(case.compiled.blocks[SPEC], changes)
    found += base_violations(case, changes[SPEC])
    return tidy(found, case.compiled)


def change_of(case: Case, block: str) -> Change:
    """One block beside what is stored of it. A masterSpec that was absent is new."""
    values, stored = workload_values(case.new.kind, block), case.stored
    is_new = block != SPEC and block in case.new.blocks and stored is not None and block not in stored.blocks
    old = None if stored is None or is_new else read_block(stored.block(block), values)
    return Change(block, values, read_block(case.new.block(block), values), old, not case.new.is_template)


def block_violations(case: Case, change: Change) -> Iterator[Violation]:
    """The lines on one block: section 6, then the policy's."""
    raw = case.new.blocks.get(change.block)
    if raw is None and change.block != SPEC:
        return
    if isinstance(raw, Misshapen):
        if case.stored is None or case.stored.blocks.get(change.block) != raw:
            yield Violation(Place(change.block), wrong_type(malformed("an object", raw.raw)), of_policy=False)
        return
    yield from intrinsic_violations(change)
    if case.compiled:
        yield from policy_violations(Question(change, case.compiled.blocks[change.block], raw or EMPTY))


def base_violations(case: Case, spec: Change) -> Iterator[Violation]:
    """A base that does not exist, where the request sets or changes it."""
    name = spec.new.values.get("baseWorkload")
    if type(name) is not str or not spec.touches("baseWorkload") or case.base:
        return
    namespaces = dict.fromkeys([case.new.namespace, case.global_namespace])
    problem = f"no {case.new.kind.name} named {print_text(name)} in {' or '.join(namespaces)}"
    yield Violation(Place(SPEC, spec.values["baseWorkload"]), Broken("base", NOT_FOUND, problem), of_policy=False)
