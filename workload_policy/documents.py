"""The objects in the bytes of a manifest, found as kubectl finds them: JSON first, then YAML, Lists taken apart."""

import re
from collections.abc import Iterator
from dataclasses import replace

from workload_policy.kubectl_json import JsonReader, NotJsonError
from workload_policy.kubectl_yaml import read_chunk, split_documents
from workload_policy.scalars import type_name
from workload_policy.tree import MOST_NODES, Node, Place, PlacedError, Raw, Tree

LARGEST_FILE = 64 * 1024 * 1024
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
JSON_START = re.compile(r"\s*\{")
REST_OF_LINE = re.compile(r"[^\S\n]*(\n?)")
LIST = "List"


def decode_text(data: bytes) -> str:
    """The text of a file, each line ended by one character."""
    if len(data) > LARGEST_FILE:
        raise PlacedError("larger than 64 MiB")
    if data.startswith(UTF16_MARKS):
        raise PlacedError("this is UTF-16: save it as UTF-8")
    if b"\0" in data:
        raise PlacedError("this is a binary file, neither YAML nor JSON")
    data = data.removeprefix(UTF8_MARK)
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise PlacedError("this is not UTF-8", line, column) from error


def read_documents(text: str) -> Iterator[Tree]:
    """The documents one after the other, without a root where one is empty; what is broken ends them."""
    return read_json(text) if JSON_START.match(text) else read_yaml(text, Place(1, 1), MOST_NODES)


def read_yaml(text: str, start: Place, room: int) -> Iterator[Tree]:
    """The documents of a YAML text that stands at `start` of its file; all together of at most `room` nodes."""
    for chunk in split_documents(text, start):
        tree = read_chunk(chunk, room)
        room -= tree.count
        yield tree


def read_json(text: str) -> Iterator[Tree]:
    """The values of a text that begins as JSON does; kubectl goes on in YAML if the first or the second is no JSON."""
    reader, room, count = JsonReader(text), MOST_NODES, 0
    while True:
        ahead = replace(reader)
        try:
            tree = ahead.read_value(room)
        except NotJsonError as error:
            if count > 1:
                raise
            yield from read_yaml_instead(reader, room, error)
            return
        if tree is None:
            return
        reader, room, count = ahead, room - tree.count, count + 1
        yield tree


def read_yaml_instead(reader: JsonReader, room: int, json_error: PlacedError) -> Iterator[Tree]:
    """The rest of a text in YAML; if it is neither, the error is that of the attempt that came further."""
    reader.skip(REST_OF_LINE)
    try:
        yield from read_yaml(reader.text[reader.position :], reader.place(), room)
    except PlacedError as yaml_error:
        raise max(json_error, yaml_error, key=lambda error: (error.line, error.column)) from None


def objects_in(root: Node, errors: list[PlacedError]) -> Iterator[Node]:
    """The object of a document, or those of a List and of the Lists in it; what is no object joins the errors."""
    pending = [root]
    while pending:
        node = pending.pop()
        try:
            items = list_items(node)
        except PlacedError as error:
            errors.append(error)
            continue
        if items is None:
            yield node
        else:
            pending += reversed(items)


def list_items(node: Node) -> list[Node] | None:
    """The items if the object is a List; those of a PodList need not say that they are Pods."""
    value, place = node.value, node.place
    if type(value) is not dict:
        raise PlacedError(f"expected an object, got {type_name(value)}", place.line, place.column)
    kind = value.get("kind")
    if type(kind) is not str or not kind.endswith(LIST) or "items" not in value:
        return None
    items, place = value["items"], place.inner["items"]
    if items is None:
        return []
    if type(items) is not list:
        raise PlacedError(f"expected a list, got {type_name(items)}", place.line, place.column)
    kind_of_items = {"kind": kind.removesuffix(LIST), "apiVersion": value.get("apiVersion", "")}
    return [Node(with_kind(item, kind_of_items), place.inner[number]) for number, item in enumerate(items)]


def with_kind(item: Raw, kind_of_items: dict[str, Raw]) -> Raw:
    """The item; if it says neither its kind nor its apiVersion, with those that its List implies."""
    if type(item) is not dict or item.get("kind") or item.get("apiVersion") or not kind_of_items["kind"]:
        return item
    return item | kind_of_items
