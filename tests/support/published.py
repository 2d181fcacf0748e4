"""What others have published, reached by the environment and never part of the project.

DUIS's schema and requests; and signatures of Project Wycheproof, good ones and such as verifiers have wrongly believed.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

SCHEMA_VARIABLE = "DUIS_PUBLISHED_SCHEMA"
REQUESTS_VARIABLE = "DUIS_PUBLISHED_REQUESTS"
VECTORS_VARIABLE = "WYCHEPROOF_VECTORS"
XS = "{http://www.w3.org/2001/XMLSchema}"


def _given(variable: str) -> Path:
    """Return the file or folder that the variable names; without it the test is skipped (in CI: fails)."""
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} does not say where the published material is")
    return Path(value)


def published_schema_path() -> Path:
    return _given(SCHEMA_VARIABLE) / "DUIS_Schema_V5.4.xsd"


def published_requests() -> list[Path]:
    found = sorted(_given(REQUESTS_VARIABLE).glob("*.XML"))
    assert found, f"{REQUESTS_VARIABLE} names a folder without requests"
    return found


def published_vectors() -> list[dict[str, Any]]:
    """The groups of `ecdsa_secp256r1_sha256_p1363_test.json`, each of a public key."""
    read = json.loads(_given(VECTORS_VARIABLE).read_text(encoding="utf-8"))
    groups: list[dict[str, Any]] = read["testGroups"]
    assert sum(len(group["tests"]) for group in groups) == read["numberOfTests"] > 0
    return groups


def published_schema() -> etree.XMLSchema:
    return _compiled(published_schema_path())


@cache
def _compiled(path: Path) -> etree.XMLSchema:
    # The signature schema that it imports has a document type with a remote DTD: never fetched.
    return etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True)))


class Outline:
    """The parts of a schema that can be compared: element sequences and enumerations, by where they stand."""

    def __init__(self, path: Path) -> None:
        self.root = etree.parse(str(path), etree.XMLParser(no_network=True)).getroot()

    def type_named(self, name: str) -> etree._Element:
        """Return the global type of this name."""
        for each in self.root.iterchildren(f"{XS}complexType", f"{XS}simpleType"):
            if each.get("name") == name:
                return each
        raise AssertionError(f"the schema has no type {name}")

    def within(self, type_name: str, element: str) -> etree._Element:
        """Return the declaration of an element inside a global type."""
        return next(each for each in self.type_named(type_name).iter(f"{XS}element") if each.get("name") == element)

    @staticmethod
    def enumeration(declaration: etree._Element) -> list[str]:
        return [each.get("value", "") for each in declaration.iter(f"{XS}enumeration")]

    @staticmethod
    def elements(declaration: etree._Element) -> list[tuple[str, str, str]]:
        """Return name, minOccurs and maxOccurs of the elements below, in order."""
        return [
            (each.get("name") or each.get("ref") or "", each.get("minOccurs", "1"), each.get("maxOccurs", "1"))
            for each in declaration.iter(f"{XS}element")
            if each is not declaration
        ]

    def lines(self) -> set[str]:
        """Return the schema as a set of lines, each a declaration with all its attributes and where it stands."""
        return {self._line(each) for each in self.root.iterdescendants(f"{XS}*") if not self._is_annotation(each)}

    @staticmethod
    def _is_annotation(element: etree._Element) -> bool:
        return any(each.tag == f"{XS}annotation" for each in (element, *element.iterancestors()))

    def _line(self, element: etree._Element) -> str:
        steps = []
        for each in (element, *element.iterancestors()):
            if each is self.root:
                break
            facts = " ".join(f"{name!s}={value!s}" for name, value in sorted(each.items()))
            steps.append(f"{etree.QName(each).localname}[{facts}]" if facts else etree.QName(each).localname)
        return "/".join(reversed(steps))
