"""Choosing hubs: a supplier by its rules (BR-2.2), DCC on a supplier's behalf or in a batch (X08, PIA-A9, BR-3.7)."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.rollout.device_lists import NOTHING_FOUND, HubFindings, classify
from duis_gateway.rollout.eligibility import in_use
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.periods import ends_before, is_empty, is_over
from duis_gateway.rollout.releases.records import HubMark, Period, Release
from duis_gateway.rollout.releases.rules import pilot_window_open
from duis_gateway.text.times import show_time


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """A supplier's rules for the pilot; an empty set or None leaves the matter open.

    Attributes:
        regions: CSP regions to choose from.
        models: device models to choose from.
        versions: current firmware versions to choose from.
        exclude: hubs never to be chosen, such as those of vulnerable customers.
        share_percent: choose this share of the hubs that fit, rounded up.
        number: choose this many at most.
        seed: another seed gives another choice; the same one gives the same.
    """

    regions: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    exclude: frozenset[int] = frozenset()
    share_percent: int | None = None
    number: int | None = None
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """The hubs chosen, in the order of their ids, and how many fitted the rules."""

    device_ids: tuple[int, ...]
    fitting: int


def select(hubs: Iterable[NamedHub], rules: SelectionRules) -> Selection:
    """Choose hubs by the rules from a supplier's eligible hubs.

    Friendly customers' hubs come first (PIA-A5), the rest evenly over the estate: in the order of a hash, so that the
    choice does not depend on the order of the inventory and is the same when it is made again.
    """
    fitting = 0

    def ranked() -> Iterator[tuple[bool, bytes, int]]:
        nonlocal fitting
        for hub in hubs:
            if _fits(hub, rules):
                fitting += 1
                yield hub.mark != HubMark.FRIENDLY, _rank(hub, rules.seed), hub.device_id

    # With a number set, no more than that many are held, however large the estate is.
    best = sorted(ranked()) if rules.number is None else heapq.nsmallest(rules.number, ranked())
    wanted = fitting if rules.share_percent is None else -(-fitting * rules.share_percent // 100)
    return Selection(tuple(sorted(device_id for *_, device_id in best[:wanted])), fitting)


def _fits(hub: NamedHub, rules: SelectionRules) -> bool:
    return (
        in_use(hub)
        and not hub.in_progress
        and hub.mark not in (HubMark.EXCLUDED, HubMark.PROVING)
        and hub.device_id not in rules.exclude
        and (not rules.regions or hub.csp_region in rules.regions)
        and (not rules.models or hub.model in rules.models)
        and (not rules.versions or hub.firmware_version in rules.versions)
    )


def _rank(hub: NamedHub, seed: str) -> bytes:
    return hashlib.blake2b(hub.device_id.to_bytes(8, "big"), digest_size=8, key=seed.encode()[:64]).digest()


@dataclass(frozen=True, slots=True)
class DirectJudgement:
    """What becomes of hubs that DCC names itself: the good ones, what is wrong with the rest, or a refusal of all."""

    device_ids: tuple[int, ...] = ()
    findings: HubFindings = NOTHING_FOUND
    refusal: str | None = None


def judge_selection(
    ids: Iterable[int],
    named: Mapping[int, NamedHub],
    release: Release | None,
    supplier: int,
    period: Period | None,
    now: datetime,
    protected: Collection[int] = (),
) -> DirectJudgement:
    """Judge hubs that DCC chooses for a supplier's pilot (ESI `PilotSelection`, PIA-A9).

    They are judged as if the supplier had sent them, save that DCC, which sets the limit, is not bound by it. Those
    that a supplier responsible for them protects are left out (`protected`): that is its objection.
    """
    refusal = _refusal(release, period, now)
    if refusal is None and release is not None and not pilot_window_open(release, now):
        refusal = "the release has no pilot, or its pilot has ended"
    if refusal is None and release is not None and not _in_the_pilot(period, release):
        refusal = "the period is not within the pilot"
    if refusal is not None or release is None:
        return DirectJudgement(refusal=refusal)
    good, findings = classify(ids, named, release, supplier, protected=protected)
    return _of(good, findings)


def judge_batch(
    ids: Iterable[int],
    named: Mapping[int, NamedHub],
    release: Release | None,
    period: Period | None,
    now: datetime,
) -> DirectJudgement:
    """Judge hubs that DCC instructs in a batch, whoever is responsible for them (ESI `BatchInstruction`, BR-3.7).

    DCC may update hubs before the pilot that are excluded from it (PIA-R3).
    """
    refusal = _refusal(release, period, now)
    if refusal is not None or release is None:
        return DirectJudgement(refusal=refusal)
    good, findings = classify(ids, named, release, None, pilot=False)
    return _of(good, findings)


def _refusal(release: Release | None, period: Period | None, now: datetime) -> str | None:
    if release is None or not release.state.is_live:
        return "the release is unknown or no longer live"
    if period is None:
        return None
    start, end = show_time(period.start), show_time(period.end)
    if is_empty(period):
        return f"the period does not end after it starts: it starts on {start} and ends on {end}"
    if is_over(period, now):
        return f"the period is over: it ended on {end}"
    if not ends_before(period, release.automatic_date):
        return (
            f"the period does not end before the automatic date, {show_time(release.automatic_date)}: it ends on {end}"
        )
    return None


def _in_the_pilot(period: Period | None, release: Release) -> bool:
    pilot = release.pilot
    return period is None or pilot is None or (pilot.period.start <= period.start and period.end <= pilot.period.end)


def _of(good: list[int], findings: HubFindings) -> DirectJudgement:
    refusal = None if good else "none of the hubs named is acceptable"
    return DirectJudgement(tuple(good), findings, refusal)
