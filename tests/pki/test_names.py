"""X.509 names compared as names, however they are printed."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.envelope.escape import escape_text
from duis_gateway.pki.names import NameInvalid, name_key, name_text

Z1 = x509.Name(
    [
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "07"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Z1"),
    ]
)


@pytest.mark.parametrize(
    "text",
    ["CN=Z1,OU=07", "CN=Z1, OU=07", "OU=07, CN=Z1", "OU=07,CN=Z1", "cn=Z1,ou=07", " CN = Z1 , OU = 07 ", "CN=z1;OU=07",
     "CN=Z1,\n OU=07", "2.5.4.3=Z1,OID.2.5.4.11=07", 'CN="Z1",OU="07"', "CN=#0c025a31,OU=#13023037", r"CN=\5a1,OU=07",
     "commonName=Z1,organizationalUnitName=07"],
)  # fmt: skip
def test_one_issuer_in_every_printing(text: str) -> None:
    assert name_key(text) == name_key(Z1)


@pytest.mark.parametrize(
    "text",
    ["CN=Z2,OU=07", "CN=Z1,OU=08", "CN=Z1", "CN=Z1,OU=07,OU=07", "CN=Z1+OU=07", "CN=Z1,O=07", "CN=07,OU=Z1",
     r"CN=Z1\,OU=07", "CN=Z1 OU=07", "CN=Z 1,OU=07", "CN=Z1,OU=07,2.5.4.45=#0309001122334455667788",
     r"CN=Z1\,OU\=07,OU=07", "CN=Z1X,OU=07", "CN=Z1,OU=07X"],
)  # fmt: skip
def test_other_names_are_other_names(text: str) -> None:
    """T36: neither a part more, nor one less, nor an escaped separator makes the same issuer."""
    assert name_key(text) != name_key(Z1)


@pytest.mark.parametrize(
    "text",
    ["", " ", "Z1", "=Z1", "CN", "CN=", "CN=,OU=07", "CN=Z1,", ",CN=Z1", "CN=Z1,,OU=07", "XX=Z1",
     'CN="Z1', 'CN="Z1" x', "CN=#", "CN=#0", "CN=#zz", "CN=#0c", "CN=#0c055a31", "CN=#0c02c328", "CN=#0c81025a31",
     "CN=Z1\\", "CN=\\zZ1", "CN=\\ff", "CN=a<b", "1=x", "2..5=x", "CN=Z1+", "+CN=Z1", "CN=\ud800",
     "CN=" + "x" * 3000, "CN=#800203", "CN=#0cff", "CN=Z\\X1"],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(NameInvalid):
        name_key(text)


def test_escapes_and_quotes_say_the_same() -> None:
    same = [r"CN=a\,b\+c\"d\\e\<\>\;\=f", r'CN="a,b+c\"d\\e<>;=f"', r"CN=a\2cb\2bc\22d\5ce\3c\3e\3b\3df"]
    assert len({name_key(text) for text in same}) == 1


def test_a_unique_identifier_is_a_bit_string() -> None:
    """The issuer or subject may be printed with its x500UniqueIdentifier in hexadecimal, keyword or OID."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "87"),
            x509.NameAttribute(
                NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + bytes.fromhex("90B3D51F30010000"), _ASN1Type.BitString
            ),
        ]
    )
    assert name_text(name) == "2.5.4.45=#03090090b3d51f30010000,OU=87"
    for text in (
        "OU=87, x500UniqueIdentifier=#03090090B3D51F30010000",
        "2.5.4.45=#03090090b3d51f30010000,OU=87",
        "UniqueIdentifier=#03090090b3d51f30010000,OU=87",
    ):
        assert name_key(text) == name_key(name)
    assert name_key("OU=87,2.5.4.45=90b3d51f30010000") != name_key(name)
    assert name_key("OU=87,2.5.4.46=#03090090b3d51f30010000") != name_key(name)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (" a", r"CN=\ a"), ("a ", "CN=a\\ "), (" ", "CN=\\ "), ("  ", "CN=\\ \\ "), ("a b", "CN=a b"),
        ("#a", r"CN=\#a"), ("a#", "CN=a#"), ("a\0b", r"CN=a\00b"), ("a\x01b", r"CN=a\01b"), ("a\x85", r"CN=a\C2\85"),
        ('a,+"\\<>;=b', r"CN=a\,\+\"\\\<\>\;\=b"), ("é€", "CN=é€"),
    ],
)  # fmt: skip
def test_what_has_to_be_escaped_is(value: str, printed: str) -> None:
    """RFC 4514, 2.4: a space at an end, `#` at the beginning, separators, NUL; and what XML does not carry."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)])
    assert name_text(name) == printed
    assert name_key(printed) == name_key(name)


def test_an_rdn_of_two_values_is_printed_with_a_plus() -> None:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "b")]
    name = x509.Name([x509.RelativeDistinguishedName(parts)])
    assert name_text(name) in {"CN=a+OU=b", "OU=b+CN=a"}
    assert name_key(name) == name_key("CN=a+OU=b")


def encoded(tag: int, contents: bytes) -> str:
    """Return DER in hexadecimal (X.690, 8.1.3): lengths from 128 on are preceded by how many octets they take."""
    size = len(contents)
    head = bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return (bytes([tag]) + head + contents).hex()


@pytest.mark.parametrize("size", [1, 2, 126, 127, 128, 129, 254, 255, 256, 257, 600])
def test_values_of_any_length_can_be_given_as_their_der(size: int) -> None:
    text, bits = "x" * size, b"\0" + b"y" * (size - 1)
    assert name_key(f"CN=#{encoded(0x0C, text.encode())},OU=a") == name_key(f"CN={text},OU=a")
    name = x509.Name([x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, bits, _ASN1Type.BitString)])
    assert name_text(name) == f"2.5.4.45=#{encoded(0x03, bits)}"
    assert bytes.fromhex(encoded(0x03, bits)) in name.public_bytes()
    assert name_key(name_text(name)) == name_key(name)


def test_a_length_is_der_only_in_its_shortest_form() -> None:
    for der in ("0c8101" + "78", "0c820001" + "78", "0c80" + "78" * 128, "0c8180" + "78" * 127, "0c7f" + "78" * 126):
        with pytest.raises(NameInvalid):
            name_key(f"CN=#{der}")


def test_multi_valued_rdns_have_no_order_of_their_own() -> None:
    assert name_key("CN=a+OU=b,O=c") == name_key("O=c, OU=b + CN=a")
    assert name_key("CN=a+OU=b,O=c") != name_key("CN=a,OU=b+O=c")


_VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
_TYPES = st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME])


@given(st.lists(st.tuples(_TYPES, _VALUES), min_size=1, max_size=4))
def test_a_name_as_printed_is_the_name(parts: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    """Whatever a name holds, its printing reads back as the same name."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    printed = name_text(name)
    assert name_key(printed) == name_key(name)
    assert etree.fromstring(f"<Name>{escape_text(printed)}</Name>").text == printed, "a message carries it"
    assert name_key(x509.Name(list(reversed(list(name))))) == name_key(name)


@given(st.text(alphabet='CNOU=07Z1,+;"\\# a.2<>', max_size=40) | st.text(max_size=40))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """A name that cannot be read is a refusal (401), never a failure (500)."""
    try:
        key = name_key(text)
    except NameInvalid:
        return
    assert key
