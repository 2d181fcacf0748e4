"""From what the rules found about the hubs of a list to the warning that DUIS carries."""

from __future__ import annotations

from duis_gateway.duis.responses import PilotListWarning
from duis_gateway.rollout.device_lists import HubFindings


def warning_of(findings: HubFindings) -> PilotListWarning | None:
    """Return the lists of hubs, or None where there is nothing to list."""
    if not findings.any:
        return None
    return PilotListWarning(
        invalid=findings.invalid,
        not_responsible=findings.not_responsible,
        not_commissioned=findings.not_commissioned,
        not_applicable=findings.not_applicable,
        excluded=findings.excluded,
        other_request_in_progress=findings.in_progress,
        in_pilot=findings.in_pilot,
        not_on_preferred_list=findings.not_on_preferred_list,
        repeated=findings.repeated,
        removed_from_group=findings.removed_from_groups,
        protected=findings.protected,
        under_way=findings.under_way,
    )
