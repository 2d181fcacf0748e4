"""The chain by itself: any change, removal, insertion or exchange in an export is found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.audit import checkpoints
from duis_gateway.audit.chain import BEFORE_THE_FIRST, Entry, Follower, link_of
from duis_gateway.audit.recording import canonical, items_in
from duis_gateway.audit.records import NoExport, Record, Signed, exported, lines_of
from duis_gateway.audit.verification import Verification
from tests.support.audit import believed, signed_by

pytestmark = pytest.mark.requirement("EX-16")

AT = "2026-03-01T12:00:00.000000Z"
texts = st.text(st.characters(codec="utf-8"), max_size=20)
contents = st.lists(st.lists(st.dictionaries(texts, texts | st.integers(0, 2**63), max_size=3), max_size=2), max_size=8)


def chain(said: Sequence[str]) -> list[Entry]:
    link, entries = BEFORE_THE_FIRST, []
    for sequence, content in enumerate(said, 1):
        link = link_of(link, sequence, AT, content)
        entries.append(Entry(sequence, AT, content, link))
    return entries


def checkpoint(entry: Entry, number: int = 1) -> Signed:
    return Signed(entry.sequence, checkpoints.sign(signed_by(number)[0], entry.sequence, entry.link, AT))


def export(records: Sequence[Record]) -> list[bytes]:
    return [line.encode() for line in lines_of(records)]


def findings(lines: Sequence[bytes], *kept: Signed) -> list[str]:
    try:
        return list(Verification(believed, [("kept", one.document) for one in kept]).run(exported(lines)))
    except NoExport as error:
        return [str(error)]


FOUR = chain([canonical([{"out": name}]) for name in "abcd"])
EXPORT = export([FOUR[0], FOUR[1], checkpoint(FOUR[1]), FOUR[2], FOUR[3]])


@given(contents)
def test_what_was_written_is_whole_and_says_what_was_said(said: list[list[dict[str, object]]]) -> None:
    entries = chain([canonical(items) for items in said])
    assert findings(export(entries)) == []
    assert [list(items_in(one.content)) for one in exported(export(entries)) if isinstance(one, Entry)] == said


@given(st.integers(0, sum(map(len, EXPORT)) - 1), st.integers(1, 255))
def test_any_changed_octet_is_found(place: int, change: int) -> None:
    """Wherever it is, in an entry, a checkpoint or around them."""
    text = bytearray(b"".join(EXPORT))
    text[place] ^= change
    assert findings(bytes(text).splitlines(keepends=True))


@given(st.permutations(range(len(EXPORT))))
def test_any_other_order_is_found(order: list[int]) -> None:
    assert bool(findings([EXPORT[place] for place in order])) == (order != sorted(order))


@given(st.sets(st.integers(0, len(EXPORT) - 1), min_size=1))
def test_whatever_is_left_out_is_found(gone: set[int]) -> None:
    """But for a checkpoint alone, without which the chain is as good: `--checkpoint` names those that were kept."""
    found = findings([line for place, line in enumerate(EXPORT) if place not in gone])
    assert bool(found) == (gone != {3})


@given(st.integers(0, len(EXPORT)), st.integers(0, len(EXPORT) - 1))
def test_whatever_stands_there_twice_is_found(place: int, copied: int) -> None:
    """A line once more, anywhere."""
    found = findings([*EXPORT[:place], EXPORT[copied], *EXPORT[place:]])
    # The same checkpoint twice at the same place proves the same twice.
    assert bool(found) == ((place, copied) not in ((3, 3), (4, 3)))


@given(st.integers(0, 3), texts)
def test_a_chain_that_is_made_anew_is_found_by_the_next_checkpoint(place: int, instead: str) -> None:
    """T71: somebody changes an entry and computes all links again; what was signed before names another."""
    said = [one.content for one in FOUR]
    said[place] = canonical([{"out": instead + "!"}])
    forged = chain(said)
    found = findings(export([*forged, checkpoint(FOUR[3])]))
    assert len(found) == 1
    assert "entry 4 had another link when it was signed" in found[0]


def test_what_was_cut_off_after_the_last_checkpoint_is_found_by_nobody_and_before_it_by_that() -> None:
    assert findings(export([*FOUR[:2], checkpoint(FOUR[1])])) == []
    cut = export([FOUR[0], checkpoint(FOUR[1])])
    assert findings(cut) == ["the checkpoint of entry 2: the log ends with entry 1: what follows was removed"]


def test_a_checkpoint_that_was_kept_finds_another_log_in_its_place() -> None:
    other = chain([canonical([{"out": "x"}]) for _ in range(4)])
    whole = export([*other, checkpoint(other[3])])
    assert findings(whole) == []
    [found] = findings(whole, checkpoint(FOUR[1]))
    assert found.startswith("kept: entry 2 had another link when it was signed")
    [found] = findings(export(FOUR[:3]), checkpoint(FOUR[3]))
    assert "the log ends with entry 3" in found
    assert findings(EXPORT, checkpoint(FOUR[3]), checkpoint(FOUR[1])) == []


def test_a_checkpoint_that_another_key_has_signed_is_named_with_its_certificate() -> None:
    [found] = findings(export([*FOUR, checkpoint(FOUR[3], 2)]))
    assert f"it names the certificate {signed_by(2)[1].serial} of" in found
    assert "which is not among those trusted here" in found


def test_after_a_change_of_the_key_both_certificates_prove() -> None:
    """F26: each checkpoint names the certificate of its time."""
    records: list[Record] = [FOUR[0], checkpoint(FOUR[0]), *FOUR[1:], checkpoint(FOUR[3], 2)]
    both = Verification(lambda named: believed(named, 1, 2))
    assert list(both.run(exported(export(records)))) == []
    assert both.checkpoints == 2


@pytest.mark.parametrize(
    ("sequences", "said"),
    [
        ((1, 3), "follows entry 1: entry 2 is missing"),
        ((1, 2, 7), "follows entry 2: entries 3 to 6 are missing"),
        ((1, 2, 2), "comes after entry 2: it is out of order, or there twice"),
    ],
)
def test_it_says_what_is_missing_or_there_twice(sequences: tuple[int, ...], said: str) -> None:
    follower = Follower()
    found: list[str] = []
    for sequence in sequences:
        link = link_of(follower.link, sequence, AT, "[]")
        found += follower.follow(Entry(sequence, AT, "[]", link))
    assert found == [said]


def test_one_change_is_told_once_and_at_its_entry() -> None:
    changed = [FOUR[0], Entry(2, AT, canonical([{"out": "x"}]), FOUR[1].link), *FOUR[2:]]
    assert findings(export(changed)) == [
        "entry 2: its link does not cover its content and the entry before it: one of them was changed"
    ]
