"""The list of hubs that a page asks for: its fields, read with care, and the link to what follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import FieldRefused
from duis_gateway.operations.console import asked
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.estate.hub_pages import FoundHubs, WantedHubs
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason


class AskedFor(StrEnum):
    """The tasks of which the hubs are found one by one: of suppliers, and (with none named) the last two of DCC."""

    SEND_PREFERRED_LIST = Task.SEND_PREFERRED_LIST
    SEND_PREFERRED_SCHEDULE = Task.SEND_PREFERRED_SCHEDULE
    INSTRUCT_SPLIT_HUBS = Task.INSTRUCT_SPLIT_HUBS
    INSTRUCT_SAFE_LAUNCH = Task.INSTRUCT_SAFE_LAUNCH
    INSTRUCT_ANEW = Task.INSTRUCT_ANEW
    LOOK_INTO_DEVIATIONS = Task.LOOK_INTO_DEVIATIONS


CHOICES: Mapping[str, type[StrEnum]] = {
    "state": HubState,
    "void": VoidReason,
    "off_plan": DeviationKind,
    "task": AskedFor,
}
"""The fields that take one of some words."""

_OF_DCC_TOO = (AskedFor.INSTRUCT_ANEW, AskedFor.LOOK_INTO_DEVIATIONS)
_AS_THEY_ARE = ("manufacturer", "model", "firmware_version", "status", "csp_region", "release", "group", "reason")

FIELDS = (*CHOICES, *_AS_THEY_ARE, "failed_under", "after")
"""All fields that hubs can be asked for by."""

OF_PARTIES = ("supplier", "csp")
"""Those by which the console can be asked for them besides: whose they are, of a CSP those in its regions."""

T = TypeVar("T", bound=StrEnum)


def wanted_hubs(fields: Mapping[str, str], *, of_any_party: bool = False) -> WantedHubs:
    """Return which hubs the fields of a query ask for.

    Raises:
        HttpRefused: a field cannot be read, or needs another.
    """
    given = {name: value for name, value in fields.items() if value}
    task = _one_of(AskedFor, given, "task")
    whose = {}
    for name in OF_PARTIES if of_any_party else ():
        if name in given:
            with asked.field(name):
                whose[name] = asked.eui(given[name], f"The {name}")
    if task is not None and "release" not in given:
        raise FieldRefused("release", "What is asked for is asked under a release: say under which.")
    if task is not None and task not in _OF_DCC_TOO and of_any_party and "supplier" not in whose:
        raise FieldRefused("supplier", f"Suppliers are asked to {task.replace('_', ' ')}: say which supplier.")
    return WantedHubs(
        **{name: given.get(name) for name in _AS_THEY_ARE},
        failed_under=releases_in(given),
        state=_one_of(HubState, given, "state"),
        void=_one_of(VoidReason, given, "void"),
        off_plan=_one_of(DeviationKind, given, "off_plan"),
        task=None if task is None else Task(task),
        supplier=whose.get("supplier"),
        csp=whose.get("csp"),
        csp_regions=None,
        after=asked.eui(given["after"], "The hub to continue after") if "after" in given else None,
    )


def releases_in(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the releases under one of which the hubs failed that are asked for."""
    return tuple(fields.get("failed_under", "").replace(",", " ").split())


def _one_of(kind: type[T], given: Mapping[str, str], name: str) -> T | None:
    value = given.get(name)
    if value is None:
        return None
    if value not in list(kind):
        raise FieldRefused(name, f"The {name.replace('_', ' ')} must be one of {', '.join(kind)}.")
    return kind(value)


def further(fields: Mapping[str, str], found: FoundHubs) -> str | None:
    """Return the query for the hubs that follow, None at the end."""
    kept = {name: value for name, value in fields.items() if value and name != "after"}
    return None if found.further is None else urlencode({**kept, "after": format_eui(found.further)})


def of_task(release: str, task: str, subject: str, supplier: int = 0, csp: int = 0) -> str | None:
    """Return the query for the hubs that a task is about, None where they are not told apart.

    Args:
        release: the release that the task is under.
        task: which one (`deadlines.rules.Task`).
        subject: its subject: the reason, the kind of deviation or the group.
        supplier: whose hubs; 0 on a supplier's own pages, or if they are anyone's.
        csp: in whose regions; 0 on a supplier's own pages, or if they are anywhere.
    """
    which = {
        "instruct_anew": {"task": task, "void": subject},
        "look_into_deviations": {"task": task, "off_plan": subject},
        "decide_on_group": {"group": subject},
        "update_remaining_hubs": {"state": HubState.PLANNED.value},
    }.get(task)
    if which is None and task in list(AskedFor):
        which = {"task": task}
    if which is None:
        return None
    whose = {name: format_eui(one) for name, one in zip(OF_PARTIES, (supplier, csp), strict=True) if one}
    return urlencode({"release": release, **which, **whose})


def of_status(row: Mapping[str, object]) -> str:
    """Return the query for the hubs that a row of the party door's `status` counts."""
    asked_for = ("manufacturer", "model", "firmware_version", "status", "state", "release", "void", "off_plan")
    return urlencode({name: str(row[name]) for name in asked_for if row[name]})
