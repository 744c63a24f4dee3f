"""Every golden case through the webhook: mutate, apply the patch, mutate again, validate."""

from typing import Any

import pytest
from golden import answer_to, as_text, expected_of, load_cases

LISTED = list(load_cases())
CASES = dict(LISTED)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: dict[str, Any]) -> None:
    answer = answer_to(case)
    assert as_text(answer) == as_text(expected_of(case, answer))


def test_names_are_unique() -> None:
    assert len(CASES) == len(LISTED)
