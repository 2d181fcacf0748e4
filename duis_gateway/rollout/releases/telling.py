"""Who is told what when something happens to a release: suppliers by alert or email, CSPs by message (design 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.flow.reply import Alert, PartnerSend, Send
from duis_gateway.flow.tx import Moment
from duis_gateway.outbox.emails import rollout as emails
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.audience import registered, suppliers_of_model
from duis_gateway.rollout.releases.records import Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import Consequence, RolloutAction, Standing


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of a release: the suppliers responsible for a hub of its model, every CSP, and DCC."""

    suppliers: tuple[Party, ...]
    csps: tuple[Party, ...]
    dcc: tuple[Party, ...]

    @classmethod
    def of(cls, release: Release, moment: Moment) -> Audience:
        """Return who is concerned at this moment."""
        concerned = suppliers_of_model(moment.conn, release.manufacturer, release.model)
        told = registered(concerned, release.release_id, moment)
        csps, dcc = (tuple(moment.registered(kind)) for kind in (PartyKind.CSP, PartyKind.DCC))
        return cls(tuple(told.values()), csps, dcc)


@dataclass(frozen=True, slots=True)
class DecisionWord:
    """A roll-out decision in DCC's words, and what it means for pending requests (BR-6.5)."""

    action: RolloutAction | Consequence
    standing: Standing
    decided_by: str
    reason: str
    meaning: str
    new_date: datetime | None = None


Word = esi.PilotOutcome | esi.SafeLaunchOutcome | esi.Closure | esi.Supersession | DecisionWord
"""What DCC said of a release."""

_STAGE_OF = {ReleaseState.PILOTING: Stage.PILOT, ReleaseState.SAFE_LAUNCH: Stage.SAFE_LAUNCH}


def stage_change(
    before: Release, after: Release, at: datetime, why: str | None, audience: Audience
) -> tuple[Send, ...]:
    """X05: to the suppliers by email, to the CSPs and DCC by message."""
    ended, begun = _STAGE_OF.get(before.state), _STAGE_OF.get(after.state)
    message = csp.StageChange(after.release_id, at, ended, begun, why)
    report = esi.StageChange(after.release_id, at, ended, begun, why)
    to_dcc = (PartnerSend(party, report, after.release_id) for party in audience.dcc)
    mails = (emails.stage_change(after, party, ended, begun, at, why) for party in audience.suppliers)
    return (*_to_csps(message, after, audience), *to_dcc, *mails)


def word(said: Word, release: Release, audience: Audience) -> tuple[Send, ...]:
    """Pass on what DCC said of a release."""
    return _TOLD[type(said)](said, release, audience)


def _pilot_outcome(said: esi.PilotOutcome, release: Release, audience: Audience) -> tuple[Send, ...]:
    """A06, A07: to the suppliers by email and by N75 or N76."""
    message = csp.PilotOutcome(said.release_id, said.success, said.counts, said.commentary)
    alert = PilotOutcome(said.release_id, said.success, said.counts, said.commentary)
    mails = (emails.pilot_outcome(alert, party) for party in audience.suppliers)
    return (*_to_csps(message, release, audience), *_to_suppliers(alert, release, audience), *mails)


def _safe_launch_outcome(said: esi.SafeLaunchOutcome, release: Release, audience: Audience) -> tuple[Send, ...]:
    """A09, A10: to the suppliers by N69 or N70."""
    message = csp.SafeLaunchOutcome(said.release_id, said.success, said.counts, said.commentary)
    alert = SafeLaunchOutcome(said.release_id, said.success, said.counts, said.commentary)
    return (*_to_csps(message, release, audience), *_to_suppliers(alert, release, audience))


def _closure(said: esi.Closure, release: Release, audience: Audience) -> tuple[Send, ...]:
    """A11: to the suppliers by email."""
    message = csp.Closure(said.release_id, said.at, said.commentary)
    mails = (emails.closure(release, party, said.at, said.commentary) for party in audience.suppliers)
    return (*_to_csps(message, release, audience), *mails)


def _supersession(said: esi.Supersession, release: Release, audience: Audience) -> tuple[Send, ...]:
    """A12: to the suppliers by email."""
    message = csp.Supersession(said.release_id, said.successor, said.at, said.commentary)
    mails = (
        emails.supersession(release, party, said.successor, said.at, said.commentary) for party in audience.suppliers
    )
    return (*_to_csps(message, release, audience), *mails)


def _decision(said: DecisionWord, release: Release, audience: Audience) -> tuple[Send, ...]:
    """X03: to the suppliers by N72."""
    message = csp.RolloutDecision(
        release.release_id, said.action, said.reason, said.standing, said.decided_by, said.new_date, said.meaning
    )
    alert = FirmwareRolloutDecision(
        release.release_id, said.action, said.standing, said.decided_by, said.reason, said.new_date, said.meaning
    )
    return (*_to_csps(message, release, audience), *_to_suppliers(alert, release, audience))


def _to_csps(body: PartnerBody, release: Release, audience: Audience) -> tuple[PartnerSend, ...]:
    return tuple(PartnerSend(party, body, release.release_id) for party in audience.csps)


def _to_suppliers(body: AlertBody, release: Release, audience: Audience) -> tuple[Alert, ...]:
    return tuple(Alert(party, body, release.release_id) for party in audience.suppliers)


_TOLD: dict[type, Callable[[Any, Release, Audience], tuple[Send, ...]]] = {
    esi.PilotOutcome: _pilot_outcome,
    esi.SafeLaunchOutcome: _safe_launch_outcome,
    esi.Closure: _closure,
    esi.Supersession: _supersession,
    DecisionWord: _decision,
}
