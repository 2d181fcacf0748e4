"""Service Request 8.2 by SOAP with zeep: the kit builds, signs and proves, zeep does the rest from the WSDL.

python soap_zeep.py GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATE HUB
"""

import copy
import sys

from lxml import etree
from zeep import Client
from zeep.plugins import Plugin

from duis_gateway.client import Gateway, Identity, ReadInventory, Trust


class SignedRequests(Plugin):
    """Puts the signed bytes into the envelope as they are: zeep would lose declarations, and with them the digest."""

    def __init__(self, signed: bytes) -> None:
        self.signed = signed

    def egress(self, envelope, http_headers, operation, binding_options):
        next(envelope.iter("{urn:duis-gateway:soap:1}ServiceRequest")).text = "the request"
        text = etree.tostring(envelope).replace(b">the request<", b">" + self.signed + b"<")
        return etree.fromstring(text), http_headers


def main(url: str, key: str, certificate: str, gateway_certificate: str, hub: str) -> None:
    trust = Trust.load(gateway_certificate)
    prepared = Gateway(url, identity=Identity.load(key, certificate), trust=trust).prepare(ReadInventory(hub))
    client = Client(f"{url}/soap?wsdl", plugins=[SignedRequests(prepared.document)])
    (response,) = client.service.SubmitServiceRequest("")
    proven = trust.prove(etree.tostring(copy.deepcopy(response)))
    print(proven.root.findtext(".//{*}DeviceFirmwareVersion"))


if __name__ == "__main__":
    main(*sys.argv[1:])
