"""HTML pages, emails and reports: Jinja2 templates that lie beside the modules that hand them their facts.

Whatever is filled in is escaped, and its control characters are shown as such, whoever wrote it. A name that a
template does not get is an error. Templates are files of this project's packages; nothing is ever read from a path that
a user gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.text.controls import shown_lines
from duis_gateway.text.counts import counted

_CELL, _LABELLED = "<td", Markup('<td data-label="{}"')
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def render(template: str, **facts: object) -> str:
    """Return a template filled in.

    Args:
        template: the package that it lies in and its file name, such as `duis_gateway.operations/console.html`.
        facts: what the template calls by these names.
    """
    return environment().get_template(template).render(facts)


def show_time(moment: datetime) -> str:
    """Return a time as pages show it: UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def show_number(number: int) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{number:,}"


def show_duration(seconds: float) -> str:
    """Return a length of time in the largest unit that it fills."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def sentence(text: str) -> str:
    """Return words with the full stop at their end: what people have written may bring its own."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def path_part(name: str) -> str:
    """Return a name as one part of a path; encoded twice, so that a slash in it stays the name's own."""
    return quote(quote(name, safe=""), safe="")


def labelled(cells: Markup, columns: Sequence[str | Sequence[str]]) -> Markup:
    """Return the cells of a row, each with its column's name: on a telephone a row is shown as a list under them."""
    names = [column if isinstance(column, str) else column[0] for column in columns]
    # Whatever was filled in is escaped: each of these is a cell of the template.
    before, *each = cells.split(_CELL)
    labels = (_LABELLED.format(name) for name in (*names, *("" for _ in each)))
    return before + Markup("").join(label + cell for label, cell in zip(labels, each, strict=False))


@cache
def environment() -> Environment:
    """Return what all templates are filled in with; one for the process, and safe to share among threads."""
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        time=show_time,
        number=show_number,
        duration=show_duration,
        count_of=counted,
        eui=format_eui,
        path_part=path_part,
        labelled=labelled,
        sentence=sentence,
    )
    return made


def _harmless(value: object) -> object:
    """Show control characters as escapes; what a macro has made is a page's own, and stays."""
    return shown_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _source(name: str) -> str:
    package, _, file = name.rpartition("/")
    return resources.files(package).joinpath(file).read_text(encoding="utf-8")
