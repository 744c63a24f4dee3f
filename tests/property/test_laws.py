"""Laws that hold for every request, whatever the policy and the object."""

import base64
import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import golden
import jsonpatch
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from jsonschema import Draft202012Validator
from strategies import GOOD, NUMERIC, Object, Request, good_leaves, named_object, some_policies, some_requests

from policies.decide import apply_filling, case_of, fill_workload
from policies.kinds import DISTRIBUTED, KINDS, SPEC, WORKLOAD_KINDS
from policies.schema import parse_policy
from policies.values import CATALOGUE, Type, Value
from policies.workload import Misshapen, Workload
from webhook.admit import admit
from workloads.crds import policy_schema
from workloads.locate import locate_workload, snapshot_of


def law(examples: int) -> settings:
    return settings(derandomize=True, deadline=None, max_examples=examples, database=None)


def patch_of(request: Request) -> list[Object]:
    return golden.ask_mutate(request.new, request.old, snapshot_of(request.there))[0]


def stored_after(request: Request) -> Object:
    """The object as an API server stores it after /mutate."""
    return jsonpatch.apply_patch(copy.deepcopy(request.new), patch_of(request))


def same(one: Any, other: Any) -> bool:
    """Equality in which true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# Filling


@law(90)
@given(some_requests())
def test_the_admitted_object_gets_no_patch(request: Request) -> None:
    again = Request(stored_after(request), request.old, request.there)
    assert patch_of(again) == []


@law(70)
@given(some_requests())
def test_the_patch_gives_the_merged_object(request: Request) -> None:
    kind, snapshot = WORKLOAD_KINDS[request.new["kind"]], snapshot_of(request.there)
    new = locate_workload(request.new, kind)
    old = locate_workload(request.old, kind) if request.old else None
    filled = apply_filling(new, fill_workload(case_of(snapshot, new, old)))
    assert same(plain_blocks(filled), plain_blocks(locate_workload(stored_after(request), kind)))


def plain_blocks(workload: Workload) -> Object:
    return {name: block.raw if isinstance(block, Misshapen) else block for name, block in workload.blocks.items()}


class Number(NamedTuple):
    """A number as its JSON spells it."""

    text: str


SPELLINGS = ["1.10", "1e300", "-0", "1E5", "123456789012345678901234567890", "0.1000", "-0.0"]


@law(70)
@given(some_requests(), st.sampled_from(SPELLINGS))
def test_outside_of_the_patch_nothing_changes(request: Request, spelling: str) -> None:
    new = {**request.new, "status": {"n": "@"}, "metadata": {**request.new["metadata"], "x": ["@"]}}
    if type(new["spec"]) is dict:
        new["spec"] = {**new["spec"], "z": {"n": "@"}, "a": None}
    body = golden.review_of(new, request.old).replace(b'"@"', spelling.encode())
    answer = json.loads(admit("mutate", body, snapshot_of(request.there)).body)["response"]
    operations = decode(base64.b64decode(answer.get("patch", "W10=")))
    before = decode(body)["request"]["object"]
    after = jsonpatch.apply_patch(copy.deepcopy(before), operations)
    for operation in reversed(operations):
        undo(after, before, operation["path"])
    assert json.dumps(after) == json.dumps(before)


def decode(body: bytes) -> Any:
    return json.loads(body, parse_float=Number, parse_int=Number)


def undo(after: Any, before: Any, path: str) -> None:
    """Take away what an operation added, which was not there or null."""
    *keys, last = (key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/"))
    for key in keys:
        after, before = after[key], before[key]
    assert before.get(last) is None
    if last in before:
        after[last] = None
    else:
        del after[last]


@law(20)
@given(some_requests(), st.sampled_from(["mutate", "validate"]))
def test_a_dry_run_gets_the_same_bytes(request: Request, endpoint: str) -> None:
    snapshot = snapshot_of(request.there)
    real, dry = (
        admit(endpoint, golden.review_of(request.new, request.old, dryRun=dry), snapshot) for dry in (False, True)
    )
    assert real == dry


# Judging


def verdict(request: Request) -> Object:
    return golden.ask("validate", request.new, request.old, snapshot_of(request.there))


@law(70)
@given(some_requests(), st.integers(0, 2**32))
def test_the_order_of_keys_says_nothing(request: Request, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - drawn
    other = Request(
        shuffled(request.new, random),
        request.old and shuffled(request.old, random),
        tuple(shuffled(raw, random) for raw in request.there),
    )
    assert verdict(request) == verdict(other)
    assert same(patch_of(request), patch_of(other))


def shuffled(raw: Any, random: Random) -> Any:
    if type(raw) is not dict:
        return raw
    keys = list(raw)
    random.shuffle(keys)
    return {key: shuffled(raw[key], random) for key in keys}


@law(160)
@given(some_requests())
def test_an_update_that_changes_no_value_is_admitted(request: Request) -> None:
    again = Request(respelled(request.new), request.new, request.there)
    response = verdict(again)
    assert response["allowed"]
    assert "warnings" not in response
    assert "violations" not in response.get("auditAnnotations", {})
    assert patch_of(again) == []


OTHERWISE = {
    1: "1.0",
    "1": 1,
    "1.0": "1000m",
    2: "2e0",
    "0.5": ".5",
    "500m": "0.50",
    "3": 3,
    "1Gi": "1024Mi",
    "1024Mi": "1Gi",
    "1G": "1e9",
    "60m": "1h",
    "1h": "3600s",
    "5s": "0h5s",
    "Always": "always",
    "NodePort": "nodeport",
}
MEANT = {Type.NUMBER, Type.QUANTITY, Type.DURATION}


def respelled(raw: Object) -> Object:
    """The same object in other words: keys backwards, nulls for what is absent, amounts and gpu spelled otherwise."""
    kind = WORKLOAD_KINDS[raw["kind"]]
    blocks = {block: respelled_block(raw[block]) for block in kind.blocks if block in raw}
    return {**raw, **blocks}


def respelled_block(block: Any) -> Any:
    if type(block) is not dict:
        return block
    values = {value.name: value for value in CATALOGUE}
    said = {name: respelled_value(values[name], block[name]) for name in reversed(block)}
    devices = block["gpuDevices"].get("value") if type(block.get("gpuDevices")) is dict else None
    if type(devices) is int and devices < 1000 and "gpu" not in block:
        said["gpu"] = {"value": str(said.pop("gpuDevices")["value"])}
    absent = ("stdin", "annotations", "capabilities")
    return {**said, **{name: None for name in absent if name not in block}}


def respelled_value(value: Value, wrapper: Any) -> Any:
    if value.bare or type(wrapper) is not dict:
        return wrapper
    if value.type is not Type.MAP or type(wrapper.get("items")) is not dict:
        return {name: respelled_content(value, content) for name, content in wrapper.items()}
    items = {label: respelled_item(value, item) for label, item in reversed(wrapper["items"].items())}
    return {"items": {**items, "absent": None}}


def respelled_item(value: Value, item: Any) -> Any:
    if type(item) is not dict or "value" not in item:
        return item
    content = item["value"]
    if value.item is None and type(content) is dict:
        known = value.members
        content = {
            name: respelled_content(known[name], part) if name in known else part
            for name, part in reversed(content.items())
        }
    elif value.item is not None:
        content = respelled_content(value.item, content)
    return {**item, "value": content}


def respelled_content(value: Value, raw: Any) -> Any:
    if (value.type in MEANT and type(raw) in {int, str}) or (value.any_case and type(raw) is str and raw.isalpha()):
        return OTHERWISE.get(raw, raw)
    return raw


# What is told

MARK_TEXT, MARK_NUMBER = "q7Z", 98765
SPARED = {"usage", "baseWorkload"}  # these decide what is asked, and a base's name is told


@law(90)
@given(some_requests(), st.integers(0, 2**32))
def test_what_is_told_is_printable_and_not_the_author_s(request: Request, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - drawn
    policy, *bases = request.there
    new, old, *marked = (raw and marked_object(raw, random) for raw in (request.new, request.old, *bases))
    # a computed default that is locked is told, and may be the author's number
    snapshot = snapshot_of([without(policy, "defaultFrom"), *marked])
    for raw, endpoint in ((new, "mutate"), (new, "validate"), (policy, "validate-policy")):
        for text in told_in(golden.ask(endpoint, raw, old if raw is new else None, snapshot)):
            assert all(line.isprintable() for line in text.split("\n"))
            assert MARK_TEXT not in text
            assert str(MARK_NUMBER) not in text


def told_in(response: Object) -> Iterator[str]:
    """Every text that somebody reads; the lists in annotations one by one."""
    status = response.get("status", {})
    yield status.get("message", "")
    for cause in status.get("details", {}).get("causes", []):
        assert "\n" not in cause["message"] + cause["field"]
        yield cause["message"]
        yield cause["field"]
    for warning in response.get("warnings", []):
        assert "\n" not in warning
        yield warning
    for name, text in response.get("auditAnnotations", {}).items():
        lines = json.loads(text) if name in {"violations", "defaults"} else [text]
        assert not any("\n" in line for line in lines)
        yield from lines


def marked_object(raw: Object, random: Random) -> Object:
    """The object with a mark in about half of its values."""
    return {key: marked(part, random) if key in {"spec", "masterSpec"} else part for key, part in raw.items()}


def marked(raw: Any, random: Random) -> Any:
    if type(raw) is dict:
        return {key: part if key in SPARED else marked(part, random) for key, part in raw.items()}
    if type(raw) is list:
        return [marked(element, random) for element in raw]
    if type(raw) not in {int, str} or random.random() < 0.5:
        return raw
    if type(raw) is int:
        return MARK_NUMBER
    return f"{MARK_NUMBER}{raw.lstrip('-.0123456789')}" if raw[:1].isdigit() else f"{raw}{MARK_TEXT}\x07"


def without(raw: Any, name: str) -> Any:
    """The JSON without a key at any depth."""
    if type(raw) is list:
        return [without(element, name) for element in raw]
    return {key: without(part, name) for key, part in raw.items() if key != name} if type(raw) is dict else raw


# Tightening


@st.composite
def some_rules(draw: DrawFn, value: Value) -> Object:
    """Rules of a value that mean something together."""
    pool = st.sampled_from(good_leaves(value))
    flags = {"required": st.just(True), "blocked": st.just(True), "canEdit": st.just(False)}
    operands: dict[str, Any] = dict(flags)
    if value.type in (*NUMERIC, Type.DURATION):
        operands |= {"min": pool, "max": pool}
    if value.type in NUMERIC:
        operands["step"] = st.sampled_from([1, 2, 3])
    if value.type in (*NUMERIC, Type.STRING, Type.LIST):
        one = st.sampled_from(["KILL", "CHOWN", "a"]) if value.type is Type.LIST else pool
        operands["options"] = st.lists(one, min_size=1, max_size=3, unique_by=str)
    if value.type in (Type.STRING, Type.LIST):
        operands["matches"] = st.lists(st.sampled_from(["a*", "K*", "*L", "b"]), min_size=1, max_size=3, unique=True)
    names = draw(st.lists(st.sampled_from(sorted(operands)), min_size=1, max_size=3, unique=True))
    return {name: draw(operands[name]) for name in names}


def loosened(value: Value, rules: Object) -> Iterator[Object]:
    """The rules with one of them lifted or made weaker. With a step min is its origin, and stays."""
    for name, operand in rules.items():
        if name == "min" and "step" in rules:
            continue
        yield {other: rules[other] for other in rules if other != name}
        if name in {"options", "matches"}:
            more = ["z*"] if name == "matches" else [GOOD[value.type][2]] if value.type is not Type.LIST else ["z"]
            yield {**rules, name: [*operand, *more]}
        if name in {"min", "max"}:
            yield from ({**rules, name: bound} for bound in GOOD[value.type] if is_looser(name, value, bound, operand))


def is_looser(name: str, value: Value, bound: Any, operand: Any) -> bool:
    order = {Type.DURATION: ("0", "5s", "60m", "1h", "1h30m"), Type.INTEGER: (0, 1, 2, 3, 80, 70000)}.get(
        value.type, ()
    )
    if bound not in order or operand not in order:
        return False
    return order.index(bound) < order.index(operand) if name == "min" else order.index(bound) > order.index(operand)


def as_written(rules: Object) -> Object:
    """Rules as a policy's JSON has them."""
    return rules | {"options": [{"value": one} for one in rules["options"]]} if "options" in rules else rules


LEAVES = [
    value
    for value in CATALOGUE
    if value.policy and value.workload and not value.members and value.type is not Type.MAP and "D" in value.kinds
]
PORT_MEMBERS = ("container", "external", "serviceType", "toolName", "autoGenerate")
PORTS = next(value for value in CATALOGUE if value.name == "ports")


@st.composite
def tightened_values(draw: DrawFn) -> tuple[Object, Object, Object]:
    """A workload's spec, and two policies' of which the second says more of a value that it names."""
    value = draw(st.sampled_from(LEAVES))
    tight = draw(some_rules(value))
    loose = draw(st.sampled_from(list(loosened(value, tight)) or [{}]))
    content = st.sampled_from(good_leaves(value))
    default = {"value": draw(content)} if "canEdit" in tight else {}
    policies = [{value.name: {"rules": as_written(rules), **default}} for rules in (loose, tight)]
    return {value.name: {"value": draw(content)}}, policies[0], policies[1]


@st.composite
def tightened_maps(draw: DrawFn) -> tuple[Object, Object, Object]:
    """The same of a map: of its rules, of its items' and of their members'."""
    labels = st.sampled_from(["a", "b"])
    port = st.fixed_dictionaries(
        {"container": st.sampled_from([1, 80])},
        optional={name: st.sampled_from(good_leaves(PORTS.members[name])) for name in PORT_MEMBERS[1:]},
    )
    item = st.fixed_dictionaries({"value": port}) | st.just({"deleted": True})
    name = draw(st.sampled_from(PORT_MEMBERS))
    rules = draw(some_rules(PORTS.members[name]))
    tight: Object = {
        "rules": draw(st.fixed_dictionaries({}, optional={"canAdd": st.just(False), "required": st.just(True)})),
        "itemRules": {name: rules},
        "items": {
            "a": {
                "value": {"container": 80, **draw(port)},
                "rules": draw(
                    st.fixed_dictionaries({}, optional={"canEdit": st.just(False), "canRemove": st.just(False)})
                ),
            }
        },
    }
    if "canEdit" in rules:
        tight["items"]["DEFAULTS"] = {"value": {name: draw(st.sampled_from(good_leaves(PORTS.members[name])))}}
    loose = copy.deepcopy(tight)
    where = draw(st.sampled_from([loose["rules"], loose["items"]["a"]["rules"], loose["itemRules"]]))
    if where is loose["itemRules"]:
        where[name] = draw(st.sampled_from(list(loosened(PORTS.members[name], rules)) or [{}]))
    elif where:
        del where[draw(st.sampled_from(sorted(where)))]
    for policy in (loose, tight):
        policy["itemRules"] = {name: as_written(policy["itemRules"][name])}
    spec = {"ports": {"items": {"a": draw(item), draw(labels): draw(item)}}}
    return spec, {"ports": loose}, {"ports": tight}


@law(60)
@given(tightened_values() | tightened_maps())
def test_tightening_a_bound_never_admits_more(case: tuple[Object, Object, Object]) -> None:
    spec, loose, tight = case
    assume(is_valid(tight))
    assume(is_valid(loose))
    if is_admitted(spec, tight):
        assert is_admitted(spec, loose)


def is_valid(spec: Object) -> bool:
    return not parse_policy({"spec": spec}, DISTRIBUTED, "runai-a", "p").problems


def is_admitted(spec: Object, policy: Object) -> bool:
    named = spec if spec.keys() & {"name", "namePrefix"} else {"name": {"value": "job"}, **spec}
    new = named_object(DISTRIBUTED.name, "w", {SPEC: named})
    request = Request(new, None, (named_object(DISTRIBUTED.policy_name, "p", {SPEC: policy}),))
    stored = Request(stored_after(request), None, request.there)
    return bool(verdict(stored)["allowed"])


# Any bytes

TOKENS = [
    b"1" * 5000,
    b"1e400",
    b"-1e400",
    b"1.0",
    b"18446744073709551616",
    b"[" * 900 + b"]" * 900,
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\xff"',
    b'{"value":1,"value":2}',
    b"NaN",
    b"null",
    b"true",
    b'""',
    b"{}",
    b"[]",
    b'"' + b"9" * 4000 + b'"',
    b'"1e99999999999999999999"',
]
ENDPOINTS = ["mutate", "validate", "validate-policy"]
SEPARATORS = b'{}[]:,"'


@st.composite
def some_bodies(draw: DrawFn) -> bytes:
    """A review with a piece of it replaced, or any bytes at all."""
    choice = draw(st.integers(0, 7))
    if choice == 0:
        return draw(st.binary(max_size=40))
    request = draw(some_requests())
    body = golden.review_of(draw(st.sampled_from([request.new, *request.there])), request.old)
    places = [index for index, byte in enumerate(body) if byte in SEPARATORS]
    start, end = sorted((draw(st.sampled_from(places)), draw(st.sampled_from(places))))
    if choice == 1:
        return body[:end]
    token = draw(st.sampled_from(TOKENS) | st.binary(max_size=4))
    whole = draw(st.booleans())
    return body.replace(b'"value": 1', b'"value": ' + token) if whole else body[: start + 1] + token + body[end:]


@law(90)
@given(some_bodies(), some_policies())
def test_any_bytes_get_400_or_a_review(body: bytes, policy: tuple[Any, Object]) -> None:
    for endpoint in ENDPOINTS:
        answer = admit(endpoint, body, snapshot_of([policy[1]]))
        if answer.status == 400:
            sentence = answer.body.decode()
            assert sentence.endswith("\n")
            assert sentence[:-1].isprintable()
            assert answer.record is None
        else:
            assert answer.status == 200
            assert_well_formed(endpoint, json.loads(answer.body))


def assert_well_formed(endpoint: str, review: Object) -> None:
    response = review["response"]
    assert review == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
    assert response.keys() <= {"uid", "allowed", "patch", "patchType", "status", "warnings", "auditAnnotations"}
    assert (type(response["uid"]), type(response["allowed"])) == (str, bool)
    assert ("status" in response) is not response["allowed"]
    assert ("patch" in response) is ("patchType" in response)
    assert "patch" not in response or endpoint == "mutate"
    assert response["allowed"] or endpoint != "mutate"
    assert all(type(text) is str for text in response.get("auditAnnotations", {}).values())


# Policies

OF_TYPES = {
    *("must be true or false", "must be a whole number", "must be text"),
    *("must be an object", "must be a list", "must be a list of text"),
}


def plain_schema(schema: Any) -> Any:
    """The CRD's schema as jsonschema reads it: int-or-string spelled out."""
    if type(schema) is not dict:
        return schema
    plain = {key: plain_schema(part) for key, part in schema.items() if not key.startswith("x-")}
    return plain | {"type": ["integer", "string"]} if "x-kubernetes-int-or-string" in schema else plain


VALIDATORS = {kind.name: Draft202012Validator(plain_schema(policy_schema(kind))) for kind in KINDS}


def without_nulls(raw: Any) -> Any:
    """What an API server makes of nulls."""
    if type(raw) is list:
        return [without_nulls(element) for element in raw if element is not None]
    return {key: without_nulls(part) for key, part in raw.items() if part is not None} if type(raw) is dict else raw


@law(120)
@given(some_policies())
def test_the_schema_and_the_parser_accept_the_same_types(case: tuple[Any, Object]) -> None:
    kind, policy = case
    raw = without_nulls(policy)
    problems = parse_policy(raw, kind, "runai-a", "p").problems
    if VALIDATORS[kind.name].is_valid(raw):
        told = [one.message for one in problems if one.problem in OF_TYPES and one.path.startswith(SPEC)]
        assert told == []
    else:
        assert problems


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_schema_refuses_what_is_not_of_its_type(kind: Any) -> None:
    assert not VALIDATORS[kind.name].is_valid({"spec": {"gpu": {"value": 0.5}}})
    assert VALIDATORS[kind.name].is_valid({"spec": {"gpu": {"value": "0.5", "rules": {"max": 1}}}})
