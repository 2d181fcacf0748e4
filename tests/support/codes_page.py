"""docs/codes.md: every response code and every alert, as the program has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.codes import NEVER_RAISED, RESPONSE_CODES
from tests.support.bodies_page import said_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "codes.md"
_HEAD = """\
# Codes

Every code that the gateway answers or tells with (made by `python -m tests.support.examples`). "Since" is the first
DUIS version whose schema has it.

## Response codes

A code that begins with I is an acceptance, one with W an acceptance in part, one with E a refusal: nothing in the
request takes effect. When exactly each is given, and in which order they are checked, is in [DUIS as the gateway speaks
it](duis-profile.md#codes-for-every-service-request).
"""
_ALERTS = """\
## Alerts

"In order" means one after another for one recipient and release; the others are free to overtake. N999 keeps the order
of the alert that it stands for. The interactions are those of [the interfaces](interfaces.md#duis-dcc-alerts), and what
is in each alert is in [What is in an alert](bodies.md).
"""


def rendered() -> str:
    """Return the page as the program is."""
    codes = _table(
        ("code", "since", "what it means", "what you can do"),
        (
            (code, str(known.since), known.meaning, "never given here" if code in NEVER_RAISED else known.remedy)
            for code, known in RESPONSE_CODES.items()
        ),
    )
    alerts = _table(
        ("code", "since", "element", "in order", "interactions", "what it tells"),
        (
            (
                code,
                str(kind.since),
                f"`{kind.element}`",
                "yes" if kind.ordered and code != "N999" else "",
                ", ".join(sorted(kind.rows)),
                said_of(code),
            )
            for code, kind in ALERTS.items()
        ),
    )
    return "\n".join([_HEAD, *codes, "", _ALERTS, *alerts, ""])


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(rendered(), encoding="utf-8")


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heading = tuple(names)
    yield f"| {' | '.join(heading)} |"
    yield f"|{'---|' * len(heading)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
