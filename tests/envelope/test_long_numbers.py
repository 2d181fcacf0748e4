"""Numbers of thousands of digits: refused like any other value that is not valid, and never in Python's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from duis_gateway.config.settings import load_config
from duis_gateway.errors import ConfigurationError, NotValid
from schemas import schema_path
from tests.support.received import FOLDERS, read, received

XS = "{http://www.w3.org/2001/XMLSchema}"
NUMBERS = {"integer", "positiveInteger", "nonNegativeInteger", "unsignedInt", "decimal", "int", "long"}
OUTGOING = {"PartNumber", "PartCount", "HubsTargeted", "HubsActivated", "HubsFailed"}
OUTGOING |= {"ThrottledAlertSequenceId", "ThrottledAlertCount", "UPRN"}
"""DUIS's numbers that stand only in what the gateway sends, or in requests that it does not serve."""


def numeric_names(folder: str) -> set[str]:
    """The elements and attributes of a schema whose type is a number, by its own types and theirs."""
    root = etree.parse(str(schema_path(folder))).getroot()
    types = {"xs:" + name for name in NUMBERS}
    for simple in root.iterchildren(f"{XS}simpleType"):
        base = simple.find(f"{XS}restriction")
        if base is not None and base.get("base") in types:
            types |= {f"{prefix}:{simple.get('name')}" for prefix in root.nsmap if prefix}
    found = set()
    for one in root.iter(f"{XS}element", f"{XS}attribute"):
        inline = one.find(f"{XS}simpleType/{XS}restriction")
        if one.get("type") in types or (inline is not None and inline.get("base") in types):
            found.add(str(one.get("name")))
    return found


def lengthened(content: bytes, digits: str, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """The document with one of its numbers made long, each in turn."""
    root = etree.fromstring(content)
    for element in root.iter("*"):
        local = etree.QName(element).localname
        if local in names or (element.text or "").strip().isdecimal():
            before = element.text
            element.text = digits + (before or "").strip()
            yield local, etree.tostring(root, method="c14n")
            element.text = before
        for name, value in element.attrib.items():
            if str(name) in names:
                element.set(name, digits + str(value))
                yield str(name), etree.tostring(root, method="c14n")
                element.set(name, value)


@pytest.mark.parametrize("digits", ["0" * 4300, "1" * 4301, "9" * 10_000], ids=["zeros", "4301", "10000"])
@pytest.mark.parametrize("kind", FOLDERS)
def test_every_number_of_every_message(kind: str, digits: str) -> None:
    names, seen = numeric_names(FOLDERS[kind]), set[str]()
    for of, example, content in received():
        if of != kind:
            continue
        read(kind, content)
        for name, long in lengthened(content, digits, names):
            seen.add(name)
            with pytest.raises(NotValid) as refused:
                read(kind, long)
            words = [refused.value.detail, *(finding.reason for finding in refused.value.findings)]
            assert not any("set_int_max_str_digits" in word for word in words), (example, name)
            path = re.sub(r"\[\d+\]$", "", refused.value.findings[0].path)  # its place among those of its name
            assert path.endswith((name, "Part", "Request")), (example, name)
    elsewhere = {"duis": OUTGOING, "csp": set[str](), "esi": {"Number", "Of"}}  # a Part is the same in both interfaces
    assert names - seen - elsewhere[kind] == set(), "an example is missing for these"


def test_a_number_of_thousands_of_digits_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f"[server]\nport = {'9' * 5000}\n")
    with pytest.raises(ConfigurationError, match="a number of more than 20 digits"):
        load_config(file, {})
    file.write_text("")
    with pytest.raises(ConfigurationError, match="DUIS_GATEWAY_SERVER_PORT"):
        load_config(file, {"DUIS_GATEWAY_SERVER_PORT": "9" * 5000})
