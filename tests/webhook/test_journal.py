import io
import json
import logging
import sys

from webhook.journal import Journal, libraries_heard


def a_journal() -> tuple[Journal, io.StringIO]:
    stream = io.StringIO()
    return Journal(stream, lambda: 1767225600.25), stream


def test_a_line_is_json_with_time_level_and_event() -> None:
    journal, stream = a_journal()
    journal.write("info", "decision", name="\ud800\n", allowed=True)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "info",
        "event": "decision",
        "name": "\ud800\n",
        "allowed": True,
    }


def test_a_stream_that_is_gone_stops_nothing() -> None:
    journal, stream = a_journal()
    stream.close()
    journal.write("info", "decision")


def test_a_fault_is_told_by_its_type_and_places_only() -> None:
    journal, stream = a_journal()
    try:
        int("a secret")
    except ValueError as error:
        journal.write_fault(error, message="while counting")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["message"], line["error"]) == ("fault", "while counting", "ValueError")
    assert line["places"][0].endswith(" test_a_fault_is_told_by_its_type_and_places_only")
    assert "secret" not in stream.getvalue()


def test_libraries_are_heard_while_it_is_open() -> None:
    journal, stream = a_journal()
    logger = logging.getLogger("uvicorn.error")
    with libraries_heard(journal):
        logger.info("chatter")
        logger.warning("odd: %s", "thing")
        try:
            {}["a secret"]
        except KeyError:
            logger.error("Exception in ASGI application\n", exc_info=sys.exc_info())
    assert not logger.handlers
    assert logger.propagate
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["event"], line["message"]) for line in lines] == [
        ("warning", "library", "odd: thing"),
        ("error", "fault", "Exception in ASGI application"),
    ]
    assert "secret" not in stream.getvalue()
