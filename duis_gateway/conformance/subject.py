"""The gateway under test, as the clauses see it: requests that the parties sign, answers proven, alerts received."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import urllib3
from lxml import etree

from duis_gateway.conformance.mailbox import Mailbox
from duis_gateway.conformance.profile import SUPPLIERS, Actor, Profile
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.envelope.signature import sign, verify
from duis_gateway.errors import NotAuthenticated, NotSafeXml
from duis_gateway.model.identifiers import format_eui
from duis_gateway.namespaces import CSP, ESI, SR

PATIENCE = 30.0
"""Seconds to wait for an answer or an alert."""


class NotConformant(AssertionError):
    """The gateway did something else than the clause says."""


def expect(found: object, expected: object, what: str) -> None:
    """Hold what was found against the clause.

    Raises:
        NotConformant: it is something else.
    """
    if found != expected:
        raise NotConformant(f"{what}: expected {expected!r}, found {found!r}")


@dataclass(frozen=True)
class Reply:
    """An answer: the HTTP status, its bytes, and the proven document where the status is 200."""

    status: int
    body: bytes
    root: etree._Element | None

    def text(self, name: str) -> str:
        """Return the text of the first element of this local name; "" where there is none."""
        found = None if self.root is None else next(self.root.iter(f"{{*}}{name}"), None)
        return "" if found is None else found.text or ""

    def is_code(self, code: str) -> None:
        """Hold the response code, or the status of the acknowledgement, against the clause."""
        name = "Status" if self.root is not None and self.root.tag != f"{{{SR}}}Response" else "ResponseCode"
        expect((self.status, self.text(name)), (200, code), f"HTTP status and {name} ({self.body[:300]!r})")

    def is_refused(self, status: int) -> None:
        """Hold the HTTP status of a refusal against the clause."""
        expect(self.status, status, f"HTTP status ({self.body[:300]!r})")


@dataclass(frozen=True)
class Release:
    """A firmware release that DCC has announced for a clause."""

    id: str
    firmware: str


class Subject:
    """One gateway and the parties that the pack plays against it."""

    def __init__(self, url: str, profile: Profile, mailbox: Mailbox) -> None:
        self.url = url.rstrip("/")
        self.profile = profile
        self._mailbox = mailbox
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        # RequestIDs never repeat, in no run of the pack: they follow the time.
        self._counters = count(time.time_ns())

    @property
    def now(self) -> datetime:
        """The gateway's business time."""
        return self.profile.now or datetime.now(UTC).replace(microsecond=0)

    def supplier(self, version: str) -> Actor:
        """Return the supplier that is registered on a DUIS version."""
        return self.profile[SUPPLIERS[("5.0", "5.1", "6.0").index(version)]]

    # --- Service Requests ------------------------------------------------------------------------------------------

    def request_id(self, by: Actor, target: str | None = None) -> str:
        """Return a RequestID that was never used."""
        return f"{by.eui}:{target or format_eui(self.profile.gateway.eui)}:{next(self._counters)}"

    def request(
        self,
        by: Actor,
        version: str,
        body: str,
        reference: str = "8.2",
        *,
        request_id: str | None = None,
        variant: str = "8",
    ) -> bytes:
        """Return an unsigned Service Request."""
        return (
            f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}"><sr:Header>'
            f"<sr:RequestID>{request_id or self.request_id(by)}</sr:RequestID>"
            f"<sr:CommandVariant>{variant}</sr:CommandVariant><sr:ServiceReference>{reference}</sr:ServiceReference>"
            f"<sr:ServiceReferenceVariant>{reference}</sr:ServiceReferenceVariant>"
            f"</sr:Header><sr:Body>{body}</sr:Body></sr:Request>"
        ).encode()

    def send(self, by: Actor, document: bytes, service: str = "serviceD") -> Reply:
        """Let a party sign a Service Request and post it."""
        return self.post(f"/api/v1/{service}", sign(document, by.key))

    def post(self, path: str, document: bytes, media: str = "application/xml") -> Reply:
        """Post bytes as they are; a 200 must be signed by the gateway."""
        answer = self._http.request("POST", self.url + path, body=document, headers={"Content-Type": media})
        root = self.prove(answer.data) if answer.status == 200 else None
        return Reply(answer.status, answer.data, root)

    def prove(self, document: bytes) -> etree._Element:
        """Return what a document of the gateway's proves.

        Raises:
            NotConformant: it does not carry the gateway's signature in DUIS's profile.
        """
        try:
            proven = verify(parse_trusted(document), lambda _: self.profile.gateway.public_key)
        except (NotAuthenticated, NotSafeXml) as error:
            raise NotConformant(f"what the gateway sends is not signed by it: {error.detail}") from None
        return parse_trusted(proven.content)

    # --- DCC and the CSP -------------------------------------------------------------------------------------------

    def tell(self, name: str, body: str) -> Reply:
        """Let `dcc` or `csp` say something: the body's XML without a prefix."""
        by, (namespace, path) = self.profile[name], {"dcc": (ESI, "/esi"), "csp": (CSP, "/csp-mgmt-gw")}[name]
        document = (
            f'<Message xmlns="{namespace}"><Header><MessageID>pack-{next(self._counters)}</MessageID>'
            f"<SenderID>{by.eui}</SenderID><CreatedAt>{stamp(self.now)}</CreatedAt></Header><Body>{body}</Body></Message>"
        )
        return self.post(f"{path}/v1/messages", sign(document.encode(), by.key))

    @contextmanager
    def release(
        self,
        *,
        kind: str = "SECRelease",
        days: tuple[int, int] | None = (-1, 60),
        limit: int = 100,
        minimum: int | None = None,
        automatic: timedelta | None = None,
    ) -> Iterator[Release]:
        """Announce a release of the profile's model, approve it, and withdraw it in the end.

        `days` are the pilot's first and last from now.
        """
        made = Release(f"PACK-{secrets.token_hex(6)}", secrets.token_hex(4).upper())
        date = "" if automatic is None else f"<AutomaticDate>{stamp(self.now + automatic)}</AutomaticDate>"
        self.tell("dcc", self._notice(made, kind, date + self._pilot(days, limit, minimum))).is_code("Accepted")
        identity = f"<FirmwareReleaseID>{made.id}</FirmwareReleaseID><At>{stamp(self.now)}</At>"
        self.tell("dcc", f"<ReleaseApproval>{identity}</ReleaseApproval>").is_code("Accepted")
        try:
            yield made
        finally:
            self.tell("dcc", f"<Withdrawal>{identity}</Withdrawal>")

    def _notice(self, made: Release, kind: str, rest: str) -> str:
        return (
            f"<FirmwareRelease><FirmwareReleaseID>{made.id}</FirmwareReleaseID><Revision>1</Revision>"
            f"<ReleaseType>{kind}</ReleaseType><DeviceModel><Manufacturer>{self.profile.manufacturer}</Manufacturer>"
            f"<Model>{self.profile.model}</Model></DeviceModel><FirmwareVersion>{made.firmware}</FirmwareVersion>"
            f"<ReleaseNote>https://releases.example/{made.id}</ReleaseNote><Severity>Low</Severity>"
            f"<Priority>5</Priority>{rest}</FirmwareRelease>"
        )

    def _pilot(self, days: tuple[int, int] | None, limit: int, minimum: int | None) -> str:
        if days is None:
            return ""
        start, end = (stamp(self.now + timedelta(days=number)) for number in days)
        least = "" if minimum is None else f"<Minimum>{minimum}</Minimum>"
        return f"<Pilot><Start>{start}</Start><End>{end}</End><Limit>{limit}</Limit>{least}</Pilot>"

    # --- what the gateway sends ------------------------------------------------------------------------------------

    def alert(self, to: Actor, *words: str) -> etree._Element:
        """Return the first DCC Alert to a supplier that has all these words, proven.

        Raises:
            NotConformant: none has come, or it is not signed.
        """
        wanted = [word.encode() for word in ("<sr:DCCAlertCode>", *words)]
        body = self._mailbox.wait_for(to.eui, lambda raw: all(word in raw for word in wanted), PATIENCE)
        if body is None:
            raise NotConformant(f"no alert to {to.name} with {words} has come within {PATIENCE} s")
        return self.prove(body)


def stamp(at: datetime) -> str:
    """Return a time as messages carry it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextmanager
def opened(url: str, profile: Profile) -> Iterator[Subject]:
    """The gateway under test, with the pack's web server listening while the block lasts."""
    with Mailbox(*profile.listen) as mailbox:
        yield Subject(url, profile, mailbox)
