"""values.yaml says what each value does; values.schema.json refuses what is none, in words that help."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest
import yaml
from rendering import API_SERVER, CHART, NAMESPACE, NO_CRDS, ChartError, Values, render, run_helm

from webhook.settings import Bounds

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
OPEN = {"nodeSelector", "affinity", "podAnnotations", "labels", "issuerRef", "bounds", "requests", "limits"}

REFUSED: dict[str, tuple[Values, str]] = {
    "a typo": ({"replica": 3}, "additional properties 'replica' not allowed"),
    "a typo within": (
        {"webhook": {"failPolicy": "Fail"}},
        "at '/webhook': additional properties 'failPolicy' not allowed",
    ),
    "an unknown bound": ({"bounds": {"drain": 3}}, "at '/bounds': additional properties 'drain' not allowed"),
    "a bound of 0": ({"bounds": {"drainSeconds": 0}}, "at '/bounds/drainSeconds': exclusiveMinimum: got 0, want 0"),
    "text for a list": ({"exemptNamespaces": "a"}, "at '/exemptNamespaces': got string, want array"),
    "no namespace": ({"exemptNamespaces": ["A b"]}, "at '/exemptNamespaces/0': 'A b' does not match pattern"),
    "a URL without TLS": ({"webhook": {"url": "http://a"}}, "at '/webhook/url': 'http://a' does not match pattern"),
    "an unknown failure policy": (
        {"webhook": {"failurePolicy": "fail"}},
        "at '/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'",
    ),
    "a timeout that no API server takes": (
        {"webhook": {"timeoutSeconds": 31}},
        "at '/webhook/timeoutSeconds': maximum: got 31, want 30",
    ),
    "a tag for a digest": ({"image": {"digest": "1.2"}}, "at '/image/digest': '1.2' does not match pattern"),
    "an address for a network": (
        {"networkPolicy": {"apiServerCIDRs": ["10.0.0.1"]}},
        "at '/networkPolicy/apiServerCIDRs/0': '10.0.0.1' does not match pattern",
    ),
    "a peer that is everybody": (
        {"networkPolicy": {"metricsFrom": [{}]}},
        "at '/networkPolicy/metricsFrom/0': minProperties: got 0, want 1",
    ),
    "no address of the API server": (
        {"networkPolicy": {"apiServerCIDRs": []}},
        "networkPolicy.apiServerCIDRs is empty: name the addresses that the API server calls from, such as 10.0.0.0/28",
    ),
    "nobody may read the metrics": (
        {"serviceMonitor": {"enabled": True}},
        "serviceMonitor.enabled: name by networkPolicy.metricsFrom who may read the metrics",
    ),
    "the webhook is nowhere": (
        {"deployment": {"enabled": False}},
        "deployment.enabled is false: say by webhook.url where the webhook runs, such as https://10.0.0.7:8443",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    values, words = REFUSED[name]
    with pytest.raises(ChartError, match=re.escape(words)):
        render(NO_CRDS | API_SERVER | values)


def test_the_chart_is_clean() -> None:
    said = run_helm("lint", "--strict", CHART, values=API_SERVER)
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said


def paths(node: Any, prefix: str = "") -> set[str]:
    """The path of every value in some defaults, those within free-form ones excepted."""
    if not isinstance(node, dict) or prefix.rpartition(".")[2] in OPEN:
        return {prefix}
    return {path for name, below in node.items() for path in paths(below, f"{prefix}.{name}")}


def schema_paths(node: Any, prefix: str = "") -> set[str]:
    """The same of the schema."""
    if "properties" not in node or prefix.rpartition(".")[2] in OPEN:
        return {prefix}
    return {path for name, below in node["properties"].items() for path in schema_paths(below, f"{prefix}.{name}")}


def test_every_value_has_a_default_and_a_schema() -> None:
    assert schema_paths(SCHEMA) == paths(DEFAULTS) | {".global"}


def test_bounds_are_those_of_the_settings() -> None:
    words = [field.name.split("_") for field in fields(Bounds)]
    names = [first + "".join(map(str.capitalize, rest)) for first, *rest in words]
    assert sorted(SCHEMA["properties"]["bounds"]["properties"]) == sorted(names)


def notes(values: Values) -> str:
    """What Helm prints after an installation."""
    said = run_helm("install", NAMESPACE, CHART, "--dry-run=client", values=NO_CRDS | API_SERVER | values)
    return said.partition("\nNOTES:\n")[2]


def test_notes_say_that_writing_policies_is_an_administrators_right() -> None:
    said = notes({})
    assert "--clusterrole=workload-policy-admin" in said
    assert "No role of\nKubernetes' own (admin and edit included) may." in said
    assert "failurePolicy is Ignore" not in said


def test_notes_warn_of_an_open_port_and_of_a_broken_glass() -> None:
    said = notes({"networkPolicy": {"enabled": False}, "webhook": {"failurePolicy": "Ignore"}})
    assert "every pod of the cluster can reach the admission port" in said
    assert "failurePolicy is Ignore: while no replica answers, everything is admitted unjudged." in said
