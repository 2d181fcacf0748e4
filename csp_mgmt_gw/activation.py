"""What the mock CSP does with hubs: it sends CS06 (here: says so), and reports what the hubs answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from csp_mgmt_gw.messages import ActivateFirmwareRequests, ActivateFirmwareResponses, DistributionOutcomes
from duis_gateway.partners.bodies import HUBS_IN_A_MESSAGE
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.partners.xml import HUBS_IN_A_LIST
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.sandbox.mocks.members import Reader, euis, number, text, whole_number

OF_ACTIVATION: Mapping[str, Reader] = {
    "failing": euis,
    "failing_share": number(0, 1),
    "reason": text,
    "commentary": text,
    "batch": whole_number(1, HUBS_IN_A_MESSAGE),
}
"""What a command may say of a run beside its release and hubs: which of the hubs fail, and why; outcomes a message."""


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
        """Return what a command says beside the hubs, in members that `OF_ACTIVATION` has read."""
        return cls(
            release_id=members.get("release"),
            version=version,
            device_ids=tuple(device_ids),
            failing=_failing(members, device_ids),
            completed_at=now,
            batch=members.get("batch", 1000),
            stage=stage,
            reason=members.get("reason", "hashMismatch"),
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
        return frozenset(members["failing"])
    share = members.get("failing_share", 0.0)
    return frozenset(one for n, one in enumerate(device_ids) if int((n + 1) * share) > int(n * share))


def _chunks(device_ids: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    rest = iter(device_ids)
    while chunk := tuple(islice(rest, size)):
        yield chunk
