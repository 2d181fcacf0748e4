"""JSON and TOML of others: refused for what is wrong with it, in words of our own, and never by a crash."""

from __future__ import annotations

import pytest

from duis_gateway.text.json_reader import DEEPEST, read_json
from duis_gateway.text.numbers import parse_digits
from duis_gateway.text.toml_reader import NotToml, read_toml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"^not JSON: Expecting value \(line 1, column 1\)$"),
        ('{"hub": [1}', r"^not JSON: .*\(line 1, column 11\)$"),
        (b"\xff", "^it is not UTF-8$"),
        ("[" * 50_000, "^it is nested more than 100 levels deep$"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "^it is nested more than 100 levels deep$"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "^it is nested more than 100 levels deep$"),
        ("9" * 5000, "^a number of more than 20 digits$"),
        ('{"last": -' + "9" * 5000 + "}", "^a number of more than 20 digits$"),
        ("0." + "9" * 5000, "^a number of more than 100 digits$"),
        ("1e999", "^the number 1e999 is too large$"),
        ("[NaN]", "^not JSON: NaN is not a JSON number$"),
        ('{"hub": 1, "to": 2, "hub": 3}', "^the member 'hub' appears twice$"),
        ('[{"inner": {"a": 1, "a": 1}}]', "^the member 'a' appears twice$"),
        (r'["\ud800"]', "^it contains half a character"),
    ],
)
def test_what_is_wrong_with_json_is_said(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_json(text)


def test_what_is_right_is_read() -> None:
    assert read_json(b"\xef\xbb\xbf" + '{"a": [18446744073709551615, -1, 2.5, "\\ud83d\\ude00", "é"]}'.encode()) == {
        "a": [2**64 - 1, -1, 2.5, "\U0001f600", "é"]
    }
    deepest = read_json("[" * DEEPEST + "]" * DEEPEST)
    for _ in range(DEEPEST - 1):
        [deepest] = deepest
    assert deepest == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 50_000, "^it is nested too deeply$"),
        ("a = " + "9" * 5000, "^it has a number of more than 20 digits$"),
        ("a = ", r"^not TOML: Invalid value \(at "),
    ],
)
def test_what_is_wrong_with_toml_is_said(text: str, said: str) -> None:
    with pytest.raises(NotToml, match=said):
        read_toml(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "٣", "１", "²", "9" * 19, "1" * 5000])
def test_a_number_has_the_digits_0_to_9_and_not_too_many(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a whole number$"):
        parse_digits(text)
    assert parse_digits("007") == 7
