"""Lists of hubs, as the party door and the commands read them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.text.hub_lists import LONGEST_LINE, MOST_LINES, read_hub_list
from duis_gateway.text.json_reader import LONGEST_ITEM, read_json, read_json_items

ONE, TWO = "00-DB-12-34-56-00-00-01", "00-DB-12-34-56-00-00-02"
BOTH = frozenset({0x00DB123456000001, 0x00DB123456000002})


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n\n{TWO}\n{ONE}\n",
        f"device_id\n{ONE}\n {TWO} \n",
        f"customer,device_id,reason\r\n1,{ONE},prepayment\r\n\r\n3,{TWO},\r\n",
        f"\n Device_ID\t,\n{ONE},\n{TWO},\n",
    ],
    ids=["one a line", "a column", "a customer register", "a spreadsheet's"],
)
def test_hubs_are_read_as_people_write_them(text: str) -> None:
    assert read_hub_list(text) == BOTH


def test_the_header_alone_is_a_list_of_no_hubs() -> None:
    assert read_hub_list("device_id\n\n") == frozenset()


@pytest.mark.parametrize("items", [[ONE, TWO], [{"device_id": ONE}, {"device_id": TWO, "more": 1}]])
def test_so_is_json(items: list[object]) -> None:
    assert read_hub_list(json.dumps(items), as_json=True) == BOTH


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ONE}\n\n00-DB\n", "^line 3: .*00-DB"),
        (f'note,device_id\n"a\nb\r\nc",{ONE}\nx,00-DB\n', "^line 5: .*00-DB"),
        (f'note,device_id\nx,{ONE}\n"a\nb",00-DB\n', "^line 3: .*00-DB"),
        (f"customer,device_id\n1,{ONE}\n2\n", "^line 3 has 1 field where the header has 2$"),
        (f'device_id\n{ONE}\n"{TWO}\n', "^line 3: it is not CSV: a quotation mark is not closed$"),
        (f'device_id\n"{ONE}"x\n', "^line 2: it is not CSV: ',' expected after"),
        (f"{ONE},{TWO}\n", "^line 1 has 2 fields where one EUI-64 is expected: write one hub a line"),
        (f"device_id\n{ONE}\n{ONE},{TWO}", "^line 3 has 2 fields where one EUI-64 is expected"),
        (f"device_id,\n{ONE},{TWO}\n", "^line 2 has something in a column that the header does not name: write one"),
        (f"{ONE}\n,,{TWO}\n", "^line 2 has 3 fields where one EUI-64 is expected"),
        (f"device_id,note\n{ONE},x,{TWO}\n", "^line 2 has 3 fields where the header has 2$"),
        (f"device_id,note\n{ONE},x,\n", "^line 2 has 3 fields where the header has 2$"),
        (f"device_id,note\n{ONE}\n", "^line 2 has 1 field where the header has 2$"),
        (f"device_id,\n{ONE}\n", "^line 2 has 1 field where the header has 2$"),
        (f"device_id;note\n{ONE};x\n", "^line 1: .*a header has to name the column device_id, with commas between"),
        (f"sep=,\ndevice_id\n{ONE}\n", "^line 1 has 2 fields .*a header has to name the column device_id"),
        (" \n", "^it is empty: a list of no hubs is just the line device_id"),
        (
            f"device_id,note\n{ONE},x\n,lost\n00-DB,\n",
            "^line 3: its device_id is empty; line 4: not an EUI-64: '00-DB'$",
        ),
        ("device_id,\n,\n", "^line 2: its device_id is empty"),
        (",,\n", "^line 1 has 3 fields where one EUI-64 is expected"),
        ('\n\n""\n', "^line 3: its device_id is empty"),
        (f'device_id,note\n{ONE},"two\nlines"\n00-DB,\n', "^line 4: not"),
        ("\n".join(["x"] * 20), "^line 1: .*; line 10: [^;]*; and perhaps more$"),
        ("device_id\n" + "," * (LONGEST_LINE + 1), "^line 2: it has more than 65536 characters"),
        ('x,"' + '\n",x,"' * LONGEST_LINE, "^line 1: it has more than 65536 characters"),
        ("device_id\n" + "\n" * MOST_LINES, "^the list has more than 500000 lines"),
        (f"\nDEVICE_ID,device_id\n{ONE},{TWO}\n", "^line 2: it names device_id more than once"),
    ],
)
def test_the_line_that_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_hub_list(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f'["{ONE}", {{}}, null, 7, {{"device_id": ""}}]',
            "^item 2: it is neither .*; item 5: its device_id is empty$",
        ),
        (f'["{ONE}"', r"^the list cannot be read: not JSON: Expecting ',' or ']' \(line 1, column 27\)"),
        (f'["{ONE}"]\n x', r"^the list cannot be read: not JSON: Extra data \(line 2, column 2\)"),
        (f'["{ONE}",\n]', r"^the list cannot be read: not JSON: Expecting value \(line 2, column 1\)"),
        ("[" * 1000, "^the list cannot be read: "),
        (f'[{{"device_id": "{ONE}", "device_id": "{TWO}"}}]', "'device_id' appears twice"),
        ('["' + "x" * LONGEST_ITEM + '"]', "there is no item of at most 65536 characters"),
        ("[" + " " * 600 + "1" * 600 + "]", "a number of more than 20 digits"),
    ],
)
def test_so_is_the_item_of_json(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_hub_list(text, as_json=True)


@given(st.lists(st.text() | st.integers(-9, 9) | st.dictionaries(st.text(), st.lists(st.text()))))
def test_items_are_what_the_whole_text_has(items: list[object]) -> None:
    text = json.dumps(items, indent=1)
    assert list(read_json_items(text)) == read_json(text)
