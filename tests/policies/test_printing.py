"""What a message prints."""

import pytest

from policies.printing import label_step, print_few, print_labels, print_text

TEXTS = {
    "a": "a",
    "AZaz09._:/@+*-": "AZaz09._:/@+*-",
    "": '""',
    " ": '" "',
    "a b": '"a b"',
    "a,b": '"a,b"',
    'a"b\\': '"a\\"b\\\\"',
    "a\nb\tc": '"a\\nb\\tc"',
    "\x00\x1b\x7f\x85": '"\\u0000\\u001b\\u007f\\u0085"',
    "ä\u2028": '"\\u00e4\\u2028"',
    "\U0001f600": '"\\ud83d\\ude00"',
    "\ud800": '"\\ud800"',
    "a" * 64: "a" * 64,
    "a" * 65: '"' + "a" * 64 + '..."',
    " " * 64: '"' + " " * 64 + '"',
    "ä" * 65: '"' + "\\u00e4" * 64 + '..."',
    "a" * 63 + '"b': '"' + "a" * 63 + '\\"..."',
    "\uff41": '"\\uff41"',
}
LABELS = {
    "http": ".http",
    "a_B-9": ".a_B-9",
    "a" * 64: "." + "a" * 64,
    "": '[""]',
    "a.b": "[a.b]",
    "run.ai/owner": "[run.ai/owner]",
    "a b": '["a b"]',
    "a" * 65: '["' + "a" * 64 + '..."]',
    "a\n": '["a\\n"]',
    "é": '["\\u00e9"]',
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.items(), ids=map(ascii, TEXTS))
def test_a_text(text: str, shown: str) -> None:
    assert print_text(text) == shown


@pytest.mark.parametrize(("label", "step"), LABELS.items(), ids=map(ascii, LABELS))
def test_a_label_as_a_step(label: str, step: str) -> None:
    assert label_step(label) == step


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, ""),
        (1, "a"),
        (3, "a, b, c"),
        (10, "a, b, c, d, e, f, g, h, i, j"),
        (13, "a, b, c, d, e, f, g, h, i, j and 3 more"),
    ],
)
def test_ten_of_anything(count: int, shown: str) -> None:
    assert print_few("abcdefghijklm"[:count]) == shown


def test_labels_are_sorted_by_code_point() -> None:
    assert print_labels(["b", "a", "é", "Z", "a b"]) == 'Z, a, "a b", b, "\\u00e9"'
