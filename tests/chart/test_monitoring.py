"""The dashboard and the alerts ask for metrics and labels that the webhook has."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from rendering import CHART, NO_CRDS, ROOT, Object, find, render

from webhook.metrics import Meters

DASHBOARD = json.loads((CHART / "dashboards" / "workload-policy.json").read_text())
ALERTS = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
TARGET_LABELS = {"namespace", "pod", "le"}
# What the parts that talk to a cluster will export, with its labels; whatever is there is to be dropped here.
ANNOUNCED = {
    "workload_policy_policies": {"kind", "state"},
    "workload_policy_api_server_reachable": set(),
    "workload_policy_watch_restarts_total": {"kind"},
    "workload_policy_certificate_expiry_timestamp_seconds": {"certificate"},
    "workload_policy_webhook_configuration_writes_total": set(),
    "workload_policy_status_writes_total": set(),
}


def queries() -> Iterator[tuple[str, str]]:
    """Every query, with the title of what shows it."""
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        yield variable["name"], variable["query"]
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]


QUERIES = [(title, query) for title, query in queries() if query != "prometheus"]


def exported() -> dict[str, set[str]]:
    """The labels of every time series that the webhook exports, by its name."""
    registry = CollectorRegistry()
    Meters(registry, time.time)
    collectors: dict[str, Any] = registry._names_to_collectors
    return {name: set(collector._labelnames) for name, collector in collectors.items()}


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_query_asks_for_what_there_is(title: str, query: str) -> None:
    series, asked = exported() | ANNOUNCED, set(re.findall(r"workload_policy_\w+", query))
    assert asked - series.keys() == set(), title
    grouped = {label for group in re.findall(r" by \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
    matched = set(re.findall(r"(\w+)=~?\"", query))
    assert grouped | matched <= TARGET_LABELS.union(*(series[name] for name in asked))


def test_what_is_announced_is_not_there_yet() -> None:
    series = exported()
    assert {name for name, labels in ANNOUNCED.items() if series.get(name) == labels} == set(), "drop it from ANNOUNCED"


def test_the_page_for_operators_has_the_metrics_and_their_labels() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"(?m)^\| `(workload_policy_\w+)` \| (.*?) ?\|", page)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    histogram = {"workload_policy_review_duration_seconds": {"endpoint"}}
    series = exported() | ANNOUNCED | histogram
    assert told == {name: series[name] for name in told}
    assert told.keys() >= ANNOUNCED.keys() | histogram.keys()


def test_legends_name_labels_that_their_query_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf" by \([^)]*\b{label}\b", target["expr"]), (panel["title"], label)


def test_every_metric_of_the_cluster_is_shown() -> None:
    shown = {re.sub("_bucket$", "", name) for _, query in QUERIES for name in re.findall(r"workload_policy_\w+", query)}
    families = {re.sub("_(bucket|sum|count|created)$", "", name) for name in exported()}
    counters = {name for name in families if f"{name}_total" in families}
    assert {name for name in families - counters - shown if "source" not in name} == set()


def test_panels_lie_beside_each_other() -> None:
    taken = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_dashboard_is_a_config_map_for_the_sidecar() -> None:
    objects = render(NO_CRDS | {"networkPolicy": {"enabled": False}, "dashboard": {"enabled": True}})
    found = find(objects, "ConfigMap", "workload-policy-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name: json.loads(text) for name, text in found["data"].items()} == {"workload-policy.json": DASHBOARD}


def test_monitoring_is_off_by_default(default: list[Object]) -> None:
    assert {it["kind"] for it in default} & {"ServiceMonitor", "PrometheusRule", "ConfigMap"} == set()


def test_replicas_that_are_not_ready_are_read_too(rendered: dict[str, list[Object]]) -> None:
    objects = rendered["everything"]
    service = find(objects, "Service", "workload-policy-metrics")
    monitor = find(objects, "ServiceMonitor")
    assert (service["spec"]["publishNotReadyAddresses"], service["spec"]["clusterIP"]) == (True, "None")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert not (
        monitor["spec"]["selector"]["matchLabels"].items() <= find(objects, "Service")["metadata"]["labels"].items()
    )
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["endpoints"] == [
        {"port": "health", "path": "/metrics", "interval": "30s", "honorLabels": True}
    ]


def test_alerts_are_rendered_as_they_are_written(rendered: dict[str, list[Object]]) -> None:
    [group] = find(rendered["everything"], "PrometheusRule")["spec"]["groups"]
    assert group == {"name": "workload-policy", "rules": ALERTS}
