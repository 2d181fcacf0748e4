"""Requests as a real adapter sends them: each is read, whether it is served or not."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.duis.service_requests.read_inventory import ReadInventory
from duis_gateway.duis.service_requests.request import read_request_id, read_service_request, schema_version_of
from duis_gateway.duis.service_requests.service import RequestBody, Unserved
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.envelope.signature import sign
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from tests.support.duis import duis_schema
from tests.support.published import published_requests, published_schema
from tests.support.signing import KEY, check

EXPECTED: dict[str, RequestBody] = {
    "8.2": ReadInventory(parse_eui("00-DB-12-34-56-78-90-A2")),
    "8.4": Unserved("UpdateInventory"),
    "11.1": Unserved("UpdateFirmware"),
    "11.2": Unserved("ReadFirmwareVersion"),
    "11.3": Unserved("ActivateFirmware"),
}


def document_of(path: Path) -> etree._Element:
    return etree.parse(str(path)).getroot()


def test_they_are_valid_as_published_and_here() -> None:
    """With their placeholder signatures: our signature schema takes what adapters write."""
    for path in published_requests():
        published_schema().assertValid(document_of(path))
        for folder in dict.fromkeys(DUIS_SCHEMA_FOLDERS.values()):
            duis_schema(folder).check(path.read_bytes())


def test_each_is_read_and_those_not_served_are_known_as_such() -> None:
    found = {}
    for path in published_requests():
        root = document_of(path)
        request = read_service_request(root)
        assert read_request_id(root) == request.request_id
        assert request.request_id.counter == 1000
        assert str(schema_version_of(root)) == "5.4"
        assert isinstance(request.body, Unserved) == (request.service_reference not in SERVED)
        found[request.service_reference] = request.body
    assert found == EXPECTED


def test_signed_by_a_key_of_ours_they_verify_and_read_the_same() -> None:
    """The indentation of these files is part of what is signed."""
    for path in published_requests():
        proven = check(sign(path.read_bytes(), KEY))
        root = duis_schema("5.1").check(proven.content)
        request = read_service_request(root)
        assert request.body == EXPECTED[request.service_reference]
        assert root.find("{*}Signature") is None


def test_cut_from_its_placeholder_signature_a_request_is_still_valid() -> None:
    path = next(path for path in published_requests() if path.name.startswith("8.2"))
    root = document_of(path)
    signature = root.find("{*}Signature")
    assert signature is not None
    root.remove(signature)
    published_schema().assertValid(root)
