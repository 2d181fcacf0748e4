"""One gateway's process, and everything that it must refuse, over sockets: one table, one test.

Each case is refused by the check that is meant to refuse it, changes nothing, leaves a line in the audit log, and costs
no more processor time than so many good requests, which are measured in the same run beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.cases import Case
from tests.wire.document_cases import DOCUMENTS
from tests.wire.http_cases import HTTP
from tests.wire.message_cases import MESSAGES, SOAP
from tests.wire.reader_cases import OPERATIONS, PARTY, SUPPLIER_PAGES
from tests.wire.scene import OF_AN_ANSWER, Scene, Seen, scene
from tests.wire.signature_cases import SIGNATURES

pytestmark = pytest.mark.processes

CASES = (*HTTP, *DOCUMENTS, *SIGNATURES, *MESSAGES, *SOAP, *PARTY, *SUPPLIER_PAGES, *OPERATIONS)
MOST_MEMORY = 300 * 1024 * 1024
_TRIES = 3
"""What else the process does in the same moment can only add: so often a case may be sent until it costs little."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One gateway for all cases; what good requests cost is measured first."""
    with scene(tmp_path_factory.mktemp("wire")) as made:
        assert made.usual
        assert made.usual_large
        yield made


@pytest.mark.requirement("PIA-S3")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_is_refused_changes_nothing_is_audited_and_costs_little(gateway: Scene, case: Case) -> None:
    most = case.times * (gateway.usual_large if case.beside_large else gateway.usual[case.door])
    for _ in range(_TRIES):
        seen = gateway.send(case.door, case.sent(gateway))
        check(case, seen)
        if seen.seconds <= most:
            return
    raise AssertionError(f"{seen.seconds * 1000:.1f} ms of processor time, and at most {most * 1000:.1f} may be")


def check(case: Case, seen: Seen) -> None:
    """It is refused in the way that the table says."""
    reply = seen.reply
    assert reply.status == case.http_status, reply.body[:2000]
    text = reply.body.decode()
    assert case.says in text
    if case.is_signed:
        assert f"<sr:ResponseCode>{case.code}</sr:ResponseCode>" in text
        assert seen.changed <= OF_AN_ANSWER
        assert [line["outcome"] for line in seen.lines if line["event"] == "request_answered"] == [case.code]
        return
    if case.code:
        assert f"urn:duis-gateway:problem:{case.code}" in text
        assert reply.headers["x-correlation-id"] in text
    assert not seen.changed
    [line] = [line for line in seen.lines if line["event"] in ("message_refused", "identity_reused")]
    assert line["status"] == case.http_status


def test_the_table_has_every_door_and_no_case_twice() -> None:
    ids = [case.id for case in CASES]
    assert len(set(ids)) == len(ids) >= 150
    assert {case.door for case in CASES} == {"duis", "soap", "csp", "esi", "party", "operations"}


def test_the_gateway_is_as_good_as_before(gateway: Scene) -> None:
    """Good requests are answered on every door after all that was refused, and the process never became large (T54)."""
    for door in gateway.usual:
        assert gateway.exchange(door, gateway.good(door)).status == 200
    assert gateway.most_memory() < MOST_MEMORY
