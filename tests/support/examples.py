"""docs/examples: what the files hold, and how they are made.

`python -m tests.support.examples` makes them anew, with a new PKI, and puts them into docs/interfaces.md. It is needed
when what the gateway renders has changed: tests/docs says so.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from lxml import etree

import csp_mgmt_gw.messages as csp
import duis_gateway
import esi.messages as esi
from duis_gateway.envelope.signature import SigningKey, sign_canonical
from duis_gateway.flow.handlers import TAKEN
from duis_gateway.namespaces import ds
from duis_gateway.partners.messages import Direction
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.pki.signing import load_signing_key
from tests.support import bodies_page, codes_page, commands_page, reference
from tests.support.examples_duis import ALERTS, CSP, DCC, GATEWAY, SUPPLIER, Example, duis_examples
from tests.support.examples_edges import plain_examples, soap_request, soap_response
from tests.support.examples_partners import partner_examples

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "examples"
PKI = FOLDER / "certificates"
PAGE = DOCS / "interfaces.md"
VALID_FROM, VALID_TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
SIGNERS = {"supplier": (SUPPLIER, "87"), "gateway": (GATEWAY, "89"), "csp": (CSP, "06"), "dcc": (DCC, "89")}
SOAP = {"soap-request.xml": "duis-8.2-request", "soap-response.xml": "duis-8.2-response-I0"}
"""The two envelopes, and the signed document in each."""

BLOCK = re.compile(r"<!-- example: (?P<name>[\w.-]+) -->\n```(?:xml|json|csv|text)\n(?P<text>.*?)```\n", re.DOTALL)


def signed_examples() -> list[Example]:
    """Return the examples that are signed documents."""
    return [*duis_examples(), *partner_examples()]


def names() -> set[str]:
    """Return the names of all files."""
    return {*(f"{one.name}.xml" for one in signed_examples()), *SOAP, *plain_examples()}


def shown(content: bytes) -> str:
    """Return XML for reading: indented, its signature left out. On the wire it has no white space between elements."""
    root = etree.fromstring(content)
    for signature in list(root.iter(ds("Signature"))):
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _email_shown(content: bytes) -> str:
    """Return an email's headers and its text; the HTML says the same."""
    message = message_from_bytes(content, policy=SMTP)
    headers = [f"{name}: {value}" for name, value in message.items() if not name.startswith(("Content-", "MIME-"))]
    body = message.get_body(("plain",))
    assert body is not None
    files = [f"[{part.get_filename()}]\n{part.get_content()}" for part in message.iter_attachments()]
    return "\n".join([*headers, "", body.get_content(), *files])


def as_shown(path: Path) -> str:
    """Return what the page shows of a file."""
    content = path.read_bytes()
    readers = {".xml": shown, ".eml": _email_shown}
    text = readers[path.suffix](content) if path.suffix in readers else content.decode()
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def filled(page: str) -> str:
    """Return the page with every example as its file has it."""

    def block(match: re.Match[str]) -> str:
        path = FOLDER / match["name"]
        language = path.suffix[1:].replace("eml", "text")
        return f"<!-- example: {match['name']} -->\n```{language}\n{as_shown(path)}```\n"

    page = _listed(BLOCK.sub(block, page), "not served", not_served())
    return _listed(page, "not raised", not_raised())


def not_served() -> list[str]:
    """Return the bodies that partners may send by the schemas and that no rule takes yet."""
    handled = {body.__name__ for _, body in TAKEN}
    inward = {
        f"{interface} `{name}`"
        for interface, directions in (("CSP", csp.DIRECTIONS), ("ESI", esi.DIRECTIONS))
        for name, way in directions.items()
        if way is Direction.IN and name not in handled
    }
    return sorted(inward)


def not_raised() -> list[str]:
    """Return the alerts and the messages to partners whose bodies no decision makes."""
    folder = Path(duis_gateway.__file__).parent / "rollout"
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    source = re.sub(r"^from .* import .*$", "", source, flags=re.MULTILINE)
    alerts = [code for code, body in ALERTS if not re.search(rf"(?<!csp\.|esi\.)\b{type(body).__name__}\b", source)]
    outward = [
        f"{interface.upper()} `{name}`"
        for interface, directions in (("csp", csp.DIRECTIONS), ("esi", esi.DIRECTIONS))
        for name, way in directions.items()
        if way is Direction.OUT and not re.search(rf"\b{interface}\.{name}\b", source)
    ]
    return [*alerts, *outward]


def _listed(page: str, mark: str, names: list[str]) -> str:
    text = ", ".join(names) or "none"
    return re.sub(
        f"<!-- {mark}: generated -->\n.*?<!-- end -->",
        f"<!-- {mark}: generated -->\n{text}.\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def _keys() -> dict[str, SigningKey]:
    """Make a PKI, keep its certificates with the examples, and return the keys, which nobody keeps."""
    PKI.mkdir()
    keys = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        authority = make_authority(folder, not_before=VALID_FROM, not_after=VALID_TO)
        shutil.copy(authority.certificate_path, PKI)
        for stem, (eui, role) in SIGNERS.items():
            made = make_certificate(authority, eui, role, folder, stem=stem, not_before=VALID_FROM, not_after=VALID_TO)
            shutil.copy(made.certificate_path, PKI)
            keys[stem], _ = load_signing_key(made.key_path, made.certificate_path)
    return keys


def _is_signed_content(path: Path, content: bytes) -> bool:
    """Whether a file holds this content, under whatever signature; what the gateway renders is canonical."""
    if not path.exists():
        return False
    signed = path.read_bytes()
    begin, end = signed.rfind(b"<ds:Signature "), signed.rfind(b"</ds:Signature>")
    return signed[:begin] + signed[end + len(b"</ds:Signature>") :] == content


def _sign_all() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    keys = _keys()
    for one in signed_examples():
        (FOLDER / f"{one.name}.xml").write_bytes(sign_canonical(one.content, keys[one.signer]))


def write() -> None:
    """Bring every file and the page up to date; the signed ones are signed anew only if their content has changed."""
    if not all(_is_signed_content(FOLDER / f"{one.name}.xml", one.content) for one in signed_examples()):
        _sign_all()
    for file, inner in SOAP.items():
        wrap = soap_request if file == "soap-request.xml" else soap_response
        (FOLDER / file).write_bytes(wrap((FOLDER / f"{inner}.xml").read_bytes()))
    for file, content in plain_examples().items():
        (FOLDER / file).write_bytes(content)
    for path in FOLDER.iterdir():
        if path.is_file() and path.name not in names():
            path.unlink()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
    reference.write()
    commands_page.write()
    bodies_page.write()
    codes_page.write()
