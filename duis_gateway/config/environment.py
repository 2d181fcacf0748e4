"""The environment variables of the gateway's prefix, and those that others put in beside them.

Kubernetes, Compose and Docker's links give variables to every process, named after the services beside it. Where one
is called like the gateway, they begin as its own do, and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ENVIRONMENT_PREFIX = "DUIS_GATEWAY_"
CONFIG_VARIABLE = "DUIS_GATEWAY_CONFIG"
"""Names the configuration file."""
_NOT_SETTINGS = (CONFIG_VARIABLE, "DUIS_GATEWAY_FAILPOINT")
_TESTS_OWN = "DUIS_GATEWAY_TEST_"

_NEIGHBOUR = re.compile(
    rf"{ENVIRONMENT_PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)"
    rf"|{ENVIRONMENT_PREFIX}(\w+_)?ENV_\w+"
)
_NEIGHBOURS_WORD = re.compile(rf"{ENVIRONMENT_PREFIX}(\w+_)?(PORT|NAME)")
_ITS_VALUE = re.compile("(tcp|udp|sctp)://|/")


def overrides(name: str, text: str) -> bool:
    """Whether this variable has the form of one that overrides a key, and so has to name one."""
    return (
        name.startswith(ENVIRONMENT_PREFIX)
        and not name.startswith(_TESTS_OWN)
        and name not in _NOT_SETTINGS
        and not of_a_neighbour(name, text)
    )


def neighbours(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the variables that were put in beside a service named as this prefix begins."""
    return tuple(sorted(name for name, text in environ.items() if of_a_neighbour(name, text)))


def of_a_neighbour(name: str, text: str) -> bool:
    """Whether Kubernetes, Compose or a link of Docker put this variable in."""
    return bool(_NEIGHBOUR.fullmatch(name) or (_NEIGHBOURS_WORD.fullmatch(name) and _ITS_VALUE.match(text)))
