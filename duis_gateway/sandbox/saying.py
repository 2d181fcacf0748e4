"""What a party can say, of a document that somebody wrote for it: a Service Request, or its own interface's message."""

from __future__ import annotations

from lxml import etree

from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.namespaces import CSP, ESI, SR, sr
from duis_gateway.parties.records import PartyKind
from duis_gateway.sandbox.cast import CSPS, SUPPLIERS, Member
from duis_gateway.sandbox.parameters import WrongCommand

_SUPPLIERS = " and ".join([", ".join(one.name for one in SUPPLIERS[:-1]), SUPPLIERS[-1].name])
_CSPS = " and ".join(one.name for one in CSPS)
_IS = {
    PartyKind.SUPPLIER: "a supplier, and suppliers send Service Requests alone",
    PartyKind.CSP: f"a CSP, and CSPs send no Service Requests: the suppliers do ({_SUPPLIERS})",
    PartyKind.DCC: f"DCC, which sends no Service Requests: the suppliers do ({_SUPPLIERS})",
}
_OWN = {PartyKind.CSP: CSP, PartyKind.DCC: ESI}
_WHOSE = {CSP: f"of the CSPs' interface: {_CSPS} send such", ESI: "of DCC's interface: dcc sends such"}


def own_words(party: Member, xml: str) -> tuple[bytes, list[str]]:
    """Return what the party is to sign and send, and what to tell about it.

    A message of the other partner's interface is sent all the same: what the gateway answers is worth seeing.

    Raises:
        WrongCommand: a party of its kind sends no such documents at all.
        MessageRefused: it is no XML.
    """
    content = xml.encode()
    root = parse_trusted(content)
    namespace = etree.QName(root).namespace
    if party.kind is PartyKind.SUPPLIER:
        if namespace in _WHOSE:
            raise WrongCommand(f"{party.name} is {_IS[party.kind]}; this is a message {_WHOSE[namespace]}")
        if root.tag != sr("Request"):
            raise WrongCommand("a supplier says a whole sr:Request with its header: `duis-gateway example 8.2` is one")
        return content, []
    if namespace == SR:
        raise WrongCommand(f"{party.name} is {_IS[party.kind]}")
    notes = []
    if namespace in _WHOSE and namespace != _OWN[party.kind]:
        notes.append(f"what {party.name} sends is a message {_WHOSE[namespace]}")
    if (body := root.find("{*}Body")) is not None and len(body):
        content = etree.tostring(body[0])
        notes.append("of the whole message the body is taken: header and signature are made anew")
    return content, notes
