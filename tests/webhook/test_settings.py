from argparse import Namespace
from pathlib import Path

import pytest

from webhook.settings import Bounds, Settings, SettingsError, settings_from


def some_args(**changes: object) -> Namespace:
    given: dict[str, object] = {
        "policies": "p",
        "host": "::1",
        "port": 1,
        "health_port": 2,
        "cert": None,
        "key": None,
        "global_namespace": "g",
    }
    return Namespace(**given | changes)


def test_flags_become_settings() -> None:
    expected = Settings(Path("p"), "::1", 1, 2, Path("c"), Path("k"), "g", Bounds())
    assert settings_from(some_args(cert="c", key="k"), {}) == expected


def test_the_bounds_are_those_of_the_design() -> None:
    bounds = Bounds()
    assert (bounds.request_seconds, bounds.handshake_seconds, bounds.drain_seconds) == (10, 10, 3)
    assert (bounds.header_bytes, bounds.body_bytes) == (32 * 1024, 8 * 1024 * 1024)
    assert bounds.keep_alive_seconds >= 120
    assert bounds.stop_seconds > bounds.request_seconds


def test_variables_change_bounds_and_nothing_else() -> None:
    environ = {
        "WORKLOAD_POLICY_DRAIN_SECONDS": "0.5",
        "WORKLOAD_POLICY_CONNECTIONS": "20",
        "WORKLOAD_POLICY_HOST": "::",
        "DRAIN_SECONDS": "7",
    }
    assert settings_from(some_args(), environ) == settings_from(some_args(), {}).__class__(
        Path("p"), "::1", 1, 2, None, None, "g", Bounds(drain_seconds=0.5, connections=20)
    )


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("DRAIN_SECONDS", "soon", "a number"),
        ("DRAIN_SECONDS", "0", "a number"),
        ("DRAIN_SECONDS", "-1", "a number"),
        ("DRAIN_SECONDS", "nan", "a number"),
        ("DRAIN_SECONDS", "inf", "a number"),
        ("CONNECTIONS", "0.5", "a whole number"),
        ("CONNECTIONS", "inf", "a whole number"),
    ],
)
def test_a_bound_that_makes_no_sense_is_a_sentence(variable: str, text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from(some_args(), {f"WORKLOAD_POLICY_{variable}": text})
    assert str(raised.value) == f"WORKLOAD_POLICY_{variable}: expected {expected} above 0, got {text!r}"


@pytest.mark.parametrize("lonely", ["cert", "key"])
def test_a_certificate_needs_its_key(lonely: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from(some_args(**{lonely: "file"}), {})
    assert str(raised.value) == "--cert and --key go together: give both or neither"
