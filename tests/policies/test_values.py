"""The catalogue against its contract, tests/contract/values.yaml."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.kinds import DISTRIBUTED, INFERENCE, INTERACTIVE, KINDS, MASTER_SPEC, SPEC, TRAINING, Kind
from policies.values import CATALOGUE, Type, Value, policy_values, workload_values

CONTRACT: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "contract" / "values.yaml").read_text()
)["values"]
BY_NAME = {value.name: value for value in CATALOGUE}
MEMBERS = {f"{value.name}.{member.name}": member for value in CATALOGUE for member in value.members.values()}
EVERY = BY_NAME | MEMBERS | {f"{value.name}.value": value.item for value in CATALOGUE if value.item}
BLOCKS = [pytest.param(kind, block, id=f"{kind.name}.{block}") for kind in KINDS for block in kind.blocks]

FIELDS = {"anyCase": "any_case", "looksLike": "looks_like"}
PROSE = ("to", "flag", "means", "of")
NOT_FACTS = ("description", "order", "spellings", "rivals")
DEFAULTS = {field.name: field.default for field in fields(Value)} | {"members": {}}


def stated_facts(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """What values.yaml says of a value or member, under the names of the record."""
    stated = {FIELDS.get(key, key): fact for key, fact in entry.items() if key not in PROSE}
    facts = DEFAULTS | {key: tuple(fact) if isinstance(fact, list) else fact for key, fact in stated.items()}
    facts |= {"name": name, "item": entry.get("item")}
    facts["members"] = {key: stated_facts(key, member) for key, member in entry.get("members", {}).items()}
    return {key: fact for key, fact in facts.items() if key not in NOT_FACTS}


def known_facts(value: Value) -> dict[str, Any]:
    """What the catalogue says of it."""
    facts = {field.name: getattr(value, field.name) for field in fields(Value)}
    facts["members"] = {name: known_facts(member) for name, member in value.members.items()}
    facts["item"] = value.item.type if value.item else None
    return {key: fact for key, fact in facts.items() if key not in NOT_FACTS}


def test_the_order_is_the_contracts() -> None:
    assert list(BY_NAME) == list(CONTRACT)
    assert [value.order for value in CATALOGUE] == list(range(len(CONTRACT)))


@pytest.mark.parametrize("name", CONTRACT)
def test_facts_are_the_contracts(name: str) -> None:
    assert known_facts(BY_NAME[name]) == stated_facts(name, CONTRACT[name])
    assert list(BY_NAME[name].members) == list(CONTRACT[name].get("members", {}))


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if "members" in entry])
def test_members_know_their_place(name: str) -> None:
    members = BY_NAME[name].members
    assert [member.order for member in members.values()] == list(range(len(members)))
    assert [member.name for member in members.values()] == list(members)


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if "item" in entry])
def test_plain_items_have_one_member(name: str) -> None:
    item = BY_NAME[name].item
    assert item is not None
    assert (item.name, item.spellings, item.secret) == ("value", ("value",), BY_NAME[name].secret)


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("gpu", ("gpu", "gpuDevices")),
        ("gpuDevices", ("gpu", "gpuDevices")),
        ("gpuMemory", ("gpuMemory",)),
        ("exposedUrls.container", ("container", "containerPort")),
        ("exposedUrls.containerPort", ("container", "containerPort")),
        ("ports.container", ("container",)),
    ],
)
def test_spellings(name: str, spellings: tuple[str, ...]) -> None:
    assert EVERY[name].spellings == spellings


def test_only_aliases_have_two_spellings() -> None:
    assert [name for name, value in EVERY.items() if value.spellings != (value.name,)] == [
        "gpu",
        "gpuDevices",
        "exposedUrls.container",
        "exposedUrls.containerPort",
    ]


def test_rivals_are_the_groups() -> None:
    assert {name: value.rivals for name, value in EVERY.items() if value.rivals} == {
        "autoDeletionTimeAfterCompletionSeconds": ("ttlAfterFinish",),
        "gpu": ("gpuDevices", "gpuMemory", "migProfile"),
        "gpuDevices": ("gpu", "gpuMemory", "migProfile"),
        "gpuMemory": ("gpu", "gpuDevices", "migProfile"),
        "migProfile": ("gpu", "gpuDevices", "gpuMemory"),
        "name": ("namePrefix",),
        "namePrefix": ("name",),
        "nodePool": ("nodePools",),
        "nodePools": ("nodePool",),
        "ttlAfterFinish": ("autoDeletionTimeAfterCompletionSeconds",),
        "exposedUrls.container": ("containerPort",),
        "exposedUrls.containerPort": ("container",),
        "exposedUrls.authorizedUsers": ("authorizedGroups",),
        "exposedUrls.authorizedGroups": ("authorizedUsers",),
    }


@pytest.mark.parametrize("name", EVERY)
def test_descriptions_are_sentences_that_name_what_is_allowed(name: str) -> None:
    value = EVERY[name]
    words = value.description.replace(",", " ").replace(".", " ").replace(":", " ").split()
    bounds = tuple(str(bound) for bound in (value.minimum, value.maximum) if bound is not None)
    assert value.description[0].isupper()
    assert value.description.endswith(".")
    assert [text for text in (*value.enum, *bounds) if (text or '""') not in words] == []
    assert [text for text in (value.looks_like, *value.known) if text not in value.description] == []


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (Type.NUMBER, 'Write a number such as 2 or, in quotes, "0.5"'),
        (Type.QUANTITY, "Write a quantity such as "),
        (Type.DURATION, "such as 90s"),
        (Type.INTEGER, "whole number"),
    ],
    ids=str,
)
def test_descriptions_say_how_amounts_are_written(kind: Type, example: str) -> None:
    amounts = {name: value.description for name, value in EVERY.items() if value.type is kind}
    assert [name for name, description in amounts.items() if example not in description] == []


def test_secrets_are_said_to_be_secret() -> None:
    secrets = [value for name, value in EVERY.items() if value.secret and name != "environment.value"]
    assert [value.name for value in secrets if "never shown" not in value.description] == []


@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_a_block_holds_the_values_of_its_kind(kind: Kind, block: str) -> None:
    here = [value for value in CATALOGUE if kind.letter in value.kinds and (value.master or block == SPEC)]
    assert list(workload_values(kind, block)) == [value.name for value in here if value.workload]
    assert list(policy_values(kind, block)) == [value.name for value in here if value.policy]
    assert all(BY_NAME[name] is value for name, value in workload_values(kind, block).items())


@pytest.mark.parametrize(
    ("name", "workloads", "policies"),
    [
        ("gpu", "ITDFd", "ITDFd"),
        ("jupyter", "I", "I"),
        ("parallelism", "T", "T"),
        ("maxScale", "F", "F"),
        ("mpi", "IT", "IT"),
        ("nonPreemptible", "Dd", "Dd"),
        ("workers", "D", "D"),
        ("baseWorkload", "ITDF", ""),
        ("usage", "ITDF", ""),
        ("totalGpu", "", "ITDF"),
    ],
)
def test_who_has_it(name: str, workloads: str, policies: str) -> None:
    kinds = {"I": INTERACTIVE, "T": TRAINING, "D": DISTRIBUTED, "F": INFERENCE}
    blocks = {letter: (kind, SPEC) for letter, kind in kinds.items()} | {"d": (DISTRIBUTED, MASTER_SPEC)}
    assert "".join(letter for letter, block in blocks.items() if name in workload_values(*block)) == workloads
    assert "".join(letter for letter, block in blocks.items() if name in policy_values(*block)) == policies
