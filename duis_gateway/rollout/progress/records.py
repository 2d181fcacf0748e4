"""How far a release is, in numbers of hubs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """How many hubs are, or were, a release's, and how many of them stand how (`progress.rules.HubProgress`)."""

    hubs: int = 0
    activated: int = 0
    failed: int = 0
    passed_by: int = 0

    @property
    def left(self) -> int:
        """Those that the release has not reached, of those that it can still be applied to."""
        return max(0, self.hubs - self.activated - self.failed - self.passed_by)

    def __add__(self, other: Progress) -> Progress:
        return Progress(
            self.hubs + other.hubs,
            self.activated + other.activated,
            self.failed + other.failed,
            self.passed_by + other.passed_by,
        )

    def __sub__(self, other: Progress) -> Progress:
        return Progress(
            max(0, self.hubs - other.hubs),
            max(0, self.activated - other.activated),
            max(0, self.failed - other.failed),
            max(0, self.passed_by - other.passed_by),
        )

    def with_outcomes(self, told: Progress) -> Progress:
        """Return the progress that the inventory shows with what only outcomes tell of the same hubs.

        Which of those that are not active have failed, and which were active before a later release came.
        """
        passed_by = max(0, self.passed_by - told.activated)
        return Progress(self.hubs, self.activated + told.activated, self.failed + told.failed, passed_by)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Progress as a whole, by region and by supplier; a split hub counts for both of its suppliers."""

    whole: Progress = field(default_factory=Progress)
    by_region: Mapping[str, Progress] = field(default_factory=dict)
    by_supplier: Mapping[int, Progress] = field(default_factory=dict)

    def without(self, part: Breakdown) -> Breakdown:
        """Return the progress of the hubs that are not in a part of these."""
        nothing = Progress()
        return Breakdown(
            self.whole - part.whole,
            {name: own - part.by_region.get(name, nothing) for name, own in self.by_region.items()},
            {eui: own - part.by_supplier.get(eui, nothing) for eui, own in self.by_supplier.items()},
        )

    def with_outcomes(self, told: Breakdown) -> Breakdown:
        """Return what the inventory shows with what only outcomes tell of the same hubs."""
        nothing = Progress()
        return Breakdown(
            self.whole.with_outcomes(told.whole),
            {name: own.with_outcomes(told.by_region.get(name, nothing)) for name, own in self.by_region.items()},
            {eui: own.with_outcomes(told.by_supplier.get(eui, nothing)) for eui, own in self.by_supplier.items()},
        )


@dataclass(frozen=True, slots=True)
class Far:
    """How far a release is.

    Attributes:
        whole: with all hubs of its model.
        pilot: with those of its pilot, None where it has none or they are not counted yet.
        rest: with all others, None where `pilot` is.
        next_by: how many of those that it has not updated other releases move before it, by release.
    """

    whole: Breakdown
    pilot: Breakdown | None = None
    rest: Breakdown | None = None
    next_by: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnFar:
    """How far a release is with one supplier's hubs; `next_by` as of `Far`."""

    whole: Progress = field(default_factory=Progress)
    next_by: Mapping[str, int] = field(default_factory=dict)
