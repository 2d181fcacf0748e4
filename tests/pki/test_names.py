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
     r"CN=Z1\,OU\=07,OU=07"],
)  # fmt: skip
def test_other_names_are_other_names(text: str) -> None:
    """T36: neither a part more, nor one less, nor an escaped separator makes the same issuer."""
    assert name_key(text) != name_key(Z1)


@pytest.mark.parametrize(
    "text",
    ["", " ", "Z1", "=Z1", "CN", "CN=", "CN=,OU=07", "CN=Z1,", ",CN=Z1", "CN=Z1,,OU=07", "XX=Z1",
     'CN="Z1', 'CN="Z1" x', "CN=#", "CN=#0", "CN=#zz", "CN=#0c", "CN=#0c055a31", "CN=#0c02c328", "CN=#0c81025a31",
     "CN=Z1\\", "CN=\\zZ1", "CN=\\ff", "CN=a<b", "1=x", "2..5=x", "CN=Z1+", "+CN=Z1", "CN=\ud800",
     "CN=" + "x" * 3000, "CN=#800203", "CN=#0cff"],
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
