"""Every XML namespace, schema version and algorithm name that the gateway reads or writes."""

from decimal import Decimal

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
DS = "http://www.w3.org/2000/09/xmldsig#"
CSP = "urn:csp-mgmt-gw:1"
ESI = "urn:esi:1"
AUDIT = "urn:duis-gateway:audit:1"
SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_SERVICE = "urn:duis-gateway:soap:1"
PROBLEM = "urn:ietf:rfc:7807"

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ENVELOPED_SIGNATURE = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

DUIS_5_0 = Decimal("5.0")
DUIS_5_1 = Decimal("5.1")
DUIS_6_0 = Decimal("6.0")

DUIS_SCHEMA_FOLDERS: dict[Decimal, str] = {
    DUIS_5_0: "5.0",
    DUIS_5_1: "5.1",
    Decimal("5.2"): "5.1",
    Decimal("5.3"): "5.1",
    Decimal("5.4"): "5.1",
    DUIS_6_0: "6.0",
}
"""The DUIS versions served, compared as numbers (5.40 is 5.4), and the folder of each one's schema."""


def sr(name: str) -> str:
    """Return the qualified name of an element of DUIS."""
    return f"{{{SR}}}{name}"


def ds(name: str) -> str:
    """Return the qualified name of an element of XML Signature."""
    return f"{{{DS}}}{name}"
