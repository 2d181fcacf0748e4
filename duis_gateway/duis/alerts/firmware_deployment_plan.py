"""N77: the plan for the recipient's own hubs: made, void, or departed from (X09, X10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.duis.alerts.content import period, release, with_lists
from duis_gateway.duis.alerts.fields import DEVICES, PERIOD, RELEASE, TIME, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.voids import VOIDS, void_in_words, void_lists
from duis_gateway.duis.alerts.words import Row, Words, count_hubs, show_period
from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.duis.times import format_date_time
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Field, Record, Wrapped, enumerated
from duis_gateway.rollout.plans.records import (
    Deployment,
    Deviation,
    DeviationKind,
    PlanBasis,
    PlanStanding,
    VoidPlan,
)
from duis_gateway.rollout.releases.records import Stage
from duis_gateway.text.times import show_time

_DEVIATION_IN_WORDS = {
    DeviationKind.BEFORE_PERIOD: "activated before the planned period",
    DeviationKind.AFTER_PERIOD: "activated after the planned period",
    DeviationKind.NOT_PLANNED: "activated without a plan",
    DeviationKind.RELEASE_NOT_APPROVED: "activated before the release was approved",
    DeviationKind.RELEASE_PAUSED: "activated while the release was paused",
    DeviationKind.RELEASE_OVER: "activated although the release is over",
    DeviationKind.PERIOD_MISSED: "no outcome was reported in the planned period",
}


@dataclass(frozen=True, slots=True)
class FirmwareDeploymentPlan(AlertBody):
    """N77: what is new in the plan for the recipient's hubs, what is void, and what departed from it.

    `remaining` is the automatic date, when hubs without a plan go: sent a month before it, when it is too late for any
    instruction, and from then on again each time DCC moves the date.
    """

    release_id: str
    firmware_version: str
    deployments: tuple[Deployment, ...] = ()
    voids: tuple[VoidPlan, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    remaining: datetime | None = None

    def parts(self, room: int) -> list[str]:
        """Return the lists, in parts if they are many or long."""
        head = release(self.release_id, self.firmware_version)
        if self.remaining is not None:
            head += node("Remaining", leaf("AutomaticDate", format_date_time(self.remaining)))
        return with_lists(head, self._lists(), room)

    def _lists(self) -> Iterator[tuple[Callable[[tuple[int, ...]], str], tuple[int, ...]]]:
        for planned in self.deployments:
            yield _element("Deployment", _head(planned)), planned.device_ids
        yield from void_lists("Void", self.voids)
        for deviation in self.deviations:
            span = period(deviation.period) if deviation.period else ""
            yield _element("Deviation", leaf("Kind", deviation.kind) + span), deviation.device_ids

    def words(self) -> Words:
        """Return how many hubs are planned for when, whose plan is void and why, and what departed from it."""
        planned = [
            f"{count_hubs(len(one.device_ids))}: {show_period(one.period)}, {str(one.standing).lower()}."
            for one in self.deployments
        ]
        void = [void_in_words(one) for one in self.voids]
        departed = [
            f"{count_hubs(len(one.device_ids))}: {_DEVIATION_IN_WORDS[one.kind]}"
            f"{f', {show_period(one.period)}' if one.period else ''}."
            for one in self.deviations
        ]
        remaining = []
        if self.remaining is not None:
            date = show_time(self.remaining)
            remaining = [
                f"Your hubs that are not planned go at {date}; instructions in the month before that are too late."
            ]
        return Words(
            f"The plan for your hubs under {self.release_id}",
            (*planned, *void, *departed, *remaining),
            columns=("device_id", "what", "stage", "group", "earliest_start", "latest_end"),
            rows=tuple(self._rows()),
        )

    def _rows(self) -> Iterator[Row]:
        for planned in self.deployments:
            span = (show_time(planned.period.start), show_time(planned.period.end))
            for device_id in planned.device_ids:
                yield (format_eui(device_id), str(planned.standing), str(planned.stage), "", *span)
        for void in self.voids:
            for device_id in void.device_ids:
                stage, group = (str(void.group.stage), void.group.group_id) if void.group else ("", "")
                yield (format_eui(device_id), f"Void: {void.reason}", stage, group, "", "")
        for deviation in self.deviations:
            span = ("", "")
            if deviation.period:
                span = (show_time(deviation.period.start), show_time(deviation.period.end))
            for device_id in deviation.device_ids:
                yield (format_eui(device_id), str(deviation.kind), "", "", *span)


def _head(planned: Deployment) -> str:
    return (
        leaf("Stage", planned.stage)
        + leaf("Basis", planned.basis)
        + leaf("Standing", planned.standing)
        + period(planned.period)
    )


def _element(name: str, head: str) -> Callable[[tuple[int, ...]], str]:
    return lambda device_ids: node(name, head, leaf("DeviceIDList", render_device_list(device_ids)))


N77 = AlertKind(
    "N77",
    "FirmwareDeploymentPlan",
    DUIS_6_0,
    frozenset({"X09", "X10"}),
    Record(
        FirmwareDeploymentPlan,
        RELEASE,
        VERSION,
        Wrapped("Remaining", (Field("AutomaticDate", "remaining", TIME, optional=True),)),
        Field(
            "Deployment",
            "deployments",
            Record(
                Deployment,
                Field("Stage", "stage", enumerated(Stage)),
                Field("Basis", "basis", enumerated(PlanBasis)),
                Field("Standing", "standing", enumerated(PlanStanding)),
                PERIOD,
                DEVICES,
            ),
            many=True,
        ),
        VOIDS,
        Field(
            "Deviation",
            "deviations",
            Record(Deviation, Field("Kind", "kind", enumerated(DeviationKind)), PERIOD, DEVICES),
            many=True,
        ),
    ),
)
