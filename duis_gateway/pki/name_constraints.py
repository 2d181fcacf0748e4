"""Name constraints of the CAs above a certificate (RFC 5280, sections 4.2.1.10 and 6.1), critical or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography import x509

from duis_gateway.pki.certificates import UNREADABLE
from duis_gateway.pki.names import NameInvalid, name_key


def keeps_names(certificate: x509.Certificate, path: Sequence[x509.Certificate]) -> bool:
    """Tell whether each name below a CA of the path is one that the CA may give; `path` has the issuer first.

    Names of certificates are compared with subtrees of directory names. A constraint of another kind (DNS, say) is met
    by a certificate without such a name, and by no other; what cannot be read is not met.
    """
    chain = (certificate, *path)
    try:
        return all(_allows(ca, chain[: index + 1]) for index, ca in enumerate(path))
    except (NameInvalid, *UNREADABLE):
        return False


def _allows(ca: x509.Certificate, below: Iterable[x509.Certificate]) -> bool:
    try:
        constraints = ca.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    leaf, *authorities = below
    bound = (leaf, *(one for one in authorities if one.subject != one.issuer))
    return all(_is_allowed(name, constraints) for one in bound for name in _names_of(one))


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    subject = [x509.DirectoryName(certificate.subject)] if certificate.subject.rdns else []
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return list(subject)
    return [*subject, *others]


def _is_allowed(name: x509.GeneralName, constraints: x509.NameConstraints) -> bool:
    permitted = [tree for tree in constraints.permitted_subtrees or () if type(tree) is type(name)]
    excluded = [tree for tree in constraints.excluded_subtrees or () if type(tree) is type(name)]
    if not permitted and not excluded:
        return True
    if not isinstance(name, x509.DirectoryName):
        return False
    if any(_within(name, tree) for tree in excluded):
        return False
    return not permitted or any(_within(name, tree) for tree in permitted)


def _within(name: x509.DirectoryName, tree: x509.GeneralName) -> bool:
    base: x509.Name = tree.value
    beginning = x509.Name(name.value.rdns[: len(base.rdns)])
    return len(beginning.rdns) == len(base.rdns) and name_key(beginning) == name_key(base)
