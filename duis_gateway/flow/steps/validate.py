"""Validate: from proven bytes to a typed message, by the schema of its own version."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.request import AnyRequest, read_service_request, schema_version_of
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import Finding, NotValid
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.message import Admitted, Message, Validated, Verified
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from duis_gateway.parties.records import Party, PartyKind

Schemas = Mapping[str, Schema]
"""The compiled schemas by their folder: "duis/5.0", "duis/5.1", "duis/6.0", "csp_mgmt_gw/1", "esi/1"."""

SCHEMA_NAMES = (*(f"duis/{folder}" for folder in dict.fromkeys(DUIS_SCHEMA_FOLDERS.values())), "csp_mgmt_gw/1", "esi/1")


def validate(admitted: Admitted, schemas: Schemas) -> Validated:
    """Check the message against the schema of its version, and read it.

    Raises:
        NotValid: not valid, of an unknown version or one above the originator's, or a body that its
            header does not announce; at most ten findings.
    """
    verified, party = admitted.verified, admitted.party
    match verified.incoming.door:
        case Door.DUIS:
            message: Message = _service_request(verified, schemas, party)
        case Door.CSP:
            message = csp.read_message(_checked(verified, schemas["csp_mgmt_gw/1"]))
        case Door.ESI:
            message = esi.read_message(_checked(verified, schemas["esi/1"]))
    return Validated(verified.incoming, verified.received_at, verified.digest, verified.identity, message, party)


def _service_request(verified: Verified, schemas: Schemas, party: Party | None) -> AnyRequest:
    version = schema_version_of(verified.root)
    if party is not None and party.kind is PartyKind.SUPPLIER and version > party.duis_version:
        raise _too_new(version, party)
    folder = DUIS_SCHEMA_FOLDERS[version]
    return read_service_request(_checked(verified, schemas[f"duis/{folder}"]))


def _checked(verified: Verified, schema: Schema) -> etree._Element:
    schema.check_tree(verified.root, verified.content)
    return verified.root


def _too_new(version: Decimal, party: Party) -> NotValid:
    reason = f"schemaVersion {version} is above DUIS {party.duis_version}, for which {party.name} is registered"
    return NotValid(reason + ".", (Finding("/sr:Request/@schemaVersion", 1, reason),))
