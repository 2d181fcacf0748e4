"""A dry run at the party door: the answer that an 11.5 or 11.6 would get, and nothing comes of it.

That it is the answer of the real way, case by case, is seen wherever `CHECKED_FIRST` stands in these journeys.
"""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import select

from duis_gateway.store.audit_tables import audit_entry, audit_waiting
from duis_gateway.store.tables import metadata
from tests.support.cli import refused, run
from tests.support.conversation import as_told
from tests.support.databases import KINDS
from tests.support.play import Group, Play

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-1")]


def rows(play: Play) -> dict[str, list[str]]:
    """Return everything that the database holds; of the audit log what it says, which the gateway seals by itself."""
    with play.installation.store.read() as conn:
        found = {name: sorted(map(repr, conn.execute(select(table)))) for name, table in metadata.tables.items()}
        said = [conn.scalars(select(table.c.content)).all() for table in (audit_waiting, audit_entry)]
    sealing = ("audit_waiting", "audit_entry", "audit_checkpoint")
    return {name: held for name, held in found.items() if name not in sealing} | {"audit": sorted(chain(*said))}


def a_list(play: Play) -> bytes:
    """Return an unsigned 11.5, some of its hubs another supplier's."""
    hubs = (*play.lot["own"], *play.lot["on54"])
    return play.prepare(lambda: play.pilot_list("main", hubs)).unsigned


def a_schedule(play: Play) -> bytes:
    """Return an unsigned 11.6, one of its hubs unknown."""
    hubs = (*play.lot["own"][:2], "00-DB-12-FF-FF-FF-FF-FF")
    return play.prepare(lambda: play.pilot_schedule("main", Group("G1", hubs))).unsigned


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("which", [a_list, a_schedule])
def test_nothing_is_recorded_sent_or_used_up(play: Play, which: object, signed: bool) -> None:
    play.announce()
    play.pilot_list("main", play.lot["own"])
    play.settle()
    document = a_list(play) if which is a_list else a_schedule(play)
    asked = play["main"].me.sign(document) if signed else document
    before, heard = rows(play), play.everything()
    told = play.check("main", asked)
    assert told == play.check("main", asked), "asking changes nothing"
    assert (rows(play), play.everything()) == (before, heard)
    answer = play.send("main", document)
    assert told == as_told(answer)
    assert answer.code.startswith("W"), "its RequestID was free"


def test_a_request_that_was_answered_is_told_its_answer_and_no_other_may_have_its_id(play: Play) -> None:
    play.announce()
    answer = play.pilot_list("main", play.lot["own"])
    sent = play.sent
    assert play.pilot_list("main", play.lot["own"][:1]).code == "I99"
    assert play.check("main", sent.unsigned) == as_told(answer)
    other = sent.unsigned.replace(b"9002", b"9003")
    assert play.check("main", other)[:2] == (409, "urn:duis-gateway:problem:identity-reused")


@pytest.mark.parametrize(
    ("signed", "before", "after"),
    [
        (True, b"9002", b"9003"),
        (True, b"ds:SignatureValue", b"ds:SignatureValues"),
        (False, b"sr:FirmwareReleaseID>", b"sr:Release>"),
        (False, b'schemaVersion="6.0"', b'schemaVersion="6.1"'),
        (False, b"<sr:CommandVariant>8", b"<sr:CommandVariant>7"),
    ],
)
def test_what_would_be_refused_is_told_as_it_is(play: Play, signed: bool, before: bytes, after: bytes) -> None:
    play.announce()
    me, document = play["main"].me, a_list(play)
    asked = (me.sign(document) if signed else document).replace(before, after)
    real = play["main"].client.post("/api/v1/serviceD", asked if signed else me.sign(asked))
    told = play.check("main", asked)
    assert told == as_told(real)
    assert told[0] != 200 or told[1] == "E12"


def test_a_party_asks_about_its_own_11_5_and_11_6_alone(play: Play) -> None:
    play.announce()
    document = a_list(play)
    assert play.check("on54", document)[:2] == (403, "urn:duis-gateway:problem:not-entitled")
    assert play.check("north", document)[0] == 403
    reading = play.reading("main", play.lot["own"][0])
    assert play.check("main", reading)[:2] == (400, "urn:duis-gateway:problem:http-refused")
    actor = play["main"]
    for token in (None, "wrong"):
        assert actor.client.exchange("POST", "/party/v1/check", document, "application/xml", token).status == 401
    assert actor.client.exchange("GET", "/party/v1/check", token=actor.token).status == 405
    assert actor.client.exchange("POST", "/party/v1/check", document, "text/plain", actor.token).status == 415


def test_the_command_says_the_same(play: Play, tmp_path: Path) -> None:
    play.announce()
    file, token = tmp_path / "request.xml", tmp_path / "token"
    token.write_text(play["main"].token + "\n")
    file.write_bytes(a_list(play))
    asking = ("check", file, "--url", play["main"].url, "--token-file", token)
    ran = run(*asking)
    assert (ran.code, ran.error) == (0, "")
    first, *listed = ran.output.splitlines()
    assert first.startswith("W110501: ")
    assert listed == [f"  {hub}: NotResponsibleDeviceIDList" for hub in play.lot["on54"]]
    file.write_bytes(re.sub(rb"<sr:FirmwareVersion>\d+", b"<sr:FirmwareVersion>7777", a_list(play)))
    ran = run(*asking)
    assert (ran.code, ran.output[:9]) == (1, "E110501: ")
    file.write_bytes(play.prepare(lambda: play.pilot_schedule("main", cancelled=[("G7", "Pilot")])).unsigned)
    ran = run(*asking)
    assert (ran.code, ran.output) == (1, "E110602: nothing is cancelled: the group G7/Pilot is not known\n")
    file.write_bytes(b"<a/>")
    ran = run(*asking)
    assert ran.code == 1
    assert "would be refused: HTTP 400: " in ran.error


def test_the_command_tells_what_was_not_judged_from_what_would_be_refused(play: Play, tmp_path: Path) -> None:
    play.announce()
    file, token = tmp_path / "request.xml", tmp_path / "token"
    token.write_text(play["main"].token)
    file.write_bytes(a_list(play))
    url = play["main"].url
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    for given, where, what in (
        (wrong, url, "HTTP 401: "),
        (token, f"{url}/elsewhere", "HTTP 404: "),
        (token, "http://127.0.0.1:9", ""),
    ):
        said = refused(2, "check", file, "--url", where, "--token-file", given)
        assert f"{file} was not judged: {what}" in said
    file.write_bytes(play.reading("main", play.lot["own"][0]))
    assert "was not judged: HTTP 400: " in refused(2, "check", file, "--url", url, "--token-file", token)
    broken = play["main"].me.sign(a_list(play)).replace(b"9002", b"9003")
    file.write_bytes(broken)
    assert "would be refused: HTTP 401: " in refused(1, "check", file, "--url", url, "--token-file", token)
