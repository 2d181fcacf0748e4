"""Known defects, and the mask that says how many of each severity a phase may end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import read_text
from duis_gateway.text.toml_reader import NotToml, read_toml

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


def read_defects(path: Path) -> DefectMask:
    """Read a TOML file: `[thresholds.PHASE] severity_1 = 0`, and `[[defect]]` with id, severity, title, cases.

    Raises:
        ConfigurationError: the file is not of this shape.
    """
    try:
        found = read_toml(read_text(path))
        for key in found.keys() - {"thresholds", "defect"}:
            raise ConfigurationError(f"{path}: there is no {key!r}; a list of defects has [thresholds] and [[defect]]")
        thresholds = {
            phase: {int(name.removeprefix("severity_")): int(number) for name, number in limits.items()}
            for phase, limits in found.get("thresholds", {}).items()
        }
        defects = tuple(
            Defect(str(one["id"]), int(one["severity"]), str(one["title"]), tuple(one.get("cases", ())))
            for one in found.get("defect", ())
        )
    except NotToml as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a list of defects: {error!r}") from None
    unknown = {one.severity for one in defects} | {level for limits in thresholds.values() for level in limits}
    if unknown - set(SEVERITIES):
        raise ConfigurationError(f"{path}: severities are 1 to 5, not {sorted(unknown - set(SEVERITIES))}")
    return DefectMask(defects, thresholds)
