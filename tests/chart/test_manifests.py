"""The generated files are current, the CRDs are the generated ones, and selectors find what they are meant to."""

import json
import tomllib

import pytest
import yaml
from rendering import (
    API_SERVER,
    CHART,
    GOLDEN,
    INSTALL,
    ROOT,
    VALUE_SETS,
    Object,
    find,
    install_text,
    objects_in,
    render,
)

REGENERATE = "run `make manifests`, and read what `git diff` says"
CLIENT_SIDE_APPLY = 256 * 1024
KEPT = {"helm.sh/resource-policy": "keep"}
CRD_FILES = sorted((CHART / "files" / "crds").glob("*.yaml"))
SELECTING = {
    "Deployment": ("matchLabels",),
    "PodDisruptionBudget": ("matchLabels",),
    "Service": (),
}


@pytest.mark.parametrize("name", VALUE_SETS)
def test_golden_files_are_current(name: str, rendered: dict[str, list[Object]]) -> None:
    assert rendered[name] == objects_in((GOLDEN / f"{name}.yaml").read_text()), REGENERATE


def test_plain_manifests_are_current() -> None:
    assert objects_in(INSTALL.read_text()) == objects_in(install_text()), REGENERATE


def test_plain_manifests_begin_with_the_namespace_and_hold_no_hook() -> None:
    text = INSTALL.read_text()
    first = objects_in(text)[0]
    assert (first["kind"], first["metadata"]["name"]) == ("Namespace", "workload-policy")
    assert "helm.sh/hook" not in text


def test_crds_are_the_generated_ones_and_stay() -> None:
    crds = [it for it in render(API_SERVER) if it["kind"] == "CustomResourceDefinition"]
    [*generated] = [objects_in(file.read_text())[0] for file in CRD_FILES]
    for crd in generated:
        crd["metadata"]["annotations"] = KEPT
    assert sorted(crds, key=lambda crd: crd["metadata"]["name"]) == generated
    assert [crd for crd in crds if len(json.dumps(crd, separators=(",", ":"))) >= CLIENT_SIDE_APPLY] == []


def test_crds_of_a_vendor_are_left_alone(default: list[Object]) -> None:
    assert [it for it in default if it["kind"] == "CustomResourceDefinition"] == []


def test_versions_agree() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])
    assert chart["kubeVersion"] == ">=1.30.0-0"


def selectors(objects: list[Object]) -> dict[str, dict[str, str]]:
    """Whatever is to find the webhook's pods, by what looks for them."""
    pod = find(objects, "Deployment")["spec"]["template"]["spec"]
    spread = {f"spread {it['topologyKey']}": it["labelSelector"] for it in pod["topologySpreadConstraints"]}
    found = {kind: find(objects, kind)["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget")}
    found["NetworkPolicy"] = find(objects, "NetworkPolicy")["spec"]["podSelector"]
    services = {it["metadata"]["name"]: it["spec"]["selector"] for it in objects if it["kind"] == "Service"}
    return {what: selector["matchLabels"] for what, selector in {**found, **spread}.items()} | services


def test_selectors_find_the_webhook_and_no_other_pod(rendered: dict[str, list[Object]]) -> None:
    objects = rendered["everything"]
    ours = find(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    others = [
        find(objects, "Job", "workload-policy-unregister")["spec"]["template"]["metadata"]["labels"],
        find(objects, "Pod", "workload-policy-test")["metadata"]["labels"],
    ]
    asked = selectors(objects)
    assert len(asked) == 7
    assert {what for what, labels in asked.items() if not labels.items() <= ours.items()} == set()
    assert {what for what, labels in asked.items() if any(labels.items() <= it.items() for it in others)} == set()


def test_names_refer_to_what_is_there(rendered: dict[str, list[Object]]) -> None:
    objects = rendered["everything"]
    accounts = {it["metadata"]["name"] for it in objects if it["kind"] == "ServiceAccount"}
    bindings = [it for it in objects if it["kind"].endswith("Binding")]
    named = {subject["name"] for binding in bindings for subject in binding["subjects"]}
    roles = {(it["kind"], it["metadata"]["name"]) for it in objects}
    assert named == accounts
    assert {(it["roleRef"]["kind"], it["roleRef"]["name"]) for it in bindings} <= roles
