"""What differs between the three doors: certificate roles, identities, caps. The path is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import MessageIdentity
from duis_gateway.duis.service_requests.request import read_request_id
from duis_gateway.duis.service_requests.table import ELEMENT_CAPS
from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import PartyKind

XML_SIGN = "87"
DCC_XML_SIGN = "89"
WAN_PROVIDER = "06"


@dataclass(frozen=True, slots=True)
class Profile:
    """One door's answers to the questions that the steps ask.

    `certificate_roles` are the values of a certificate's OU that may sign here; `originator` reads the message's
    identity from a proven document and raises `NotValid` if there is none.
    """

    sender_kind: PartyKind
    certificate_roles: frozenset[str]
    originator: Callable[[etree._Element], MessageIdentity]
    element_caps: Mapping[tuple[str, str], int]


def signing_roles(kind: PartyKind) -> frozenset[str]:
    """Return the values of a certificate's OU that a party of this kind may sign with."""
    return next(one.certificate_roles for one in PROFILES.values() if one.sender_kind is kind)


PROFILES: dict[Door, Profile] = {
    Door.DUIS: Profile(PartyKind.SUPPLIER, frozenset({XML_SIGN}), read_request_id, ELEMENT_CAPS),
    Door.CSP: Profile(PartyKind.CSP, frozenset({XML_SIGN, WAN_PROVIDER}), csp.read_identity, csp.ELEMENT_CAPS),
    Door.ESI: Profile(PartyKind.DCC, frozenset({XML_SIGN, DCC_XML_SIGN}), esi.read_identity, esi.ELEMENT_CAPS),
}
