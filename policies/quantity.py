"""Kubernetes quantities, numbers and durations: exact, without binary floating point.

The grammar is that of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/:
a signed decimal and a suffix (`Ki` ... `Ei`, `n` ... `E`, or an exponent such as `e3`). Bounded to 32 characters
and exponents within ±24, so that no text is expensive.
"""

import math
import re
from fractions import Fraction
from functools import lru_cache

Exact = int | Fraction

LONGEST = 32
WIDEST_EXPONENT = 24

BINARY = {"Ei": 2**60, "Pi": 2**50, "Ti": 2**40, "Gi": 2**30, "Mi": 2**20, "Ki": 2**10}
DECIMAL = {"E": 10**18, "P": 10**15, "T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3}
FRACTIONAL = {"m": Fraction(1, 10**3), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9)}
SUFFIXES: dict[str, Exact] = {**BINARY, **DECIMAL, **FRACTIONAL, "": 1}

QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]+)|([KMGTPE]i|[numkMGTPE])?)", re.ASCII
)
DURATION = re.compile(r"(?:([0-9]{1,10})h)?(?:([0-9]{1,10})m)?(?:([0-9]{1,10})s)?", re.ASCII)


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Exact:
    """`"1536Mi"` as an exact number. ValueError if it is no quantity or passes the bounds."""
    match = QUANTITY.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        raise ValueError("not a quantity")
    digits, exponent, suffix = match.groups()
    power = int(exponent or 0)
    if abs(power) > WIDEST_EXPONENT:
        raise ValueError("exponent out of bounds")
    return reduced(Fraction(digits) * Fraction(10) ** power * SUFFIXES[suffix or ""])


def is_binary(text: str) -> bool:
    """Whether the quantity is spelled with a binary suffix (`2Gi`)."""
    return text.endswith("i")


def parse_duration(text: str) -> int:
    """`"1h30m"` in seconds. ValueError if it is no duration."""
    if text == "0":
        return 0
    match = DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError("not a duration")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def print_number(amount: Exact) -> str:
    """A plain decimal, rounded up to thousandths: `"0.5"`."""
    thousandths = math.ceil(amount * 1000)
    sign, (whole, rest) = "-" if thousandths < 0 else "", divmod(abs(thousandths), 1000)
    return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".")


def print_quantity(amount: Exact, *, binary: bool) -> str:
    """A whole number of the largest unit that divides it, rounded up: `"1536Mi"`, below 1 `"500m"`."""
    if amount < 1 and (thousandths := math.ceil(amount * 1000)) % 1000:
        return f"{thousandths}m"
    whole = math.ceil(amount)
    units = BINARY if binary else DECIMAL
    divides = (suffix for suffix, size in units.items() if whole and whole % size == 0)
    suffix = next(divides, "")
    return f"{whole // int(SUFFIXES[suffix])}{suffix}"


def reduced(amount: Exact) -> Exact:
    """The same number as an int where it is whole: ints compare faster."""
    return amount.numerator if amount.denominator == 1 else amount
