"""Emails as their readers get them: both forms, the facts, the file; and which alerts need one."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.duis.alerts.table import ALERTS, VERSION_MISMATCH, code_of
from duis_gateway.flow.reply import Alert, CsvTable, EligibleHubs, PartnerSend
from duis_gateway.outbox.emails.announcement import announcement
from duis_gateway.outbox.emails.beside_alerts import TOLD_BY_EMAIL_ANYWAY, emails_beside, is_told_by_email
from duis_gateway.outbox.emails.facts import release_facts
from duis_gateway.outbox.emails.rendering import (
    CsvFile,
    EmailContent,
    Envelope,
    csv_file,
    file_name,
    header_text,
    render,
)
from duis_gateway.parties.records import Party, PartyKind, Role, is_email_address
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.deadlines.rules import CspFacts
from duis_gateway.rollout.plans.records import Deviation, DeviationKind, VoidPlan, VoidReason
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, PilotTerms, ReleaseState, ReleaseType
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing
from duis_gateway.text.cells import unguarded
from duis_gateway.text.controls import shown_lines
from duis_gateway.text.times import show_time
from tests.support.mail_relay import parsed
from tests.support.rules import NOW, PILOT, THEIRS, release

HUB, OTHER_HUB = 0x00DB123456000001, 0x00DB123456000002
ENVELOPE = Envelope("6b2c1a", NOW, "gateway@dcc.example", "A01", "R1")
CONTENT = EmailContent("ops@supplier.example", "Release R1", ("First.", "Second."), (("Release", "R1"),), "Goodbye.")


def supplier(version: str, eui: int = THEIRS) -> Party:
    return Party(eui, PartyKind.SUPPLIER, "https://x.example", "ops@x.example", duis_version=Decimal(version))


def received(content: EmailContent = CONTENT, envelope: Envelope = ENVELOPE) -> EmailMessage:
    return parsed(render(content, envelope))


def body(message: EmailMessage, form: str) -> str:
    part = message.get_body((form,))
    assert part is not None
    return str(part.get_content())


class Reader(HTMLParser):
    """What a person sees of a page, and the tags that are in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


# --- how an email looks -------------------------------------------------------------------------------------------


def test_an_email_says_the_same_as_text_and_as_html() -> None:
    message = received()
    assert message.get_content_type() == "multipart/alternative"
    text, page = body(message, "plain"), Reader(body(message, "html"))
    for words in ("First.", "Second.", "Release", "R1", "Goodbye."):
        assert words in text
        assert words in page.words
    assert "table" in page.tags


def test_the_headers_come_from_the_row_and_business_time() -> None:
    message = received()
    assert message["Message-ID"] == "<6b2c1a@duis-gateway>"
    assert message["Date"].datetime == NOW
    assert (message["From"].addresses[0].addr_spec, message["To"]) == ("gateway@dcc.example", "ops@supplier.example")
    assert (message["X-DUIS-Gateway-Kind"], message["X-DUIS-Gateway-Release"]) == ("A01", "R1")
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_same_email_is_the_same_bytes() -> None:
    content = replace(CONTENT, file=CsvFile("hubs.csv", b"a\r\n"))
    assert render(content, ENVELOPE) == render(content, ENVELOPE)


def test_without_a_configured_sender_there_is_no_from_yet() -> None:
    assert "From" not in received(envelope=replace(ENVELOPE, sender=None))


def test_the_file_arrives_byte_for_byte() -> None:
    content = "device_id,näme\r\n.\r\n".encode()
    message = received(replace(CONTENT, file=CsvFile("hubs.csv", content)))
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("hubs.csv", "text/csv")
    assert part.get_payload(decode=True) == content


ANYTHING = st.one_of(
    st.text(max_size=120), st.from_regex(r"=\?u(tf-8)?\?[qb]\?(=0[AD]|[A-Za-z:_@.=])*\?=", fullmatch=True)
)
"""Any text, and what the email package would read as an encoded word (RFC 2047)."""


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_no_text_makes_a_header_a_tag_or_a_line_that_smtp_cannot_carry(
    subject: str, paragraph: str, kind: str, release_id: str
) -> None:
    """T66: releases are named by DCC and commented on by CSPs; their words stay words."""
    content = replace(CONTENT, subject=subject, paragraphs=(paragraph,), facts=((subject, paragraph),))
    raw = render(content, replace(ENVELOPE, kind=kind, release_id=release_id))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = parsed(raw)
    assert set(message.keys()) == set(received().keys())
    assert message["To"] == "ops@supplier.example"
    assert str(message["Subject"]).split() == header_text(subject).split()
    page = Reader(body(message, "html"))
    assert set(page.tags) <= {"html", "head", "meta", "title", "body", "p", "table", "tr", "th", "td", "a"}


def test_headers_of_injected_lines_are_words_of_the_subject() -> None:
    message = received(replace(CONTENT, subject="R1\r\nBcc: everybody@else.example"))
    assert message["Bcc"] is None
    assert message["Subject"] == "R1 Bcc: everybody@else.example"
    message = received(replace(CONTENT, subject="9002 for 106C =?u?q?=0ABcc:_e@x.io?="))
    assert message["Bcc"] is None
    assert message["Subject"] == "9002 for 106C = ?u?q?=0ABcc:_e@x.io?="


def test_only_web_addresses_become_links() -> None:
    facts = (("Release note", 'https://notes.example/?a="1"&b=2'), ("Bad", "javascript:alert(1)"))
    assert Reader(body(received(replace(CONTENT, facts=facts)), "html")).links == [facts[0][1]]


@pytest.mark.parametrize(
    "address",
    [
        "ops@supplier.example",
        "o'neill+x@a.b-c.example",
        "90B3D51F30010000@p.example",
        "a" * 64 + "@relay",
        "a.b=c@xn--bcher-kva.example",
    ],
)
def test_addresses_that_can_be_written_to(address: str) -> None:
    assert is_email_address(address)
    assert received(replace(CONTENT, to=address))["To"].addresses[0].addr_spec == address


@pytest.mark.parametrize(
    "address",
    ["", "ops", "ops@", "@x.example", "a b@x.example", "a@x.example, b@y.example", "A <a@x.example>",
     "a(comment)@b.example", "a@b.example (comment)", "a@-b.example", "a@b-.example", "a@b_c.example", ".a@b.example",
     "a" * 65 + "@x.example", "a@" + "b" * 64 + ".example", "a@b@c.example", "a\\@b.example", "a@[x]",
     "a@x.example\r\nBcc: b@y", "a@x.example\n", "ö@x.example", "a@x..example", "a" * 250 + "@x.example"],
)  # fmt: skip
def test_addresses_that_cannot(address: str) -> None:
    """T66."""
    assert not is_email_address(address)


# --- CSV ----------------------------------------------------------------------------------------------------------


def rows_of(file: CsvFile) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.content.decode(), newline="")))


@given(st.lists(st.tuples(ANYTHING, ANYTHING), max_size=5))
def test_a_spreadsheet_finds_no_formula_and_a_program_every_cell(rows: list[tuple[str, str]]) -> None:
    """T59: failure reasons and commentary are the CSPs' own words."""
    told = rows_of(csv_file("x.csv", ("a", "b"), rows))
    assert len(told) == len(rows) + 1
    for line, row in zip(told[1:], rows, strict=True):
        for cell, given_cell in zip(line, row, strict=True):
            assert unguarded(cell) == shown_lines(given_cell)
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_files_name_is_one_that_any_file_system_takes() -> None:
    assert file_name("N66", "../SEC 2026/11:A") == "N66-..-SEC-2026-11-A.csv"


# --- facts --------------------------------------------------------------------------------------------------------


def test_the_facts_of_a_release() -> None:
    facts = dict(release_facts(release()))
    assert facts["Release"] == "R1"
    assert facts["Device model"] == "106C 433100AC"
    assert facts["Firmware version"] == "00000002"
    assert (facts["Type"], facts["Severity"], facts["Priority"]) == ("SECRelease", "high", "normal")
    assert facts["Release note"] == "https://notes.example/R1"
    assert facts["Automatic date"] == "2026-09-02 09:00 UTC (10:00 in London)"
    assert facts["Pilot"] == "2026-04-01 00:00 UTC (01:00 in London) to 2026-06-01 00:00 UTC (01:00 in London)"
    assert facts["Pilot group"] == "at most 10 hubs per supplier"


def test_a_release_without_a_pilot_and_one_that_is_paused_say_so() -> None:
    facts = dict(release_facts(release(pilot=None, release_type=ReleaseType.SECURITY)))
    assert facts["Pilot"] == "none for this release"
    assert dict(release_facts(release(state=ReleaseState.SAFE_LAUNCH, paused=True)))["State"] == "safe launch, paused"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 1, 2, 9, 5, tzinfo=UTC), "2026-01-02 09:05 UTC"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "2026-03-29 00:59 UTC"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29 01:00 UTC (02:00 in London)"),
        (datetime(2026, 7, 2, 23, 30, tzinfo=UTC), "2026-07-02 23:30 UTC (2026-07-03 00:30 in London)"),
    ],
)
def test_times_are_utc_with_londons_beside_them_where_it_differs(moment: datetime, shown: str) -> None:
    """Design section 7: London time is for display only."""
    assert show_time(moment) == shown


# --- A01 ----------------------------------------------------------------------------------------------------------


def test_a_suppliers_announcement_says_until_when_it_can_choose_and_lists_its_hubs() -> None:
    email = announcement(release(), supplier("6.0"), NOW, revised=False)
    said = " ".join(email.paragraphs)
    assert "Service Request 11.5) until 2026-06-01 00:00 UTC" in said
    assert "Service Request 11.6) until 2026-08-02 09:00 UTC" in said
    assert (email.kind, email.attachment) == ("A01", EligibleHubs(release()))


def test_a_supplier_on_an_older_duis_is_told_that_it_cannot_choose() -> None:
    said = " ".join(announcement(release(), supplier("5.4"), NOW, revised=False).paragraphs)
    assert "(5.4) does not have the Service Requests" in said
    assert "automatic date, 2026-09-02 09:00 UTC" in said


def test_a_csps_announcement_has_no_hubs() -> None:
    csp = Party(1, PartyKind.CSP, "https://c.example", "csp@c.example", regions=frozenset({"North"}))
    email = announcement(release(), csp, NOW, revised=False)
    assert email.attachment is None
    assert "FirmwareReleaseNotice" in " ".join(email.paragraphs)


@pytest.mark.requirement("BR-5.4")
def test_a_late_revision_names_no_day_that_is_past_as_still_to_come() -> None:
    """Before: "you can choose your hubs until" a day a month ago, and "upload by" the pilot's start, in its midst."""
    csp = Party(1, PartyKind.CSP, "https://c.example", "csp@c.example", regions=frozenset({"North"}))
    owing = PilotTerms(PILOT, limit=10, minimum=5)
    soon = release(revision=2, pilot=owing, obligations=True, automatic_date=PILOT.end + timedelta(days=1))

    def said(party: Party, now: datetime) -> str:
        return " ".join(announcement(soon, party, now, revised=True).paragraphs)

    late = PILOT.end - timedelta(days=4)
    to_supplier = said(supplier("6.0"), late)
    assert "It is too late to choose your hubs for the pilot (Service Request 11.5)." in to_supplier
    assert "It is too late to instruct when your hubs are updated (Service Request 11.6)." in to_supplier
    assert "updated by the automatic date, 2026-06-02" in to_supplier
    assert "You can" not in to_supplier
    assert "Every supplier had to provide at least 5 of them" in to_supplier
    assert f"Default Pilot Schedule for North now: it was due on {show_time(PILOT.start)}" in said(csp, late)
    assert f"Safe Launch Schedule for North by {show_time(PILOT.end)}" in said(csp, late)
    over = said(csp, PILOT.end + timedelta(days=2))
    assert "It is too late to upload your Default Pilot List" in over
    assert "It is too late to upload your Safe Launch Schedule" in over
    assert "has come: the CSPs update whatever remains" in over
    assert " by 20" not in over


@pytest.mark.requirement("BR-5.4")
def test_a_csp_is_asked_for_nothing_that_it_has_sent_and_for_no_region_without_hubs() -> None:
    """Before: whatever a CSP had sent, a revision told it to upload it now, as it was due weeks ago."""
    regions = frozenset({"Central", "South"})
    csp = Party(1, PartyKind.CSP, "https://c.example", "csp@c.example", regions=regions)

    def said(facts: CspFacts) -> str:
        late = PILOT.start + timedelta(days=4)
        return " ".join(announcement(release(revision=2), csp, late, revised=True, csp=facts).paragraphs)

    everything = said(CspFacts(1, regions, regions, regions, regions))
    assert "Upload" not in everything
    assert "Nothing is outstanding of your Default Pilot List and Default Pilot Schedule" in everything
    some = said(CspFacts(1, regions, regions, regions - {"South"}))
    assert "Upload your Default Pilot Schedule for South now: it was due on" in some
    assert "Upload your Safe Launch Schedule for Central and South by" in some
    assert "nothing to upload" in said(CspFacts(1))


def test_a_revision_says_which() -> None:
    email = announcement(release(revision=3), supplier("6.0"), NOW, revised=True)
    assert "revision 3" in email.subject
    assert "replaces what you were told before" in email.paragraphs[0]


@pytest.mark.requirement("X09", "X10")
def test_what_a_plan_says_of_one_hub_is_right_for_one() -> None:
    """Before: "1 Communications Hub not reported on in their period, and now go at the automatic date"."""
    off, void = Deviation(DeviationKind.PERIOD_MISSED, (1,), PILOT), VoidPlan(VoidReason.PERIOD_ENDED, (1,))
    said = FirmwareDeploymentPlan("R1", "9002", voids=(void,), deviations=(off,)).words().paragraphs
    assert said == (
        "1 Communications Hub not planned: the period has ended.",
        f"1 Communications Hub: no outcome was reported in the planned period, {show_time(PILOT.start)} to "
        f"{show_time(PILOT.end)}.",
    )


# --- what goes beside an alert ------------------------------------------------------------------------------------

COUNTS = HubCounts(1200, 1100, 100)
N64 = CommsHubFirmwareActivation(HUB, "9002")
N71 = CommsHubFirmwareFailure(HUB, "9002", OutcomeStage.ACTIVATION, "=no power", "tried twice")
ALL: list[AlertBody] = [
    N64,
    DefaultPilotList("R1", "9002", "North", (HUB, OTHER_HUB)),
    DefaultPilotSchedule("R1", "9002", "North", (DefaultGroup("W1", PILOT, (HUB,)),),
                                (OfferedConstraint("NIGHT", "At night only"),)),
    SafeLaunchSchedule("R1", "9002", "South", (DefaultGroup("S1", PILOT),)),
    SafeLaunchOutcome("R1", True, COUNTS),
    SafeLaunchOutcome("R1", False, COUNTS, "too many failures"),
    N71,
    FirmwareRolloutDecision("R1", RolloutAction.DELAY, Standing.PROVISIONAL, "SEC Panel", "an incident", NOW,
                                   "your groups stand", (HUB,), PILOT),
    SplitSupplierInstruction("R1", OtherSupplier.CANNOT_INSTRUCT, (HUB,)),
    PreferredPilotScheduleDecision("R1", "G1", GroupDecision.AMENDED, "no capacity", PILOT),
    PilotOutcome("R1", True, COUNTS),
    PilotOutcome("R1", False, COUNTS),
    PreferredPilotScheduleDecision("R1", "G1", GroupDecision.REFUSED, "no capacity",
                                          device_ids=(HUB, OTHER_HUB)),
    FirmwareDeploymentPlan("R1", "9002", voids=(VoidPlan(VoidReason.PAUSED, (HUB,)),)),
]  # fmt: skip


def test_every_alert_is_looked_at_here() -> None:
    assert {code_of(one) for one in ALL} == set(ALERTS) - {VERSION_MISMATCH}


@pytest.mark.parametrize("alert", ALL, ids=code_of)
@pytest.mark.parametrize("version", ["5.0", "5.1", "5.4", "6.0"])
def test_whoever_gets_n999_gets_an_email_and_nobody_else(alert: AlertBody, version: str) -> None:
    """Design section 3. N75 and N76 have their email in any case (A06, A07): the email once."""
    who = supplier(version)
    gets_n999 = prepare(alert, who)[0].sent_code == VERSION_MISMATCH
    expected = gets_n999 and code_of(alert) not in ("N75", "N76")
    assert is_told_by_email(Alert(who, alert)) is expected
    emails = emails_beside([Alert(who, alert, "R1")])
    assert [(one.recipient, one.kind, one.release_id) for one in emails] == [(who, code_of(alert), "R1")] * expected


def test_the_alerts_that_go_beside_an_email_anyway_come_from_the_table() -> None:
    assert sorted(TOLD_BY_EMAIL_ANYWAY) == ["N75", "N76"]


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        (1, ["Default Pilot List", "North", "2 Communications Hubs"]),
        (2, ["Default Pilot Schedule", "Group W1: 2026-04-01 00:00 UTC", "1 of your hubs", "NIGHT, At night only"]),
        (3, ["Safe Launch Schedule", "South", "naming no hubs"]),
        (5, ["safe launch of R1 failed", "1,200", "1,100", "100", "too many failures"]),
        (7, ["Delay, provisional", "SEC Panel", "an incident", "2026-03-02 09:00 UTC", "your groups stand"]),
        (8, ["1 Communications Hub of yours", "cannot instruct"]),
        (9, ["group G1", "amended", "no capacity", "2026-06-01"]),
    ],
)
def test_the_content_of_an_alert_in_words(alert: int, words: list[str]) -> None:
    (email,) = emails_beside([Alert(supplier("5.4"), ALL[alert], "R1")])
    said = " ".join([email.subject, *email.paragraphs, *(f"{label}: {value}" for label, value in email.facts)])
    assert [one for one in words if one not in said] == []
    assert "does not know DCC Alert" in said


@pytest.mark.parametrize(
    ("alert", "cells"),
    [
        (0, ["00-DB-12-34-56-00-00-01", "9002", "R1"]),
        (1, ["00-DB-12-34-56-00-00-01", "00-DB-12-34-56-00-00-02"]),
        (2, ["W1", "00-DB-12-34-56-00-00-01"]),
        (6, ["00-DB-12-34-56-00-00-01", "9002", "Activation", "=no power", "tried twice"]),
        (7, ["00-DB-12-34-56-00-00-01"]),
        (8, ["00-DB-12-34-56-00-00-01"]),
        (12, ["00-DB-12-34-56-00-00-01", "00-DB-12-34-56-00-00-02"]),
    ],
)
def test_the_hubs_of_an_alert_are_in_a_table(alert: int, cells: list[str]) -> None:
    (email,) = emails_beside([Alert(supplier("5.0"), ALL[alert], "R1")])
    assert isinstance(email.attachment, CsvTable)
    assert all(len(row) == len(email.attachment.columns) for row in email.attachment.rows)
    assert set(cells) <= {cell for row in email.attachment.rows for cell in row}


def test_hubs_of_one_message_make_one_email_for_each_recipient() -> None:
    """Not one email a hub, however many there are."""
    first, second, new = supplier("5.0", 1), supplier("5.0", 2), supplier("6.0", 3)
    ids = range(HUB, HUB + 500)
    sends = [Alert(who, CommsHubFirmwareActivation(d, "9002"), "R1", d) for d in ids for who in (first, new)]
    sends.append(Alert(second, N64, "R2", HUB))
    sends.append(Alert(first, N71, "R1", HUB))
    emails = emails_beside(sends)
    assert [(one.recipient, one.kind, one.release_id) for one in emails] == [
        (first, "N64", "R1"),
        (second, "N64", "R2"),
        (first, "N71", "R1"),
    ]
    assert isinstance(emails[0].attachment, CsvTable)
    assert len(emails[0].attachment.rows) == 500
    assert emails[0].subject == "New firmware active on 500 Communications Hubs"
    assert emails[1].paragraphs[0] == "Communications Hub 00-DB-12-34-56-00-00-01 now runs firmware 9002."


def test_hubs_of_several_releases_are_told_apart() -> None:
    sends = [Alert(supplier("5.0"), N64, "R1", HUB), Alert(supplier("5.0"), replace(N64, device_id=OTHER_HUB), None)]
    (email,) = emails_beside(sends)
    assert email.release_id is None
    assert isinstance(email.attachment, CsvTable)
    assert [row[2] for row in email.attachment.rows] == ["R1", ""]


def test_messages_for_partners_have_no_email() -> None:
    csp = Party(1, PartyKind.CSP, "https://c.example", roles=frozenset[Role]())
    assert emails_beside([PartnerSend(csp, Acknowledgement("m", AcknowledgementStatus.ACCEPTED, "Accepted"))]) == ()


def test_n73_never_says_who_the_second_supplier_is() -> None:
    """BR-3.3."""
    for other in OtherSupplier:
        words = SplitSupplierInstruction("R1", other, (HUB,)).words()
        assert "90-B3" not in f"{words}"
