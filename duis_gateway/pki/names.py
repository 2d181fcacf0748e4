"""X.509 names compared as names: `CN=Z1,OU=07`, `CN=Z1, OU=07` and `ou=07 , cn=Z1` are one issuer.

Messages print the issuer in RFC 4514's order (the reverse of the certificate's) or as it stands, with or without
spaces, so the key that names are compared by is the sorted multiset of RDNs: neither order, nor spaces about
separators, nor the case of keywords and values (RFC 5280 section 7.1) count. Two CAs can therefore share a key only if
their names differ in order or case alone; issuer and serial are unique among the certificates registered, and the
signature must fit the key of the one found, so such a pair can be refused but never mistaken for one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from cryptography import x509

from duis_gateway.text.folding import folded

_LONGEST = 2048
_OIDS = {
    "CN": "2.5.4.3", "COMMONNAME": "2.5.4.3",
    "SN": "2.5.4.4", "SURNAME": "2.5.4.4",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6", "COUNTRYNAME": "2.5.4.6",
    "L": "2.5.4.7", "LOCALITYNAME": "2.5.4.7",
    "ST": "2.5.4.8", "S": "2.5.4.8", "STATEORPROVINCENAME": "2.5.4.8",
    "STREET": "2.5.4.9", "STREETADDRESS": "2.5.4.9",
    "O": "2.5.4.10", "ORGANIZATIONNAME": "2.5.4.10",
    "OU": "2.5.4.11", "ORGANIZATIONALUNITNAME": "2.5.4.11",
    "T": "2.5.4.12", "TITLE": "2.5.4.12",
    "GN": "2.5.4.42", "G": "2.5.4.42", "GIVENNAME": "2.5.4.42",
    "X500UNIQUEIDENTIFIER": "2.5.4.45", "UNIQUEIDENTIFIER": "2.5.4.45",
    "DNQ": "2.5.4.46", "DNQUALIFIER": "2.5.4.46",
    "ORGANIZATIONIDENTIFIER": "2.5.4.97",
    "UID": "0.9.2342.19200300.100.1.1", "USERID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25", "DOMAINCOMPONENT": "0.9.2342.19200300.100.1.25",
    "E": "1.2.840.113549.1.9.1", "EMAIL": "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
}  # fmt: skip
_KEYWORDS = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip
_TYPE = re.compile(r"(?:OID\.)?([0-9]+(?:\.[0-9]+)+)|([A-Za-z][A-Za-z0-9-]*)", re.IGNORECASE)
_STRING_TYPES = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii",
                 0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # fmt: skip
_BIT_STRING = 0x03
_NEED_ESCAPE = frozenset(',+"\\<>;=')
_NOT_IN_XML = re.compile("[\x01-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that XML does not carry, or not as they are."""

_Attribute = tuple[str, str | bytes]  # OID; text, or the DER of a value that is no text


class NameInvalid(ValueError):
    """The text is not an X.509 name in the form of RFC 4514 (or of its forerunners RFC 2253 and 1779)."""


def name_key(name: str | x509.Name) -> str:
    """Return the key that the name is compared by; the same for every way of printing it.

    Raises:
        NameInvalid: the text cannot be read as a name.
    """
    if isinstance(name, str):
        return _text_key(name)
    return _key(_rdns_of(name))


def name_text(name: x509.Name) -> str:
    """Return the name as RFC 4514 prints it (last RDN first), as it stands in `X509IssuerName`."""
    rdns = reversed(_rdns_of(name))
    return ",".join("+".join(f"{_keyword(oid)}={_printed(value)}" for oid, value in rdn) for rdn in rdns)


@lru_cache(maxsize=1024)
def _text_key(text: str) -> str:
    if len(text) > _LONGEST:
        raise NameInvalid("the name is too long")
    return _key(_Reader(text).name())


def _key(rdns: Iterable[list[_Attribute]]) -> str:
    return ",".join(sorted("+".join(sorted(map(_attribute_key, rdn))) for rdn in rdns))


def _attribute_key(attribute: _Attribute) -> str:
    oid, value = attribute
    if isinstance(value, bytes):
        return f"{_keyword(oid)}=#{value.hex()}"
    return f"{_keyword(oid)}={_escaped(folded(value))}"


def _keyword(oid: str) -> str:
    return _KEYWORDS.get(oid, oid)


def _printed(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f"#{value.hex()}"
    text = _NOT_IN_XML.sub(_as_octets, _escaped(value))
    if text.endswith(" "):
        text = text[:-1] + "\\ "
    return "\\" + text if text.startswith(" ") and text != "\\ " else text


def _as_octets(found: re.Match[str]) -> str:
    return "".join(f"\\{octet:02X}" for octet in found[0].encode())


def _escaped(text: str) -> str:
    text = "".join(f"\\{char}" if char in _NEED_ESCAPE else "\\00" if char == "\0" else char for char in text)
    return "\\" + text if text.startswith("#") else text


def _rdns_of(name: x509.Name) -> list[list[_Attribute]]:
    return [[(attribute.oid.dotted_string, _value_of(attribute.value)) for attribute in rdn] for rdn in name.rdns]


def _value_of(value: str | bytes) -> str | bytes:
    """Return text as it is; `cryptography` gives a BIT STRING's contents, of which this makes its DER."""
    return _der(_BIT_STRING, value) if isinstance(value, bytes) else value


def _der(tag: int, contents: bytes) -> bytes:
    size = len(contents)
    if size < 0x80:
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + contents


def _decoded(der: bytes) -> str | bytes:
    """Return what a `#hex` value says: text if it is a string type of ASN.1, else the DER itself."""
    if len(der) < 2:
        raise NameInvalid("a #hex value in the name is cut off")
    tag, contents = der[0], der[2:]
    if der[1] >= 0x80:
        octets = der[1] & 0x7F
        contents = der[2 + octets :]
    if der != _der(tag, contents):
        raise NameInvalid("a #hex value in the name is not DER")
    if tag not in _STRING_TYPES:
        return der
    try:
        return contents.decode(_STRING_TYPES[tag])
    except UnicodeDecodeError:
        raise NameInvalid("a #hex value in the name is not of its type") from None


class _Reader:
    """Reads one printed name from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def name(self) -> list[list[_Attribute]]:
        rdns = [[self._attribute()]]
        while (separator := self._next()) is not None:
            if separator == "+":
                rdns[-1].append(self._attribute())
            elif separator in {",", ";"}:
                rdns.append([self._attribute()])
            else:
                raise NameInvalid("the name has text after a value")
        return rdns

    def _next(self) -> str | None:
        self._skip_spaces()
        if self._at >= len(self._text):
            return None
        self._at += 1
        return self._text[self._at - 1]

    def _skip_spaces(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
            self._at += 1

    def _attribute(self) -> _Attribute:
        self._skip_spaces()
        kind = _TYPE.match(self._text, self._at)
        if kind is None:
            raise NameInvalid("the name has a part that does not begin with an attribute type")
        self._at = kind.end()
        oid = kind[1] or _OIDS.get(kind[2].upper())
        if oid is None:
            raise NameInvalid(f"the name has an unknown attribute type: {kind[2][:40]}")
        if self._next() != "=":
            raise NameInvalid("the name has an attribute type without a value")
        self._skip_spaces()
        value = self._value()
        if not value:
            raise NameInvalid("the name has an empty value")
        return oid, value

    def _value(self) -> str | bytes:
        first = self._text[self._at : self._at + 1]
        if first == "#":
            return self._hex_value()
        return self._quoted_value() if first == '"' else self._plain_value()

    def _hex_value(self) -> str | bytes:
        digits = re.compile(r"#((?:[0-9A-Fa-f]{2})+)").match(self._text, self._at)
        if digits is None:
            raise NameInvalid("the name has a #hex value without pairs of hexadecimal digits")
        self._at = digits.end()
        return _decoded(bytes.fromhex(digits[1]))

    def _quoted_value(self) -> str:
        self._at += 1
        octets = bytearray()
        while self._at < len(self._text):
            if self._text[self._at] == '"':
                self._at += 1
                return _utf8(octets)
            octets += self._character()
        raise NameInvalid("the name has a quoted value without an end")

    def _plain_value(self) -> str:
        octets, kept = bytearray(), 0
        while self._at < len(self._text) and (char := self._text[self._at]) not in ",;+":
            if char in '"<>':
                raise NameInvalid(f"the name has {char} in a value, not escaped")
            octets += self._character()
            if char not in " \t\r\n":
                kept = len(octets)  # spaces at the end count only where they are escaped
        return _utf8(octets[:kept])

    def _character(self) -> bytes:
        char = self._text[self._at]
        self._at += 1
        if char != "\\":
            return char.encode("utf-8", "surrogatepass")
        pair = self._text[self._at : self._at + 2]
        if re.fullmatch(r"[0-9A-Fa-f]{2}", pair):
            self._at += 2
            return bytes.fromhex(pair)
        if not pair or pair[0] not in ',+"\\<>;=# ':
            raise NameInvalid("the name has a backslash where none is needed")
        self._at += 1
        return pair[0].encode()


def _utf8(octets: bytearray) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise NameInvalid("the name has a value that is not UTF-8") from None
