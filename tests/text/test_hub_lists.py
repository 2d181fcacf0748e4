"""Lists of hubs, as the party door and the commands read them."""

from __future__ import annotations

import json

import pytest

from duis_gateway.text.hub_lists import read_hub_list

ONE, TWO = "00-DB-12-34-56-00-00-01", "00-DB-12-34-56-00-00-02"
BOTH = frozenset({0x00DB123456000001, 0x00DB123456000002})


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n\n{TWO}\n{ONE}\n",
        f"device_id\n{ONE}\n {TWO} \n",
        f"customer,device_id,reason\r\n1,{ONE},prepayment\r\n2,,has no hub\r\n3,{TWO},\r\n",
    ],
    ids=["one a line", "a column", "a customer register"],
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
        (f"customer,device_id\n1,{ONE}\n2\n", "^line 3: it ends before its device_id"),
        (f'device_id\n{ONE}\n"{TWO}\n', "^the list is not CSV: unexpected end of data"),
        (" \n", "^there is nothing in it: a list of no hubs is the line device_id alone"),
        ("device_id,name\n,Smith\n,Jones\n", "^no line has a hub: a list of no hubs is the line device_id alone"),
        (",,\n", "^no line has a hub"),
        ('\n\n""\n', "^no line has a hub"),
        (f"device_id,device_id\n{ONE},{TWO}\n", "^line 1: it names device_id more than once"),
    ],
)
def test_the_line_that_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_hub_list(text)
