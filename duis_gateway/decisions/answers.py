"""From what the rules found about the hubs of a list to the warning that DUIS carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from duis_gateway.duis.responses import PilotListWarning
from duis_gateway.firmware.device_lists import HubFindings
from duis_gateway.model.identifiers import format_eui


def warning_of(findings: HubFindings, as_sent: Mapping[int, str]) -> PilotListWarning | None:
    """Return the lists of hubs, each EUI as it was sent, or None where there is nothing to list."""

    def texts(ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(as_sent.get(device_id) or format_eui(device_id) for device_id in ids)

    if not findings.any:
        return None
    return PilotListWarning(
        invalid=texts(findings.invalid),
        not_responsible=texts(findings.not_responsible),
        not_commissioned=texts(findings.not_commissioned),
        not_applicable_firmware=texts(findings.not_applicable),
        excluded=texts(findings.excluded),
        other_request_in_progress=texts(findings.in_progress),
        not_on_preferred_list=texts(findings.not_on_preferred_list),
        repeated=texts(findings.repeated),
        removed_from_group=texts(findings.removed_from_groups),
    )
