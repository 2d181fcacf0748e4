"""The sandbox's folder: keys, configuration, clock, database, log and mails; made once, and gone on with."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from duis_gateway.clock import write_clock
from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import Config, load_config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import put_whole
from duis_gateway.parties.records import PartyKind
from duis_gateway.pki.make import Authority, make_authority, make_certificate
from duis_gateway.sandbox.cast import BY_NAME, CAST, GATEWAY, YOU
from duis_gateway.text.json_reader import read_json

BEGINNING = datetime(2027, 1, 4, 9, tzinfo=UTC)
"""Where the clock stands at first: a Monday."""

SENDER = "gateway@dcc.example"
VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC))
_OU = {PartyKind.SUPPLIER: "87", PartyKind.CSP: "06", PartyKind.DCC: "89"}
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group of P-256
_SERIALS = 1 << 127
OPERATORS_WORD = "sandbox"
"""The operators' token of the sandbox's console; no secret, as nothing in a sandbox is."""
REFUSED_ATTEMPTS = 3
"""How often a message is sent that its recipient refuses."""


_RUNS = "runs"
BEGUN = "begun"


class Folder:
    """A folder that one sandbox at a time uses."""

    def __init__(self, path: Path) -> None:
        """Take the folder; nothing is made before `open`."""
        self.path = path.absolute()
        self.pki = self.path / "pki"
        self.you = self.path / "you"
        self.config_file = self.path / "gateway.toml"
        self.clock = self.path / "clock"
        self.database = self.path / "gateway.db"
        self.inventory = self.path / "inventory.csv"
        self.log = self.path / "gateway.log"
        self.mails = self.path / "mails"
        self.counters = self.path / "counters"
        self.token = self.path / "operators.token"
        self.your_token = self.you / "token"
        self._marker = self.path / "sandbox.json"
        self._lock: int | None = None

    # --- one sandbox at a time -------------------------------------------------------------------------------------

    def open(self, *, fresh: bool = False) -> None:
        """Take the folder for this process, and make in it what is not there; `fresh` empties it before.

        Raises:
            ConfigurationError: another sandbox uses it, or it holds something that no sandbox made.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if any(self.path.iterdir()) and not self._marker.exists():
            raise ConfigurationError(f"{self.path} is not empty, and no sandbox made it: give another --workdir")
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise ConfigurationError(
                f"a sandbox runs in {self.path} already: stop it, or give another --workdir"
            ) from None
        self._lock = lock
        if not self._marker.exists():
            self.remember({})
        if fresh:
            self.clear()
        self.make()

    def close(self) -> None:
        """Let others use the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def clear(self) -> None:
        """Remove all that a sandbox has made but its keys, which would be the same again."""
        for path in self.path.iterdir():
            if path in (self._marker, self.pki, self.you) or path.name == "lock":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.remember({**self.remembered(), _RUNS: 0})

    # --- what stays from one run to the next -----------------------------------------------------------------------

    def remembered(self) -> dict[str, Any]:
        """Return what the last run wrote down (ConfigurationError: somebody has changed it)."""
        try:
            found: dict[str, Any] = read_json(self._marker.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{self._marker} cannot be read: {error}; --fresh begins anew") from None
        return found

    def remember(self, what: Mapping[str, Any]) -> None:
        """Write down what the next run has to know."""
        put_whole(self._marker, _json(what))

    def count_run(self) -> int:
        """Return the number of this run, from 1 since the folder was begun anew; when that was stays written down."""
        remembered = self.remembered()
        number = int(remembered.get(_RUNS, 0)) + 1
        begun = remembered.get(BEGUN) if number > 1 else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        self.remember({**remembered, _RUNS: number, BEGUN: begun})
        return number

    # --- what is made ----------------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make what is not there: keys, counters, the tokens and the clock."""
        if not self.pki.exists():
            self._make_pki()
        self.counters.mkdir(exist_ok=True)
        if not self.token.exists():
            put_whole(self.token, f"{OPERATORS_WORD}\n".encode(), 0o600)
        if not self.your_token.exists():
            put_whole(self.your_token, f"{party_token(YOU)}\n".encode(), 0o600)
        if not self.clock.exists():
            write_clock(self.clock, BEGINNING)

    def _make_pki(self) -> None:
        """Make the keys: the same in every sandbox, so that what is signed is the same bytes each time."""
        unfinished = self.path / ".pki.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        (unfinished / "crls").mkdir(parents=True)
        begin, end = VALID
        authority = make_authority(unfinished, key=_key("ca"), not_before=begin, not_after=end)
        _make_pair(authority, unfinished, "gateway", GATEWAY, _OU[PartyKind.DCC])
        for one in CAST:
            _make_pair(authority, unfinished, one.stem, one.eui, _OU[one.kind])
        shutil.rmtree(self.you, ignore_errors=True)
        self.you.mkdir()
        mine = BY_NAME[YOU].stem
        for source, name in (
            (f"{mine}.key", "key.pem"),
            (f"{mine}.pem", "certificate.pem"),
            ("ca.pem", "anchor.pem"),
            ("gateway.pem", "gateway.pem"),
        ):
            shutil.copy(unfinished / source, self.you / name)
        unfinished.rename(self.pki)

    def configure(self, ports: Mapping[str, int]) -> Config:
        """Write the gateway's configuration, with the ports of its listeners and of the mail relay, and return it.

        The environment overrides nothing: a database that it names for another gateway must not be filled with this.
        """
        text = render_sample(
            {
                ("server", "port"): ports["gateway"],
                ("operations", "port"): ports["operations"],
                ("operations", "token_file"): self.token.name,
                ("store", "url"): "sqlite:///gateway.db",
                ("signing", "eui"): format_eui(GATEWAY),
                ("signing", "key"): "pki/gateway.key",
                ("signing", "certificate"): "pki/gateway.pem",
                ("trust", "anchors"): "pki",
                ("trust", "crls"): "pki/crls",
                ("delivery", "allowed_networks"): ["127.0.0.0/8", "::1/128"],
                ("delivery", "backoff_base"): 0.5,
                ("delivery", "backoff_cap"): 5.0,
                ("delivery", "refused_attempts"): REFUSED_ATTEMPTS,
                ("email", "host"): "127.0.0.1",
                ("email", "port"): ports["mail"],
                ("email", "sender"): SENDER,
                ("clock", "file"): "clock",
                ("log", "file"): "gateway.log",
            }
        )
        put_whole(self.config_file, text.encode())
        return load_config(self.config_file, {})

    def tell_you(self, about: Mapping[str, str]) -> None:
        """Write for your own programs what they need to know, beside your keys."""
        put_whole(self.you / "about.json", _json(about))


def party_token(name: str) -> str:
    """Return a party's token for the party door and the suppliers' pages at first; no secret either."""
    return f"{OPERATORS_WORD}-{name}"


def _json(what: Mapping[str, Any]) -> bytes:
    return (json.dumps(what, indent=1) + "\n").encode()


def with_ports(config: Config, gateway: int, operations: int) -> Config:
    """Return the configuration with the ports that its listeners have."""
    return replace(
        config,
        server=replace(config.server, port=gateway),
        operations=replace(config.operations, port=operations),
    )


def _make_pair(authority: Authority, folder: Path, stem: str, eui: int, role: str) -> None:
    begin, end = VALID
    serial = int.from_bytes(_digest(f"serial of {stem}")) % _SERIALS
    make_certificate(
        authority, eui, role, folder, stem=stem, not_before=begin, not_after=end, serial=serial, key=_key(stem)
    )


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_digest(f"key of {name}")) % (_ORDER - 1) + 1, ec.SECP256R1())


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"duis-gateway sandbox: " + text.encode()).digest()
