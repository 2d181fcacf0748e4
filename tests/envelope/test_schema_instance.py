"""`xsi:type`, `xsi:nil`, `xsi:schemaLocation`: what a message says of its own schema changes and logs nothing."""

from __future__ import annotations

import pytest
from lxml import etree

from duis_gateway.errors import NotValid
from tests.support.received import FOLDERS, read, received

XSI = "http://www.w3.org/2001/XMLSchema-instance"
SAID = [
    ("type", "none"), ("type", "no:such"), ("type", ""), ("type", "a b"), ("type", ":"), ("nil", "true"), ("nil", "x"),
    ("schemaLocation", "odd"), ("schemaLocation", "urn:x file:///etc/passwd"), ("noNamespaceSchemaLocation", "::"),
    ("other", "1"),
]  # fmt: skip


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_element_may_say_anything_of_its_schema(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """T44, T45: accepted or not valid (400); never a defect, and no traceback in the log."""
    refusals = []
    for content in (content for of, _, content in received() if of == kind):
        root = etree.fromstring(content)
        for element in list(root.iter("*"))[:40]:
            for name, value in SAID:
                element.set(f"{{{XSI}}}{name}", value)
                try:
                    read(kind, etree.tostring(root, method="c14n"))
                except NotValid as error:
                    refusals.append(error.findings)
                del element.attrib[f"{{{XSI}}}{name}"]
    assert len(refusals) > 100
    assert all(refusals)
    assert all(one.path.startswith("/") and one.reason for findings in refusals for one in findings)
    assert caplog.records == []
