"""TOML as people write it: whatever cannot be read is an error of TOML, and a byte-order mark is nothing."""

from __future__ import annotations

import tomllib
from typing import Any

from duis_gateway.text.numbers import LONGEST


class NotToml(ValueError):
    """A text is no TOML that can be read; the text of the error says why, and where."""


def read_toml(text: str) -> dict[str, Any]:
    """Return the document in a text.

    Raises:
        NotToml: it is none, or nested too deep, or has a number of thousands of digits.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(f"not TOML: {error}") from None
    except RecursionError:
        raise NotToml("it is nested too deeply") from None
    except ValueError:
        raise NotToml(f"it has a number of more than {LONGEST} digits") from None
