"""Identities used up, answers kept, activations recorded (threats T39 to T43)."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from duis_gateway.duis.identifiers import MessageId, MessageIdentity, RequestId
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.evidence import IdentityTaken, MessageRecord, StoredAnswer
from duis_gateway.operations import flags
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, HIGH, NOW, TOP

REQUEST = RequestId(ALPHA, GAMMA, 7)
MESSAGE = MessageId(BETA, "m-1")


def _record(
    connection: Connection, identity: MessageIdentity, answer: bytes = b"answer", explanation: str | None = None
) -> None:
    messages.record(
        connection,
        identity,
        door="xml",
        kind="SR11.5",
        outcome="I99",
        received_at=NOW,
        digest=b"d" * 32,
        raw=b"<raw/>",
        answer=answer,
        explanation=explanation,
    )


@pytest.mark.parametrize("identity", [REQUEST, MESSAGE])
def test_an_identity_is_used_up_once_and_its_answer_kept(store: Store, identity: MessageIdentity) -> None:
    """T39, T40: by a constraint of the database."""
    with store.read() as connection:
        assert messages.find_answer(connection, identity) is None
        assert messages.evidence_of(connection, identity) is None
    with store.write() as connection:
        _record(connection, identity)
    with pytest.raises(IdentityTaken), store.write() as connection:
        _record(connection, identity, b"another")
    with store.read() as connection:
        assert messages.find_answer(connection, identity) == StoredAnswer(b"d" * 32, b"answer")
        assert messages.evidence_of(connection, identity) == b"<raw/>"


def test_what_an_answer_means_for_its_request_is_found_by_the_requests_identity(store: Store) -> None:
    other = replace(REQUEST, counter=8)
    with store.write() as connection:
        _record(connection, other)
        _record(connection, REQUEST, explanation="too late")
    with store.read() as connection:
        assert messages.explanation_to(connection, REQUEST) == "too late"
        assert messages.explanation_to(connection, other) is None
        assert messages.explanation_to(connection, replace(REQUEST, counter=9)) is None


def test_identities_differ_in_every_part(store: Store) -> None:
    requests = [
        REQUEST,
        replace(REQUEST, counter=8),
        replace(REQUEST, target=ALPHA),
        replace(REQUEST, originator=GAMMA),
    ]
    identities: list[MessageIdentity] = [*requests, MESSAGE, MessageId(ALPHA, "m-1"), MessageId(BETA, "M-1")]
    with store.write() as connection:
        for identity in identities:
            _record(connection, identity)
    with store.read() as connection:
        assert {record.identity for record in messages.history(connection)} == set(identities)


@pytest.mark.parametrize(
    ("used", "highest"),
    [
        ([1, 3, 2], 3),
        ([TOP - 1, 5], TOP - 1),
        ([TOP, TOP - 1], TOP),
        ([HIGH, TOP, 1], HIGH),
        ([TOP + 5, TOP + 4], TOP + 5),
        ([0], 0),
        ([], None),
    ],
)
def test_the_highest_counter_in_unsigned_order(store: Store, used: list[int], highest: int | None) -> None:
    """T43: from 2^63 on the database's order is not that of the counters."""
    with store.write() as connection:
        for counter in used:
            _record(connection, RequestId(ALPHA, GAMMA, counter))
        _record(connection, RequestId(ALPHA, BETA, HIGH))
        assert messages.highest_counter(connection, ALPHA, GAMMA) == highest


_COPIES = """
import sys
from concurrent.futures import ThreadPoolExecutor
from duis_gateway.store.engine import Store
from duis_gateway.flow.evidence import IdentityTaken
from tests.flow.test_evidence import REQUEST, _record
store = Store.open(sys.argv[1])
def copy(number):
    try:
        with store.write() as connection:
            _record(connection, REQUEST, b"%d" % number)
    except IdentityTaken:
        return 0
    return 1
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(25) as threads:
    print(sum(threads.map(copy, range(25))))
"""


@pytest.mark.processes
def test_of_fifty_copies_through_two_processes_one_is_recorded(store: Store, database_url: str) -> None:
    """T42: at once, and not read first and then inserted."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _COPIES, database_url]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        with ThreadPoolExecutor(2) as threads:
            accepted = [int(out) for out, _ in threads.map(lambda one: one.communicate("go\n", timeout=60), running)]
    assert sum(accepted) == 1
    with store.read() as connection:
        assert len(messages.history(connection)) == 1


def test_the_history_shows_the_newest_of_all_doors(store: Store) -> None:
    with store.write() as connection:
        _record(connection, REQUEST)
        messages.record(
            connection, MESSAGE, "csp", "DefaultPilotList", "Accepted", NOW + timedelta(1), b"d" * 32, b"", b""
        )
    with store.read() as connection:
        assert messages.history(connection) == [
            MessageRecord(MESSAGE, "csp", "DefaultPilotList", "Accepted", NOW + timedelta(1)),
            MessageRecord(REQUEST, "xml", "SR11.5", "I99", NOW),
        ]
        assert len(messages.history(connection, limit=1)) == 1


def test_parts_of_a_list_wait_for_the_others(store: Store) -> None:
    with store.write() as connection:
        messages.add_part(connection, BETA, "list", 2, 2, (TOP, 1))
        messages.add_part(connection, BETA, "list", 1, 2, (9,))
        messages.add_part(connection, BETA, "list", 1, 2, (HIGH, 0))  # sent again
        messages.add_part(connection, ALPHA, "list", 1, 2, ())
        assert messages.parts(connection, BETA, "list") == {1: (HIGH, 0), 2: (TOP, 1)}
        messages.drop_parts(connection, BETA, "list")
        assert messages.parts(connection, BETA, "list") == {}
        assert messages.parts(connection, ALPHA, "list") == {1: ()}


# --- activations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reported:
    outcome: HubOutcome
    release_id: str | None


def test_a_cs06_is_found_by_hub_and_version(store: Store) -> None:
    first = ActivationRequest(TOP, "02", NOW, "R1")
    again = ActivationRequest(TOP, "02", NOW + timedelta(hours=1))
    other = ActivationRequest(2, "03", NOW)
    with store.write() as connection:
        activations.record_requests(connection, BETA, [first, other])
        activations.record_requests(connection, BETA, [first, again])
        assert activations.matching_requests(connection, [TOP, 2, 3]) == {(TOP, "02"): again, (2, "03"): other}
        assert activations.matching_requests(connection, [2]) == {(2, "03"): other}


def test_outcomes_are_kept_with_whether_a_cs06_was_registered(store: Store) -> None:
    def outcome(hour: int, stage: OutcomeStage, version: str = "02") -> HubOutcome:
        return HubOutcome(TOP, stage, hour > 1, version, NOW + timedelta(hours=hour), "why", "a comment")

    reported = [
        _Reported(outcome(2, OutcomeStage.DISTRIBUTION), "R1"),
        _Reported(outcome(1, OutcomeStage.DISTRIBUTION), None),
        _Reported(outcome(3, OutcomeStage.ACTIVATION, "04"), None),
    ]
    with store.write() as connection:
        activations.record_requests(connection, BETA, [ActivationRequest(TOP, "02", NOW)])
        registered = activations.matching_requests(connection, [TOP, 2])
        activations.record_outcomes(connection, BETA, reported, NOW, registered)
        assert activations.distributed_at(connection, [TOP, 2]) == {TOP: NOW + timedelta(hours=2)}
        assert activations.outcomes_of(connection, 2) == []
        assert activations.outcomes_of(connection, TOP) == [
            RecordedOutcome(one.outcome, BETA, NOW, one.outcome.firmware_version == "02", one.release_id)
            for one in reversed(reported)
        ]


def test_flags_are_shown_newest_first(store: Store) -> None:
    with store.write() as connection:
        flags.raise_flags(connection, [("unmatched", "a"), ("paused_release", "b")], NOW, "as reported")
        flags.raise_flags(connection, [], NOW)
        assert [(flag.kind, flag.subject, flag.text) for flag in flags.newest(connection)] == [
            ("paused_release", "b", "as reported"),
            ("unmatched", "a", "as reported"),
        ]
        assert len(flags.newest(connection, limit=1)) == 1
