import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakeapi import (
    STREAM,
    FakeApi,
    Fault,
    chunk,
    client_of,
    fake_api,
    line,
    replies,
    response,
    says,
    stalls,
    streams,
)
from hypothesis import given
from hypothesis import strategies as st
from wire import run

from certs.issue import LOOPBACK, self_signed
from webhook import kube
from webhook.connect import ClusterError, connect
from webhook.kube import Api, ApiError, Event, GoneError, Page, RefusedError, SilentError, decode, flatten

PATH = "/apis/run.ai/v2alpha1/trainingpolicies"
BRIEF = 0.03  # seconds that a test waits for what never comes


def with_api(test: Callable[[FakeApi, Api], Awaitable[None]], seconds: float = 5) -> None:
    async def scenario() -> None:
        async with fake_api() as server, client_of(server, seconds) as api:
            await test(server, api)

    run(scenario())


async def names_of(api: Api, most: int) -> list[list[str]]:
    return [
        [json.loads(bytes(item))["metadata"]["name"] for item in page.items or ()]
        async for page in api.pages(PATH, most)
    ]


async def watch(api: Api, silence: float = 5) -> list[Event]:
    async with aclosing(api.watch(PATH, "5", 300.7, silence)) as events:
        return [event async for event in events]


# What is asked and answered


def test_a_list_comes_in_pages() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        for number in range(5):
            server.put("trainingpolicies", "TrainingPolicy", f"p{number}")
        assert await names_of(api, 2) == [["p0", "p1"], ["p2", "p3"], ["p4"]]
        assert [asked.query for asked in server.asked] == [
            {"limit": "2"},
            {"limit": "2", "continue": "2"},
            {"limit": "2", "continue": "4"},
        ]
        assert server.asked[0].headers["accept-encoding"] == "identity"

    with_api(scenario)


def test_a_list_may_have_no_items() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["list"] = [says({"metadata": {"resourceVersion": "7"}, "items": None})]
        pages = [page async for page in api.pages(PATH)]
        assert [(page.metadata.resourceVersion, page.items) for page in pages] == [("7", None)]

    with_api(scenario)


def test_pages_get_smaller_until_they_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "PAGE_BYTES", 1000)

    async def scenario(server: FakeApi, api: Api) -> None:
        for number in range(3):
            server.put("trainingpolicies", "TrainingPolicy", f"p{number}", spec="x" * 300)
        assert await names_of(api, 500) == [["p0"], ["p1"], ["p2"]]
        assert [asked.query["limit"] for asked in server.asked[:4]] == ["500", "250", "125", "62"]
        server.put("trainingpolicies", "TrainingPolicy", "p0", spec="x" * 1000)
        with pytest.raises(ApiError, match=r"^an answer of more than 1000 bytes$"):
            await names_of(api, 1)

    with_api(scenario)


def test_a_watch_tells_of_events_and_bookmarks() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        added, mark = line("ADDED", {"metadata": {"name": "é"}}), line("BOOKMARK", {"metadata": {}})
        server.faults["watch"] = [streams(added[:20], added[20:] + mark[:1], mark[1:])]
        events = await watch(api)
        assert [(event.type, json.loads(bytes(event.object))) for event in events] == [
            ("ADDED", {"metadata": {"name": "é"}}),
            ("BOOKMARK", {"metadata": {}}),
        ]
        assert server.asked[0].query == {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": "5",
            "timeoutSeconds": "300",
        }

    with_api(scenario)


def test_every_kind_of_request() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        path = "/api/v1/namespaces/a/secrets"
        assert await api.get(f"{path}/s") == {"asked": None}
        assert await api.create(path, {"a": 1}) == {"asked": {"a": 1}}
        await api.replace(f"{path}/s", {"a": []})
        await api.merge(f"{path}/s", {"a": None})
        await api.apply(f"{path}/s/status", {"a": "é"}, "workload-policy")
        told = [
            (asked.method, asked.target, asked.headers["content-type"], json.loads(asked.body or b"null"))
            for asked in server.asked
        ]
        assert told == [
            ("GET", f"{path}/s", "application/json", None),
            ("POST", path, "application/json", {"a": 1}),
            ("PUT", f"{path}/s", "application/json", {"a": []}),
            ("PATCH", f"{path}/s", "application/merge-patch+json", {"a": None}),
            (
                "PATCH",
                f"{path}/s/status?fieldManager=workload-policy&force=true",
                "application/apply-patch+yaml",
                {"a": "é"},
            ),
        ]

    with_api(scenario)


# What goes wrong

GONE = {"kind": "Status", "code": 410, "message": "too old resource version: 5 (10)"}
WATCH_FAULTS: dict[str, tuple[Fault, type[ApiError], str]] = {
    "410 in the watch": (streams(line("ERROR", GONE)), GoneError, "HTTP 410: too old resource version: 5 (10)"),
    "410 to the watch": (replies(410, "gone"), GoneError, "HTTP 410: gone"),
    "error in the watch": (streams(line("ERROR", {"code": 500, "message": "m"})), RefusedError, "HTTP 500: m"),
    "error without a word": (streams(line("ERROR", {})), RefusedError, "HTTP 0: "),
    "403": (replies(403, "cannot watch"), RefusedError, "HTTP 403: cannot watch"),
    "404": (replies(404, "not found"), kube.MissingError, "HTTP 404: not found"),
    "409": (replies(409, "conflict"), kube.ConflictError, "HTTP 409: conflict"),
    "cut within a line": (streams(b'{"type": "AD', ends=False), kube.UnreachableError, "the connection broke off"),
    "ended within a line": (streams(b'{"type": "AD'), kube.UnreachableError, "the watch ended within a line"),
    "cut at once": (streams(ends=False), kube.UnreachableError, "the connection broke off"),
    "no HTTP": (stalls(b"garbage\r\n\r\n"), kube.UnreachableError, '400, message="Bad status line:'),
    "garbage": (streams(b"garbage\n"), kube.GarbledError, "a line of the watch is no event: JSON is malformed"),
    "no event": (streams(b"[1]\n"), kube.GarbledError, "a line of the watch is no event: Expected `object`"),
    "silence after the head": (stalls(STREAM), SilentError, "nothing came for too long"),
    "silence after an event": (stalls(STREAM + chunk(line("ADDED", {}))), SilentError, "nothing came for too long"),
    "silence at once": (stalls(), SilentError, "nothing came for too long"),
}


@pytest.mark.parametrize(("fault", "kind", "sentence"), WATCH_FAULTS.values(), ids=WATCH_FAULTS)
def test_a_watch_that_fails(fault: Fault, kind: type[ApiError], sentence: str) -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["watch"] = [fault]
        with pytest.raises(kind) as caught:
            await watch(api, BRIEF if kind is SilentError else 5)
        assert type(caught.value) is kind
        assert str(caught.value).startswith(sentence)

    with_api(scenario)


async def list_all(api: Api) -> list[Page]:
    return [page async for page in api.pages(PATH)]


MORE = {"metadata": {"resourceVersion": "7", "continue": "x"}, "items": []}
LIST_FAULTS: dict[str, tuple[list[Fault], type[ApiError], str]] = {
    "410 to a continue token": ([says(MORE), replies(410, "expired")], GoneError, "HTTP 410: expired"),
    "429": ([replies(429, "later", retry_after="7")], RefusedError, "HTTP 429: later"),
    "a page for people": ([stalls(response(502, b"<html>"))], RefusedError, "HTTP 502: So"),
    "no JSON": ([says(b"<html>")], kube.GarbledError, f"GET {PATH}: the answer is no list: JSON is malformed"),
    "no list": ([says({"items": 5})], kube.GarbledError, f"GET {PATH}: the answer is no list: "),
    "cut": ([stalls(response(200, MORE)[:-3])], SilentError, "nothing came for too long"),
    "silence": ([stalls()], SilentError, "nothing came for too long"),
}


@pytest.mark.parametrize(("faults", "kind", "sentence"), LIST_FAULTS.values(), ids=LIST_FAULTS)
def test_a_list_that_fails(faults: list[Fault], kind: type[ApiError], sentence: str) -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["list"] = [*faults]
        with pytest.raises(kind) as caught:
            await list_all(api)
        assert type(caught.value) is kind
        assert str(caught.value).startswith(sentence)

    with_api(scenario, BRIEF if kind is SilentError else 5)


@pytest.mark.parametrize(
    ("status", "asked", "waits"), [(429, "7", 7), (429, "soon", 0), (503, "5", 0)], ids=["seconds", "a word", "a start"]
)
def test_only_an_overload_says_how_long_to_wait(status: int, asked: str, waits: int) -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["get"] = [replies(status, retry_after=asked)]
        with pytest.raises(RefusedError) as caught:
            await api.get("/version")
        assert (caught.value.status, caught.value.retry_after) == (status, waits)

    with_api(scenario)


def test_no_answer_at_all() -> None:
    async def scenario() -> None:
        async with fake_api() as server, client_of(server) as api:
            await server.stop()
            with pytest.raises(kube.UnreachableError, match=f"^Cannot connect to host 127.0.0.1:{server.port} "):
                await api.get("/version")

    run(scenario())


def test_an_answer_that_is_no_json() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["get"] = [says(b"ok")]
        with pytest.raises(kube.GarbledError, match=r"^GET /version: the answer is no JSON: Expecting value"):
            await api.get("/version")

    with_api(scenario)


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "LINE_BYTES", 100)

    async def scenario(server: FakeApi, api: Api) -> None:
        server.faults["watch"] = [streams(b" " * 60, b" " * 60)]
        with pytest.raises(kube.LongError, match=r"^a line of more than 100 bytes$"):
            await watch(api)

    with_api(scenario)


# What is nested too deeply


def nested(depth: int) -> str:
    return '{"a":[' * depth + '"]}"' + "]}" * depth


def test_one_deep_status_does_not_hide_the_others() -> None:
    async def scenario(server: FakeApi, api: Api) -> None:
        items = [
            f'{{"metadata":{{"name":"p{number}"}},"status":{nested(4000 * (number == 1))}}}' for number in range(3)
        ]
        server.faults["list"] = [says(f'{{"metadata":{{}},"items":[{",".join(items)}]}}'.encode())]
        assert await names_of(api, 500) == [["p0", "p1", "p2"]]

    with_api(scenario)


TEXT = st.text('a"\\\\{}[]é', max_size=5)
JSON = st.recursive(
    st.sampled_from([None, True, 1.5]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(JSON, st.integers(0, 6))
def test_what_is_deep_becomes_null_and_nothing_else(raw: Any, depth: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kube, "MOST_DEPTH", depth + 1)
        assert json.loads(flatten(json.dumps(raw).encode())) == cut_off(raw, depth)


def cut_off(raw: Any, depth: int) -> Any:
    """The law, said once more: containers below a depth are null."""
    if not isinstance(raw, (dict, list)):
        return raw
    if depth == 0:
        return None
    if isinstance(raw, dict):
        return {name: cut_off(inner, depth - 1) for name, inner in raw.items()}
    return [cut_off(inner, depth - 1) for inner in raw]


def test_a_wrong_shape_is_still_wrong_when_it_is_deep() -> None:
    with pytest.raises(ValueError, match="Expected `array \\| null`"):
        decode(b'{"metadata":{},"items":{"a":%s}}' % nested(2000).encode(), Page)


# How the API server is reached


def kubeconfig_at(folder: Path, server: FakeApi, **user: str) -> Path:
    content = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
        "users": [{"name": "one", "user": user}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return folder / "kubeconfig"


def test_a_kubeconfig_whose_token_changes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with fake_api() as server:
            (tmp_path / "token").write_text("first\n")
            times = iter([0, 30, 61, 61, 62])
            api = await connect(kubeconfig_at(tmp_path, server, tokenFile="token"), {}, lambda: next(times))
            (tmp_path / "token").write_text("second\n")
            for _ in range(3):
                await api.get("/version")
            await api.close()
            assert [asked.headers["authorization"] for asked in server.asked] == [
                "bearer first",
                "bearer second",
                "bearer second",
            ]

    run(scenario())


def test_a_pod_finds_its_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.connect.POD_FILES", tmp_path)
    (tmp_path / "token").write_text("mine")
    (tmp_path / "ca.crt").write_bytes(self_signed(LOOPBACK, datetime.now(UTC), 1).cert_pem)

    async def scenario() -> None:
        environ = {"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "443"}
        api = await connect(None, environ, lambda: 0)
        assert api.client.configuration.host == "https://[::1]:443"
        assert api.client.configuration.api_key == {"BearerToken": "bearer mine"}
        await api.close()

    run(scenario())


BROKEN = """
clusters: [{name: y, cluster: {server: "https://a", certificate-authority: b}}]
contexts: [{name: x, context: {cluster: y}}]
current-context: x
"""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file or directory"),
        ("", "not a kubeconfig"),
        ("a: [", "while parsing a flow node"),
        ("[]", "not a kubeconfig"),
        ("contexts: []\ncurrent-context: x", "Invalid kube-config file. Expected object with name x in"),
        (BROKEN, "File does not exist"),
    ],
    ids=["missing", "empty", "no yaml", "a list", "no context", "no authority"],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)

    async def scenario() -> None:
        with pytest.raises(ClusterError) as caught:
            await connect(path, {}, lambda: 0)
        assert str(caught.value).startswith(f"{path}: {sentence}")

    run(scenario())


def test_no_pod() -> None:
    async def scenario() -> None:
        with pytest.raises(ClusterError, match=r"^no --kubeconfig is given, and this is no pod: Service host/port is "):
            await connect(None, {}, lambda: 0)

    run(scenario())
