"""What the pack has to know of the gateway under test: a TOML file, which `duis-gateway conformance init` can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from duis_gateway.client import Eui, Identity, SetupWrong, Trust
from duis_gateway.clock import clock_of
from duis_gateway.config.reading import HOST, INSTANT, PATH, TEXT, list_of, whole_number
from duis_gateway.conformance.tables import Table, read_tables
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.envelope.signature import SigningKey
from duis_gateway.machine.files import read_text

SUPPLIERS = ("on_5_0", "on_5_1", "on_6_0")
"""The names of the suppliers that the clauses are played by, each on the DUIS version that its name says."""
REQUIRED = (*SUPPLIERS, "roleless", "suspended", "dcc", "csp")
NAMES = (*REQUIRED, "second")
"""All that a profile may name. Without `second`, whose hubs are also those of `on_6_0`, N73 is not played."""


@dataclass(frozen=True)
class Actor:
    """A party that the pack plays: registered with the gateway, with its key here.

    Attributes:
        hubs: Communications Hubs of this supplier alone: commissioned, of the profile's model, in the CSP's region. Of
            `second`: hubs that it has in common with `on_6_0`, one of them the Import and one the Gas Supplier.
        token: its bearer token for the party door; "" where the profile names none.
    """

    name: str
    identity: Identity
    hubs: tuple[str, ...] = ()
    token: str = field(default="", repr=False)

    @property
    def eui(self) -> str:
        """Its EUI-64 as DUIS writes it."""
        return str(self.identity.eui)

    @property
    def key(self) -> SigningKey:
        """What it signs with."""
        return self.identity.key


@dataclass(frozen=True)
class Profile:
    """The gateway under test, the trust in its certificate, the parties that the pack plays, and the hubs it may use.

    Attributes:
        listen: host and port where the pack receives; the parties' registered URLs lead here.
        now: the gateway's business time where its clock is frozen; None: the time of day.
        region: the CSP region in which all the hubs are.
    """

    gateway: Eui
    trust: Trust
    actors: Mapping[str, Actor]
    listen: tuple[str, int]
    manufacturer: str
    model: str
    region: str
    now: datetime | None = None

    def __getitem__(self, name: str) -> Actor:
        return self.actors[name]

    def __contains__(self, name: str) -> bool:
        """Whether a party is named, or of `party.token` its token."""
        party, _, what = name.partition(".")
        return party in self.actors and (not what or bool(self.actors[party].token))


def read_profile(path: Path) -> Profile:
    """Read a profile; relative paths in it are relative to it.

    Raises:
        ConfigurationError: something is missing, not known or wrong in it; the text says what and where.
    """
    found = read_tables(path, "; `conformance init` makes a profile").with_only(_TABLES)
    gateway, receiver, hubs = (found.table(key).with_only(_TABLES[key]) for key in ("gateway", "receiver", "hubs"))
    parties = found.table("parties").with_only(NAMES)
    actors = {name: _actor(name, parties.table(name)) for name in NAMES if name in REQUIRED or name in parties}
    now = gateway.value("now", INSTANT) if "now" in gateway else None
    certificate = gateway.value("certificate", PATH)
    try:
        trust = Trust.certificate(certificate, clock=clock_of(now))
        eui = trust.gateway
    except SetupWrong as error:
        gateway.refuse(str(error), "certificate")
    return Profile(
        gateway=eui,
        trust=trust,
        actors=actors,
        listen=(receiver.value("host", HOST), receiver.value("port", whole_number(1, 65535))),
        manufacturer=hubs.value("manufacturer", TEXT),
        model=hubs.value("model", TEXT),
        region=hubs.value("region", TEXT),
        now=now,
    )


def _actor(name: str, found: Table) -> Actor:
    found.with_only(_OF_A_PARTY)
    key, certificate = found.value("key", PATH), found.value("certificate", PATH)
    try:
        identity = Identity.load(key, certificate)
    except SetupWrong as error:
        found.refuse(str(error))
    hubs = found.value("hubs", _HUBS) if "hubs" in found else ()
    least = MOST_HUBS if name in SUPPLIERS else MOST_SHARED if name == "second" else 0
    if len(hubs) < least:
        found.refuse(f"the pack needs {least} hubs of this supplier", "hubs")
    return Actor(name, identity, hubs, _token(found) if "token" in found else "")


def _token(found: Table) -> str:
    file = found.value("token", PATH)
    try:
        token = read_text(file).strip()
    except OSError as error:
        found.refuse(f"{file}: {error.strerror or error}", "token")
    if any(one.isspace() for one in token):
        found.refuse(f"what is in {file} is no token: it is one word", "token")
    return token


_TABLES = {
    "gateway": ("certificate", "now"),
    "receiver": ("host", "port"),
    "hubs": ("manufacturer", "model", "region"),
    "parties": NAMES,
}
_OF_A_PARTY = ("key", "certificate", "hubs", "token")
_HUBS = list_of(
    "a list of EUI-64s such as 00-DB-12-3C-00-00-00-00, each a text", lambda one: format_eui(parse_eui(one))
)
MOST_HUBS = 4
"""So many hubs of a supplier the clauses name at once."""
MOST_SHARED = 2
"""So many hubs with two suppliers the clauses name at once."""
