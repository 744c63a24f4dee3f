"""README.md: what it shows is what the commands print, word for word, and its links lead somewhere."""

import io
import os
import re
import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from webhook.admit import admit
from workload_policy.demo import read_examples, run_demo
from workload_policy.main import run
from workload_policy.report import Streams
from workloads.locate import snapshot_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LEFT_OUT = "...\n"


@dataclass(frozen=True, slots=True)
class Shown:
    """A command and the output that the README shows of it."""

    command: str
    output: str


FILES = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
CONSOLES = [
    Shown(command, output)
    for command, output in re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader stands who has saved the files that the README names."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(command: str) -> str:
    """What a command prints, stdout and stderr."""
    program, *argv = shlex.split(command)
    out = io.StringIO()
    streams = Streams(io.BytesIO(), out, out)
    if program == "workload-policy":
        run(argv, {}, streams)
    else:
        assert (program, argv) == ("make", ["demo"])
        run_demo([], os.environ, streams)
    return out.getvalue()


@pytest.mark.usefixtures("workshop")
@pytest.mark.parametrize(
    "shown", [shown for shown in CONSOLES if shown.command != "make test"], ids=lambda shown: shown.command
)
def test_the_output_is_what_the_command_prints(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = read_examples(Path("examples"))
    snapshot = snapshot_of(raw for example in examples for raw in (*example.policies, *example.workloads))
    monkeypatch.setattr(
        "workload_policy.demo.running_webhook",
        lambda *_: nullcontext(lambda endpoint, body: admit(endpoint, body, snapshot).body),
    )
    whole = printed(shown.command)
    if LEFT_OUT not in shown.output:
        assert shown.output == whole
        return
    first, *between, last = shown.output.split(LEFT_OUT)
    assert whole[: len(first)] == first
    assert [piece for piece in between if f"\n{piece}" not in whole] == []
    assert whole.endswith(last)


def test_both_commands_are_shown() -> None:
    assert [shown.command for shown in CONSOLES][:2] == ["make demo", "make test"]
    assert re.search(r"\n\d+ passed in [\d.]+s\n$", CONSOLES[1].output)


def test_files_and_commands_are_found() -> None:
    assert list(FILES) == ["gpu.yaml", "notebooks.yaml"]
    assert len(CONSOLES) >= 4


def test_the_command_lines_parse() -> None:
    lines = re.findall(r"^workload-policy (\S+) (?:.* )?# ", README, re.MULTILINE)
    assert lines == ["check", "lint", "effective", "crds", "serve"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text)
    broken = [path + anchor for path, anchor in links if not leads(page, path, anchor)]
    assert broken == []


def leads(page: Path, path: str, anchor: str) -> bool:
    """Whether a link's file is there, and has a heading of this name."""
    target = page.parent / path if path else page
    if not target.exists() or not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
    return anchor[1:] in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


# The other pages


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    modules = [
        str(path.relative_to(ROOT))
        for package in ("policies", "workloads", "certs", "webhook", "workload_policy")
        for path in sorted((ROOT / package).glob("*.py"))
        if path.name != "__init__.py"
    ]
    assert [module for module in modules if module not in text] == []


@pytest.mark.parametrize("name", ["architecture", "contributing"])
def test_the_files_that_pages_name_are_there(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    named = re.findall(r"`((?:\w+/|\.ci/)[\w/.-]*)`", text) + re.findall(r"^ +(\w+/\w+\.py)  ", text, re.MULTILINE)
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["architecture", "contributing"])
def test_the_code_that_pages_name_is_there(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    code = "\n".join(
        path.read_text()
        for package in ("policies", "workloads", "certs", "webhook", "workload_policy")
        for path in (ROOT / package).glob("*.py")
    )
    words = set(re.findall(r"`([a-z_]+_[a-z_]+|_?[A-Z]+_[A-Z_]+|[A-Z][a-z]+[A-Za-z]*)`", text)) - NO_CODE
    assert sorted(word for word in words if not re.search(rf"\b{word}\b", code)) == []


NO_CODE = {"renewal_reason", "parse_policy"}
