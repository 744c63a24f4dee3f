"""Manifests as kubectl reads them. Where a test names a value that surprises, Go's decoder gave the same."""

import io
import json
import os
from pathlib import Path

import pytest
import yaml

from workload_policy import documents, kubectl_yaml
from workload_policy.documents import LARGEST_FILE
from workload_policy.manifests import (
    Document,
    Position,
    Reading,
    read_file,
    read_manifests,
)

NOTHING = io.BytesIO()


def read(text: str | bytes) -> Reading:
    return read_file("a.yaml", text if isinstance(text, bytes) else text.encode())


def values(text: str | bytes) -> list[object]:
    reading = read(text)
    assert not reading.errors
    return [document.value for document in reading.documents]


def errors(text: str | bytes) -> list[str]:
    return [str(error) for error in read(text).errors]


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


MANY = """\
# a comment
apiVersion: run.ai/v2alpha1
kind: TrainingWorkload
metadata: {name: x, labels: {a: "1"}}
spec:
  gpu:
    value: 2
  list:
  - one
  - two:
      - three
---
---
# nothing but a comment
---

{"kind": "B",
 "l": [{"c": 1}]}
"""


# --- documents

DOCUMENTS = {
    "one": ("a: 1\n", [{"a": 1}]),
    "nothing": ("", []),
    "comments": ("# c\n---\n# d\n", []),
    "null": ("null\n---\n~\n", []),
    "separated": ("a: 1\n---\nb: 1\n", [{"a": 1}, {"b": 1}]),
    "separator first": ("---\na: 1\n", [{"a": 1}]),
    "separator last": ("a: 1\n---", [{"a": 1}]),
    "separator with a comment": ("a: 1\n--- # c\nb: 1\n---\t#d\nc: 1\n", [{"a": 1}, {"b": 1}, {"c": 1}]),
    "separator that hugs its comment": ("a: 1\n---#c\nb: 1\n", [{"a": 1}, {"b": 1}]),
    "separator in an indented text": ("a: |\n  x\n  ---\n  y\n", [{"a": "x\n---\ny\n"}]),
    "Windows": (b"a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 'd\r\n  e'\r\n", [{"a": 1, "b": "x\ny\n"}, {"c": "d e"}]),
    "old Macintosh": (b"a: 1\rb: 2\r", [{"a": 1, "b": 2}]),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n---\n\xef\xbb\xbfb: 1\n", [{"a": 1}, {"b": 1}]),
    "byte order mark before JSON": (b'\xef\xbb\xbf{"a": 1}', [{"a": 1}]),
    "beyond ASCII": ("ä: 'é😀\u2028'\n", [{"ä": "é😀\u2028"}]),
    "anchors": ("a: &x {b: [1]}\nc: *x\n&k d: *k\n*k : e\n", [{"a": {"b": [1]}, "c": {"b": [1]}, "d": "e"}]),
    "an anchor of a number": ("a: &n 0x10\nb: *n\n*n : c\n", [{"a": 16, "b": 16, "16": "c"}]),
    "an anchor in itself": ("a: &x {b: &x 1}\nc: *x\n", [{"a": {"b": 1}, "c": 1}]),
    "merge": ("a: &x {b: 1, c: 1}\nd:\n  <<: *x\n  c: 2\n", [{"a": {"b": 1, "c": 1}, "d": {"b": 1, "c": 2}}]),
    "merge of several": ("<<: [{a: 1, b: 1}, {b: 2, c: 2}]\n", [{"a": 1, "b": 1, "c": 2}]),
    "merge of aliases": ("x: &x {a: 1}\nz: {<<: [*x, {a: 2, b: 2}]}\n", [{"x": {"a": 1}, "z": {"a": 1, "b": 2}}]),
    "merge that comes last wins": ("a: 1\n<<: {a: 2}\n", [{"a": 2}]),
    "merge by its tag": ("!!merge '<<': {a: 1}\n", [{"a": 1}]),
    "no merge in quotes": ("'<<': {a: 1}\n", [{"<<": {"a": 1}}]),
    "no merge through an alias": ("a: &m <<\n*m : b\n", [{"a": "<<", "<<": "b"}]),
    "tags of collections": (
        "a: !!set {b, c}\nd: !!omap [e: 1]\nf: !!null {}\n",
        [{"a": {"b": None, "c": None}, "d": [{"e": 1}], "f": {}}],
    ),
    "flow": ("{a: [1, {b: c}], 'd': \"e\\tf\\\\/\"}\n", [{"a": [1, {"b": "c"}], "d": "e\tf\\/"}]),
    "question marks": ("a?: b?\n? c\n: {? d : 'e?'}\n", [{"a?": "b?", "c": {"d": "e?"}}]),
    "folded": ("a: >-\n  b\n  c\n\n  d\n", [{"a": "b c\nd"}]),
    "JSON": ('{"a": [1, "b", true, false, null, {}, []]}', [{"a": [1, "b", True, False, None, {}, []]}]),
    "JSON numbers": (
        '{"a": [1.0, 1e3, 0.5, -0, -0.0, 9223372036854775807, 9223372036854775808, 1e21, 1E-2]}',
        [{"a": [1, 1000, 0.5, 0, 0, 9223372036854775807, 9223372036854776000, 1e21, 0.01]}],
    ),
    "JSON strings": (
        r'{"a": "\/\u00e9\ud83d\ude00\ud83d\n\"", "b": "\\", "c": ""}',
        [{"a": '/é😀\ufffd\n"', "b": "\\", "c": ""}],
    ),
    "JSON one after the other": ('{"a":1}{"b":1}\n {"c":1} null', [{"a": 1}, {"b": 1}, {"c": 1}]),
    "JSON, then YAML": ('{"a":1}\n---\nb: yes\n---\n{"c":1}\n', [{"a": 1}, {"b": True}, {"c": 1}]),
    "JSON, then YAML without a separator": ('\n\n {"a":1}\n  b: 1\n  c: 1\n', [{"a": 1}, {"b": 1, "c": 1}]),
    "JSON, then YAML on its line": ('{"a":1} b: 1\nc: 1\n', [{"a": 1}, {"b": 1, "c": 1}]),
    "YAML that looks like JSON": ('{"a": tru, b: NaN, c: 01,}\n', [{"a": "tru", "b": "NaN", "c": 1}]),
    "YAML behind one JSON": ('{"a": 1}\n{"b":}\n', [{"a": 1}, {"b": None}]),
    "a space that does not break": ('\u00a0{"a": 1}', [{"a": 1}]),
}


@pytest.mark.parametrize("case", DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents(case):
    text, expected = case
    assert json.dumps(values(text), sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_a_document_knows_its_file_its_number_and_its_start():
    assert [(document.file, document.index, document.position) for document in read(MANY).documents] == [
        ("a.yaml", 0, Position(2, 1)),
        ("a.yaml", 1, Position(17, 1)),
    ]


# --- places

PLACES = [
    ((), (2, 1)),
    (("kind",), (3, 1)),
    (("metadata", "labels", "a"), (4, 30)),
    (("spec",), (5, 1)),
    (("spec", "gpu"), (6, 3)),
    (("spec", "gpu", "value"), (7, 5)),
    (("spec", "gpu", "unit"), (6, 3)),
    (("spec", "gpu", "value", "deeper"), (7, 5)),
    (("spec", "cpu", "value"), (5, 1)),
    (("spec", "list"), (8, 3)),
    (("spec", "list", 0), (9, 5)),
    (("spec", "list", 1), (10, 5)),
    (("spec", "list", 1, "two", 0), (11, 9)),
    (("spec", "list", 2), (8, 3)),
    (("spec", "list", "0"), (8, 3)),
    (("spec", "list", -1), (8, 3)),
]


@pytest.mark.parametrize(("path", "expected"), PLACES, ids=[".".join(map(str, path)) for path, _ in PLACES])
def test_locate(path, expected):
    assert read(MANY).documents[0].locate(path) == Position(*expected)


LATER_PLACES = {
    "in JSON": (MANY, 1, ("l", 0, "c"), (18, 9)),
    "after JSON": ('{"a": 1}\n---\nb:\n- 1\n', 1, ("b", 0), (4, 3)),
    "on the line of JSON": ('{"a": 1} b: 1\nc: 1\n', 1, ("b",), (1, 10)),
    "below the line of JSON": ('{"a": 1} b: 1\nc: 1\n', 1, ("c",), (2, 1)),
    "in JSON after JSON": ('{"a": 1}\n {"b":\n  {"c": 1}}', 1, ("b", "c"), (3, 4)),
    "after a mark": (b"\xef\xbb\xbfa: 1\r\n---\r\nb: 1\r\n", 1, ("b",), (3, 1)),
    "behind a wide character": ("{😀é: 1, b: 2}\n", 0, ("b",), (1, 9)),
    "under an alias": ("a: &x\n  b: 1\nc: *x\n", 0, ("c",), (3, 1)),
    "inside of an alias": ("a: &x\n  b: 1\nc: *x\n", 0, ("c", "b"), (2, 3)),
    "of an alias in a list": ("a: &x {b: 1}\nc: [*x]\n", 0, ("c", 0), (2, 5)),
    "of what was merged": ("a: &x\n  b: {c: 1}\nd:\n  <<: *x\n", 0, ("d", "b", "c"), (2, 7)),
    "of what the last merge brought": ("<<: [{a: 1},\n {a: 2}]\n", 0, ("a",), (1, 7)),
    "of a key given twice": ("a: 1\na: 2\n", 0, ("a",), (2, 1)),
    "of a key that is no text": ("1: a\nyes: b\n", 0, ("true",), (2, 1)),
}


@pytest.mark.parametrize("case", LATER_PLACES.values(), ids=LATER_PLACES)
def test_locate_everywhere(case):
    text, index, path, expected = case
    assert read(text).documents[index].locate(path) == Position(*expected)


def test_locate_in_a_document_that_was_not_read():
    assert Document("a", 0, Position(3, 4), {"b": 1}).locate(("b",)) == Position(3, 4)


# --- lists


def test_a_list_is_its_items():
    text = """\
kind: A
---
apiVersion: v1
kind: List
items:
- kind: B
- kind: List
  items:
  - kind: C
    d: {e: 1}
  - kind: EmptyList
    items: null
- kind: D
"""
    reading = read(text)
    found = [(item.index, item.value["kind"], item.position) for item in reading.documents]
    assert found == [
        (0, "A", Position(1, 1)),
        (1, "B", Position(6, 3)),
        (1, "C", Position(9, 5)),
        (1, "D", Position(13, 3)),
    ]
    assert reading.documents[2].locate(("d", "e")) == Position(10, 9)


LISTS = {
    "items without a kind": (
        {"kind": "PodList", "apiVersion": "v1", "items": [{"a": 1}, {"kind": ""}]},
        [{"a": 1, "kind": "Pod", "apiVersion": "v1"}, {"kind": "Pod", "apiVersion": "v1"}],
    ),
    "items with a kind or a version": (
        {"kind": "PodList", "apiVersion": "v1", "items": [{"kind": "B"}, {"apiVersion": "v2"}]},
        [{"kind": "B"}, {"apiVersion": "v2"}],
    ),
    "items of a plain List": ({"kind": "List", "apiVersion": "v1", "items": [{"a": 1}]}, [{"a": 1}]),
    "no items": ({"kind": "List"}, [{"kind": "List"}]),
    "another kind": ({"kind": "Shop", "items": [1]}, [{"kind": "Shop", "items": [1]}]),
    "no kind": ({"kind": 5, "items": [1]}, [{"kind": 5, "items": [1]}]),
}


@pytest.mark.parametrize("case", LISTS.values(), ids=LISTS)
def test_lists(case):
    value, expected = case
    assert values(json.dumps(value)) == expected


# --- errors

LONG = "x" * 65

ERRORS = {
    "text": ("\nfoo\n", ["2:1: expected an object, got text"]),
    "a number": ("1.5", ["1:1: expected an object, got a number"]),
    "a list": ("- a\n", ["1:1: expected an object, got a list"]),
    "a word": ("# c\n  yes", ["2:3: expected an object, got true or false"]),
    "several": ("a\n---\n- b\n", ["1:1: expected an object, got text", "3:1: expected an object, got a list"]),
    "items": (
        "kind: List\nitems: [{}, null, 1]\n",
        [
            "2:13: expected an object, got null",
            "2:19: expected an object, got a number",
        ],
    ),
    "no list of items": ("kind: AList\nitems: {}\n", ["2:1: expected a list, got an object"]),
    "a colon": ("a: 1\nb: c: d\n", ["2:5: mapping values are not allowed in this context"]),
    "an indentation": ("a:\n  b: 1\n c: 2\n", ["3:2: did not find expected key"]),
    "a tab": ("a:\n\tb: 1\n", ["2:1: found character that cannot start any token"]),
    "a quote": ("a: 'b\n", ["2:1: found unexpected end of stream"]),
    "a bracket": ("a: [b\nc: d\n", ["2:2: did not find expected ',' or ']'"]),
    "in a later document": ("a: 1\n---\nb: [\n---\nc: 1\n", ["4:1: did not find expected node content"]),
    "a directive": ("%YAML 1.1\n---\na: 1\n", ["2:1: did not find expected <document start>"]),
    "text after a separator": ("a: 1\n--- b\n", ["2:4: expected the end of the line or a comment after ---"]),
    "an escape": ('a: "\\x"\n', ["1:7: did not find expected hexdecimal number"]),
    "half a character": ('a: "\\ud83d"\n', ["1:7: found invalid Unicode character escape code"]),
    "too large a character": ('a: "\\U00110000"\n', ["1:7: found invalid Unicode character escape code"]),
    "an escaped slash": ('a: "b\\/"\n', ["1:4: found unknown escape character"]),
    "a question mark in brackets": (
        "a: [http://b/?c]\n",
        ["1:5: between brackets kubectl reads a question mark only in quotes"],
    ),
    "a control character": ("a: 1\nb: \x7f\n", ["2:4: control characters are not allowed"]),
    "a control character at the start": ("\x01", ["1:1: control characters are not allowed"]),
    "too many marks": ("\ufeff\ufeff\ufeffa: 1\n", ["1:1: a byte order mark does not belong here"]),
    "a mark in the middle": ("a: 1\n\ufeffb: 1\n", ["2:1: a byte order mark does not belong here"]),
    "an unknown alias": ("a: *b\n", ["1:4: this alias has no anchor before it"]),
    "an alias of another document": ("a: &b 1\n---\nc: *b\n", ["3:4: this alias has no anchor before it"]),
    "an endless alias": ("a: &b\n  c: [*b]\n", ["2:7: this alias repeats what it is a part of"]),
    "a merge of text": ("<<: a\n", ["1:5: expected an object, or a list of objects, to merge"]),
    "a merge of nothing": ("<<:\n", ["1:4: expected an object, or a list of objects, to merge"]),
    "a merge of texts": ("a: 1\n<<: [{}, b]\n", ["2:5: expected an object, or a list of objects, to merge"]),
    "a merge of an aliased list": ("a: &b [{}]\n<<: *b\n", ["2:5: expected an object, or a list of objects, to merge"]),
    "a key that is an object": ("a: &b {}\n*b : 1\n", ["2:1: expected text as a key, got an object"]),
    "a JSON number": ('{"a":\n 1e400}', ["2:2: this number does not fit into JSON"]),
    "a long JSON number": ('{"a": -' + "9" * 5000 + "}", ["1:7: this number does not fit into JSON"]),
    "a JSON list": ('{}[{"a":\n1}]', ["1:3: expected an object, got a list"]),
    "JSON that ends": ('{"a": [1,\n', ["2:1: expected a value, got the end of the file"]),
    "a JSON colon": ('{"a": 1}{}{"b" 1}', ["1:16: expected a colon"]),
    "a JSON comma": ('{}{}\n{"a": 1 "b": 2}', ["2:9: expected a comma or }"]),
    "a JSON comma in a list": ('{}{}\n{"a": [1 2]}', ["2:10: expected a comma or ]"]),
    "a JSON comma too many": ('{}{}\n{"a": 1,}', ["2:9: expected a key in double quotes"]),
    "a JSON key": ("{}{}\n{a: 1}", ["2:2: expected a key in double quotes or }"]),
    "a JSON element": ('{}{}\n{"a": [\']}', ["2:8: expected a value or ]"]),
    "a JSON string": (
        '{}{}\n{"a": "\\x"}',
        ["2:7: this string does not end on its line, or holds what JSON does not allow"],
    ),
    "a JSON separator": ("{}\n{}\n---\n{}\n", ["3:1: expected a value"]),
    "neither, JSON came further": ('{"a": "b" "c": 1}', ["1:11: expected a comma or }"]),
    "neither, YAML came further": ("{a: b,\n c: [d}\n", ["2:7: did not find expected ',' or ']'"]),
    "not UTF-8": (b"\xef\xbb\xbfa: 1\n\xc3\xa9: \xff\n", ["2:4: this is not UTF-8"]),
}
FILE_ERRORS = {
    "UTF-16": ("a: 1".encode("utf-16"), "this is UTF-16: save it as UTF-8"),
    "binary": (b"\x7fELF\0\0", "this is a binary file, neither YAML nor JSON"),
    "large": (b" " * (LARGEST_FILE + 1), "larger than 64 MiB"),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_errors(case):
    text, expected = case
    assert errors(text) == [f"a.yaml:{error}" for error in expected]


@pytest.mark.parametrize("case", FILE_ERRORS.values(), ids=FILE_ERRORS)
def test_errors_of_a_whole_file(case):
    data, expected = case
    assert errors(data) == [f"a.yaml: {expected}"]


def test_what_stands_before_an_error_counts():
    reading = read("a: 1\n---\n- b\n---\nc: 1\n---\nd: [\n---\ne: 1\n")
    assert [(document.index, document.value) for document in reading.documents] == [(0, {"a": 1}), (2, {"c": 1})]
    assert len(reading.errors) == 2


def test_an_error_is_a_value_error_with_its_parts():
    (error,) = read("a\n").errors
    assert isinstance(error, ValueError)
    assert (error.file, error.line, error.column) == ("a.yaml", 1, 1)
    assert error.problem == "expected an object, got text"


# --- bounds


def test_nesting_has_a_bound():
    assert len(values("a: " + "[" * 999 + "]" * 999)) == 1
    assert errors("a: " + "[" * 1000 + "]" * 1000) == ["a.yaml:1:1003: nested more than 1,000 levels deep"]
    assert len(values('{"a": ' + "[" * 999 + "]" * 999 + "}")) == 1
    assert errors('{"a": ' + '{"b":' * 1000) == ["a.yaml:1:5002: nested more than 1,000 levels deep"]


def test_nesting_through_aliases_has_the_same_bound():
    lines = ["a0: &a0 " + "[" * 300 + "]" * 300]
    lines += [f"a{n}: &a{n} " + "[" * 300 + f"*a{n - 1}" + "]" * 300 for n in (1, 2, 3)]
    assert errors("\n".join(lines)) == ["a.yaml:4:309: nested more than 1,000 levels deep"]


def test_a_bomb_has_a_bound():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert errors("\n".join(lines)) == ["a.yaml:6:45: more than 1,000,000 values in one file, aliases expanded"]
    assert len(values("\n".join(lines[:5]))) == 1


def test_the_documents_of_a_file_share_one_bound():
    document = "a: &a [" + "x, " * 1000 + "]\nb: [" + "*a, " * 400 + "]\n"
    problem = "more than 1,000,000 values in one file, aliases expanded"
    assert errors("---\n".join([document] * 3)) == [f"a.yaml:8:785: {problem}"]


def test_documents_in_json_share_it_too(monkeypatch):
    monkeypatch.setattr(documents, "MOST_NODES", 10)
    problem = "more than 1,000,000 values in one file, aliases expanded"
    assert errors('{"a": [1, 2, 3]}\n{"b":\n [1, 2, 3]}') == [f"a.yaml:3:6: {problem}"]
    assert errors('{"a": [1, 2, 3]}\n---\nb: [1,\n 2, 3]\n') == [f"a.yaml:4:2: {problem}"]


# --- warnings

WARNINGS = {
    "a key given twice": ("a: 1\nb:\n  c: 1\n  d: 1\n  c: 2\n", ['5:3: key "c" is already set at line 3']),
    "a key given three times": (
        "{a: 1, a: 2,\n a: 3}",
        [
            '1:8: key "a" is already set at line 1',
            '2:2: key "a" is already set at line 1',
        ],
    ),
    "two keys that become one": ("1: a\n'1': b\n", ['2:1: key "1" is already set at line 1']),
    "a merge over a key": ("a: 1\n<<: {b: 1, a: 2}\n", ['2:1: key "a" is already set at line 1']),
    "a key over a merge": ("<<: {a: 1}\n<<: {a: 2}\na: 3\n", []),
    "JSON": ('{"a": 1,\n "a": 2}', ['2:2: key "a" is already set at line 1']),
    "a key of its own kind": (
        f"'{LONG}\\é': 1\n'{LONG}\\é': 2\n",
        [f'2:1: key "{LONG[:64]}..." is already set at line 1'],
    ),
    "in a List": ("kind: List\nitems:\n- a: 1\n  a: 2\n", ['4:3: key "a" is already set at line 3']),
}
UNREAD = {
    "a document": ("a: 1\n...\nb: 1\n", "3:1"),
    "a document after a separator that is no line": ("a: 1\r---\rb: 1\r", "2:1"),
    "what is broken": ("a: 1\n... b\n", "2:5"),
    "what follows nothing": ("# c\n--- #\n~\n...\na: 1\n", "5:1"),
}


@pytest.mark.parametrize("case", WARNINGS.values(), ids=WARNINGS)
def test_warnings(case):
    text, expected = case
    reading = read(text)
    assert not reading.errors
    assert list(reading.warnings) == [f"a.yaml:{warning}: the last one counts" for warning in expected]


@pytest.mark.parametrize("case", UNREAD.values(), ids=UNREAD)
def test_what_kubectl_does_not_read(case):
    text, place = case
    assert read(text).warnings == (
        f"a.yaml:{place}: kubectl does not read what follows the end of a document: it needs a line of --- before it",
    )


# --- files and directories


def test_files_and_stdin(tmp_path):
    written(tmp_path, a_yaml="a: 1\n", b_txt="b: [\n")
    paths = [str(tmp_path / "b.txt"), "-", str(tmp_path / "a.yaml")]
    reading = read_manifests(paths, io.BytesIO(b"c: 1\n---\nd: 1\n"))
    assert [(document.file, document.value) for document in reading.documents] == [
        ("-", {"c": 1}),
        ("-", {"d": 1}),
        (paths[2], {"a": 1}),
    ]
    assert [str(error) for error in reading.errors] == [f"{paths[0]}:2:1: did not find expected node content"]


def test_a_directory_is_walked_in_the_order_of_names(tmp_path):
    written(tmp_path, c_yaml="c: 1", a__z_json='{"z": 1}', a__b__w_yml="w: 1", b_yaml="b: 1\nb: 2\n", n_txt="no")
    written(tmp_path, b__not_yaml__x_yaml="x: 1")
    reading = read_manifests([str(tmp_path)], NOTHING)
    assert [(document.file, document.value) for document in reading.documents] == [
        (f"{tmp_path}/a/b/w.yml", {"w": 1}),
        (f"{tmp_path}/a/z.json", {"z": 1}),
        (f"{tmp_path}/b/not.yaml/x.yaml", {"x": 1}),
        (f"{tmp_path}/b.yaml", {"b": 2}),
        (f"{tmp_path}/c.yaml", {"c": 1}),
    ]
    assert reading.warnings == (f'{tmp_path}/b.yaml:2:1: key "b" is already set at line 1: the last one counts',)


def test_a_relative_directory(tmp_path, monkeypatch):
    written(tmp_path, d__a_yaml="a: 1")
    monkeypatch.chdir(tmp_path)
    assert [document.file for document in read_manifests(["d", "d/", "."], NOTHING).documents] == [
        "d/a.yaml",
        "d/a.yaml",
        "d/a.yaml",
    ]


def test_a_mounted_configmap_is_read_once(tmp_path):
    written(tmp_path, __2024_yaml="", a__ignored="")
    revision = tmp_path / "..2024_01_01"
    revision.mkdir()
    (revision / "policy.yaml").write_text("a: 1\n")
    (tmp_path / "..data").symlink_to(revision.name)
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    found = read_manifests([str(tmp_path)], NOTHING).documents
    assert [document.file for document in found] == [f"{tmp_path}/policy.yaml"]


def test_links_to_directories_are_followed_only_where_they_are_named(tmp_path):
    written(tmp_path, real__a_yaml="a: 1")
    (tmp_path / "real" / "loop.yaml").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("real")
    found = read_manifests([str(tmp_path / "link")], NOTHING).documents
    assert [document.file for document in found] == [f"{tmp_path}/link/a.yaml"]


@pytest.fixture
def deep_directory(tmp_path, monkeypatch):
    """Deeper than Python's recursion, relative to the working directory; pytest could not delete it."""
    monkeypatch.chdir(tmp_path)
    for _ in range(1_200):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(tmp_path)
    yield "d/" * 1_200
    os.removedirs("d/" * 1_200)


def test_a_very_deep_directory(deep_directory):
    manifest = Path(deep_directory, "a.yaml")
    manifest.write_text("a: 1\n")
    found = read_manifests(["d"], NOTHING).documents
    manifest.unlink()
    assert [document.file for document in found] == [f"{deep_directory}a.yaml"]


def test_a_directory_without_manifests(tmp_path):
    written(tmp_path, a__b_txt="a: 1")
    assert read_manifests([str(tmp_path)], NOTHING) == Reading(
        warnings=(f"{tmp_path}: no file in it ends in .yaml, .yml or .json",)
    )


def test_what_the_system_refuses_does_not_keep_the_rest_from_being_read(tmp_path, monkeypatch):
    written(tmp_path, a__x_yaml="x: 1", b__w_yaml="w: 1", z_yaml="z: 1")
    (tmp_path / "dead.yaml").symlink_to("nowhere")
    listed = Path.iterdir

    def iterdir(path):
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    paths = [str(tmp_path), str(tmp_path / "none.yaml"), ""]
    reading = read_manifests(paths, NOTHING)
    assert [document.value for document in reading.documents] == [{"w": 1}, {"z": 1}]
    assert [str(error) for error in reading.errors] == [
        f"{tmp_path}/a: cannot be read: permission denied",
        f"{tmp_path}/dead.yaml: cannot be read: no such file or directory",
        f"{tmp_path}/none.yaml: cannot be read: no such file or directory",
        ": cannot be read: is a directory",
    ]


def test_a_stdin_that_fails():
    class Broken(io.BytesIO):
        def read(self, _size=-1):
            raise OSError

    (error,) = read_manifests(["-"], Broken()).errors
    assert str(error) == "-: cannot be read: unknown reason"


def test_a_large_file_is_not_read_to_its_end(tmp_path):
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(10 * LARGEST_FILE)
    assert [str(error) for error in read_manifests([str(large)], NOTHING).errors] == [f"{large}: larger than 64 MiB"]


# --- without libyaml


@pytest.fixture
def without_libyaml(monkeypatch):
    monkeypatch.setattr(kubectl_yaml, "PARSER", yaml.BaseLoader)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize("case", DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_without_libyaml(case):
    test_documents(case)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize(("path", "expected"), PLACES, ids=[".".join(map(str, path)) for path, _ in PLACES])
def test_locate_without_libyaml(path, expected):
    test_locate(path, expected)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize("case", LATER_PLACES.values(), ids=LATER_PLACES)
def test_locate_everywhere_without_libyaml(case):
    test_locate_everywhere(case)


@pytest.mark.usefixtures("without_libyaml")
def test_errors_without_libyaml():
    assert errors("a: b: c\n") == ["a.yaml:1:5: mapping values are not allowed here"]
    assert errors('a: "\\ud83d"\n') == ["a.yaml:1:4: found invalid Unicode character escape code"]
    assert errors('a:\n  b: "\\UFFFFFFFF"\n') == ["a.yaml:2:4: found invalid Unicode character escape code"]
    assert errors("a: ! 5\n") == []
