"""ESI `RolloutDecision` and `Withdrawal` (X03): what DCC decides, how firmly, and what it means for what is pending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import esi.messages as esi
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, PartnerMessage
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.rules import answers_proposal
from duis_gateway.rollout.releases.change import NOT_KNOWN, UNKNOWN_RELEASE, not_possible, settled
from duis_gateway.rollout.releases.effects import Happening, current
from duis_gateway.rollout.releases.telling import DecisionWord
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import BY_DCC, RecordedDecision, RolloutAction, Standing
from duis_gateway.rollout.rollout_decisions.rules import event_of, judge_decision

NO_REASON_GIVEN = "withdrawn from assurance or from the products list"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A decision, whichever message it came in."""

    release_id: str
    action: RolloutAction
    standing: Standing
    by: str
    reason: str
    new_date: datetime | None = None


@handles(Door.ESI, esi.RolloutDecision, "X03")
def receive_decision(message: PartnerMessage[esi.RolloutDecision], tx: Tx) -> Acknowledgement:
    """Carry out a roll-out decision; a provisional one suspends at most (BR-6.4)."""
    body = message.body
    taken = _Taken(body.release_id, body.decision, body.standing, body.decided_by, body.reason, body.new_date)
    return _carried_out(message, tx, taken)


@handles(Door.ESI, esi.Withdrawal, "X03")
def receive_withdrawal(message: PartnerMessage[esi.Withdrawal], tx: Tx) -> Acknowledgement:
    """Withdraw a release: a decision that needs nobody's confirmation."""
    body = message.body
    reason = body.commentary or NO_REASON_GIVEN
    taken = _Taken(body.release_id, RolloutAction.WITHDRAW, Standing.CONFIRMED, BY_DCC, reason)
    return _carried_out(message, tx, taken)


def _carried_out(message: AnyMessage, tx: Tx, taken: _Taken) -> Acknowledgement:
    release = current(tx, taken.release_id)
    if release is None:
        return refused(message, UNKNOWN_RELEASE, NOT_KNOWN)
    judgement = judge_decision(release, taken.action, taken.standing, taken.new_date)
    if judgement.refusal is not None:
        return not_possible(message, judgement.refusal)
    record = RecordedDecision(
        taken.release_id, taken.action, taken.standing, taken.by, taken.reason, tx.now, taken.new_date
    )
    happening = Happening(
        event_of(taken.action, taken.standing),
        release,
        judgement.release,
        judgement.effects,
        tx.now,
        taken.by,
        taken.reason,
        DecisionWord(taken.action, taken.standing, taken.by, taken.reason, judgement.meaning, taken.new_date),
    )
    rollout.record_decision(tx.conn, record)
    if answers_proposal(taken.action, taken.standing):
        thresholds.answer(tx.conn, taken.release_id)
    return settled(message, tx, happening)
