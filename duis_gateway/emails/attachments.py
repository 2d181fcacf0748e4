"""The hubs that an email carries as CSV, read from the inventory when the email is stored."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.decision import CsvTable, EligibleHubs, Email
from duis_gateway.emails.rendering import CsvFile, csv_file, file_name
from duis_gateway.model.hubs import Hub
from duis_gateway.model.identifiers import format_eui
from duis_gateway.model.releases import Release
from duis_gateway.store import hubs

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
    found = list(hubs.eligible(conn, supplier, release, limit + 1))
    if not found:
        return Attached(words="At present you are responsible for no hub of this model that runs another version.")
    words = "hubs of this model that do not run the version yet, with your role (Import, Gas) for each."
    if len(found) <= limit:
        file = _file(file_name("eligible-hubs", release.release_id), found, supplier)
        return Attached(file, f"The attachment {file.name} lists the {len(found):,} {words}")
    number = hubs.count_eligible(conn, supplier, release)
    file = _file(file_name("eligible-hubs", release.release_id, f"first-{limit}"), found[:limit], supplier)
    return Attached(
        file,
        f"There are {number:,} of your {words} That is more than an email can carry: the attachment {file.name} has "
        f"{limit:,} of them. The gateway's party door gives you all of them: GET {PARTY_DOOR} with "
        f"?release={release.release_id}, with your token, as JSON or CSV.",
    )


def _file(name: str, found: list[Hub], supplier: int) -> CsvFile:
    return csv_file(name, ELIGIBLE_COLUMNS, (_row(hub, supplier) for hub in found))


def _row(hub: Hub, supplier: int) -> tuple[str, ...]:
    return (
        format_eui(hub.device_id),
        hub.manufacturer,
        hub.model,
        hub.firmware_version,
        hub.status,
        hub.csp_region,
        _flag(hub.import_supplier == supplier),
        _flag(hub.gas_supplier == supplier),
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"
