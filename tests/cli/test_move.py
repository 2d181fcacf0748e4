"""`migrate --from`: a gateway that has outgrown SQLite goes on with PostgreSQL where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support.cli import SUPPLIER, Installation, done, refused
from tests.support.databases import administrate, fresh_database
from tests.support.processes import GatewayProcess

STORE = "DUIS_GATEWAY_STORE_URL"
HUBS = """\
device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier,gpf_device_id
00-DB-12-34-56-78-90-A2,CHF,106C,433100AC,9001,Commissioned,North,90-B3-D5-1F-30-01-00-00,,
FF-DB-12-34-56-78-90-A2,CHF,106C,433100AC,9001,Commissioned,South,,,
"""
REQUEST = """<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">\
<sr:Header><sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000</sr:RequestID>\
<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>\
<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header>\
<sr:Body><sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory></sr:Body></sr:Request>
"""


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    """An empty database without tables, as an operator is given it."""
    with fresh_database("postgresql", tmp_path, migrated=False) as url:
        shown = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        yield shown.replace(":@", "@")


def answered(installation: Installation, signed: Path) -> bytes:
    """What a gateway of the configured database answers to a request."""
    answer = installation.folder / "answer.xml"
    answer.unlink(missing_ok=True)
    with GatewayProcess(["serve"], installation.folder / "gateway.toml") as gateway:
        done("send", signed, "--url", f"{gateway.url}/api/v1/serviceD", "--out", answer)
        assert gateway.terminate() == 0
    return answer.read_bytes()


@pytest.mark.postgresql
@pytest.mark.processes
def test_a_gateway_goes_on_with_postgresql(
    installation: Installation, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inventory is the same, and a request sent again gets the answer of the first time."""
    key, certificate = installation.make_certificate(SUPPLIER)
    installation.add_supplier(SUPPLIER, "--duis-version", "5.4", "--certificate", certificate)
    hubs, request, signed = tmp_path / "hubs.csv", tmp_path / "request.xml", tmp_path / "signed.xml"
    hubs.write_text(HUBS, encoding="utf-8")
    request.write_text(REQUEST, encoding="utf-8")
    done("inventory", "load", hubs, *installation.config)
    done("sign", request, "--key", key, "--certificate", certificate, "--out", signed)
    before = answered(installation, signed)

    monkeypatch.setenv(STORE, postgresql)
    # A server of long ago, or one for programs of that time.
    for setting in ("bytea_output = escape", "standard_conforming_strings = off", "extra_float_digits = 0"):
        administrate(make_url(postgresql), f"ALTER DATABASE {make_url(postgresql).database} SET {setting}")
    said = done("migrate", "--from", f"sqlite:///{installation.folder}/gateway.db", *installation.config)
    assert "each was compared" in said
    exported = done("inventory", "export", "-", *installation.config)
    assert sorted(exported.split()) == sorted(HUBS.split())
    assert answered(installation, signed) == before


@pytest.mark.postgresql
def test_what_cannot_be_moved_is_said(
    installation: Installation, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{installation.folder}/gateway.db"
    assert "it moves a SQLite database" in refused(2, "migrate", "--from", database, *installation.config)
    monkeypatch.setenv(STORE, postgresql)
    nowhere = refused(2, "migrate", "--from", f"sqlite:///{tmp_path}/none.db", *installation.config)
    assert f"there is no database at {tmp_path}/none.db" in nowhere
    assert not (tmp_path / "none.db").exists()
    assert "it moves a SQLite database" in refused(2, "migrate", "--from", postgresql, *installation.config)
    done("migrate", "--from", database, *installation.config)
    installation.add_supplier(SUPPLIER)
    assert "is not empty" in refused(2, "migrate", "--from", database, *installation.config)
