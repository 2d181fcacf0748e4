"""8.2 by zeep (pip install zeep), proven by the kit: soap_zeep.py GATEWAY_URL KEY CERTIFICATE GATEWAY_CERT HUB."""

import sys
from copy import deepcopy

from lxml import etree
from zeep import Client
from zeep.plugins import Plugin

from duis_gateway.client import Gateway, Identity, Trust


class Signed(Plugin):
    """Signs each request as zeep has built it, and proves each answer before zeep reads it."""

    def __init__(self, me: Identity, trust: Trust) -> None:
        self.me, self.trust = me, trust

    def egress(self, envelope, http_headers, operation, binding_options):
        place = next(envelope.iter("{urn:duis-gateway:soap:1}ServiceRequest"))
        signed = self.me.sign(etree.tostring(deepcopy(place[0])))
        place[:], place.text = [], "the request"  # as text: in the tree lxml would merge its declarations
        return etree.fromstring(etree.tostring(envelope).replace(b">the request<", b">" + signed + b"<")), http_headers

    def ingress(self, envelope, http_headers, operation):
        for response in envelope.iter("{*}Response"):
            self.trust.prove(etree.tostring(deepcopy(response)))
        return envelope, http_headers


if __name__ == "__main__":
    url, key, certificate, gateway_certificate, hub = sys.argv[1:] if len(sys.argv) == 6 else sys.exit(__doc__)
    me, trust = Identity.load(key, certificate), Trust.load(gateway_certificate)
    number = Gateway(url, identity=me, trust=trust).new_request_id()
    header = {"RequestID": number, "CommandVariant": "8", "ServiceReference": "8.2", "ServiceReferenceVariant": "8.2"}
    request = {"Header": header, "Body": {"ReadInventory": {"DeviceID": hub}}, "schemaVersion": "6.0"}
    answer = Client(f"{url}/soap?wsdl", plugins=[Signed(me, trust)]).service.SubmitServiceRequest({"Request": request})
    if answer.Header.ResponseCode != "I0":
        sys.exit(f"the answer is {answer.Header.ResponseCode}")  # such as E19: no hub of yours
    print(answer.Body.ResponseMessage.DSPInventory.Device[0].DeviceFirmwareVersion)
