"""Times on the wire: xs:dateTime with a zone in, UTC with milliseconds out (design section 7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from duis_gateway.clock import business_time

_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_END_OF_DAY = "T24:00:00"
_FURTHEST = "14:00"


@lru_cache(maxsize=1024)  # the groups of a schedule share most of theirs
def parse_date_time(text: str) -> datetime:
    """Return an xs:dateTime in UTC; fractions of a microsecond are dropped.

    Raises:
        ValueError: no time, a time without a zone, or a year that is none of this business (T46, `business_time`).
    """
    match = _DATE_TIME.fullmatch(text.strip(" \t\r\n"))
    if match is None:
        raise ValueError("not a time")
    clock, fraction, zone = match.groups()
    if zone is None:
        raise ValueError("a time without a zone")
    if zone[1:] > _FURTHEST:
        raise ValueError("a time in a zone that does not exist: they end at 14:00")
    # XSD writes the end of a day as 24:00:00, which datetime does not know.
    end_of_day = clock == _END_OF_DAY and not (fraction or "").strip(".0")
    try:
        local = datetime.fromisoformat(match[0].replace(_END_OF_DAY, "T00:00:00") if end_of_day else match[0])
    except ValueError:
        raise ValueError("not a time of the calendar") from None
    if not end_of_day:
        return business_time(local)
    try:
        return business_time(local + timedelta(days=1))
    except OverflowError:
        return business_time(local)  # the last day that there is; it says what is wrong


@lru_cache(maxsize=256)
def format_date_time(at: datetime) -> str:
    """Return the time as the gateway writes it: `2026-11-21T08:30:00.000Z`.

    Raises:
        ValueError: the time has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
