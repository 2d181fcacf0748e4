"""Makes spyne 2.14 importable on every Python that the gateway runs on (docs/dependencies.md says why it is used).

spyne brings its own copy of six, whose import hook Python 3.12 no longer asks: the modules that it would provide are
registered here under the names by which spyne imports them. spyne imports `cgi` too, which warns up to Python 3.12 and
comes from the package legacy-cgi from 3.13 on. Its sources have old escapes that newer compilers warn of.
"""

from __future__ import annotations

import importlib
import logging
import sys
import types
import warnings
from typing import Any

_MOVES = "spyne.util.six.moves"
_MOVED = {
    "collections_abc": "collections.abc",
    "http_cookies": "http.cookies",
    "urllib": "urllib",
    "urllib.parse": "urllib.parse",
    "urllib.request": "urllib.request",
    "urllib.error": "urllib.error",
}


def load(name: str) -> Any:
    """Import a module of spyne and return it."""
    moves = types.ModuleType(_MOVES)
    moves.__path__ = []
    sys.modules.setdefault(_MOVES, moves)
    for moved, real in _MOVED.items():
        sys.modules.setdefault(f"{_MOVES}.{moved}", importlib.import_module(real))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(name)
    # Its hook stands in the way of every later import that fails; all that it offers is registered.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "spyne.util.six"]
    # spyne logs every fault with a traceback and its whole text; the doors write the audit line instead.
    logging.getLogger("spyne").setLevel(logging.CRITICAL)
    return module
