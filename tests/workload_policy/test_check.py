import json
from typing import Any, NamedTuple

import golden
import pytest

from policies.kinds import WORKLOAD_KINDS
from workload_policy.check import bases_first
from workload_policy.inputs import Entry
from workload_policy.manifests import Document, Position

HEAD = "apiVersion: run.ai/v2alpha1\n"


def a_policy(spec: str, name: str = "p", namespace: str = "runai-a", *, head: str = HEAD) -> str:
    return f"---\n{head}kind: TrainingPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"


def a_workload(spec: str = "", name: str = "job", namespace: str = "runai-a", *, head: str = HEAD) -> str:
    place = f", namespace: {namespace}" if namespace else ""
    named = spec if "usage" in spec else f"name: {{value: x}}, {spec}"
    return f"---\n{head}kind: TrainingWorkload\nmetadata: {{name: {name}{place}}}\nspec: {{{named}}}\n"


def a_template(spec: str = "", name: str = "base", namespace: str = "runai-a") -> str:
    return a_workload(f"usage: Template, {spec}", name, namespace)


CEILING = 'gpu: {rules: {max: "5"}, value: "1"}, message: "Ask in #gpu-help"'
BASE = "baseWorkload: base"
FORCE = "would be refused, and governs here all the same:"


class Case(NamedTuple):
    """Two files, and what `check` says of them."""

    policies: str
    manifests: str
    status: int
    out: str
    err: str = ""


VERDICTS: dict[str, Case] = {
    "a default is filled in": Case(
        a_policy(CEILING),
        a_workload(),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  filled: gpu

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "a refusal has its reasons and the administrator's word": Case(
        a_policy(CEILING + ", cpu: {rules: {required: true}}"),
        a_workload("gpu: {value: 6}"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  cpu: is required
                  gpu: must be no greater than 5
                  Ask in #gpu-help

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "a refusal for section 6 is not the policy's": Case(
        a_policy(CEILING),
        a_workload("gpu: {value: 1.5}").replace("1.5", '"1.5"'),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  gpu: must be a whole number or a fraction between 0 and 1

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "Warn": Case(
        a_policy(CEILING + ", enforcement: Warn"),
        a_workload("gpu: {value: 6}"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p (Warn)
                  warning: gpu: must be no greater than 5
                  Ask in #gpu-help

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "Audit, and a refusal for section 6": Case(
        a_policy(CEILING + ", enforcement: Audit"),
        a_workload("gpu: {value: 6}, cpu: {value: -1}"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p (Audit)
                  cpu: must be no less than 0
                  recorded: gpu: must be no greater than 5

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "without a policy": Case(
        "",
        a_workload(),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "the global policy": Case(
        a_policy(CEILING, namespace="runai"),
        a_workload("gpu: {value: 1}"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai/p

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "a flaw of the structure is all that is told": Case(
        a_policy(CEILING),
        a_workload("gpus: {value: 6}, gpu: {value: 0.5}, cpu: {value: -1}"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  not judged
                  unknown field "spec.gpus", did you mean "spec.gpu"?
                  spec.gpu.value: must be a whole number or text, not a fraction: write "0.5" in quotes

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "another version": Case(
        a_policy(CEILING),
        a_workload(head="apiVersion: run.ai/v1\n"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  not judged
                  apiVersion: must be run.ai/v2alpha1

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "no name, a name to be generated, a name with escapes": Case(
        "",
        a_workload().replace("name: job, ", "")
        + a_workload().replace("name: job", "generateName: job-")
        + a_workload(name='"\\e[2J"'),
        1,
        """\
        refused   TrainingWorkload runai-a/  (m.yaml:2)  not judged
                  metadata.name: name or generateName is required
        admitted  TrainingWorkload runai-a/job-  (m.yaml:7)  no policy
        admitted  TrainingWorkload runai-a/\\x1b[2J  (m.yaml:12)  no policy

        2 admitted, 1 refused, 0 skipped
        """,
    ),
    "a policy among the manifests counts, also over the same one": Case(
        a_policy('gpu: {rules: {max: "1"}}'),
        a_workload("gpu: {value: 6}") + a_policy(CEILING),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  gpu: must be no greater than 5
                  Ask in #gpu-help

        0 admitted, 1 refused, 0 skipped
        """,
    ),
    "a policy that would be refused governs": Case(
        a_policy("gpu: {rules: {max: lots}}, gpuu: {}, memory: {rules: {max: 0.5}}"),
        a_workload("gpu: {value: 6}"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  gpu: cannot be checked: the policy's max is not a number

        0 admitted, 1 refused, 0 skipped
        """,
        f"""\
        workload-policy: warning: p.yaml:2: TrainingPolicy runai-a/p {FORCE}
                  spec.memory.rules.max: must be a whole number or text, not a fraction: write "0.5" in quotes
                  spec.gpu.rules.max: must be a number such as 2 or "0.5"
                  spec.gpuu: unknown field, did you mean gpu?
        """,
    ),
    "a policy of another version does not govern": Case(
        a_policy(CEILING, head="apiVersion: run.ai/v1\n"),
        a_workload("gpu: {value: 6}"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy

        1 admitted, 0 refused, 0 skipped
        """,
        """\
        workload-policy: warning: p.yaml:2: TrainingPolicy runai-a/p would be refused, and does not govern:
                  apiVersion: must be run.ai/v2alpha1
        """,
    ),
    "of policies only those that could govern are looked at": Case(
        a_policy("gpuu: {}", namespace="runai-b") + a_policy("gpuu: {}").replace("Training", "Interactive"),
        a_workload(),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "two policies of a kind in a namespace, one of them twice": Case(
        a_policy("gpu: {value: 2}", "b") + a_policy("gpu: {value: 3}", "a") + a_policy("gpu: {value: 4}", "a"),
        a_workload(),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/a
                  filled: gpu

        1 admitted, 0 refused, 0 skipped
        """,
        """\
        workload-policy: warning: p.yaml:12: TrainingPolicy runai-a/a is ignored: p.yaml:7 has it already
        workload-policy: warning: TrainingPolicy runai-a/a governs; in the same namespace not in force: b
        """,
    ),
    "a base that is there counts as it stands": Case(
        a_template("cpu: {value: 3}") + a_policy(CEILING),
        a_workload(BASE),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  filled: cpu, gpu

        1 admitted, 0 refused, 0 skipped
        """,
    ),
    "a base may come later, and be the manifest of one that is there": Case(
        a_template("cpu: {value: -3}"),
        a_workload(BASE) + a_template("memory: {value: 1Gi}"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy
                  filled: memory
        admitted  TrainingWorkload runai-a/base  (m.yaml:7)  no policy

        2 admitted, 0 refused, 0 skipped
        """,
    ),
    "a base is filled by its policy and its own base": Case(
        a_policy("cpu: {value: 2}, gpu: {value: 1}") + a_template("cpu: {value: 3}", "first"),
        a_workload(BASE) + a_workload("baseWorkload: first, memory: {value: 1Gi}", "base"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  policy runai-a/p
                  filled: cpu, gpu, memory
        admitted  TrainingWorkload runai-a/base  (m.yaml:7)  policy runai-a/p
                  filled: cpu, gpu

        2 admitted, 0 refused, 0 skipped
        """,
    ),
    "a base that is refused is not there, not even as it was before": Case(
        a_template("cpu: {value: 3}"),
        a_workload(BASE) + a_template("cpu: {value: -3}"),
        1,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  no policy
                  baseWorkload: no TrainingWorkload named base in runai-a or runai
        refused   TrainingWorkload runai-a/base  (m.yaml:7)  no policy
                  cpu: must be no less than 0

        0 admitted, 2 refused, 0 skipped
        """,
    ),
    "behind a refused base stands the global template": Case(
        a_template("cpu: {value: 3}", namespace="runai"),
        a_workload(BASE) + a_template("cpu: {value: -3}"),
        1,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy
                  filled: cpu
        refused   TrainingWorkload runai-a/base  (m.yaml:7)  no policy
                  cpu: must be no less than 0

        1 admitted, 1 refused, 0 skipped
        """,
    ),
    "bases in a circle": Case(
        "",
        a_workload("baseWorkload: b", "a") + a_workload("baseWorkload: a", "b") + a_workload("baseWorkload: c", "c"),
        1,
        """\
        refused   TrainingWorkload runai-a/a  (m.yaml:2)  no policy
                  baseWorkload: no TrainingWorkload named b in runai-a or runai
        refused   TrainingWorkload runai-a/b  (m.yaml:7)  no policy
                  baseWorkload: no TrainingWorkload named a in runai-a or runai
        refused   TrainingWorkload runai-a/c  (m.yaml:12)  no policy
                  baseWorkload: no TrainingWorkload named c in runai-a or runai

        0 admitted, 3 refused, 0 skipped
        """,
    ),
    "of two manifests of one base the first counts": Case(
        "",
        a_template("cpu: {value: 1}") + a_template("memory: {value: 1Gi}") + a_workload(BASE),
        0,
        """\
        admitted  TrainingWorkload runai-a/base  (m.yaml:2)  no policy
        admitted  TrainingWorkload runai-a/base  (m.yaml:7)  no policy
        admitted  TrainingWorkload runai-a/job  (m.yaml:12)  no policy
                  filled: cpu

        3 admitted, 0 refused, 0 skipped
        """,
    ),
    "other kinds are skipped, a mistyped one with a hint": Case(
        "",
        "kind: Service\napiVersion: v1\n---\nkind: TrainingWorklod\napiVersion: run.ai/v2alpha1\n---\n"
        "kind: Project\napiVersion: run.ai/v2alpha1\n---\nkind: TrainingWorkload\napiVersion: example.com/v1\n---\n"
        "kind: [x]\n" + a_workload(),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:15)  no policy

        1 admitted, 0 refused, 5 skipped
        """,
        """\
        workload-policy: warning: m.yaml:4: kind "TrainingWorklod" is skipped, did you mean TrainingWorkload?
        """,
    ),
    "nothing to judge": Case(
        "",
        a_policy(CEILING) + "---\nkind: Service\n",
        0,
        "0 admitted, 0 refused, 1 skipped\n",
        "workload-policy: no workload found\n",
    ),
    "what cannot be read is said, and the rest judged": Case(
        "",
        a_workload("gpu: {value: -1}") + "---\n[",
        2,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  no policy
                  gpu: must be a whole number or a fraction between 0 and 1

        0 admitted, 1 refused, 0 skipped
        """,
        "workload-policy: m.yaml:8:1: did not find expected node content\n",
    ),
    "policies that cannot be read": Case(
        "]",
        a_workload(),
        2,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy

        1 admitted, 0 refused, 0 skipped
        """,
        "workload-policy: p.yaml:1:1: did not find expected node content\n",
    ),
    "what is nested too deeply is not judged": Case(
        "",
        a_workload(f"gpu: {98 * '['}{98 * ']'}") + a_workload(f"gpu: {99 * '['}{99 * ']'}"),
        2,
        """\
        refused   TrainingWorkload runai-a/job  (m.yaml:2)  not judged
                  spec.gpu: must be an object, not a list: put it under "value"

        0 admitted, 1 refused, 0 skipped
        """,
        "workload-policy: m.yaml:7: nested more than 100 levels deep\n",
    ),
    "a duplicate key is a warning": Case(
        "",
        a_workload("cpu: {value: 1}, cpu: {value: 2}"),
        0,
        """\
        admitted  TrainingWorkload runai-a/job  (m.yaml:2)  no policy

        1 admitted, 0 refused, 0 skipped
        """,
        'workload-policy: warning: m.yaml:5:43: key "cpu" is already set at line 5: the last one counts\n',
    ),
}


def dedented(text: str) -> str:
    """The text without the eight blanks that the tables indent it by."""
    return "".join(line.removeprefix(8 * " ") for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("case", VERDICTS.values(), ids=VERDICTS)
def test_the_report_for_people(command: Any, case: Case) -> None:
    found = command("check -f m.yaml --policies p.yaml", {"p.yaml": case.policies, "m.yaml": case.manifests})
    assert found.out == dedented(case.out)
    assert found.err == dedented(case.err)
    assert found.status == case.status


def test_the_report_for_machines(command: Any) -> None:
    policy = CEILING + ", enforcement: Warn, ports: {items: {http: {value: {container: 80}}}}"
    manifests = "kind: Pod\n" + a_workload("gpus: 1, cpu: {value: -1}, gpu: {value: 6}")
    found = command("check -f m.yaml -o json --field-validation warn", {"m.yaml": manifests + a_policy(policy)})
    patch = [{"op": "add", "path": "/spec/ports", "value": {"items": {"http": {"value": {"container": 80}}}}}]
    spec = {"name": {"value": "x"}, "cpu": {"value": -1}, "gpu": {"value": 6}, "ports": patch[0]["value"]}
    metadata = {"name": "job", "namespace": "runai-a"}
    assert found.report == {
        "results": [
            {
                "file": "m.yaml",
                "document": 1,
                "kind": "TrainingWorkload",
                "namespace": "runai-a",
                "name": "job",
                "allowed": False,
                "policy": "runai-a/p",
                "enforcement": "Warn",
                "violations": [
                    {
                        "value": "cpu",
                        "field": "spec.cpu.value",
                        "rule": "intrinsic",
                        "reason": "FieldValueInvalid",
                        "message": "cpu: must be no less than 0",
                    },
                    {
                        "value": "gpu",
                        "field": "spec.gpu.value",
                        "rule": "max",
                        "reason": "FieldValueInvalid",
                        "message": "gpu: must be no greater than 5",
                    },
                ],
                "policyMessage": "Ask in #gpu-help",
                "warnings": [
                    'unknown field "spec.gpus", did you mean "spec.gpu"?',
                    "gpu: must be no greater than 5",
                    "(TrainingPolicy runai-a/p)",
                    "Ask in #gpu-help",
                ],
                "defaults": ["ports.http"],
                "patch": patch,
                "object": {
                    "apiVersion": "run.ai/v2alpha1",
                    "kind": "TrainingWorkload",
                    "metadata": metadata,
                    "spec": spec,
                },
            }
        ],
        "skipped": 1,
        "summary": {"admitted": 0, "refused": 1, "skipped": 1},
    }
    assert (found.status, found.err) == (1, "")


def test_a_refused_structure_for_machines(command: Any) -> None:
    found = command(
        "check -f m.yaml -o json", {"m.yaml": a_workload("gpu: {value: 0.5}, gpus: null") + a_policy(CEILING)}
    )
    (result,) = found.report["results"]
    assert result == {
        "file": "m.yaml",
        "document": 0,
        "kind": "TrainingWorkload",
        "namespace": "runai-a",
        "name": "job",
        "allowed": False,
        "policy": None,
        "enforcement": None,
        "violations": [
            {
                "value": "spec.gpus",
                "field": "spec.gpus",
                "rule": "schema",
                "reason": "FieldValueInvalid",
                "message": 'unknown field "spec.gpus", did you mean "spec.gpu"?',
            },
            {
                "value": "spec.gpu.value",
                "field": "spec.gpu.value",
                "rule": "schema",
                "reason": "FieldValueInvalid",
                "message": 'must be a whole number or text, not a fraction: write "0.5" in quotes',
            },
        ],
        "policyMessage": None,
        "warnings": [],
        "defaults": [],
        "patch": [],
        "object": {
            "apiVersion": "run.ai/v2alpha1",
            "kind": "TrainingWorkload",
            "metadata": {"name": "job", "namespace": "runai-a"},
            "spec": {"name": {"value": "x"}, "gpu": {"value": 0.5}, "gpus": None},
        },
    }


GPUS = 'unknown field "spec.gpus", did you mean "spec.gpu"?'
FIELD_VALIDATIONS: dict[str, tuple[int, list[str], list[str], list[str]]] = {
    "": (1, [GPUS], [], ["name", "gpus"]),
    "--field-validation strict": (1, [GPUS], [], ["name", "gpus"]),
    "--field-validation warn": (0, [], [GPUS], ["name", "gpu"]),
    "--field-validation ignore": (0, [], [], ["name", "gpu"]),
}


@pytest.mark.parametrize(("option", "expected"), FIELD_VALIDATIONS.items(), ids=FIELD_VALIDATIONS)
def test_unknown_fields(command: Any, option: str, expected: object) -> None:
    found = command(f"check -f m.yaml -o json {option}", {"m.yaml": a_workload("gpus: 1") + a_policy(CEILING)})
    (result,) = found.report["results"]
    messages = [line["message"] for line in result["violations"]]
    assert (found.status, messages, result["warnings"], list(result["object"]["spec"])) == expected


def test_warned_of_unknown_fields_in_text(command: Any) -> None:
    found = command("check -f m.yaml --field-validation warn", {"m.yaml": a_workload("gpus: 1")})
    assert found.out.splitlines()[1] == f"          warning: {GPUS}"


def who(found: Any) -> list[tuple[str, str | None]]:
    """Namespace and policy of each result."""
    return [(result["namespace"], result["policy"]) for result in found.report["results"]]


NAMESPACES = {
    "": [("runai-b", "runai-b/p"), ("default", "default/q")],
    "-n runai-c": [("runai-b", "runai-b/p"), ("runai-c", "runai-c/q")],
    "--global-namespace runai-b": [("runai-b", "runai-b/p"), ("default", "default/q")],
    "-n runai-c --global-namespace runai-d": [("runai-b", "runai-b/p"), ("runai-c", "runai-c/q")],
}


@pytest.mark.parametrize(("options", "expected"), NAMESPACES.items(), ids=NAMESPACES)
def test_the_namespace_of_the_manifest_comes_first(command: Any, options: str, expected: object) -> None:
    policies = a_policy(CEILING, namespace="runai-b") + a_policy(CEILING, "q").replace(", namespace: runai-a", "")
    manifests = a_workload(namespace="runai-b") + a_workload(namespace="")
    found = command(f"check -f m.yaml --policies p.yaml -o json {options}", {"m.yaml": manifests, "p.yaml": policies})
    assert who(found) == expected
    assert all("default" not in json.dumps(result["object"]) for result in found.report["results"])


def test_another_global_namespace(command: Any) -> None:
    files = {"m.yaml": a_workload() + a_policy(CEILING, namespace="org") + a_policy(CEILING, "q", "runai")}
    assert who(command("check -f m.yaml -o json --global-namespace org", files)) == [("runai-a", "org/p")]
    assert who(command("check -f m.yaml -o json", files)) == [("runai-a", "runai/q")]


def test_stdin_directories_and_lists(command: Any) -> None:
    workload = {"apiVersion": "run.ai/v2alpha1", "kind": "TrainingWorkload", "metadata": {"name": "in"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [workload, {"apiVersion": "v1", "kind": "Pod"}, workload]}
    files = {"d/a.yaml": a_workload(name="a"), "d/sub/b.yml": a_workload(name="b"), "d/c.txt": "{", "c.json": ""}
    found = command("check -f d - -f c.json -o json", files, stdin=json.dumps(listed))
    assert [(each["file"], each["document"], each["name"]) for each in found.report["results"]] == [
        ("d/a.yaml", 0, "a"),
        ("d/sub/b.yml", 0, "b"),
        ("-", 0, "in"),
        ("-", 0, "in"),
    ]
    assert found.report["summary"] == {"admitted": 2, "refused": 2, "skipped": 1}
    assert found.err == ""


def test_policies_from_stdin(command: Any) -> None:
    found = command("check -f m.yaml --policies - -o json", {"m.yaml": a_workload()}, stdin=a_policy(CEILING))
    assert who(found) == [("runai-a", "runai-a/p")]


def test_a_file_that_is_not_there(command: Any) -> None:
    found = command("check -f gone.yaml m.yaml", {"m.yaml": a_workload()})
    assert found.err == "workload-policy: gone.yaml: cannot be read: no such file or directory\n"
    assert (found.status, found.out.splitlines()[-1]) == (2, "1 admitted, 0 refused, 0 skipped")


def test_what_an_alias_shares_is_filled_where_it_is_missing_only(command: Any) -> None:
    items = "items: {a: &x {value: {container: 80}}, b: *x}"
    policy = "ports: {items: {DEFAULTS: {value: {serviceType: ClusterIP}}}}"
    found = command("check -f m.yaml -o json", {"m.yaml": a_workload(f"ports: {{{items}}}") + a_policy(policy)})
    (result,) = found.report["results"]
    assert [operation["path"] for operation in result["patch"]] == [
        "/spec/ports/items/a/value/serviceType",
        "/spec/ports/items/b/value/serviceType",
    ]


def an_entry(raw: golden.Object) -> Entry:
    """A manifest that stands nowhere."""
    metadata = raw["metadata"]
    document = Document("case.yaml", 0, Position(1, 1), raw)
    return Entry(document, WORKLOAD_KINDS[raw["kind"]], metadata["namespace"], metadata["name"])


def test_a_chain_of_bases_is_longer_than_the_stack() -> None:
    chain = [
        golden.workload_in({"workload": {"baseWorkload": f"j{i + 1}"}, "metadata": {"name": f"j{i}"}}, "workload")
        for i in range(1100)
    ]
    assert list(bases_first([an_entry(raw) for raw in chain], "runai")) == list(range(1100))[::-1]
