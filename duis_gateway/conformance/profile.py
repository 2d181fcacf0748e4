"""What the pack has to know of the gateway under test: a TOML file, which `duis-gateway conformance init` can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from duis_gateway.client import Eui, Identity, SetupWrong, Trust
from duis_gateway.clock import business_time, clock_of
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.envelope.signature import SigningKey
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import read_text
from duis_gateway.text.toml_reader import read_toml

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
        ConfigurationError: something is missing or wrong in it; the text says what.
    """
    try:
        found = read_toml(read_text(path))
        hubs, receiver = found["hubs"], found["receiver"]
        named = [name for name in NAMES if name in REQUIRED or name in found["parties"]]
        actors = {name: _actor(name, found["parties"][name], path.parent) for name in named}
        given = found["gateway"].get("now")
        now = None if given is None else business_time(datetime.fromisoformat(str(given)))
        trust = Trust.certificate(path.parent / found["gateway"]["certificate"], clock=clock_of(now))
        return Profile(
            gateway=trust.gateway,
            trust=trust,
            actors=actors,
            listen=(str(receiver["host"]), int(receiver["port"])),
            manufacturer=str(hubs["manufacturer"]),
            model=str(hubs["model"]),
            region=str(hubs["region"]),
            now=now,
        )
    except OSError as error:
        if error.filename not in (None, str(path)):
            raise ConfigurationError(f"{path}: {error.filename}: {error.strerror}") from None
        raise ConfigurationError(f"{path}: {error.strerror}; `conformance init` makes a profile") from None
    except KeyError as error:
        raise ConfigurationError(f"{path}: {error} is missing") from None
    except (SetupWrong, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _actor(name: str, found: Mapping[str, Any], base: Path) -> Actor:
    identity = Identity.load(base / found["key"], base / found["certificate"])
    hubs = tuple(format_eui(parse_eui(hub)) for hub in found.get("hubs", ()))
    least = MOST_HUBS if name in SUPPLIERS else MOST_SHARED if name == "second" else 0
    if len(hubs) < least:
        raise ValueError(f"parties.{name}: the pack needs {least} hubs of this supplier")
    token = read_text(base / found["token"]).strip() if "token" in found else ""
    if any(one.isspace() for one in token):
        raise ValueError(f"parties.{name}: what is in {found['token']} is no token: it is one word")
    return Actor(name, identity, hubs, token)


MOST_HUBS = 4
"""So many hubs of a supplier the clauses name at once."""
MOST_SHARED = 2
"""So many hubs with two suppliers the clauses name at once."""
