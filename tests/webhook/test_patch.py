"""Edits as JSON Patch."""

from typing import Any

import jsonpatch
import pytest

from policies.decide import Edit
from webhook.patch import json_patch, json_pointer


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ((), ""),
        (("spec",), "/spec"),
        (("spec", "gpu", "value"), "/spec/gpu/value"),
        (("a/b",), "/a~1b"),
        (("a~b",), "/a~0b"),
        (("~1",), "/~01"),
        (("/0~",), "/~10~0"),
        (("", ""), "//"),
        (("a b", 'q"', "\u00e9", "-"), '/a b/q"/\u00e9/-'),
    ],
    ids=str,
)
def test_pointer(path: tuple[str, ...], pointer: str) -> None:
    assert json_pointer(path) == pointer


def test_no_edits() -> None:
    assert json_patch([]) == []


@pytest.mark.parametrize("value", [None, 0, "", [], {}, {"value": "1"}], ids=repr)
def test_each_edit_is_an_add_in_their_order(value: Any) -> None:
    assert json_patch([Edit(("spec", "b"), value), Edit(("spec", "a/b"), 1)]) == [
        {"op": "add", "path": "/spec/b", "value": value},
        {"op": "add", "path": "/spec/a~1b", "value": 1},
    ]


@pytest.mark.parametrize("key", ["a", "a/b", "a~b", "~1", "~0", "", "-", "0", "\u00e9 b"])
def test_a_patch_adds_what_the_path_says(key: str) -> None:
    patch = json_patch([Edit(("labels", key), "x")])
    assert jsonpatch.apply_patch({"labels": {}}, patch) == {"labels": {key: "x"}}
