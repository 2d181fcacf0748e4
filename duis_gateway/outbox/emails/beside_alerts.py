"""Which alerts also go by email, so that no duty goes unmet if a supplier's DUIS version does not know them.

A supplier that gets N999 in an alert's place is sent what the alert says by email (design section 3): one email for an
alert about a release; for N64 and N71, of which there is one per hub, one for all hubs in a message. N75 and N76
accompany an email in any case (A06, A07), and need no second one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation, activations
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure, failures
from duis_gateway.duis.alerts.prepare import knows
from duis_gateway.duis.alerts.table import ALERTS, VERSION_MISMATCH, code_of
from duis_gateway.duis.alerts.words import Words
from duis_gateway.flow.interactions import INTERACTIONS, Outbound
from duis_gateway.flow.reply import Alert, CsvTable, Email, Send
from duis_gateway.parties.records import Party, PartyKind

TOLD_BY_EMAIL_ANYWAY = frozenset(
    out.name
    for row in INTERACTIONS
    if Outbound(PartyKind.SUPPLIER, "email") in row.out
    for out in row.out
    if out.name in ALERTS
)
"""The alerts whose interaction tells every supplier by email."""


def is_told_by_email(alert: Alert) -> bool:
    """Whether this alert's content also goes by email: its recipient gets N999, and no other email says it."""
    code = code_of(alert.body)
    return code not in TOLD_BY_EMAIL_ANYWAY and not knows(alert.recipient, ALERTS[code])


def emails_beside(sends: Sequence[Send]) -> tuple[Email, ...]:
    """Return the emails that go out beside the alerts among these sends, of one transaction."""
    emails: list[Email] = []
    activated: defaultdict[Party, list[tuple[CommsHubFirmwareActivation, str | None]]] = defaultdict(list)
    failed: defaultdict[Party, list[tuple[CommsHubFirmwareFailure, str | None]]] = defaultdict(list)
    for send in sends:
        if not isinstance(send, Alert) or not is_told_by_email(send):
            continue
        match send.body:
            case CommsHubFirmwareActivation() as body:
                activated[send.recipient].append((body, send.release_id))
            case CommsHubFirmwareFailure() as body:
                failed[send.recipient].append((body, send.release_id))
            case _:
                emails.append(_email(send.recipient, code_of(send.body), send.release_id, send.body.words()))
    emails += [_email(who, "N64", _only(told), activations(told)) for who, told in activated.items()]
    emails += [_email(who, "N71", _only(told), failures(told)) for who, told in failed.items()]
    return tuple(emails)


def _email(recipient: Party, code: str, release_id: str | None, words: Words) -> Email:
    why = (
        f"Your registered DUIS version ({recipient.duis_version}) does not know DCC Alert {code}. "
        f"You were sent {VERSION_MISMATCH} instead; this email says what {code} would have said."
    )
    name = "-".join(part for part in (code, release_id) if part)
    table = CsvTable(name, words.columns, words.rows) if words.rows else None
    return Email(
        recipient, code, words.subject, (*words.paragraphs, why), release_id, facts=words.facts, attachment=table
    )


def _only(told: Sequence[tuple[object, str | None]]) -> str | None:
    """Return the release that all of these are of, or None."""
    releases = {release for _, release in told}
    return releases.pop() if len(releases) == 1 else None
