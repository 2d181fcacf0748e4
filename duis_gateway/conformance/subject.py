"""The gateway under test, as the clauses see it: requests that the parties sign, answers proven, alerts received."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from duis_gateway.client import DOORS, Message, NotProven, TimeCounter, soap
from duis_gateway.client.gateway import wrap
from duis_gateway.client.http import Http, HttpAnswer
from duis_gateway.client.party_door import PATH as PARTY_DOOR
from duis_gateway.client.requests import service_request
from duis_gateway.conformance.mailbox import Mailbox
from duis_gateway.conformance.notices import Release, Terms, notice, stamp
from duis_gateway.conformance.profile import SUPPLIERS, Actor, Profile
from duis_gateway.conformance.wire import Wire
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import GatewayError
from duis_gateway.namespaces import CSP, ESI, SR

PATIENCE = 30.0
"""Seconds to wait for an answer or an alert."""

SPARED = 300.0
"""Seconds that a gateway may spare a party which it could not reach: the longest wait between attempts by default."""

_QUIET, _LONGEST_END = 5.0, 60.0
OPENAPI = "/openapi.json"
"""Where a gateway may describe itself."""
_SHOWN = 300
_LONG_AGO, _FIRST_RUN = timedelta(days=20 * 365), datetime(2026, 1, 1, tzinfo=UTC)


class NotConformant(AssertionError):
    """The gateway did something else than the clause says."""


class CannotBegin(GatewayError):
    """Nothing can be played: the gateway is not there, or it is not the one that the profile is of."""


def expect(found: object, expected: object, what: str, evidence: bytes = b"") -> None:
    """Hold what was found against the clause; the beginning of the evidence is shown where it is something else.

    Raises:
        NotConformant: it is something else.
    """
    if found != expected:
        shown = f"; in {evidence.decode('utf-8', 'replace')[:_SHOWN]}" if evidence else ""
        if len(evidence) > _SHOWN:
            shown += "..."
        raise NotConformant(f"{what}: expected {_in_words(expected)}, found {_in_words(found)}{shown}")


def _in_words(value: object) -> str:
    return value if isinstance(value, str) and value else repr(value)


@dataclass(frozen=True)
class Reply:
    """An answer: the HTTP status, its bytes, and the proven document where the status is 200.

    `expected` takes down what answers are held to, as the report shows it.
    """

    status: int
    body: bytes
    root: etree._Element | None
    expected: list[str] = field(default_factory=list, compare=False)

    def text(self, name: str) -> str:
        """Return the text of the first element of this local name; "" where there is none."""
        found = None if self.root is None else next(self.root.iter(f"{{*}}{name}"), None)
        return "" if found is None else found.text or ""

    def is_code(self, code: str) -> None:
        """Hold the response code, or the status of the acknowledgement, against the clause."""
        self.expected.append(code)
        name = "Status" if self.root is not None and self.root.tag != f"{{{SR}}}Response" else "ResponseCode"
        found = self.text(name)
        expect(f"HTTP {self.status} {found}".strip(), f"HTTP 200 {code}", f"HTTP status and {name}", self.body)

    def is_status(self, status: int) -> None:
        """Hold the HTTP status against the clause."""
        self.expected.append(f"HTTP {status}")
        expect(self.status, status, "HTTP status", self.body)

    def is_fault(self, code: str) -> None:
        """Hold the code of a SOAP 1.1 fault against the clause."""
        self.is_status(500)
        self.expected.append(f"faultcode {code}")
        found = parse_trusted(self.body).findtext(".//{*}faultcode") or ""
        expect(found.rpartition(":")[2].partition(".")[0], code, "faultcode", self.body)

    def listed(self, name: str) -> list[str]:
        """Return the devices of the first list of this name."""
        return [one for one in self.text(name).split(",") if one]


class Subject:
    """One gateway and the parties that the pack plays against it.

    Attributes:
        seen: the response codes and alert codes that have come since the case began.
        wire: what was sent and answered since then.
        expected: what the answers have been held to since then: codes, and HTTP statuses of refusals.
    """

    def __init__(
        self, url: str, profile: Profile, mailbox: Mailbox, http: Http, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.url = url.rstrip("/")
        self.profile = profile
        self.seen: set[str] = set()
        self.wire: list[Wire] = []
        self.expected: list[str] = []
        self._mailbox = mailbox
        self._http = http
        self._tell = tell
        self._spared = set[str]()
        # RequestIDs never repeat, in no run of the pack: they follow the time.
        self._counter = TimeCounter()

    @property
    def now(self) -> datetime:
        """The gateway's business time."""
        return self.profile.now or datetime.now(UTC).replace(microsecond=0)

    @property
    def moment(self) -> datetime:
        """A time later than every one that was reported of a hub, in this run or an earlier one.

        It is now; where the gateway's clock stands, it goes on from years long past: a report is not of the future.
        """
        today = datetime.now(UTC)
        return today if self.profile.now is None else self.profile.now - _LONG_AGO + (today - _FIRST_RUN)

    def supplier(self, version: str) -> Actor:
        """Return the supplier that is registered on a DUIS version."""
        return self.profile[SUPPLIERS[("5.0", "5.1", "6.0").index(version)]]

    # --- Service Requests ------------------------------------------------------------------------------------------

    def request_id(self, by: Actor, target: str | None = None) -> str:
        """Return a RequestID that was never used."""
        return f"{by.eui}:{target or self.profile.gateway}:{self._counter()}"

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
        return service_request(request_id or self.request_id(by), version, reference, body, command=variant)

    def send(self, by: Actor, document: bytes, service: str = "serviceD") -> Reply:
        """Let a party sign a Service Request and post it."""
        return self.post(DOORS[service], by.identity.sign(document))

    def post(self, path: str, document: bytes, media: str = "application/xml") -> Reply:
        """Post bytes as they are; a 200 must be signed by the gateway."""
        answer = self.exchange(path, document, {"Content-Type": media})
        return self._reply(answer.status, answer.body)

    def ask_party_door(
        self, by: Actor | None, method: str, what: str, content: bytes | None = None, media: str = "application/xml"
    ) -> Reply:
        """Ask the party door, whose answers are not signed, with a party's token, or with none."""
        headers = {"Content-Type": media} if content is not None else {}
        if by is not None:
            headers["Authorization"] = f"Bearer {by.token}"
        answer = self.exchange(f"{PARTY_DOOR}/{what}", content, headers, method)
        return Reply(answer.status, answer.body, None, self.expected)

    def exchange(
        self, path: str, content: bytes | None, headers: Mapping[str, str], method: str = "POST"
    ) -> HttpAnswer:
        """Send something as it is, and return what comes, whatever it is (NoAnswer: nothing comes)."""
        self.wire.append(Wire("sent", f"{method} {path}", content or b""))
        answer = self._http.exchange(method, self.url + path, content, headers)
        self.wire.append(Wire("answered", f"HTTP {answer.status}", answer.body))
        return answer

    def post_soap(self, signed: bytes) -> Reply:
        """Post a signed Service Request in a SOAP 1.1 envelope; the reply to it is what stands in the answer's."""
        answer = self.exchange(DOORS["soap"], soap.into_envelope(signed), soap.HEADERS)
        if answer.status != 200:
            return Reply(answer.status, answer.body, None, self.expected)
        inside = soap.from_envelope(answer.body)
        if not inside:
            raise NotConformant(f"the envelope holds no Service Response: {answer.body[:300]!r}")
        return self._reply(200, inside)

    def _reply(self, status: int, document: bytes) -> Reply:
        reply = Reply(status, document, self.prove(document) if status == 200 else None, self.expected)
        self.seen.add(reply.text("ResponseCode"))
        return reply

    def prove(self, document: bytes) -> etree._Element:
        """Return what a document of the gateway's proves.

        Raises:
            NotConformant: it does not carry the gateway's signature in DUIS's profile.
        """
        try:
            return self.profile.trust.prove(document).root
        except NotProven as error:
            raise NotConformant(f"what the gateway sends is not signed by it: {error.detail}") from None

    # --- DCC and the CSP -------------------------------------------------------------------------------------------

    def tell(self, name: str, body: str) -> Reply:
        """Let `dcc` or `csp` say something: the body's XML without a prefix."""
        return self.post(*self.saying(name, body))

    def saying(self, name: str, body: str) -> tuple[str, bytes]:
        """Return the door's path and the signed message by which `dcc` or `csp` says something."""
        by, (namespace, door) = self.profile[name], {"dcc": (ESI, "esi"), "csp": (CSP, "csp")}[name]
        element = parse_trusted(f'<Body xmlns="{namespace}">{body}</Body>'.encode())[0]
        document = wrap(element, f"pack-{self._counter()}", by.identity.eui, self.now)
        return DOORS[door], by.identity.sign(document)

    @contextmanager
    def release(self, terms: Terms | None = None) -> Iterator[Release]:
        """Announce a release of the profile's model, approve it, and withdraw it in the end."""
        made = Release(f"PACK-{self._counter():X}", secrets.token_hex(4).upper())
        self.announce(made, terms or Terms()).is_code("Accepted")
        identity = f"<FirmwareReleaseID>{made.id}</FirmwareReleaseID><At>{stamp(self.now)}</At>"
        self.tell("dcc", f"<ReleaseApproval>{identity}</ReleaseApproval>").is_code("Accepted")
        try:
            yield made
        finally:
            self.tell("dcc", f"<Withdrawal>{identity}</Withdrawal>")

    def announce(self, release: Release, terms: Terms, revision: int = 1) -> Reply:
        """Let DCC announce or revise a release."""
        return self.tell("dcc", notice(self.profile, self.now, release, terms, revision))

    def running(self, owner: Actor, hub: str) -> str:
        """Return the version that the inventory has of a supplier's hub (8.2)."""
        body = f"<sr:ReadInventory><sr:DeviceID>{hub}</sr:DeviceID></sr:ReadInventory>"
        return self.send(owner, self.request(owner, "5.0", body)).text("DeviceFirmwareVersion")

    @contextmanager
    def not_commissioned(self, owner: Actor, hub: str) -> Iterator[None]:
        """Let DCC's inventory say that a hub of one supplier is not commissioned, while the block lasts."""
        running = self.running(owner, hub)
        self._update(owner, hub, running, "InstalledNotCommissioned").is_code("Accepted")
        try:
            yield
        finally:
            self._update(owner, hub, running, "Commissioned")

    def _update(self, owner: Actor, hub: str, running: str, status: str) -> Reply:
        suppliers = "".join(f"<{role}SupplierID>{owner.eui}</{role}SupplierID>" for role in ("Import", "Gas"))
        return self.tell(
            "dcc",
            f"<InventoryUpdate><Hub><DeviceID>{hub}</DeviceID><DeviceModel><Manufacturer>{self.profile.manufacturer}"
            f"</Manufacturer><Model>{self.profile.model}</Model></DeviceModel><FirmwareVersion>{running}</FirmwareVersion>"
            f"<CSPRegion>{self.profile.region}</CSPRegion><Status>{status}</Status>{suppliers}</Hub></InventoryUpdate>",
        )

    # --- what the gateway sends ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a case: what was answered and sent before it does not count."""
        self.seen.clear()
        self.wire.clear()
        self.expected.clear()
        self._mailbox.begin()

    def evidence(self) -> tuple[Wire, ...]:
        """Return what was sent, answered and received since the case began."""
        received = (
            Wire("received", f"{message.kind} for {actor.name}", message.raw)
            for actor in self.profile.actors.values()
            for message in self._mailbox.came(actor, lambda _: True)
        )
        return (*self.wire, *received)

    def alert(self, to: Actor, *words: str) -> etree._Element:
        """Return the first DCC Alert to a supplier since the case began that has all these words, proven.

        Raises:
            NotConformant: none has come, or it is not signed.
        """
        root = self.message(to, "<sr:DCCAlertCode>", *words)
        self.seen.update(found.text or "" for found in root.iter("{*}DCCAlertCode"))
        return root

    def message(self, to: Actor, *words: str) -> etree._Element:
        """Return the first message to a party since the case began that has all these words, proven.

        Raises:
            NotConformant: none has come, or it is not signed.
            CannotBegin: nothing at all has come in this run, to any party.
        """
        message = self._awaited(to, _having(words))
        if message is None and not self._mailbox.has_heard():
            raise CannotBegin(
                f"nothing has come to any party at {self._mailbox.url} within {PATIENCE} s: do the URLs that are "
                "registered for the parties lead there ([receiver] in the profile), and does the gateway deliver?"
            )
        if message is None:
            refused = self._mailbox.why_refused(to)
            why = f"; what came is refused: {refused}" if refused else ""
            having = ", ".join(word.strip("<>") for word in words)
            raise NotConformant(f"no message to {to.name} that has {having} has come within {PATIENCE} s{why}")
        return message.root

    def _awaited(self, to: Actor, fits: Callable[[bytes], bool]) -> Message | None:
        """Return a message once it has come; None: it has not.

        A gateway that could not reach a party, as its receiver was closed between two runs, may spare it for a while:
        until the party has heard something it is waited for longer, once in a run.
        """
        may_be_spared = not self._mailbox.has_heard(to) and to.eui not in self._spared
        message = self._mailbox.wait_for(to, fits, PATIENCE)
        if message is not None or not may_be_spared:
            return message
        self._spared.add(to.eui)
        self._tell(
            f"nothing has come to {to.name} at {self._mailbox.url} within {PATIENCE:.0f} s; waiting for up to "
            f"{SPARED:.0f} s more, as a gateway may spare a party that it could not reach before (Ctrl-C, and look at "
            "the URL that is registered for it, if it has another)"
        )
        self._mailbox.wait_to_hear(to, SPARED)
        return self._mailbox.wait_for(to, fits, PATIENCE)

    def end(self) -> None:
        """Take what still comes of the last cases: where it met a closed receiver, the next run would be held up."""
        self._mailbox.wait_for_quiet(_QUIET, _LONGEST_END)

    def came(self, to: Actor, *words: str) -> list[bytes]:
        """Return all that has come for a party since the case began and has all these words."""
        return [one.raw for one in self._mailbox.came(to, _having(words))]


def _having(words: Sequence[str]) -> Callable[[bytes], bool]:
    wanted = [word.encode() for word in words]
    return lambda body: all(word in body for word in wanted)


@contextmanager
def opened(
    url: str, profile: Profile, http: Http | None = None, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Subject]:
    """The gateway under test, with the pack's web server listening while the block lasts; `tell` says of long waits."""
    with Mailbox(profile) as mailbox:
        yield Subject(url, profile, mailbox, http or Http(PATIENCE), tell)
