"""Known defects, and the mask that says how many of each severity a phase may end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from duis_gateway.config.reading import COUNT_OR_ZERO, TEXT, list_of, whole_number
from duis_gateway.conformance.tables import Table, read_tables
from duis_gateway.errors import ConfigurationError

SEVERITIES = (1, 2, 3, 4, 5)
"""1 stops the service, 5 is cosmetic."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A known defect: its severity, and the cases that fail by it (each by its name, or the beginning of it)."""

    id: str
    severity: int
    title: str
    cases: tuple[str, ...] = ()

    def explains(self, case: str) -> bool:
        """Whether this case is known to fail by the defect."""
        return any(case.startswith(one) for one in self.cases)


@dataclass(frozen=True)
class DefectMask:
    """The known defects, and by phase how many of each severity may be open at its end (0 unless told)."""

    defects: tuple[Defect, ...] = ()
    thresholds: Mapping[str, Mapping[int, int]] | None = None

    def allowed(self, phase: str, severity: int) -> int:
        """Return how many open defects of a severity the phase may end with."""
        return (self.thresholds or {}).get(phase, {}).get(severity, 0)

    def open_by_severity(self) -> Counter[int]:
        """Return how many known defects there are of each severity."""
        return Counter(one.severity for one in self.defects)

    def is_met(self, phase: str) -> bool:
        """Whether the known defects stay within the thresholds of the phase."""
        return all(self.open_by_severity()[severity] <= self.allowed(phase, severity) for severity in SEVERITIES)

    def explanation(self, case: str) -> Defect | None:
        """Return the known defect by which a case fails, or None."""
        return next((one for one in self.defects if one.explains(case)), None)


_SEVERITY = whole_number(SEVERITIES[0], SEVERITIES[-1])
_CASES = list_of("a list of texts, each a case's name or the beginning of it", str)


def read_defects(path: Path) -> DefectMask:
    """Read a TOML file: `[thresholds.PHASE] severity_1 = 0`, and `[[defect]]` with id, severity, title, cases.

    Raises:
        ConfigurationError: the file is not of this shape; the text names the defect or phase, and the key.
    """
    found = read_tables(path).with_only(("thresholds", "defect"))
    thresholds = {}
    if "thresholds" in found:
        phases = found.table("thresholds")
        thresholds = {phase: _limits(phases.table(phase)) for phase in phases.content}
    defects = found.content.get("defect", [])
    if not isinstance(defects, list):
        found.refuse("must be tables, each [[defect]]", "defect")
    return DefectMask(tuple(_defect(path, number, one) for number, one in enumerate(defects, 1)), thresholds)


def _limits(phase: Table) -> dict[int, int]:
    keys = {f"severity_{severity}": severity for severity in SEVERITIES}
    return {keys[key]: phase.value(key, COUNT_OR_ZERO) for key in phase.with_only(keys).content}


def _defect(path: Path, number: int, content: object) -> Defect:
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: defect {number}: must be a table, [[defect]]")
    named = content.get("id")
    name = f"defect {named[:40]!r}:" if isinstance(named, str) and named else f"defect {number}:"
    found = Table(path, content, name).with_only(("id", "severity", "title", "cases"))
    cases = found.value("cases", _CASES) if "cases" in found else ()
    return Defect(found.value("id", TEXT), found.value("severity", _SEVERITY), found.value("title", TEXT), cases)
