"""What the gateway receives: the documentation's examples, unsigned, and how their way reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.request import read_request_id, read_service_request, schema_version_of
from duis_gateway.envelope.parse import Document
from duis_gateway.envelope.schema import Schema
from duis_gateway.namespaces import DS
from schemas import schema_path

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FOLDERS = {"duis": "duis/6.0", "csp": "csp_mgmt_gw/1", "esi": "esi/1"}
SCHEMAS = {kind: Schema(schema_path(folder)) for kind, folder in FOLDERS.items()}


def received() -> Iterator[tuple[str, str, bytes]]:
    """Each example of what the gateway receives, without its signature: kind, name, document."""
    for path in sorted(EXAMPLES.glob("*.xml")):
        kind = path.stem.partition("-")[0]
        if kind not in FOLDERS or (kind == "duis" and "request" not in path.stem):
            continue
        root = etree.fromstring(path.read_bytes())
        for signature in root.findall(f"{{{DS}}}Signature"):
            root.remove(signature)
        yield kind, path.stem, etree.tostring(root, method="c14n")


def read(kind: str, content: bytes) -> None:
    """Read a message as `verify` and `validate` do."""
    document = Document(content)
    root = document.beginning
    if kind == "duis":
        read_request_id(root)
        schema_version_of(root)
        read_service_request(SCHEMAS[kind].check(document))
    else:
        interface = csp if kind == "csp" else esi
        interface.read_identity(root)
        interface.read_message(SCHEMAS[kind].check(document))
