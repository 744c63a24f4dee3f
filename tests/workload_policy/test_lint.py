from typing import Any, NamedTuple

import pytest


def a_policy(spec: str, name: str = "p", namespace: str = ", namespace: runai-a", version: str = "v2alpha1") -> str:
    head = f"---\napiVersion: run.ai/{version}\nkind: TrainingPolicy\n"
    return f"{head}metadata: {{name: {name}{namespace}}}\nspec: {{{spec}}}\n"


def a_workload(spec: str, name: str = "job", namespace: str = "runai-a") -> str:
    head = "---\napiVersion: run.ai/v2alpha1\nkind: TrainingWorkload\n"
    return f"{head}metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"


CEILING = 'gpu: {rules: {max: "5"}}'
IN_GLOBAL = ", namespace: runai"


class Case(NamedTuple):
    """A file, and what `lint` says of it."""

    text: str
    status: int
    out: str
    err: str = ""


REPORTS: dict[str, Case] = {
    "a sound policy": Case(
        a_policy(CEILING),
        0,
        """\
        accepted  TrainingPolicy runai-a/p  (p.yaml:2)

        1 accepted, 0 refused, 0 skipped
        """,
    ),
    "every problem of section 7, in catalogue order": Case(
        a_policy("gpu: {rules: {min: '4', max: '1'}}, cpu: {value: x}, gpuu: {}").replace("spec:", "spek: {}\nspec:"),
        1,
        """\
        refused   TrainingPolicy runai-a/p  (p.yaml:2)
                  spec.cpu.value: must be a number such as 2 or "0.5"
                  spec.gpu.rules: min 4 is above max 1
                  spec.gpuu: unknown field, did you mean gpu?
                  spek: unknown field, did you mean spec?

        0 accepted, 1 refused, 0 skipped
        """,
    ),
    "of a place that the schema refuses only the schema's line": Case(
        a_policy("gpu: {rules: {max: 0.5, min: lots}}"),
        1,
        """\
        refused   TrainingPolicy runai-a/p  (p.yaml:2)
                  spec.gpu.rules.max: must be a whole number or text, not a fraction: write "0.5" in quotes
                  spec.gpu.rules.min: must be a number such as 2 or "0.5"

        0 accepted, 1 refused, 0 skipped
        """,
    ),
    "another version": Case(
        a_policy("gpuu: {}", version="v1"),
        1,
        """\
        refused   TrainingPolicy runai-a/p  (p.yaml:2)
                  apiVersion: must be run.ai/v2alpha1

        0 accepted, 1 refused, 0 skipped
        """,
    ),
    "a second one of a kind in a namespace": Case(
        a_policy(CEILING, "z")
        + a_policy(CEILING, "a")
        + a_policy(CEILING, "z")
        + a_policy(CEILING, "b", IN_GLOBAL)
        + a_policy("gpuu: {}", "c").replace("Training", "Interactive"),
        1,
        """\
        accepted  TrainingPolicy runai-a/z  (p.yaml:2)
        refused   TrainingPolicy runai-a/a  (p.yaml:7)
                  metadata.namespace: TrainingPolicy z already governs runai-a
        accepted  TrainingPolicy runai-a/z  (p.yaml:12)
        accepted  TrainingPolicy runai/b  (p.yaml:17)
        refused   InteractivePolicy runai-a/c  (p.yaml:22)
                  spec.gpuu: unknown field, did you mean gpu?

        3 accepted, 2 refused, 0 skipped
        """,
    ),
    "one of another version takes no place": Case(
        a_policy(CEILING, "z", version="v1") + a_policy(CEILING, "a"),
        1,
        """\
        refused   TrainingPolicy runai-a/z  (p.yaml:2)
                  apiVersion: must be run.ai/v2alpha1
        accepted  TrainingPolicy runai-a/a  (p.yaml:7)

        1 accepted, 1 refused, 0 skipped
        """,
    ),
    "workloads in its reach": Case(
        a_workload("gpu: {value: 6}")
        + a_policy(CEILING)
        + a_policy(CEILING, "g", IN_GLOBAL)
        + a_workload("gpu: {value: 7}, cpu: {value: x}", namespace="runai-b")
        + a_workload("gpu: {value: 1}", "ok"),
        0,
        """\
        accepted  TrainingPolicy runai-a/p  (p.yaml:7)
                  warning: would refuse runai-a/job: gpu: must be no greater than 5
        accepted  TrainingPolicy runai/g  (p.yaml:12)
                  warning: would refuse runai-b/job: gpu: must be no greater than 5

        2 accepted, 0 refused, 0 skipped
        """,
    ),
    "a refused policy is not tried": Case(
        a_workload("gpu: {value: 6}") + a_policy(CEILING + ", gpuu: {}"),
        1,
        """\
        refused   TrainingPolicy runai-a/p  (p.yaml:7)
                  spec.gpuu: unknown field, did you mean gpu?

        0 accepted, 1 refused, 0 skipped
        """,
    ),
    "a workload twice, one without a name, one of another version": Case(
        a_policy(CEILING)
        + a_workload("gpu: {value: 6}")
        + a_workload("gpu: {value: 6}")
        + a_workload("gpu: {value: 6}", '""')
        + a_workload("gpu: {value: 6}", "old").replace("v2alpha1", "v1"),
        0,
        """\
        accepted  TrainingPolicy runai-a/p  (p.yaml:2)
                  warning: would refuse runai-a/job: gpu: must be no greater than 5

        1 accepted, 0 refused, 0 skipped
        """,
        """\
        workload-policy: warning: p.yaml:12: TrainingWorkload runai-a/job is ignored: p.yaml:7 has it already
        """,
    ),
    "no policy": Case(
        a_workload("gpu: {value: 6}") + "---\nkind: Pod\n",
        0,
        "0 accepted, 0 refused, 1 skipped\n",
        "workload-policy: no policy found\n",
    ),
}


def dedented(text: str) -> str:
    """The text without the eight blanks that the table indents it by."""
    return "".join(line.removeprefix(8 * " ") for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("case", REPORTS.values(), ids=REPORTS)
def test_the_report_for_people(command: Any, case: Case) -> None:
    found = command("lint p.yaml", {"p.yaml": case.text})
    assert found.out == dedented(case.out)
    assert found.err == dedented(case.err)
    assert found.status == case.status


def test_the_report_for_machines(command: Any) -> None:
    text = "kind: Pod\n" + a_policy("gpuu: {}") + a_policy(CEILING, "g", "") + a_workload("gpu: {value: 6}", "job", "x")
    found = command("lint - -o json -n x", stdin=text)
    place = {"file": "-", "kind": "TrainingPolicy"}
    assert found.report == {
        "results": [
            {
                **place,
                "document": 1,
                "namespace": "runai-a",
                "name": "p",
                "accepted": False,
                "problems": [{"path": "spec.gpuu", "message": "spec.gpuu: unknown field, did you mean gpu?"}],
                "warnings": [],
            },
            {
                **place,
                "document": 2,
                "namespace": "x",
                "name": "g",
                "accepted": True,
                "problems": [],
                "warnings": ["would refuse x/job: gpu: must be no greater than 5"],
            },
        ],
        "skipped": 1,
        "summary": {"accepted": 1, "refused": 1, "skipped": 1},
    }
    assert (found.status, found.err) == (1, "")


def test_another_global_namespace(command: Any) -> None:
    text = a_policy(CEILING, namespace=", namespace: org") + a_workload("gpu: {value: 6}")
    warning = "would refuse runai-a/job: gpu: must be no greater than 5"
    assert command("lint p.yaml --global-namespace org -o json", {"p.yaml": text}).report["results"][0]["warnings"] == [
        warning
    ]
    assert command("lint p.yaml -o json").report["results"][0]["warnings"] == []


def test_what_cannot_be_read_is_said_and_the_rest_checked(command: Any) -> None:
    found = command("lint gone.yaml p.yaml", {"p.yaml": a_policy("gpuu: {}")})
    assert found.status == 2
    assert found.out.splitlines()[-1] == "0 accepted, 1 refused, 0 skipped"
    assert found.err == "workload-policy: gone.yaml: cannot be read: no such file or directory\n"
