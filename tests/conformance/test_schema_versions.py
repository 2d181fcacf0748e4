"""The project's own DUIS schemas: each complete by itself, and no more than the stated difference between them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from duis_gateway.duis.alerts.prepare import prepare
from schemas import schema_names, schema_path
from tests.support.duis import AT, OPTION_1_BODIES, PILOT_LIST, RESPONSE_ID, request_xml, supplier
from tests.support.published import XS, Outline

DUIS = ("duis/5.0", "duis/5.1", "duis/6.0")
"""The folders of `schemas/` that are DUIS's."""


def lines(name: str) -> set[str]:
    return Outline(schema_path(name)).lines()


def names_in(difference: set[str]) -> set[str]:
    """Return the names of elements and types, and the values of enumerations, that the lines declare."""
    last_steps = (line.rpartition("/")[2] for line in difference)
    return {match[1] for step in last_steps if (match := re.search(r"\b(?:name|value)=([^ \]]+)", step))}


def test_there_is_a_schema_for_every_version_and_no_stray_one() -> None:
    assert set(DUIS) <= set(schema_names())
    for name in ("duis/5.2", "duis", "duis/../duis/5.0", "", "../schemas/duis/5.0", "xmldsig/1"):
        with pytest.raises(LookupError):
            schema_path(name)


@pytest.mark.requirement("PIA-S4")
@pytest.mark.parametrize("name", DUIS)
def test_a_folder_is_complete_by_itself(name: str, tmp_path: Path) -> None:
    """PIA-S4: XSD 1.0, and nothing outside the folder; it loads in both engines without a network."""
    folder = Path(shutil.copytree(schema_path(name).parent, tmp_path / "alone"))
    etree.XMLSchema(etree.parse(str(folder / "duis.xsd"), etree.XMLParser(no_network=True)))
    xmlschema.XMLSchema10(str(folder / "duis.xsd"), allow="sandbox")
    for path in folder.iterdir():
        assert path.suffix == ".xsd"
        for element in etree.parse(str(path)).iter(f"{XS}import", f"{XS}include"):
            assert (folder / element.get("schemaLocation", "missing")).is_file()


def test_the_signature_schema_is_the_same_everywhere() -> None:
    copies = {schema_path(name).with_name("xmldsig.xsd").read_bytes() for name in schema_names()}
    assert len(copies) == 1


@pytest.mark.requirement("FIA-4", "FIA-6")
def test_5_1_has_n64_and_its_element_and_n63_and_n65_and_nothing_else_that_is_new() -> None:
    """Design section 5."""
    assert not lines("duis/5.0") - lines("duis/5.1")
    new = lines("duis/5.1") - lines("duis/5.0")
    assert names_in({line for line in new if "CommsHubFirmwareActivation" not in line}) == {"N63", "N64", "N65"}
    of_the_element = {line for line in new if "CommsHubFirmwareActivation" in line}
    inside = {line for line in of_the_element if line.startswith("complexType[name=CommsHubFirmwareActivation]")}
    (choice,) = of_the_element - inside
    assert choice.startswith("complexType[name=DCCAlert]/choice/element")


@pytest.mark.requirement("FIA-4")
def test_6_0_takes_nothing_away_and_adds_option_1_alone() -> None:
    assert not lines("duis/5.1") - lines("duis/6.0")
    new = lines("duis/6.0") - lines("duis/5.1")
    shared = Outline(schema_path("duis/5.1"))
    types = {each.get("name") for each in shared.root if isinstance(each.tag, str)}
    changed = {
        line for line in new if (match := re.match(r"\w+\[name=(\w+)\]/", line)) is not None and match[1] in types
    }
    assert names_in(changed) == {
        *("11.5", "11.6", "PreferredPilotList", "PreferredPilotSchedule", "DSPPilotListWarning"),
        *("W110501", "W110601", "E110510", "E110608", "E110609"),
        *(f"E{service}{number:02}" for service in ("1105", "1106") for number in range(1, 8)),
        *OPTION_1_BODIES,
        *("DefaultPilotList", "DefaultPilotSchedule", "SafeLaunchSchedule", "SafeLaunchOutcome", "PilotOutcome"),
        *("CommsHubFirmwareFailure", "FirmwareRolloutDecision", "SplitSupplierInstruction"),
        "PreferredPilotScheduleDecision",
        "FirmwareDeploymentPlan",
    }


@pytest.mark.parametrize("code", OPTION_1_BODIES)
def test_an_alert_of_option_1_is_not_valid_under_5_1(code: str) -> None:
    alert = prepare(OPTION_1_BODIES[code], supplier("6.0"))[0].render(RESPONSE_ID, AT)
    document = etree.fromstring(alert.replace(b'"6.0"', b'"5.4"'))
    assert etree.XMLSchema(etree.parse(str(schema_path("duis/6.0")))).validate(document)
    assert not etree.XMLSchema(etree.parse(str(schema_path("duis/5.1")))).validate(document)


@pytest.mark.parametrize("release_id", ["R-1", "2026.11:SEC_Release-1", "R" * 40])
def test_names_of_releases(release_id: str) -> None:
    document = request_xml(PILOT_LIST.replace("R-1", release_id), "11.5")
    assert etree.XMLSchema(etree.parse(str(schema_path("duis/6.0")))).validate(etree.fromstring(document))


@pytest.mark.parametrize("release_id", ["", " R", "-R", "a b", "../x", "é", "R" * 41, "a\nb"])
def test_names_that_no_release_can_have(release_id: str) -> None:
    document = request_xml(PILOT_LIST.replace("R-1", release_id), "11.5")
    assert not etree.XMLSchema(etree.parse(str(schema_path("duis/6.0")))).validate(etree.fromstring(document))
