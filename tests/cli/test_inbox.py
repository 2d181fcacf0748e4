"""`inbox`: what was taken in, as it came, and what it was answered."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from duis_gateway.config.settings import load_config
from duis_gateway.duis.identifiers import MessageId, RequestId
from duis_gateway.flow import evidence
from duis_gateway.store.engine import Store
from tests.support.cli import GATEWAY, OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run

pytestmark = pytest.mark.requirement("EX-10")

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)
REQUEST, MESSAGE = RequestId(SUPPLIER, GATEWAY, 2**63 + 7), MessageId(OTHER_SUPPLIER, "list/1")


def test_messages_are_listed_and_shown(installation: Installation) -> None:
    store = Store.open(load_config(installation.config[1], {}).store.url)
    with store.write() as conn:
        for identity, kind, code in ((REQUEST, "SR11.5", "W110501"), (MESSAGE, "DefaultPilotList", "Accepted")):
            evidence.record(conn, identity, "duis", kind, code, AT, b"d", f"<{kind}/>".encode(), b"<answer/>")
    store.close()
    listed = json.loads(done("inbox", "list", "--format", "json", *installation.config))
    assert {(one["kind"], one["outcome"], one["identity"]) for one in listed} == {
        ("SR11.5", "W110501", str(REQUEST)),
        ("DefaultPilotList", "Accepted", str(MESSAGE)),
    }
    for words in (("--party", SUPPLIER), ("--kind", "SR11.5")):
        (one,) = json.loads(done("inbox", "list", "--format", "json", *words, *installation.config))
        assert one["party"] == "90-B3-D5-1F-30-01-00-00"
    assert json.loads(done("inbox", "list", "--format", "json", "--kind", "SR8.2", *installation.config)) == []
    wrong = refused(2, "inbox", "list", "--kind", "DefaultPilotLst", *installation.config)
    assert "nothing comes in as 'DefaultPilotLst'; did you mean DefaultPilotList?" in wrong
    shown = done("inbox", "show", REQUEST, *installation.config)
    assert re.search(r"^outcome: +W110501$", shown, re.M)
    assert re.search(r"^received \(business time\): +20", shown, re.M)
    assert run("inbox", "show", REQUEST, "--content", *installation.config).raw == b"<SR11.5/>"
    both = refused(2, "inbox", "show", REQUEST, "--content", "--answer", *installation.config)
    assert both == "--content and --answer each print one document: give only one of them"
    for reference in ("list/1", MESSAGE):
        assert run("inbox", "show", reference, "--answer", *installation.config).raw == b"<answer/>"
    assert "no message 'other' was taken in; see `inbox list`" in refused(
        1, "inbox", "show", "other", *installation.config
    )


def test_what_a_message_was_answered_is_told_in_words(installation: Installation) -> None:
    """The outcome alone was shown, E110605, and not that the period was wrong; the console said so."""
    name = "http://www.dccinterface.co.uk/ServiceUserGateway"
    refusal = f'<sr:Response xmlns:sr="{name}"><sr:ResponseCode>E110605</sr:ResponseCode></sr:Response>'.encode()
    status = "<Status>Refused</Status><Code>UnknownRelease</Code><Text>No such release.</Text>"
    acknowledgement = f"<Message><Body><Acknowledgement>{status}</Acknowledgement></Body></Message>".encode()
    plain, why = RequestId(SUPPLIER, GATEWAY, 8), "the period of the group G/Pilot was over"
    store = Store.open(load_config(installation.config[1], {}).store.url)
    with store.write() as conn:
        evidence.record(conn, REQUEST, "duis", "SR11.6", "E110605", AT, b"d", b"<a/>", refusal, why)
        evidence.record(conn, plain, "duis", "SR11.6", "E110605", AT, b"d", b"<a/>", refusal)
        evidence.record(conn, MESSAGE, "csp", "DefaultPilotList", "Refused", AT, b"d", b"<a/>", acknowledgement)
    store.close()
    shown = done("inbox", "show", REQUEST, *installation.config)
    assert re.search(f"^answer: +E110605: {why}$", shown, re.M)
    assert re.search("^what to do: +name a period that ends before the automatic date", shown, re.M)
    shown = done("inbox", "show", plain, *installation.config)
    assert re.search("^answer: +E110605: received too late, or a period is wrong", shown, re.M)
    shown = done("inbox", "show", MESSAGE, *installation.config)
    assert re.search(r"^answer: +Refused UnknownRelease: No such release\.$", shown, re.M)
    assert "what to do" not in shown
