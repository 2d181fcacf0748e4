"""What the README, the packaging and the checks say of each other has to agree."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def config(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((ROOT / name).read_text(encoding="utf-8"))
    return parser


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def names_of(requirements: str) -> set[str]:
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in requirements.split("\n"))
    return {match[0].lower() for match in found if match}


def test_every_dependency_is_explained() -> None:
    """A dependency without a reason in docs/dependencies.md has none."""
    setup = config("setup.cfg")
    extras = setup["options.extras_require"]
    needed = names_of(setup["options"]["install_requires"])
    needed |= {name for extra in ("postgresql", "opentelemetry", "test", "dev") for name in names_of(extras[extra])}
    explained = text("docs/dependencies.md").lower()
    assert [name for name in sorted(needed) if f"`{name}`" not in explained] == []


def test_the_tools_have_one_version_everywhere() -> None:
    files = [text(name) for name in ("setup.cfg", "tox.ini", ".pre-commit-config.yaml")]
    for tool in ("ruff", "mypy"):
        versions = {version for file in files for version in re.findall(rf"\b{tool}==([\w.]+)", file)}
        assert len(versions) == 1, (tool, versions)


def test_the_supported_versions_of_python_are_the_same_everywhere() -> None:
    declared = re.findall(r"Python :: (3\.\d+)", text("setup.cfg"))
    assert re.findall(r"py(3)(\d+)", config("tox.ini")["tox"]["env_list"]) == [tuple(v.split(".")) for v in declared]
    assert f"supported=({' '.join(declared)})" in text(".ci/run")
    quoted = ", ".join(f'"{version}"' for version in declared)
    assert f"python: [{quoted}]" in text(".github/workflows/ci.yml")
    assert all(version in text("README.md") for version in declared)


def test_ci_runs_the_commands_that_the_readme_gives() -> None:
    """`.ci/run` takes the command from under the heading "Test it"; it has to be one line that it finds."""
    script = text(".ci/run")
    [extraction] = re.findall(r"^command=\$\((.*)\)$", script, re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", extraction], cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    [command] = found.stdout.splitlines()
    assert command.endswith(".venv/bin/tox")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_nothing_that_belongs_to_one_machine_is_in_the_project() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    private = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|opt/\w+)/|index-url|\.pypirc")
    wrong = []
    for name in tracked.stdout.split("\0"):
        path = ROOT / name
        if not name or not path.is_file() or path == Path(__file__):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        wrong += [f"{name}:{number}" for number, line in enumerate(lines, 1) if private.search(line)]
    assert wrong == []


def test_the_published_schema_is_not_in_the_project() -> None:
    """It belongs to Smart DCC Limited; tests reach it by an environment variable."""
    ours = {path.name for path in ROOT.glob("schemas/**/*.xsd")}
    assert not any("V5" in name for name in ours)
    for path in ROOT.glob("schemas/**/*.xsd"):
        assert "Smart DCC Limited" not in path.read_text(encoding="utf-8")


def prose(page: Path) -> list[str]:
    """A page's lines without its tables and blocks of code."""
    lines, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ")):
            lines.append(line)
    return lines


def test_the_prose_of_the_pages_is_wrapped() -> None:
    """At 120 characters, so that a change of a page can be read beside what it was."""
    pages = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    assert [(page.name, line) for page in pages for line in prose(page) if len(line) > 120] == []


PRINTS = {"output", "terminal", "main", "screen", "completion"}
"""Modules of the command line that print by themselves: what others wrote goes through `output.say` or its tables."""


def test_commands_print_by_what_lets_no_control_character_through() -> None:
    """T59, T70: a name or an error that others wrote never commands the operator's terminal."""
    found = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "duis_gateway" / "cli").glob("*.py")
        if path.stem not in PRINTS
        for line in path.read_text(encoding="utf-8").splitlines()
        if "shown_lines(" not in line
        and re.search(r"click\.echo\((?!lines, nl=False\))|(?<![\w.])print\(|std(out|err)\.write\(", line)
    ]
    assert not found
