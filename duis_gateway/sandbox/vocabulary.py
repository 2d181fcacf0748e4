"""The words that the gateway and its sandbox answer and send in: what a scenario can expect.

They are gathered from where they are declared when they are first asked for: commands alone do not load the gateway.
"""

from __future__ import annotations

from functools import cache

from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.sandbox.cast import BY_NAME

REFUSALS = (
    "UnknownRelease",
    "UnknownSupplier",
    "NotPossible",
    "NotAcceptable",
    "NoHubAcceptable",
    "NoItemAcceptable",
    "NoticeRefused",
    "DecisionRefused",
    "SuccessorUnfit",
    "Contradictory",
    "NotYourRegion",
    "PeriodInvalid",
    "GroupRepeated",
    "HubRepeated",
    "PartsNotServed",
    "NotServed",
)
"""The codes of acknowledgements that refuse a message of a CSP or of DCC."""


@cache
def answers() -> tuple[str, ...]:
    """Return the codes of answers: of Service Responses, and of acknowledgements."""
    from duis_gateway.duis.codes import RESPONSE_CODES
    from duis_gateway.partners.messages import AcknowledgementStatus

    return (*RESPONSE_CODES, *AcknowledgementStatus, *REFUSALS)


@cache
def kinds_for(party: str) -> tuple[str, ...]:
    """Return the kinds of messages that the gateway sends to a party of the sandbox."""
    import csp_mgmt_gw.messages as csp
    import esi.messages as esi
    from duis_gateway.duis.alerts.table import ALERTS

    match BY_NAME[party].kind:
        case PartyKind.CSP:
            return tuple(csp.INTERFACE.rows)
        case PartyKind.DCC:
            return tuple(esi.INTERFACE.rows)
    return tuple(ALERTS)


@cache
def kinds_by_email() -> tuple[str, ...]:
    """Return the kinds of emails."""
    from duis_gateway.duis.alerts.table import ALERTS
    from duis_gateway.flow.interactions import INTERACTIONS

    return (*(row.id for row in INTERACTIONS), *ALERTS, "reminder")


@cache
def lists() -> tuple[str, ...]:
    """Return the names of the lists of hubs in an answer to an 11.5 or 11.6."""
    from duis_gateway.duis.responses import PilotListWarning

    return tuple(name for name, _hubs in PilotListWarning().lists())


def states() -> tuple[str, ...]:
    """Return the states of releases."""
    return tuple(ReleaseState)
