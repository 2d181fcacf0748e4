"""`traceparent` as W3C Trace Context has it: what is taken, and that a thread works under one trace at a time."""

from __future__ import annotations

import pytest

from duis_gateway.machine.trace_context import current, read_traceparent, trace_id, under

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "given", [GOOD, f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-more"]
)
def test_what_is_one_is_taken_as_version_00(given: str) -> None:
    assert read_traceparent(given) == f"00-{TRACE}-{SPAN}-{given[53:55]}"
    assert trace_id(GOOD) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"{GOOD}, {GOOD}",
        f"cc-{TRACE}-{SPAN}-01more",
        f"{GOOD}\n",
        f"٠0-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_none_is_as_if_nothing_was_sent(given: str) -> None:
    assert read_traceparent(given) is None


def test_a_trace_ends_with_what_was_done_under_it() -> None:
    with under(GOOD):
        with under(None):
            assert current() is None
        assert current() == GOOD
    assert current() is None
