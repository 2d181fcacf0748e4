"""The hubs that an email carries as CSV, read from the inventory when the email is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_euis
from duis_gateway.flow.reply import CsvTable, EligibleHubs, Email
from duis_gateway.outbox.emails.rendering import CsvFile, csv_file, file_name
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.store import EligibleHub
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.cells import csv_lines

ELIGIBLE_COLUMNS = (
    "device_id",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "csp_region",
    "import",
    "gas",
)
PARTY_DOOR = "/party/v1/eligible-hubs"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file, if there is one, and the words that go with it."""

    file: CsvFile | None = None
    words: str | None = None


def attached(email: Email, conn: Connection, limit: int) -> Attached:
    """Return what the email carries. Of eligible hubs no more than `limit` are read, however large the estate is."""
    match email.attachment:
        case EligibleHubs(release):
            return _eligible(conn, email.recipient.eui, release, limit)
        case CsvTable(name, columns, rows):
            file = csv_file(file_name(name), columns, rows)
            return Attached(file, f"The attachment {file.name} has the whole list.")
    return Attached()


def _eligible(conn: Connection, supplier: int, release: Release, limit: int) -> Attached:
    found = hubs.first_eligible(conn, supplier, release, limit + 1)
    if not found:
        return Attached(words="At present none of your hubs of this model may be updated under this release.")
    words = "of this model that {} not yet run the version, with your role (Import, Gas) for each."
    if len(found) <= limit:
        which, do = ("hub", "does") if len(found) == 1 else (f"{len(found):,} hubs", "do")
        file = _file(file_name("eligible-hubs", release.release_id), release, found)
        return Attached(file, f"The attachment {file.name} lists the {which} {words.format(do)}")
    number = hubs.count_eligible(conn, supplier, release)
    file = _file(file_name("eligible-hubs", release.release_id, f"first-{limit}"), release, found[:limit])
    return Attached(
        file,
        f"There are {number:,} of your hubs {words.format('do')} That is more than an email can carry; the attachment "
        f"{file.name} has {limit:,} of them. The gateway's party door gives you all of them: GET {PARTY_DOOR} with "
        f"?release={release.release_id}, with your token, as JSON or CSV.",
    )


def _file(name: str, release: Release, found: Sequence[EligibleHub]) -> CsvFile:
    """What follows the identifier repeats, and is written once for all hubs that share it."""

    def rest(hub: EligibleHub) -> Sequence[str]:
        roles = (_FLAGS[hub.is_import], _FLAGS[hub.is_gas])
        return (release.manufacturer, release.model, hub.firmware_version, hub.status, hub.csp_region, *roles)

    written: dict[tuple[object, ...], str] = {}
    lines = [csv_lines([ELIGIBLE_COLUMNS])]
    for eui, hub in zip(format_euis(hub.device_id for hub in found).split(","), found, strict=True):
        shared = hub[1:]
        if shared not in written:
            written[shared] = csv_lines([("", *rest(hub))])  # an empty cell leaves its comma
        lines.append(eui + written[shared])
    return CsvFile(name, "".join(lines).encode())


_FLAGS = {True: "true", False: "false"}
