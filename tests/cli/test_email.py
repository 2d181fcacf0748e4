"""Emails as an operator configures them, and sees who cannot be sent any."""

from __future__ import annotations

import json

import pytest

from tests.support.cli import SUPPLIER, Installation, done, refused

OTHER = 0x90B3D51F30020000


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('host = "relay.example"', "[email] sender is missing"),
        ('host = "relay.example"\nsender = "a@b.example"\nusername = "u"', "username and password_file go together"),
        ('sender = "the gateway"', "[email] sender: must be an email address"),
        ('sender = "a@b.example\\r\\nBcc: c@d.example"', "[email] sender: must be"),
        ("attachment_hubs = 0", "[email] attachment_hubs: must be a whole number from 1 to 1000000000000000"),
        ("port = 70000", "[email] port: must be a port number"),
    ],
)  # fmt: skip
def test_a_relay_that_cannot_be_used_is_refused_at_start(installation: Installation, keys: str, said: str) -> None:
    """T66: a sender is one address."""
    config = installation.folder / "gateway.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[email]\n", f"[email]\n{keys}\n"), encoding="utf-8")
    assert said in refused(2, "serve", *installation.config)


def test_a_party_without_an_address_is_listed_as_such(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER, "--email", "ops@supplier.example")
    installation.add_supplier(OTHER)
    lines = done("party", "list", *installation.config).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["ops@supplier.example", "missing"]
    listed = json.loads(done("party", "list", "--format", "json", *installation.config))
    assert [party["email"] for party in listed] == ["ops@supplier.example", None]


@pytest.mark.parametrize("address", ["ops", "a@b.example, c@d.example", "Ops <a@b.example>", "ö@b.example"])
def test_an_address_that_cannot_be_written_to_is_refused(installation: Installation, address: str) -> None:
    installation.add_supplier(SUPPLIER)
    words = ("party", "change", SUPPLIER, "--email", address)
    assert "is not an email address" in refused(2, *words, *installation.config)
