"""`sign`, `verify` and `send`: single documents, by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import click

from duis_gateway.cli.common import FOLDER, FOLDER_OR_FILE, HTTP_URL, NEW_FILE, READABLE, AnswerIsNo, Seconds
from duis_gateway.cli.documents import (
    Judgement,
    find_originator,
    judge,
    no_answer_of,
    verdict_of,
)
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import print_document, print_fields, say
from duis_gateway.cli.terminal import BAD, GOOD
from duis_gateway.cli.tls import TlsOptions, tls_options
from duis_gateway.cli.waiting import answer_to, said_of_tls, wait_option
from duis_gateway.client import DOORS, Gateway, Identity, Trust, to_json
from duis_gateway.client.errors import CannotSend, NoAnswer, NotListening, SetupWrong, TlsFailed
from duis_gateway.client.gateway import base_of, door_of
from duis_gateway.clock import business_time
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope import signature
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import ConfigurationError, MessageRefused
from duis_gateway.machine.files import (
    DASH,
    DOCUMENT_BYTES,
    read_bytes,
    refuse_private_key,
    shown_path,
    write_bytes,
)
from duis_gateway.namespaces import DS
from duis_gateway.pki.certificates import CertificateUnusable
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.text.json_reader import read_json

_SUCCESS = range(200, 300)
_SECONDS = 60.0
_DUIS_VERSION = "6.0"
_ANY_DOOR = DOORS["serviceD"]
_ITEMS_SHOWN = 20
_MAY_BE_TAKEN = (
    "it may or may not have been taken in, as {}. What this command sends again is a new request; to be able to send "
    "the same one again, sign a file first, and send that"
)


@click.command(cls=RefusesEmpty)
@click.argument("file", type=READABLE)
@click.option("--key", type=READABLE, required=True, help="The private key (PEM or DER, P-256).")
@click.option("--certificate", type=READABLE, required=True, help="Its certificate (PEM or DER).")
@click.option("--out", type=NEW_FILE, help="Where to write it; default: standard output.")
def sign(file: Path, key: Path, certificate: Path, out: Path | None) -> None:
    """Sign the XML document in FILE in DUIS's profile, replacing any signature that it has."""
    _write(_signed(file, key, certificate), out)


def _signed(file: Path, key: Path, certificate: Path) -> bytes:
    """Return the document in a file with its signature."""
    try:
        signing_key, own = load_signing_key(key, certificate)
        document = read_bytes(file)
        originator = find_originator(parse_trusted(document))
        signed = signature.sign(document, signing_key)
    except CertificateUnusable as error:
        raise ConfigurationError(str(error)) from None
    except MessageRefused as error:
        raise ConfigurationError(f"{shown_path(file)}: {error.detail}") from None
    if originator is not None and originator != own.eui:
        say(
            f"note: the document names {format_eui(originator)} as its originator, but the certificate belongs to "
            f"{format_eui(own.eui)}: it will not be accepted",
            err=True,
        )
    return signed


@click.command(cls=RefusesEmpty)
@click.argument("file", type=READABLE)
@click.option(
    "--trust",
    type=FOLDER_OR_FILE,
    required=True,
    help="The signer's certificate, or a folder with certificates of authorities and signers.",
)
@click.option("--crls", type=FOLDER, help="A folder with certificate revocation lists.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]), help="Judge as of this time (UTC); default: now.")
@click.option("--out", type=NEW_FILE, help="Write the proven bytes to this file.")
def verify(file: Path, trust: Path, crls: Path | None, at: datetime | None, out: Path | None) -> None:
    """Check the signature of the XML document in FILE, and that its originator made it.

    A signer's certificate in the trust folder must lead to an authority there; if the folder has no certificate of its
    issuer, it is trusted by itself.
    """
    try:
        moment = datetime.now(UTC) if at is None else business_time(at.replace(tzinfo=UTC))
    except ValueError as error:
        raise ConfigurationError(f"--at: {error}") from None
    try:
        judgement = judge(read_bytes(file), trust, crls, moment)
    except CertificateUnusable as error:
        raise ConfigurationError(str(error)) from None
    print_fields(_shown(judgement), err=out == DASH)
    if judgement.failed is not None:
        raise AnswerIsNo(f"{shown_path(file)}: verification failed: {judgement.failed}")
    if out is not None and judgement.content is not None:
        _write(judgement.content, out)


def _shown(judgement: Judgement) -> list[tuple[str, object]]:
    signer, named = judgement.signer, judgement.named
    shown: list[tuple[str, object]] = [("signature", "good" if judgement.failed is None else "NOT GOOD")]
    if signer is not None:
        shown += [("signer", format_eui(signer.eui)), ("OU", signer.role)]
    if named is not None:
        shown += [("serial", named.serial), ("issuer", named.issuer)]
    if judgement.originator is not None:
        shown.append(("originator", format_eui(judgement.originator)))
    return shown


@click.command(cls=RefusesEmpty)
@click.argument("file", type=READABLE)
@click.option("--url", type=HTTP_URL, required=True, help="The gateway, or one of its doors.")
@click.option("--key", type=READABLE, help="Sign it first, with this private key; needs --certificate.")
@click.option("--certificate", type=READABLE, help="The key's certificate.")
@click.option(
    "--json", "as_json", is_flag=True, help="FILE is a message's body as JSON, and the answer is printed as JSON."
)
@click.option("--trust", type=FOLDER_OR_FILE, help="With --json: the gateway's certificate, or a folder that has it.")
@click.option("--duis-version", help=f"With --json: the version of a Service Request. [default: {_DUIS_VERSION}]")
@tls_options
@click.option("--out", type=NEW_FILE, help="Where to write the answer; default: standard output.")
@click.option("--timeout", type=Seconds(), default=_SECONDS, help="Seconds to wait for the answer.")
@wait_option
def send(
    file: Path,
    url: str,
    key: Path | None,
    certificate: Path | None,
    as_json: bool,
    trust: Path | None,
    duis_version: str | None,
    tls: TlsOptions,
    out: Path | None,
    timeout: float,
    wait: float | None,
) -> None:
    """Send the document in FILE (-: standard input) by POST, unchanged or signed first, and print the answer.

    The HTTP status, what the answer says and the items that it refuses go to standard error. The exit code is 1 if the
    request was refused, by an HTTP status other than 2xx, a response code E... or an acknowledgement that says Refused,
    or if HTTP 200 does not bring a gateway's answer. A refusal by HTTP status is explained in words; its bytes go only
    to --out.

    With --json, FILE has only the body, such as {"ReadInventory": {"DeviceID": "00-DB-12-34-56-00-00-01"}}: it becomes
    a signed message from the certificate's owner and goes to the right door of the gateway at --url, and the verified
    answer is printed as JSON.
    """
    if (key is None) != (certificate is None):
        raise ConfigurationError("--key and --certificate go together")
    if as_json:
        if key is None or certificate is None or trust is None:
            raise ConfigurationError(
                "--json needs --key, --certificate and --trust: the message is signed here, and the answer is verified"
            )
        me = Identity.load(key, certificate)
        trusted = Trust.load(trust)
        try:
            eui = trusted.gateway
        except SetupWrong as error:
            raise ConfigurationError(f"--trust: {error.detail}; name the gateway's own certificate there") from None
        if eui == me.eui:
            raise ConfigurationError("--trust: this is the certificate of --key's owner; name the gateway's there")
        try:
            gateway = Gateway(
                base_of(url),
                identity=me,
                trust=trusted,
                eui=eui,
                version=duis_version or _DUIS_VERSION,
                timeout=timeout,
                authorities=tls.authorities,
                tls=tls.identity,
            )
        except SetupWrong as error:
            raise ConfigurationError(str(error)) from None
        _send_json(file, gateway, out, wait or 0.0)
        return
    if trust is not None or duis_version is not None:
        raise ConfigurationError("--trust and --duis-version go with --json; use `verify` on what --out wrote")
    document = read_bytes(file) if key is None or certificate is None else _signed(file, key, certificate)
    _require_place(out)
    http, door = tls.http(timeout, DOCUMENT_BYTES), _door(url, document)
    answer = answer_to(lambda: http.post(door, document, {"Content-Type": "application/xml"}), wait)
    say(f"HTTP {answer.status} {_reason(answer.status)}".rstrip(), err=True)
    verdict = verdict_of(answer.body)
    if answer.status in _SUCCESS or verdict is None or out is not None:
        _keep(answer.body, out)
    if verdict is not None:
        say(verdict.text, err=True, style=BAD if verdict.refused else GOOD)
        _list_items(tuple(f"{what}: {why}" for what, why in verdict.items))
    if answer.status == HTTPStatus.OK and verdict is None:
        raise AnswerIsNo(
            f"{shown_path(file)}: {no_answer_of(answer.body)}; check whether {door} is one of the gateway's doors"
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        raise AnswerIsNo(f"{shown_path(file)}: there is no door at {door}; {_other_place(door)}")
    if answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE and urlsplit(door).path == DOORS["soap"]:
        raise AnswerIsNo(
            f"{shown_path(file)}: {door} takes SOAP envelopes; a signed message goes to {urljoin(door, _ANY_DOOR)}"
        )
    if answer.status not in _SUCCESS or (verdict is not None and verdict.refused):
        unsigned = "" if DS.encode() in document else "; it is not signed: --key and --certificate sign it"
        raise AnswerIsNo(f"{shown_path(file)} was refused{unsigned}")


def _send_json(file: Path, gateway: Gateway, out: Path | None, wait: float) -> None:
    try:
        value = read_json(read_bytes(file))
    except ValueError as error:
        raise ConfigurationError(f"{shown_path(file)}: {error}") from None
    try:
        prepared = gateway.prepare_json(value)
    except CannotSend as error:
        raise ConfigurationError(f"{shown_path(file)}: {error}") from None
    _require_place(out)
    try:
        answer = gateway.post(prepared, patience=wait)
    except TlsFailed as error:
        raise AnswerIsNo(said_of_tls(error)) from None
    except NotListening as error:
        raise AnswerIsNo(f"{error.detail}{'' if wait else '; --wait waits for it'}") from None
    except NoAnswer as error:
        raise NoAnswer(error.detail, _MAY_BE_TAKEN.format(prepared.id)) from None
    assert answer.proven is not None, "an answer that cannot be verified is no answer"
    _keep(json.dumps(to_json(answer.root), indent=2).encode() + b"\n", out)
    style = GOOD if answer.accepted else BAD
    say(f"{answer.code}: {answer.meaning}".removesuffix(": "), err=True, style=style)
    if not answer.accepted:
        raise AnswerIsNo(f"{shown_path(file)} was refused")


def _door(url: str, document: bytes) -> str:
    """Return where a document goes: the URL, or the document's own door if only the gateway is named."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + (door_of(document) or _ANY_DOOR)


def _other_place(door: str) -> str:
    """Return where a document may go that found nothing at this URL."""
    if urlsplit(door).path in DOORS.values():
        return "is this the port of the gateway's doors ([server] port), and not that of the operators' pages?"
    return f"there is one at {urljoin(door, _ANY_DOOR)}"


def _list_items(items: Sequence[str]) -> None:
    for item in items[:_ITEMS_SHOWN]:
        say(f"  {item}", err=True)
    if len(items) > _ITEMS_SHOWN:
        say(f"  and {len(items) - _ITEMS_SHOWN:,} more: see the answer", err=True)


def _reason(status: int) -> str:
    """Return HTTP's name for a status, or nothing for an unknown one."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def _require_place(out: Path | None) -> None:
    """Check, before anything is sent, that the answer can be written there (OSError if not)."""
    if out is not None and out != DASH:
        refuse_private_key(out)
        is_new = not out.exists()
        out.open("ab").close()
        if is_new:
            out.unlink()


def _keep(answer: bytes, out: Path | None) -> None:
    """Write an answer that does not come again by itself; if its place fails, to standard output."""
    try:
        _write(answer, out)
    except OSError:
        if out is not None and out != DASH:
            print_document(answer)
        raise


def _write(content: bytes, out: Path | None) -> None:
    if out is None:
        print_document(content)
    else:
        write_bytes(out, content)
