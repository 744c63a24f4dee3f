"""Edits -> JSON Patch (RFC 6902)."""

from collections.abc import Iterable
from typing import Any

from policies.decide import Edit


def json_patch(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """One `add` for each edit, in their order."""
    return [{"op": "add", "path": json_pointer(edit.path), "value": edit.value} for edit in edits]


def json_pointer(path: Iterable[str]) -> str:
    """Keys as a JSON Pointer (RFC 6901): `~` and `/` escaped."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
