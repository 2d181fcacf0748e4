"""What the mock CSP does with hubs: it sends CS06 (here: says so), and reports what the hubs answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from csp_mgmt_gw.messages import ActivateFirmwareRequests, ActivateFirmwareResponses, DistributionOutcomes
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.partners.bodies import HUBS_IN_A_MESSAGE
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.partners.xml import HUBS_IN_A_LIST
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage


@dataclass(frozen=True, slots=True)
class Activation:
    """One run over some hubs, of which `failing` fail with `reason`: of CS06, or of the distribution of the image."""

    release_id: str | None
    version: str
    device_ids: tuple[int, ...]
    failing: frozenset[int]
    completed_at: datetime
    batch: int = 1000
    stage: OutcomeStage = OutcomeStage.ACTIVATION
    reason: str = "hashMismatch"
    commentary: str | None = None

    @classmethod
    def of(
        cls, members: Mapping[str, Any], device_ids: Sequence[int], version: str, stage: OutcomeStage, now: datetime
    ) -> Activation:
        """Read what a command says beside the hubs: failing (a list) or failing_share, reason, commentary, batch.

        Raises:
            ValueError, TypeError: a member is wrong.
        """
        batch = int(members.get("batch", 1000))
        if not 1 <= batch <= HUBS_IN_A_MESSAGE:
            raise ValueError(f"batch must be 1 to {HUBS_IN_A_MESSAGE}")
        release = members.get("release")
        return cls(
            release_id=None if release is None else str(release),
            version=version,
            device_ids=tuple(device_ids),
            failing=_failing(members, device_ids),
            completed_at=now,
            batch=batch,
            stage=stage,
            reason=str(members.get("reason", "hashMismatch")),
            commentary=members.get("commentary"),
        )

    def without(self, stopped: Collection[int]) -> Activation:
        """Return the same for the hubs that are not stopped."""
        return replace(self, device_ids=tuple(one for one in self.device_ids if one not in stopped))

    @property
    def succeeding(self) -> tuple[int, ...]:
        """The hubs that run the version afterwards."""
        if self.stage is OutcomeStage.DISTRIBUTION:
            return ()
        return tuple(one for one in self.device_ids if one not in self.failing)

    def requests(self) -> Iterator[PartnerBody]:
        """Yield the registrations of CS06; none for a distribution, which needs no command to the hub."""
        if self.stage is OutcomeStage.ACTIVATION:
            for chunk in _chunks(self.device_ids, HUBS_IN_A_LIST):
                yield ActivateFirmwareRequests(self.version, chunk, self.completed_at, self.release_id)

    def responses(self) -> Iterator[PartnerBody]:
        """Yield the outcomes, a batch a message."""
        kind = ActivateFirmwareResponses if self.stage is OutcomeStage.ACTIVATION else DistributionOutcomes
        for chunk in _chunks(self.device_ids, self.batch):
            yield kind(tuple(map(self._outcome, chunk)))

    def _outcome(self, device_id: int) -> HubOutcome:
        if device_id not in self.failing:
            return HubOutcome(device_id, self.stage, True, self.version, self.completed_at)
        return HubOutcome(device_id, self.stage, False, self.version, self.completed_at, self.reason, self.commentary)


def _failing(members: Mapping[str, Any], device_ids: Sequence[int]) -> frozenset[int]:
    if "failing" in members:
        return frozenset(parse_eui(str(text)) for text in members["failing"])
    share = float(members.get("failing_share", 0))
    return frozenset(one for n, one in enumerate(device_ids) if int((n + 1) * share) > int(n * share))


def _chunks(device_ids: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    rest = iter(device_ids)
    while chunk := tuple(islice(rest, size)):
        yield chunk
