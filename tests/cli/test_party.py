"""`party`: who takes part."""

from __future__ import annotations

import hashlib
import json
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.hubs.inventory_lines import GPF_COLUMN, HEADER
from tests.support.cli import GATEWAY, OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run

URL = ("--url", "http://127.0.0.1:8090/")


def listed(installation: Installation, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done("party", "list", "--format", "json", *more, *installation.config))
    return found


def test_a_supplier_is_registered_with_its_certificate(installation: Installation) -> None:
    _, certificate = installation.make_certificate(SUPPLIER)
    done(
        *("party", "add", SUPPLIER, "--kind", "supplier", "--role", "IS", "--role", "GS", "--duis-version", "6.0"),
        *(*URL, "--email", "ops@supplier.example", "--certificate", certificate, *installation.config),
    )
    [party] = listed(installation)
    assert party == {
        "eui": "90-B3-D5-1F-30-01-00-00",
        "kind": "supplier",
        "status": "active",
        "roles": "GS, IS",
        "duis_version": "6.0",
        "regions": "",
        "certificate": True,
        "url": "http://127.0.0.1:8090/",
        "email": "ops@supplier.example",
        "organisation": None,
    }
    [registered] = json.loads(done("certificate", "list", "--format", "json", *installation.config))
    assert (registered["party"], registered["ou"], registered["trusted"]) == (party["eui"], "87", False)


def test_csps_and_dcc_are_registered_and_listed_by_kind(installation: Installation) -> None:
    regions = ("--region", "North", "--region", "4G North")
    done("party", "add", 1, "--kind", "csp", *regions, *URL, *installation.config)
    done("party", "add", 2, "--kind", "dcc", *URL, *installation.config)
    assert [party["regions"] for party in listed(installation, "--kind", "csp")] == ["4G North, North"]
    assert [party["eui"] for party in listed(installation, "--kind", "dcc")] == ["00-00-00-00-00-00-00-02"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--kind", "supplier", *URL], "a supplier needs a role"),
        (["--kind", "csp", *URL], "a CSP needs the regions that it serves"),
        (["--kind", "csp", "--region", "Wales", *URL], "'Wales' is not one of"),
        (["--kind", "csp", "--region", "North", "--role", "IS", *URL], "only suppliers have --role"),
        (["--kind", "dcc", "--duis-version", "6.0", *URL], "only suppliers have --role, --duis-version"),
        (["--kind", "dcc", "--region", "North", *URL], "only CSPs have --region"),
        (["--kind", "supplier", "--role", "IS", "--duis-version", "4.0", *URL], "'4.0' is not one of"),
        (["--kind", "dcc", "--url", "ftp://x/"], "is neither http nor https"),
        (["--kind", "dcc", "--url", "http://10.0.0.1/"], "not in [delivery] allowed_networks"),
        (["--kind", "dcc", "--url", "http://169.254.169.254/"], "not in [delivery] allowed_networks"),
        (["--kind", "dcc", "--url", "http://127.0.0.1:1/%zz"], "has '%zz', which is not an octet"),
        (["--kind", "dcc", "--url", "http://127.0.0.1:1/{a}"], "has '{', which is written in a URL as %7B"),
        (["--kind", "dcc", "--url", "http://127.0.0.1:1/a|b"], "has '|'"),
        (["--kind", "dcc", "--url", "http://127.0.0.1:1/a\\b"], "which is written in a URL as %5C"),
        (["--kind", "dcc", "--url", f"http://{'a' * 64}.example/"], "names too long a host: at most 63 characters"),
        (["--kind", "dcc", "--url", "http://127.0.0.1:1/[b]"], "has '['"),
        (["--kind", "dcc", "--email", "a(comment)@b.c", *URL], "is not an email address; one is"),
        (["--kind", "dcc", "--email", "a@-b.c", *URL], "is not an email address"),
        (["--kind", "dcc", "--email", "a" * 70 + "@b.c", *URL], "is not an email address"),
        (["--kind", "dcc", "--email", "a@b\r\nBcc: c@d", *URL], "is not an email address"),
    ],
)
def test_what_cannot_be_is_refused_at_registration(installation: Installation, words: list[str], expected: str) -> None:
    """T61, T66: an address the gateway must not send to is refused here already."""
    assert expected in refused(2, "party", "add", SUPPLIER, *words, *installation.config)
    assert listed(installation) == []


def test_the_gateway_is_no_party_of_its_own(installation: Installation) -> None:
    said = refused(2, "party", "add", GATEWAY, "--kind", "dcc", *URL, *installation.config)
    assert f"{format_eui(GATEWAY)} is the gateway's own EUI-64" in said
    assert listed(installation) == []


def test_an_eui_of_a_device_or_of_nobody_is_no_partys(installation: Installation, tmp_path: Path) -> None:
    hub, gpf = format_eui(0x00DB123456000001), format_eui(0x00DB123456000002)
    file = tmp_path / "hubs.csv"
    file.write_text(f"{','.join(HEADER)},{GPF_COLUMN}\n{hub},CHF,Acme,CH-1,01020304,Commissioned,North,,,{gpf}\n")
    done("inventory", "load", file, *installation.config)
    for eui, expected in (
        (hub, f"{hub} is a device in the inventory: a party has an EUI-64 of its own"),
        (gpf, f"{gpf} is a device in the inventory"),
        (format_eui(0), f"{format_eui(0)} is all zeros, which is nobody's EUI-64"),
    ):
        assert expected in refused(2, "party", "add", eui, "--kind", "dcc", *URL, *installation.config)
    assert listed(installation) == []


def test_a_url_is_written_as_urls_are(installation: Installation) -> None:
    urls = ("http://127.0.0.1:9/a/b_c~d%7B1%7D?x=(1,2)&y='a'!$*+;@:", "http://[::1]:9/alerts")
    for eui, url in enumerate(urls, 1):
        done("party", "add", eui, "--kind", "dcc", "--url", url, *installation.config)
    assert [party["url"] for party in listed(installation)] == list(urls)


def test_a_party_is_registered_once(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    again = ("party", "add", SUPPLIER, "--kind", "dcc", *URL, *installation.config)
    assert "is already registered" in refused(1, *again)


def test_a_certificate_of_somebody_else_is_refused_and_nothing_is_registered(installation: Installation) -> None:
    """T37"""
    _, certificate = installation.make_certificate(OTHER_SUPPLIER)
    add = ("party", "add", SUPPLIER, "--kind", "supplier", "--role", "IS", *URL)
    said = refused(2, *add, "--certificate", certificate, *installation.config)
    assert said.endswith("the certificate belongs to 90-B3-D5-1F-30-01-00-01, not to 90-B3-D5-1F-30-01-00-00")
    assert listed(installation) == []


@pytest.mark.parametrize(
    ("words", "ou", "may"),
    [
        (("supplier", "--role", "IS"), "06", "87"),
        (("supplier", "--role", "IS"), "89", "87"),
        (("csp", "--region", "North"), "89", "06 or 87"),
        (("dcc",), "06", "87 or 89"),
    ],
)
def test_a_certificate_in_whose_role_the_party_signs_nothing_is_refused(
    installation: Installation, words: tuple[str, ...], ou: str, may: str
) -> None:
    """Each of its messages would be refused; by either command."""
    _, file = installation.make_certificate(OTHER_SUPPLIER, ou)
    add = ("party", "add", OTHER_SUPPLIER, "--kind", *words, *URL, *installation.config)
    expected = f"its OU is {ou}, but a {words[0]} signs with OU {may}"
    assert expected in refused(2, *add, "--certificate", file)
    done(*add)
    assert expected in refused(2, "certificate", "add", file, *installation.config)


def test_a_host_that_is_not_known_here_is_told(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    installation.add_supplier(SUPPLIER)
    url = ("--url", "http://adapter.supplier.test/")
    assert (
        "note: the host adapter.supplier.test is not known here"
        in run("party", "change", SUPPLIER, *url, *installation.config).error
    )


def test_a_party_is_changed(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER, "--email", "a@b.example")
    moved = ("--url", "http://127.0.0.2/", "--email", "", "--duis-version", "6.0")
    done("party", "change", SUPPLIER, *moved, *installation.config)
    [party] = listed(installation)
    assert (party["url"], party["email"], party["duis_version"]) == ("http://127.0.0.2/", None, "6.0")
    assert party["roles"] == "IS"
    assert "allowed_networks" in refused(
        2, "party", "change", SUPPLIER, "--url", "http://10.0.0.1", *installation.config
    )
    assert "not registered" in refused(1, "party", "change", OTHER_SUPPLIER, *moved, *installation.config)


def test_a_party_is_suspended_and_resumed(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    done("party", "suspend", SUPPLIER, *installation.config)
    assert listed(installation)[0]["status"] == "suspended"
    done("party", "resume", SUPPLIER, *installation.config)
    assert listed(installation)[0]["status"] == "active"
    assert "is not registered" in refused(1, "party", "suspend", GATEWAY, *installation.config)


def test_a_token_is_printed_once_and_only_its_digest_is_kept(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    first = done("party", "token", SUPPLIER, *installation.config).strip()
    second = done("party", "token", SUPPLIER, *installation.config).strip()
    assert first != second
    with sqlite3.connect(installation.folder / "gateway.db") as database:
        kept = database.execute("SELECT token_hash FROM party").fetchall()
        everything = "\n".join(database.iterdump())
    database.close()
    assert kept == [(hashlib.sha256(second.encode()).hexdigest(),)]
    assert first not in everything
    assert second not in everything


def test_a_table_and_csv_say_the_same(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    names, row = done("party", "list", *installation.config).splitlines()
    assert names.split()[:3] == ["eui", "kind", "status"]
    assert row.split()[:3] == ["90-B3-D5-1F-30-01-00-00", "supplier", "active"]
    as_csv = done("party", "list", "--format", "csv", *installation.config).splitlines()
    assert as_csv[1].startswith("90-B3-D5-1F-30-01-00-00,supplier,active,IS,5.0,")
