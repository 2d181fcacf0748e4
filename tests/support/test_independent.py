"""The second opinion is one: it shares nothing with what it is asked about."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from tests.support import independent
from tests.support.independent import NotProven, prove, sign
from tests.support.second_opinions import check_by_xmlsec, proven_by_signxml
from tests.support.web_certificates import make_web_certificate
from tests.support.wire_client import FIXTURES as FIXTURES_FOLDER
from tests.support.wire_client import fill

SOURCE = Path(independent.__file__)
FIXTURES = sorted(path for path in FIXTURES_FOLDER.rglob("*.xml"))


def test_it_imports_only_lxml_cryptography_and_the_standard_library() -> None:
    nodes = list(ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    packages = {name.partition(".")[0] for name in imported}
    assert packages - set(sys.stdlib_module_names) == {"lxml", "cryptography"}


def test_it_works_where_the_project_is_not_installed(tmp_path: Path) -> None:
    """Loaded by its path alone, it brings no module of the project with it."""
    program = (
        "import runpy, sys\n"
        f"sys.path[:] = [path for path in sys.path if path not in ('', {str(SOURCE.parents[2])!r})]\n"
        f"runpy.run_path({str(SOURCE)!r})\n"
        "mine = {'duis_gateway', 'csp_mgmt_gw', 'esi', 'schemas', 'tests'}\n"
        "sys.exit(bool(mine & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_files_are_documents_by_themselves(path: Path) -> None:
    root = etree.parse(str(path)).getroot()
    assert etree.QName(root).localname in ("Message", "Request")
    assert "$" in path.read_text(encoding="utf-8")


def _signed(identity: independent.Identity) -> bytes:
    values = {"version": "6.0", "variant": 8, "request_id": "r", "device": "d"}
    return sign(fill("duis/8.2.xml", **values), identity)


@pytest.fixture
def signer(tmp_path: Path) -> tuple[independent.Identity, x509.Certificate]:
    """An identity with its certificate, made as a CA outside this project would."""
    path = make_web_certificate(tmp_path / "signer.pem", "127.0.0.1")
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return independent.Identity.load("x", path, path), certificate


def test_what_it_signs_stands_up_to_other_implementations(
    signer: tuple[independent.Identity, x509.Certificate],
) -> None:
    identity, certificate = signer
    document = _signed(identity)
    check_by_xmlsec(document, certificate)
    assert b"ReadInventory" in proven_by_signxml(document, certificate)
    assert prove(document, certificate).tag.endswith("Request")


def test_it_does_not_take_what_is_not_proven(signer: tuple[independent.Identity, x509.Certificate]) -> None:
    """The tests' own eyes can see a bad signature."""
    identity, certificate = signer
    good = _signed(identity)
    end = good.index(b"<ds:Signature ")
    twice = good.replace(b"</sr:Request>", good[end:])
    bad = [good.replace(b">d<", b">e<"), good[:end] + b"</sr:Request>", twice]
    bad.append(good.replace(b"<sr:Body>\n", b"<sr:Body>"))
    position = good.index(b"<ds:SignatureValue>") + 30
    other = b"A" if good[position : position + 1] != b"A" else b"B"
    bad.append(good[:position] + other + good[position + 1 :])
    bad.append(good.replace(str(identity.serial).encode(), b"1"))
    for document in bad:
        with pytest.raises(NotProven):
            prove(document, certificate)
