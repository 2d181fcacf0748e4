"""What may be stored of a hub, by DUIS's types, gives answers and alerts that are valid in every DUIS version."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.duis.simple_types import duis_type
from duis_gateway.envelope.signature import sign_canonical
from duis_gateway.namespaces import DUIS_6_0, DUIS_SCHEMA_FOLDERS
from duis_gateway.rollout.hubs.records import Hub
from tests.support.duis import ACTIVATION, AT, RESPONSE_ID, hub, read, request_xml, schema_of, supplier
from tests.support.published import published_schema
from tests.support.signing import KEY

ANY_CHARACTER = st.sampled_from("<&>\"'=-\xa0 ") | st.characters()


def values(name: str) -> st.SearchStrategy[str]:
    """Whatever the type lets in."""
    kind = duis_type(name)
    if kind.values:
        return st.sampled_from(kind.values)
    drawn = st.text(ANY_CHARACTER, min_size=1, max_size=kind.longest)
    return drawn.filter(lambda text: kind.fault(text) is None)


HUBS = st.builds(
    replace,
    st.just(hub()),
    device_type=values("DeviceType"),
    manufacturer=values("DeviceManufacturer"),
    model=values("DeviceModel"),
    firmware_version=values("FirmwareVersion"),
    status=values("DeviceStatus"),
    csp_region=values("CSPRegion"),
)


@pytest.mark.parametrize("version", ["９００１", "٩٠٠١", "é", "00009001"])
def test_a_firmware_version_is_any_text_of_eight_characters_as_published(version: str) -> None:
    """DUIS has no pattern for it: a version in digits of another script is another version, and no error."""
    assert duis_type("FirmwareVersion").fault(version) is None
    (alert,) = prepare(replace(ACTIVATION, firmware_version=version), supplier("5.4", published_schema_only=True))
    signed = sign_canonical(alert.render(RESPONSE_ID, AT), KEY)
    assert version in signed.decode()
    schema_of(Decimal("5.4")).check(signed)
    if os.environ.get("DUIS_PUBLISHED_SCHEMA"):
        published_schema().assertValid(etree.fromstring(signed))


@pytest.mark.parametrize("version", sorted(DUIS_SCHEMA_FOLDERS))
@given(HUBS)
def test_whatever_is_stored_of_a_hub_gives_a_valid_answer_and_alert(version: Decimal, found: Hub) -> None:
    request = replace(read(request_xml()), schema_version=version)
    answer = render_service_response(response_to(request, "I0", AT, inventory=(found,)))
    told = replace(ACTIVATION, firmware_version=found.firmware_version)
    (alert,) = prepare(told, supplier(str(version), published_schema_only=True))
    for document in (answer, alert.render(RESPONSE_ID, AT)):
        signed = sign_canonical(document, KEY)
        schema_of(version).check(signed)
        if os.environ.get("DUIS_PUBLISHED_SCHEMA") and version < DUIS_6_0:
            published_schema().assertValid(etree.fromstring(signed))
