"""docs/requirements.md: every row says where it is in the code and which tests show it, and both are there."""

from __future__ import annotations

import pytest

from tests.support.traceability import Row, is_there, marked, rows

pytestmark = pytest.mark.requirement("FIA-7")

ROWS = {row.id: row for row in rows()}
MARKED = marked()


def expected_ids() -> set[str]:
    """The ids of the sources' rows, so that none is lost from the page."""
    numbered = {
        "FIA-": range(1, 12),
        "PIA-": range(1, 10),
        "PIA-C": range(1, 6),
        "PIA-R": range(3, 6),
        "PIA-S": range(1, 6),
        "BR-0.": range(1, 5),
        "BR-1.": range(1, 6),
        "BR-2.": range(1, 6),
        "BR-3.": range(1, 10),
        "BR-4.": range(1, 3),
        "BR-5.": range(1, 8),
        "BR-6.": range(1, 6),
        "EX-": range(1, 19),
    }
    ids = {f"{prefix}{number}" for prefix, numbers in numbered.items() for number in numbers}
    ids |= {f"A{number:02}" for number in range(1, 13)} | {f"X{number:02}" for number in range(1, 12)}
    return ids | {f"PIA-A{number}" for number in (3, 5, 6, 7, 8, 9, 10, 11, 12, 13)} | {"PIA-D1"}


def test_every_row_of_the_sources_is_on_the_page_once() -> None:
    found = [row.id for row in rows()]
    assert len(found) == len(set(found))
    assert set(found) == expected_ids()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_points_at_what_is_there(row: Row) -> None:
    assert row.places or row.is_for_the_record, "it says nowhere in the code"
    assert [place for place in row.places if not is_there(place)] == []
    assert [file for file in row.tests if not is_there(file)] == []


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_has_a_test_unless_it_is_for_the_record(row: Row) -> None:
    assert bool(MARKED.get(row.id)) is not row.is_for_the_record


def test_no_test_carries_an_id_that_is_no_row() -> None:
    assert MARKED.keys() <= ROWS.keys()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_files_that_a_row_names_carry_its_id(row: Row) -> None:
    """`python -m tests.support.traceability` writes the names of all of them."""
    assert row.tests or row.is_for_the_record
    assert set(row.tests) <= MARKED.get(row.id, set())
