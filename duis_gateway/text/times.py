"""Times as people read them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def show_time(moment: datetime) -> str:
    """Return a time in UTC, and beside it London's where that differs (display only, design section 7)."""
    utc = f"{moment:%Y-%m-%d %H:%M} UTC"
    zone = _london()
    local = moment if zone is None else moment.astimezone(zone)
    if not local.utcoffset():
        return utc
    day = "" if local.date() == moment.date() else f"{local:%Y-%m-%d} "
    return f"{utc} ({day}{local:%H:%M} in London)"


@cache
def _london() -> ZoneInfo | None:
    """London's time zone, or None on a machine without a time zone database."""
    try:
        return ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:
        return None
