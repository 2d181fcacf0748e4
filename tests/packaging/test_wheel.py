"""The wheel: everything that is needed, no tests, and it works away from the checkout. The sdist: everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("duis_gateway", "schemas", "esi", "csp_mgmt_gw")
DATA = ("py.typed", ".xsd", ".html", ".css", ".js", ".mako", ".sql")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, so that nothing is left in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    built = subprocess.run(
        [*command, "--wheel-dir", out, source], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert built.returncode == 0, built.stderr
    [found] = out.glob("*.whl")
    return found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def test_the_source_distribution_has_the_documentation_and_what_else_lies_beside_the_code(tmp_path: Path) -> None:
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("this is no clone: what belongs to the project is not known")
    source = tmp_path / "source"
    for name in kept.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    ran = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    [packed] = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in kept.stdout.splitlines() if name not in names | {".gitignore"}] == []


def python(site: Path, *words: str) -> str:
    """Run the installed files, in a folder from which nothing of the checkout can be seen."""
    ran = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=site.parent,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_wheel_holds_every_module_and_data_file_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.name.endswith((".py", *DATA))
    }
    assert wanted - packed == set()
    assert {name.partition("/")[0] for name in packed} == set(PACKAGES)
    assert any(name.endswith(".xsd") for name in packed)
    assert {f"{package}/py.typed" for package in PACKAGES} <= packed, "type checkers look into typed packages only"


def test_it_works_away_from_the_checkout(installed: Path) -> None:
    """The schemas load, a database is migrated, and a message is signed and verified."""
    where = python(installed, "-c", "import duis_gateway, schemas, esi, csp_mgmt_gw; print(duis_gateway.__file__)")
    assert where.startswith(str(installed))
    python(
        installed,
        "-c",
        "from schemas import schema_path; from duis_gateway.envelope.schema import Schema\n"
        "[Schema(schema_path(n)) for n in ('duis/5.0', 'duis/5.1', 'duis/6.0', 'csp_mgmt_gw/1', 'esi/1')]",
    )
    python(installed, "-m", "duis_gateway", "init", "gateway")
    (installed.parent / "a.xml").write_text(
        '<Message xmlns="urn:esi:1"><Header><MessageID>1</MessageID><SenderID>90-B3-D5-1F-30-00-00-02</SenderID>'
        "</Header></Message>",
        encoding="utf-8",
    )
    key, certificate = "gateway/pki/gateway.key", "gateway/pki/gateway.pem"
    sign = ("sign", "a.xml", "--key", key, "--certificate", certificate, "--out", "b.xml")
    python(installed, "-m", "duis_gateway", *sign)
    assert "good" in python(installed, "-m", "duis_gateway", "verify", "b.xml", "--trust", "gateway/pki")


def test_its_pages_are_made_away_from_the_checkout(installed: Path) -> None:
    """Templates are found by the package that they lie in, wherever that is installed."""
    templates = sorted(f"{path.relative_to(installed)}" for path in installed.rglob("*.html"))
    assert templates
    names = [f"{path.rpartition('/')[0].replace('/', '.')}/{path.rpartition('/')[2]}" for path in templates]
    python(
        installed,
        "-c",
        f"from duis_gateway.text.pages import environment\n[environment().get_template(name) for name in {names!r}]",
    )


def test_the_entry_point_is_the_command_line(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "duis-gateway = duis_gateway.__main__:main" in archive.read(name).decode()
