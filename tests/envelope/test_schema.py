"""Validation: libxml2 accepts and explains, stops at ten errors, never leaves the machine or repeats what it got."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

import pytest
from lxml import etree

from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import Finding, NotSafeXml, NotValid

MAIN = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t"
    elementFormDefault="qualified">
  <xs:include schemaLocation="types.xsd"/>
  <xs:element name="Message">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="ID" type="EUI" maxOccurs="unbounded"/>
        <xs:element name="Count" type="xs:int" minOccurs="0"/>
      </xs:sequence>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
TYPES = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
  <xs:simpleType name="EUI"><xs:restriction base="xs:string">
    <xs:pattern value="([0-9A-F]{2}-){7}[0-9A-F]{2}"/>
  </xs:restriction></xs:simpleType>
</xs:schema>
"""
XSI = "http://www.w3.org/2001/XMLSchema-instance"
GOOD_ID = "<t:ID>90-B3-D5-1F-30-01-00-00</t:ID>"


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    (tmp_path / "main.xsd").write_text(MAIN)
    (tmp_path / "types.xsd").write_text(TYPES)
    return Schema(tmp_path / "main.xsd")


def message(inside: str) -> bytes:
    return f'<t:Message xmlns:t="urn:t">{inside}</t:Message>'.encode()


def findings(schema: Schema, content: bytes) -> tuple[Finding, ...]:
    with pytest.raises(NotValid) as refused:
        schema.check(content)
    return refused.value.findings


def test_valid_content_is_returned_as_a_tree(schema: Schema) -> None:
    root = schema.check(message(GOOD_ID))
    assert isinstance(root, etree._Element)
    assert root[0].text == "90-B3-D5-1F-30-01-00-00"


def test_a_refusal_says_where_and_why(schema: Schema) -> None:
    """XPath, and the line in the proven content."""
    (only,) = findings(schema, message(f"\n{GOOD_ID}\n{GOOD_ID}\n<t:ID>90-B3</t:ID>\n"))
    assert only.path == "/t:Message/t:ID[3]"
    assert only.line == 4
    assert "pattern" in only.reason


def test_the_words_are_short_and_without_namespaces(schema: Schema) -> None:
    """libxml2 begins with the element, which the path has already."""
    (value,) = findings(schema, message("<t:ID>90-B3</t:ID>"))
    (element,) = findings(schema, message(f"{GOOD_ID}<t:Other></t:Other>"))
    (attribute,) = findings(schema, message(f'<t:ID other="1">{GOOD_ID[6:]}'))
    assert value.reason.startswith("The value '90-B3' is not accepted by the pattern")
    assert "{2}" in value.reason, "what a pattern repeats is no namespace"
    assert element.reason == "This element is not expected. Expected is one of ( ID, Count )."
    assert attribute.reason == "attribute 'other': The attribute 'other' is not allowed."


def test_the_path_has_the_prefixes_of_the_message(schema: Schema) -> None:
    """Without a prefix libxml2 itself would say `/*/*[3]`."""
    plain = f'<Message xmlns="urn:t">{GOOD_ID.replace("t:", "") * 2}<ID>x</ID><b:ID xmlns:b="urn:t">y</b:ID></Message>'
    assert [finding.path for finding in findings(schema, plain.encode())] == ["/Message/ID[3]", "/Message/b:ID"]


@pytest.mark.parametrize(
    "inside",
    ["", "<t:Count>1</t:Count>", f"{GOOD_ID}<t:Count>x</t:Count>", f"{GOOD_ID}<t:Other/>", f"{GOOD_ID}text", "<ID/>",
     f'<t:ID xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>{GOOD_ID}',
     f'<t:ID xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xsi:none">x</t:ID>{GOOD_ID}'],
)  # fmt: skip
def test_t44_every_refusal_has_a_finding(schema: Schema, inside: str) -> None:
    """T44: elements missing, unknown, of the wrong type, and the tricks with xsi:type and xsi:nil."""
    assert all(finding.path.startswith("/") and finding.reason for finding in findings(schema, message(inside)))


def test_another_root_is_refused(schema: Schema) -> None:
    assert findings(schema, b"<other/>")


def test_ten_findings_at_most(schema: Schema) -> None:
    assert len(findings(schema, message("<t:ID>x</t:ID>" * 2000))) == 10


@pytest.mark.parametrize("inside", ["<t:ID>{}</t:ID>", GOOD_ID + "<t:Count>{}</t:Count>", GOOD_ID + "{}"])
def test_a_long_value_is_not_repeated(schema: Schema, inside: str) -> None:
    """libxml2's own message can carry 64 kB of the value."""
    for finding in findings(schema, message(inside.format("A" * 1_000_000))):
        assert len(finding.reason) <= 300
        assert len(finding.path) <= 300


def test_content_that_is_not_well_formed_is_no_question_of_validity(schema: Schema) -> None:
    with pytest.raises(NotSafeXml):
        schema.check(b"<t:Message>")


MANY = {
    "unknown elements": "<t:Other></t:Other>",
    "wrong values": "<t:ID>x</t:ID>",
    "wrong attributes": "<t:ID " + " ".join(f'a{number:02}="x"' for number in range(60)) + f">{GOOD_ID[6:]}",
    "unknown types": f'<t:ID xmlns:xsi="{XSI}" xsi:type="t:none">x</t:ID>',
}


@pytest.mark.parametrize("one", MANY.values(), ids=MANY)
@pytest.mark.parametrize("good_before", [0, 3000])
def test_only_as_much_is_explained_as_has_ten_errors(
    schema: Schema, one: str, good_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for a refusal does not grow with what follows the first error; what is good costs no more than reading.

    Where an element is not expected, libxml2 passes over its siblings, so that there is no second error to wait for.
    """
    explained: list[int] = []
    explain = Schema._explain

    def counting(self: Schema, root: etree._Element) -> tuple[Finding, ...]:
        explained.append(sum(1 for _ in root.iter()) - good_before)
        return explain(self, root)

    monkeypatch.setattr(Schema, "_explain", counting)
    found = findings(schema, message(GOOD_ID * good_before + one * 20_000))
    assert len(found) == (10 if "Other" not in one else 1)
    first = f"/t:Message/t:ID[{good_before + 1}]" if "t:ID" in one else "/t:Message/t:Other[1]"
    assert found[0].path == first
    assert explained[0] < 5_000


@pytest.mark.parametrize("between", [0, 1000])
def test_what_is_wrong_near_the_first_error_is_told_too(schema: Schema, between: int) -> None:
    """A document of many elements is read on for a while, so that its sender can put more right at once."""
    found = findings(schema, message("<t:ID>x</t:ID>" + GOOD_ID * between + "<t:ID>y</t:ID>" + GOOD_ID * 10_000))
    assert [finding.path for finding in found] == ["/t:Message/t:ID[1]", f"/t:Message/t:ID[{between + 2}]"]


def test_an_error_at_the_very_end_is_found(schema: Schema) -> None:
    (found,) = findings(schema, message(GOOD_ID * 5_000 + "<t:ID>x</t:ID>"))
    assert found.path == "/t:Message/t:ID[5001]"


def test_the_last_element_of_many_may_be_the_wrong_one(schema: Schema) -> None:
    """Both readings of a long document agree: nothing is refused or accepted for its length."""
    assert schema.check(message(GOOD_ID * 5000)) is not None
    (only,) = findings(schema, message(f"{GOOD_ID * 5000}\n<t:ID>x</t:ID>"))
    assert (only.path, only.line) == ("/t:Message/t:ID[5001]", 2)


def test_a_refusal_keeps_nothing_of_the_message(schema: Schema) -> None:
    """libxml2's errors carry whole values, and stay with the compiled schema until it is used again."""
    assert findings(schema, message("<t:ID>" + "A" * 100_000 + "</t:ID>"))
    assert schema._explainer is not None
    for compiled in (schema._accepts, schema._explainer):
        assert "A" * 100 not in str(compiled.error_log)


def test_t04_no_location_that_a_message_names_is_followed(schema: Schema) -> None:
    """T04, T45: a listener that nobody connects to says so."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/x.xsd"
        hint = (
            f'<t:Message xmlns:t="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="urn:t {url} urn:u {url}" xsi:noNamespaceSchemaLocation="{url}">'
        )
        assert schema.check(f"{hint}{GOOD_ID}</t:Message>".encode()) is not None
        assert findings(schema, f"{hint}<t:ID>x</t:ID></t:Message>".encode())
        with pytest.raises(TimeoutError):
            canary.accept()


def test_many_threads_get_their_own_answers(schema: Schema) -> None:
    """A refusal in one thread never colours what another is told."""
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(30):
            if number % 2:
                try:
                    schema.check(message(GOOD_ID))
                except NotValid as error:
                    wrong.append(error)
            else:
                found = findings(schema, message(GOOD_ID * number + "<t:ID>x</t:ID>"))
                if [finding.path for finding in found] != [
                    f"/t:Message/t:ID[{number + 1}]" if number else "/t:Message/t:ID"
                ]:
                    wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_path_may_be_relative(schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words come from a schema that is named by a relative path, wherever the process goes later."""
    monkeypatch.chdir(tmp_path)
    relative = Schema(Path("main.xsd"))
    monkeypatch.chdir("/")
    bad = message("<t:ID>x</t:ID>")
    assert findings(relative, bad) == findings(schema, bad)


def test_schemas_are_compiled_one_after_another(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libxml2 makes its built-in types at the first one; two at a time now and then ended the process."""
    both, met = threading.Barrier(2), []
    compile_it = etree.XMLSchema

    def compile_slowly(tree: etree._ElementTree) -> etree.XMLSchema:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)
            met.append(tree)
        return compile_it(tree)

    monkeypatch.setattr(etree, "XMLSchema", compile_slowly)
    threads = [threading.Thread(target=Schema, args=(tmp_path / "main.xsd",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
