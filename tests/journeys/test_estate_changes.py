"""`GET /party/v1/estate?changed-since=`: over sockets and by the client; what counts is in `rollout/estate`."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from duis_gateway.client import PartyDoor, Refused
from tests.journeys.test_inventory_load import load, whole_lot
from tests.support.cli import done, refused
from tests.support.databases import KINDS
from tests.support.play import NOW, Play

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-5.3")]


def door(play: Play, party: str) -> PartyDoor:
    return PartyDoor(play[party].url, play[party].token)


def asked(play: Play, party: str, query: str) -> str:
    """What the door answers in CSV."""
    url = f"{play[party].url}/party/v1/estate?{query}"
    with urlopen(Request(url, headers={"Authorization": f"Bearer {play[party].token}", "Accept": "text/csv"})) as found:
        return str(found.read().decode())


def test_a_hub_that_leaves_and_one_that_arrives_are_shown(play: Play, tmp_path: Path) -> None:
    """By `inventory load`, with no release live for the model; in JSON, as CSV and on the command line alike."""
    stays, moved = play.lot["own"][:2]
    load(play, whole_lot(play, tmp_path / "hubs.csv", {moved: dict.fromkeys(SUPPLIERS, play["gas"].eui)}))
    lost = {str(row["device_id"]): row for row in door(play, "main").estate(NOW)}
    assert lost[moved] == {**dict.fromkeys(lost[moved]), **departed(moved)}
    assert (lost[stays]["state"], lost[stays]["import"]) == ("not_planned", True)
    gained = {row["device_id"]: row for row in door(play, "gas").estate(NOW)}
    assert (gained[moved]["state"], gained[moved]["gas"]) == ("not_planned", True)
    assert moved not in {row["device_id"] for row in door(play, "main").estate()}
    # A + that nobody has written as %2B.
    in_csv = asked(play, "main", "changed-since=2027-03-30T10:00:00+01:00")
    by_command = ("status", "--party", play["main"].eui, "--hubs", "--changed-since", "2027-03-30T09:00:00Z")
    printed = done(*by_command, "--format", "csv", "--config", play.installation.config)
    for text in (in_csv, printed):
        rows = {row["device_id"]: row for row in csv.DictReader(io.StringIO(text))}
        assert {name: cell for name, cell in rows[moved].items() if cell} == departed(moved)
        assert rows.keys() == lost.keys()


SUPPLIERS = ("import_supplier", "gas_supplier")


def departed(device_id: str) -> dict[str, str]:
    return {"device_id": device_id, "state": "departed", "why": "no longer one of this party's hubs"}


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ("yesterday", "changed-since is not a time; a time is written 2027-03-30T02:00:00Z"),
        ("2027-03-30T02:00:00", "changed-since is a time without a zone"),
        ("2027-02-30T02:00:00Z", "changed-since is not a time of the calendar"),
        ("", "changed-since is not a time"),
        ((NOW + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"), "changed-since is in the future"),
    ],
)
def test_what_is_no_time_is_refused_with_the_reason(play: Play, since: str, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        door(play, "main")._ask("GET", f"estate?changed-since={since}")
    assert refusal.value.status == 400
    assert reason in refusal.value.problem.detail


def test_a_wrong_time_on_the_command_line_is_refused(play: Play) -> None:
    status = ("status", "--party", play["main"].eui, "--config", play.installation.config)
    assert "a time without a zone" in refused(2, *status, "--hubs", "--changed-since", "2027-03-30T02:00:00")
    assert "goes with --hubs" in refused(2, *status, "--changed-since", "2027-03-30T02:00:00Z")
