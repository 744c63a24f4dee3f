"""The grammar of amounts, at its bounds."""

from fractions import Fraction

import pytest

from policies.quantity import Exact, is_binary, parse_duration, parse_quantity, print_number, print_quantity, reduced

QUANTITIES: dict[str, Exact] = {
    "0": 0,
    "-0": 0,
    "+1": 1,
    "007": 7,
    "1": 1,
    "1.0": 1,
    "5.": 5,
    ".5": Fraction(1, 2),
    "-.5": Fraction(-1, 2),
    "0.1": Fraction(1, 10),
    "0.30000000000000000000000000001": Fraction(30000000000000000000000000001, 10**29),
    "1n": Fraction(1, 10**9),
    "1u": Fraction(1, 10**6),
    "1m": Fraction(1, 10**3),
    "1000m": 1,
    "1k": 10**3,
    "1M": 10**6,
    "1G": 10**9,
    "1T": 10**12,
    "1P": 10**15,
    "1E": 10**18,
    "1Ki": 2**10,
    "1Mi": 2**20,
    "1Gi": 2**30,
    "1Ti": 2**40,
    "1Pi": 2**50,
    "1Ei": 2**60,
    "0.5Ki": 512,
    "-1.5Gi": -3 * 2**29,
    "1e3": 1000,
    "1E3": 1000,
    "1e+3": 1000,
    "1e-3": Fraction(1, 1000),
    "1.5e1": 15,
    "1e24": 10**24,
    "1e-24": Fraction(1, 10**24),
    "1e+00024": 10**24,
    "1" * 32: int("1" * 32),
    "1" * 31 + "E": int("1" * 31) * 10**18,
}
NO_QUANTITIES = (
    *("", " ", "1 ", " 1", "1\n", ".", "+", "-", "--1", "+-1", "1.2.3", "1,5", "1_000", "x", "abc"),
    *("1 Gi", "1K", "1g", "1ki", "1KI", "1Gib", "1GB", "1i", "Gi", "1mm", "1e", "e3", "1e3Gi", "1e1.5", "1e3m", "1ee3"),
    *("1e25", "1e-25", "1E99999999999999999999", "1" * 33, "0." + "0" * 31, "0x10", "Infinity", "NaN", "1e3\n"),
    *("\u0661", "1\u0660", "\uff11", "1\u2003", "1\x00"),
)


@pytest.mark.parametrize(("text", "amount"), QUANTITIES.items(), ids=QUANTITIES)
def test_a_quantity(text: str, amount: Exact) -> None:
    assert parse_quantity(text) == amount
    assert type(parse_quantity(text)) is type(amount)


@pytest.mark.parametrize("text", NO_QUANTITIES, ids=ascii)
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a quantity|exponent out of bounds"):
        parse_quantity(text)


DURATIONS = {
    "0": 0,
    "0s": 0,
    "0h0m0s": 0,
    "90s": 90,
    "90m": 5400,
    "3h": 10800,
    "1h30m": 5400,
    "1h5s": 3605,
    "1m5s": 65,
    "1h1m1s": 3661,
    "007s": 7,
    "9999999999s": 9999999999,
    "9999999999h9999999999m9999999999s": 9999999999 * 3661,
}
NO_DURATIONS = (
    *("", "00", "1", "90", "h", "s", "1d", "1ms", "1H", "30m1h", "1s1m", "1h1h", "1.5h", "-1h", "+1h", "1h 1m", " 1h"),
    *("1h\n", "12345678901s", "12345678901h", "\u0661s", "1h30"),
)


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items(), ids=DURATIONS)
def test_a_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", NO_DURATIONS, ids=ascii)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


NUMBERS: dict[str, Exact] = {
    "0": 0,
    "1": 1,
    "1000": 1000,
    "0.5": Fraction(1, 2),
    "0.334": Fraction(1, 3),
    "0.001": Fraction(1, 10**9),
    "1.01": Fraction(101, 100),
    "2": Fraction(19999, 10000),
    "-0.333": Fraction(-1, 3),
    "-1.5": Fraction(-3, 2),
    str(10**24): 10**24,
}


@pytest.mark.parametrize(("text", "amount"), NUMBERS.items(), ids=NUMBERS)
def test_a_number_is_printed_as_a_plain_decimal(text: str, amount: Exact) -> None:
    assert print_number(amount) == text


PRINTED: list[tuple[Exact, bool, str]] = [
    (0, False, "0"),
    (0, True, "0"),
    (1, False, "1"),
    (1000, False, "1k"),
    (1024, False, "1024"),
    (1024, True, "1Ki"),
    (1000, True, "1000"),
    (1536 * 2**20, True, "1536Mi"),
    (2 * 2**30, True, "2Gi"),
    (2**60, True, "1Ei"),
    (2**70, True, "1024Ei"),
    (10**18, False, "1E"),
    (10**21, False, "1000E"),
    (1_500_000, False, "1500k"),
    (Fraction(1, 2), False, "500m"),
    (Fraction(1, 2), True, "500m"),
    (Fraction(1, 3), False, "334m"),
    (Fraction(1, 10**6), False, "1m"),
    (Fraction(9999, 10000), False, "1"),
    (Fraction(3, 2), False, "2"),
    (Fraction(1023 * 2 + 1, 2), True, "1Ki"),
    (Fraction(-1, 2), False, "-500m"),
]


@pytest.mark.parametrize(
    ("amount", "binary", "text"), PRINTED, ids=[f"{amount}-{binary}" for amount, binary, _ in PRINTED]
)
def test_a_quantity_is_printed_in_its_largest_unit(*, amount: Exact, binary: bool, text: str) -> None:
    assert print_quantity(amount, binary=binary) == text


@pytest.mark.parametrize(
    ("text", "binary"), [("1Gi", True), ("1G", False), ("1", False), ("1e3", False), ("1Ki", True)]
)
def test_binary_suffixes(*, text: str, binary: bool) -> None:
    assert is_binary(text) is binary


def test_whole_fractions_are_ints() -> None:
    assert [type(reduced(amount)) for amount in (Fraction(4, 2), Fraction(1, 2), 3)] == [int, Fraction, int]
