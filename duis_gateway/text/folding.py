"""Text as it is compared where people write one name in several ways."""

from __future__ import annotations

import unicodedata


def folded(value: str) -> str:
    """Return the value of a name without what does not count: case, and how many spaces (RFC 5280, section 7.1)."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).split())
