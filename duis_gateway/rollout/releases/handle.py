"""A release's way as DCC steers it: approval, closure (A11), supersession (A12)."""

from __future__ import annotations

import esi.messages as esi
from duis_gateway.flow.handling import handles
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.partners.messages import Acknowledgement, PartnerMessage
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.change import Said, happened
from duis_gateway.rollout.releases.effects import model_subject, predecessors
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Release


@handles(Door.ESI, esi.ReleaseApproval)
def approve(message: PartnerMessage[esi.ReleaseApproval], tx: Tx) -> Acknowledgement:
    """Approve a release. The pilot of its predecessors is invalidated now, and not at the notice (PIA-A13)."""
    body = message.body
    release = releases.find(tx.conn, body.release_id)
    if release is not None:
        _exclude_others_from_the_model(release, tx)
    return happened(message, tx, body.release_id, Event.APPROVED, Said(body.commentary))


def _exclude_others_from_the_model(release: Release, tx: Tx) -> None:
    """Locks are taken in one order, so that two approvals cannot wait for each other."""
    tx.exclude_others(model_subject(release.manufacturer, release.model))
    concerned = {release.release_id, *(other.release_id for other in predecessors(tx, release))}
    for release_id in sorted(concerned):
        tx.exclude_others(release_id)


@handles(Door.ESI, esi.Closure, "A11")
def close(message: PartnerMessage[esi.Closure], tx: Tx) -> Acknowledgement:
    """Close a release: its roll-out is over; suppliers and CSPs are told (A11)."""
    body = message.body
    return happened(message, tx, body.release_id, Event.CLOSED, Said(body.commentary, body))


@handles(Door.ESI, esi.Supersession, "A12")
def supersede(message: PartnerMessage[esi.Supersession], tx: Tx) -> Acknowledgement:
    """Let a release give way to another for the same model (A12); what stands under it is cancelled."""
    body = message.body
    release = releases.find(tx.conn, body.release_id)
    successor = releases.find(tx.conn, body.successor)
    problem = None if release is None else _problem_of_successor(release, successor)
    if problem is not None:
        return refused(message, "SuccessorUnfit", problem)
    return happened(message, tx, body.release_id, Event.SUPERSEDED, Said(_why_superseded(body), body))


def _why_superseded(body: esi.Supersession) -> str:
    """Name the successor in front of what DCC said: it is how a release's history, and all pages, learn of it."""
    return f"{body.successor} takes its place" + (f": {body.commentary}" if body.commentary else "")


def _problem_of_successor(release: Release, successor: Release | None) -> str | None:
    if successor is None:
        return "The successor is not known to the gateway."
    if successor.release_id == release.release_id:
        return "A release cannot be its own successor."
    if (successor.manufacturer, successor.model) != (release.manufacturer, release.model):
        return "The successor is for another device model."
    return None if successor.state.is_live else f"The successor is {successor.state.value.replace('_', ' ')}."
