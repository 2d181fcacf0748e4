"""Messages that can be played: one after the other, each is answered as it says, from a release's notice to an N64.

Their dates follow from the time at which they are made, and their identities are new each time.
"""

from __future__ import annotations

import shlex
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import (
    DOORS,
    Eui,
    Group,
    PreferredPilotList,
    PreferredPilotSchedule,
    ReadInventory,
    ServiceRequest,
    Stage,
    TimeCounter,
)
from duis_gateway.client.requests import service_request
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period, PilotTerms, ReleaseType
from duis_gateway.rollout.rollout_decisions.records import GroupDecision

GATEWAY = Eui("90-B3-D5-1F-30-00-00-02")
SUPPLIER = Eui("90-B3-D5-1F-30-01-00-00")
OTHER = Eui("90-B3-D5-1F-30-02-00-00")
CSP = Eui("90-B3-D5-1F-30-00-00-07")
DCC = Eui("90-B3-D5-1F-30-00-00-0A")
HUBS = tuple(Eui(f"00-DB-12-34-56-00-00-{number:02X}") for number in range(1, 9))
RELEASE, BEFORE, VERSION, MANUFACTURER, MODEL = "SEC-EXAMPLE-A", "9001", "9002", "106C", "433100AC"

_ROLES = {SUPPLIER: "87", CSP: "06", DCC: "89"}
_REGISTERED = {
    SUPPLIER: "--kind supplier --role IS --role GS --duis-version 6.0",
    CSP: "--kind csp --region North",
    DCC: "--kind dcc",
}
_counter = TimeCounter()


@dataclass(frozen=True)
class Playable:
    """One message of the set.

    Attributes:
        name: what `duis-gateway example` calls it: "11.5", "11.6-cancelled", or the name of a partner's message.
        sender: whose message it is.
        door: where it goes, a key of `DOORS`.
        answer: what a gateway answers where all before it were sent.
        document: the unsigned message.
        about: in words.
    """

    name: str
    sender: Eui
    door: str
    answer: str
    document: bytes
    about: str


def playable(now: datetime) -> list[Playable]:
    """Return the set, in the order in which it is to be sent, with dates that fit `now`."""
    now = now.replace(microsecond=0)
    pilot = Period(now - timedelta(minutes=1), now + timedelta(days=60))
    week = Period(now + timedelta(days=7), now + timedelta(days=14))
    later = week.end + timedelta(days=7)
    notice = esi.FirmwareRelease(
        RELEASE,
        1,
        ReleaseType.SEC_RELEASE,
        MANUFACTURER,
        MODEL,
        VERSION,
        f"https://releases.example/{RELEASE}",
        "Major",
        "High",
        pilot=PilotTerms(pilot, limit=300),
        permitted_predecessors=(BEFORE,),
    )
    groups = (DefaultGroup("WAVE-1", week, HUBS[:2]), DefaultGroup("THE-REST", Period(week.start, pilot.end)))
    constraints = (OfferedConstraint("NIGHT", "Between 00:00 and 05:00 UTC only"),)
    wanted = [*HUBS[:4], HUBS[7], Eui("00-DB-99-99-99-00-00-01")]
    group = Group("WEEK-1", HUBS[:3], week.start, week.end, constraints=("NIGHT",))
    second = Group("WEEK-2", HUBS[3:4], week.start, week.end)
    back = PreferredPilotSchedule(RELEASE, VERSION, cancelled=[("WEEK-2", Stage.PILOT)])
    decision = (RELEASE, SUPPLIER, "WEEK-1", GroupDecision.AMENDED, week.start, later, "Capacity")
    outcome = HubOutcome(HUBS[0], OutcomeStage.ACTIVATION, True, VERSION, now)
    failure = HubOutcome(HUBS[1], OutcomeStage.ACTIVATION, False, VERSION, now, "hashMismatch", "Seen twice.")
    return [
        _esi(now, notice, "DCC announces it, for hubs on 9001"),
        _csp(now, csp.DefaultPilotList(RELEASE, "North", HUBS[:3]), "the CSP's list for the pilot (N66)"),
        _csp(now, csp.DefaultPilotSchedule(RELEASE, "North", groups, constraints), "and its schedule (N67)"),
        _duis(ReadInventory(HUBS[0]), "I0", "what a hub runs"),
        _duis(
            PreferredPilotList(RELEASE, VERSION, wanted),
            "W110501",
            "its own list; one hub another's, 1 unknown",
        ),
        _duis(PreferredPilotSchedule(RELEASE, VERSION, [group, second]), "I99", "when, one under a CSP's constraint"),
        _duis(back, "I99", "the other is taken back", "11.6-cancelled"),
        _csp(now, csp.ScheduleDecision(*decision), "the CSP gives it a longer period (N74)"),
        _esi(now, esi.ReleaseApproval(RELEASE, now), "DCC approves it: it may be deployed"),
        _csp(now, csp.ActivateFirmwareResponses((outcome, failure)), "one hub runs it (N64), one failed (N71)"),
        _duis(ReadInventory(HUBS[0]), "I0", "it does"),
        _esi(now, esi.Closure(RELEASE, now), "DCC closes the roll-out"),
    ]


def hubs_csv() -> str:
    """Return the inventory that the set is about: the last hub is another supplier's."""
    rows = [",".join(HEADER)]
    for hub in HUBS:
        owner = OTHER if hub == HUBS[-1] else SUPPLIER
        rows.append(f"{hub},CHF,{MANUFACTURER},{MODEL},{BEFORE},Commissioned,North,{owner},{owner}")
    return "\n".join(rows) + "\n"


def play_script(messages: list[Playable], names: list[str]) -> str:
    """Return a shell script that makes an installation beside it and sends the set, whose files have these names."""
    lines = [
        "#!/bin/sh",
        "# Makes a gateway in this folder, and sends it the messages that lie here, in their order.",
        "set -eu",
        'cd "$(dirname "$0")"',
        "# The duis-gateway that wrote this.",
        f'PATH={shlex.quote(sysconfig.get_path("scripts"))}:"$PATH"',
        "if [ -e answers ]; then",
        "    echo 'It was played here: make another set, duis-gateway example --folder OTHER' >&2",
        "    exit 1",
        "fi",
        "mkdir answers",
        "export DUIS_GATEWAY_CONFIG=gateway.toml",
        "export DUIS_GATEWAY_SERVER_PORT=0 DUIS_GATEWAY_OPERATIONS_PORT=0  # any that are free",
        "duis-gateway init . > init.log",
        *(f"duis-gateway certificate make {eui} --role {role} --pki pki" for eui, role in _ROLES.items()),
        *(
            f"duis-gateway party add {eui} {words} --url http://127.0.0.1:8090/ --certificate {_file(eui)}.pem"
            for eui, words in _REGISTERED.items()
        ),
        "duis-gateway inventory load hubs.csv",
        "duis-gateway serve > listening 2> gateway.log &",
        "trap 'kill $! 2> /dev/null' EXIT",
        "until url=$(sed -n '1s/^listening on //p' listening 2> /dev/null) && [ \"$url\" ]; do",
        "    kill -0 $! 2> /dev/null || { cat gateway.log; exit 1; }",
        "    sleep 0.1",
        "done",
    ]
    for one, name in zip(messages, names, strict=True):
        key = f"--key {_file(one.sender)}.key --certificate {_file(one.sender)}.pem"
        url = f"$url{DOORS[one.door]}"
        lines += [
            f"echo {shlex.quote(f'{one.about}: {one.answer}')}",
            f"duis-gateway send {name} {key} --url {url} --out answers/{name}",
        ]
    lines.append("echo 'The answers are in answers/; duis-gateway release list --config gateway.toml tells more.'")
    return "\n".join(lines) + "\n"


def _file(eui: Eui) -> str:
    return f"pki/{str(eui).replace('-', '')}-{_ROLES[eui]}"


def _duis(request: ServiceRequest, answer: str, about: str, name: str = "") -> Playable:
    request_id = str(RequestId(SUPPLIER, GATEWAY, _counter()))
    document = service_request(request_id, "6.0", request.reference, request.body())
    return Playable(name or request.reference, SUPPLIER, "serviceD", answer, document, about)


def _csp(now: datetime, body: PartnerBody, about: str) -> Playable:
    return _partner(csp.render_message, CSP, "csp", now, body, about)


def _esi(now: datetime, body: PartnerBody, about: str) -> Playable:
    return _partner(esi.render_message, DCC, "esi", now, body, about)


def _partner(
    render: Callable[[str, int, datetime, PartnerBody], bytes],
    sender: Eui,
    door: str,
    now: datetime,
    body: PartnerBody,
    about: str,
) -> Playable:
    return Playable(type(body).__name__, sender, door, "Accepted", render(str(uuid4()), sender, now, body), about)
