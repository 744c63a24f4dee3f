"""What a YAML scalar is to kubectl: YAML 1.1 as go.yaml.in/yaml/v2 resolves it, then JSON as Go prints it.

Checked against sigs.k8s.io/yaml 1.6.0; the tests hold what it answered.
"""

import binascii
import math
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Scalar = Any  # str | int | float | bool | None

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
NUMERIC_START = frozenset("+-0123456789")
INTEGERS = (
    (re.compile(r"([+-]?)(0|[1-9][0-9]{0,19})"), 10),
    (re.compile(r"([+-]?)0[oO]?([0-7]+)"), 8),
    (re.compile(r"([+-]?)0[xX]([0-9a-fA-F]+)"), 16),
    (re.compile(r"([+-]?)0[bB]([01]+)"), 2),
    (re.compile(r"0b([+-])([01]+)"), 2),  # go-yaml reads what follows a 0b a second time: 0b-1 is -1
)
FLOAT = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?")
POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?")
TIMESTAMP = re.compile(
    r"[0-9]{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12][0-9]|3[01])"
    r"(?:[Tt][0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})| [0-9:.]+)?"
)

INT64 = range(-(2**63), 2**63)
UINT64 = range(2**64)
NUMBERS = frozenset((int, float))
LARGEST_PLAIN = 1e21  # from here on Go's JSON encoder writes an exponent
TAG_NAMES: dict[type, str] = {
    str: "!!str",
    int: "!!int",
    float: "!!float",
    bool: "!!bool",
    type(None): "!!null",
}
TYPE_NAMES: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "an object",
}


def natural_scalar(text: str) -> Scalar:
    """What a plain scalar without a tag stands for; integers may exceed 63 bits, floats may be infinite."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in NUMERIC_START:
        return _natural_number(text)
    if POINT_FLOAT.fullmatch(text):
        return _finite(text, float(text))
    return text


def _natural_number(text: str) -> Scalar:
    digits = text.replace("_", "")
    for pattern, base in INTEGERS:
        match = pattern.fullmatch(digits)
        if match and _fits(match[1], number := int(match[1] + match[2], base)):
            return number
    return _finite(text, float(digits)) if FLOAT.fullmatch(digits) else text


def _fits(sign: str, number: int) -> bool:
    return number in INT64 or (not sign and number in UINT64)


def _finite(text: str, number: float) -> Scalar:
    """The number, or the text where the number is too large for a float."""
    return text if math.isinf(number) else number


def tagged_scalar(tag: str, text: str) -> Scalar:
    """What a scalar under an explicit tag stands for; an unknown tag leaves it text."""
    read = TAGS.get(tag)
    return read(text) if read else text


def _natural_only(name: str, *types: type) -> Callable[[str], Scalar]:
    """A reader of the scalars that are of one of these types by nature."""

    def read(text: str) -> Scalar:
        value = natural_scalar(text)
        if type(value) not in types:
            raise ValueError(f"its tag says {name}, but it is {TAG_NAMES[type(value)]}")
        return value

    return read


def _tagged_float(text: str) -> float:
    value = _natural_only("!!float", int, float)(text)
    if type(value) is int and value not in INT64:
        raise ValueError("its tag says !!float, but it is !!int of more than 63 bits")
    return float(value)


def _tagged_timestamp(text: str) -> str:
    if not TIMESTAMP.fullmatch(text):
        raise ValueError("its tag says !!timestamp, but it is none")
    return text


def _tagged_binary(text: str) -> str:
    """The bytes behind base64 as text, each byte that is not UTF-8 replaced as Go's JSON encoder does."""
    try:
        decoded = binascii.a2b_base64(text.replace("\n", "").replace("\r", ""), strict_mode=True)
    except ValueError as error:
        raise ValueError("its tag says !!binary, but it is no base64") from error
    return replace_surrogates(decoded.decode("utf-8", "surrogateescape"))


TAGS: dict[str, Callable[[str], Scalar]] = {
    "tag:yaml.org,2002:bool": _natural_only("!!bool", bool),
    "tag:yaml.org,2002:int": _natural_only("!!int", int),
    "tag:yaml.org,2002:float": _tagged_float,
    "tag:yaml.org,2002:null": _natural_only("!!null", type(None)),
    "tag:yaml.org,2002:timestamp": _tagged_timestamp,
    "tag:yaml.org,2002:binary": _tagged_binary,
}

SURROGATE = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    """The text with U+FFFD for halves of characters, which no UTF-8 can hold."""
    return SURROGATE.sub("\ufffd", text)


def json_scalar(value: Scalar) -> Scalar:
    """A scalar as it comes out of Go's JSON encoder: only numbers change."""
    return json_number(value) if type(value) in NUMBERS else value


def json_number(number: float) -> int | float:
    """A number as Go's JSON encoder prints it: 1e3 as 1000, of more than 63 bits only the digits of a float."""
    if type(number) is int and number in INT64:
        return number
    rounded = float(number)
    if not math.isfinite(rounded):
        raise ValueError("this number does not fit into JSON")
    if rounded.is_integer() and abs(rounded) < LARGEST_PLAIN:
        return int(Decimal(repr(rounded)))  # int(rounded) has digits where Go's shortest form has zeros
    return rounded


def json_key(key: Scalar) -> str:
    """A scalar as the key of a JSON object."""
    if type(key) is str:
        return key
    if type(key) is bool:
        return "true" if key else "false"
    if type(key) is float:
        return _short_float(key)
    if type(key) is int and key in INT64:
        return str(key)
    got = "a number of more than 63 bits" if type(key) is int else type_name(key)
    raise ValueError(f"expected text as a key, got {got}")


def type_name(value: object) -> str:
    """What a value is, in the words of a message."""
    return TYPE_NAMES[type(value)]


def _short_float(number: float) -> str:
    """The shortest digits that 32 bits need, as go-yaml prints a float: 1.5, 1e+06, .inf."""
    narrow = _narrow(number)
    if not math.isfinite(narrow):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[repr(narrow)]
    digits = next(count for count in range(9) if _narrow(float(f"{narrow:.{count}e}")) == narrow)
    scientific = f"{narrow:.{digits}e}"
    exponent = int(scientific.partition("e")[2])
    return f"{narrow:.{max(digits - exponent, 0)}f}" if -4 <= exponent < 6 else scientific


def _narrow(number: float) -> float:
    """The number rounded to 32 bits, infinite if it is too large: struct's native format does not check."""
    return float(struct.unpack("f", struct.pack("f", number))[0])
