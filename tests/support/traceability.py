"""Which test shows which row of docs/requirements.md: read from the page, from the markers in the tests and the pack.

`python -m tests.support.traceability` writes the page's last column anew from the markers.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from duis_gateway.conformance.pack import CLAUSES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "requirements.md"
MARKER = "requirement"
RECORD_ONLY = "(record only)"
PLAYS_THE_PACK = "tests/regression/test_clauses.py"
"""Its tests carry the requirements of the clauses that they play."""

ID = re.compile(r"(?:FIA|PIA|BR|EX)-[A-Z]?\d+(?:\.\d+)?|[AX]\d{2}")
_ROW = re.compile(rf"^\| ({ID.pattern}) \| (.*) \| (.*) \| (.*) \|$")
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    """One row: its id, what is asked for, where it is in the code (`module:function`), the files with its tests."""

    id: str
    text: str
    places: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def is_for_the_record(self) -> bool:
        return RECORD_ONLY in self.text


def rows() -> list[Row]:
    """Return every row of the page, in order."""
    return [row for line in PAGE.read_text(encoding="utf-8").splitlines() if (row := _row(line)) is not None]


def _row(line: str) -> Row | None:
    found = _ROW.match(line)
    if found is None:
        return None
    return Row(found[1], found[2], tuple(_QUOTED.findall(found[3])), tuple(_QUOTED.findall(found[4])))


def marked() -> dict[str, set[str]]:
    """Return each id that a test carries, with the files (below the project) that have such tests."""
    result = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for one in _marks(_parsed(path)):
            result[one].add(path.relative_to(ROOT).as_posix())
    for path in sorted((ROOT / "tests").rglob("*.feature")):
        for one in feature_tags(path.read_text(encoding="utf-8")):
            result[one].add(path.relative_to(ROOT).as_posix())
    for clause in CLAUSES.values():
        for one in clause.requirements:
            result[one].add(PLAYS_THE_PACK)
    return result


def _marks(tree: ast.Module) -> Iterator[str]:
    """The arguments of every `pytest.mark.requirement(...)` in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == MARKER:
            yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def feature_tags(text: str) -> Iterator[str]:
    """The ids among the tags of a feature file."""
    for line in text.splitlines():
        if line.strip().startswith("@"):
            yield from (tag[1:] for tag in line.split() if ID.fullmatch(tag[1:]))


def is_there(place: str) -> bool:
    """Whether `module:name` or `module:Class.name` is a function, class or table of the project, or a path a file."""
    module, colon, name = place.partition(":")
    if not colon:
        return (ROOT / place).exists()
    base = ROOT.joinpath(*module.split("."))
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not file.is_file():
        return False
    names = _parsed(file).body
    for part in name.split("."):
        found = next((node for node in names if part in _defined(node)), None)
        if found is None:
            return False
        names = found.body if isinstance(found, ast.ClassDef) else []
    return True


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            return {node.name}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


def page_with(tests: dict[str, set[str]]) -> str:
    """Return the page with its last column made of these."""
    lines = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        found = _ROW.match(line)
        if found is None:
            lines.append(line)
            continue
        files = ", ".join(f"`{name}`" for name in sorted(tests.get(found[1], ())))
        lines.append(f"| {found[1]} | {found[2]} | {found[3]} | {files} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page_with(marked()), encoding="utf-8")
