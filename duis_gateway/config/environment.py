"""The environment variables with the gateway's prefix, and those that others set among them.

Kubernetes, Compose and Docker's links give every process variables named after the services beside it. If one of those
services is named like the gateway, its variables begin like the gateway's own, and are ignored.
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
    """Whether this variable looks like one that overrides a key, and so has to name one."""
    return (
        name.startswith(ENVIRONMENT_PREFIX)
        and not name.startswith(_TESTS_OWN)
        and name not in _NOT_SETTINGS
        and not of_a_neighbour(name, text)
    )


def neighbours(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the variables that were set because a service's name begins like this prefix."""
    return tuple(sorted(name for name, text in environ.items() if of_a_neighbour(name, text)))


def of_a_neighbour(name: str, text: str) -> bool:
    """Whether Kubernetes, Compose or a Docker link set this variable."""
    return bool(_NEIGHBOUR.fullmatch(name) or (_NEIGHBOURS_WORD.fullmatch(name) and _ITS_VALUE.match(text)))
