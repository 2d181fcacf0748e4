"""DUIS's DeviceIDList: what a supplier sends is what the rules see, and what it gets back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.device_lists import parse_device_list, parse_device_lists, render_device_list
from duis_gateway.duis.identifiers import format_eui, format_euis, parse_eui

pytestmark = pytest.mark.requirement("PIA-A6")

euis = st.integers(0, 2**64 - 1)
texts = euis.flatmap(lambda eui: st.sampled_from([format_eui(eui), format_eui(eui).lower()]))


@given(st.lists(texts, min_size=1, max_size=60))
def test_a_list_reads_as_its_devices_in_order_each_once(sent: list[str]) -> None:
    expected = tuple(dict.fromkeys(parse_eui(text) for text in sent))
    assert parse_device_list(",".join(sent)).ids == expected


@given(st.lists(texts, min_size=1, max_size=60))
def test_every_device_is_echoed_as_it_was_first_sent(sent: list[str]) -> None:
    devices = parse_device_list(",".join(sent))
    for device_id, text in devices.as_sent.items():
        assert text == next(each for each in sent if parse_eui(each) == device_id)
    assert set(devices.as_sent) == set(devices.ids)


@given(st.lists(st.lists(texts, min_size=1, max_size=5), max_size=8))
def test_lists_read_in_one_go_are_what_each_is_by_itself(sent: list[list[str]]) -> None:
    joined = [",".join(one) for one in sent]
    lists, as_sent = parse_device_lists(joined)
    assert lists == [parse_device_list(one).ids for one in joined]
    assert as_sent == (parse_device_list(",".join(joined)).as_sent if joined else {})


@given(st.lists(euis, min_size=1, unique=True))
def test_a_rendered_list_reads_as_the_same_devices(ids: list[int]) -> None:
    assert parse_device_list(render_device_list(ids)).ids == tuple(ids)


def test_spellings_that_differ_in_case_are_one_device_and_the_first_is_echoed() -> None:
    devices = parse_device_list("00-db-12-34-56-78-90-AF,00-DB-12-34-56-78-90-AF")
    assert devices.ids == (0x00DB1234567890AF,)
    assert render_device_list(devices.ids, devices.as_sent) == "00-db-12-34-56-78-90-AF"


def test_a_device_that_was_not_sent_is_written_in_capitals() -> None:
    assert render_device_list([0xAF, 1], {1: "00-00-00-00-00-00-00-01"}) == (
        "00-00-00-00-00-00-00-AF,00-00-00-00-00-00-00-01"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-DB",
        "00-DB-12-34-56-78-90-AF,",
        "00-DB-12-34-56-78-90-AF;1",
        "00-DB-12-34-56-78-90-AG",
        "00-DB-12-34-56-78-90-A,F00-DB-12-34-56-78-90-AF",
        "00-DB-12-34-56-78-90 AF",
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    """T46: no EUI of another length or alphabet gets through, even if a schema should let it."""
    good = "00-DB-12-34-56-78-90-AF"
    with pytest.raises(ValueError, match="not a list"):
        parse_device_list(text)
    for several in ([good, text], [text, good]):
        with pytest.raises(ValueError, match="not a list"):
            parse_device_lists(several)


def test_a_list_of_50_000_devices_is_read_whole_and_in_its_order() -> None:
    """BR-3.8; `benchmarks/growth.py` has what it takes."""
    text = ",".join(format_eui(eui) for eui in range(50_000))
    assert parse_device_list(text).ids == tuple(range(50_000))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_a_list_written_in_one_go_is_its_identifiers_with_commas_between(ids: list[int]) -> None:
    assert format_euis(ids) == ",".join(map(format_eui, ids))
