"""Changes that leave XML well-formed, so that fuzzing comes past the parser: texts, values, and whole elements."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

_CONTENT = re.compile(rb">([^<>]*)<|=\"([^\"<]*)\"")
_LEAF = re.compile(rb"<([\w:.-]+)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)")
_MARKUP = re.compile(rb"[<>&\"]")


def bend(data: bytes, seed: int, mutate: Callable[[bytes], bytes]) -> bytes:
    """Return a document with one text or value changed by `mutate`, or with one of its leaves doubled, moved or gone.

    Where there is nothing of the kind, the whole is given to `mutate`.
    """
    random = Random(seed)
    contents = [found.span(found.lastindex or 1) for found in _CONTENT.finditer(data) if found.lastindex]
    leaves = [found.span() for found in _LEAF.finditer(data)]
    way = random.randrange(5)
    if way <= 1 and contents:
        start, end = random.choice(contents)
        return data[:start] + _MARKUP.sub(b"", mutate(data[start:end])) + data[end:]
    if way <= 3 and leaves:
        (start, end), (place, behind) = random.choice(leaves), random.choice(leaves)
        taken = data[start:end]
        if way == 2:
            return data[:place] + taken + data[place if random.random() < 0.5 else behind :]
        return data[:start] + data[end:]
    return mutate(data)
