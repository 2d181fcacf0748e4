"""What holds for every test: nothing leaves this machine, and in CI nothing is skipped unnoticed."""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# What a script starts in the background ignores Ctrl-C, and so would all that the tests start and end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

_IN_CI = os.environ.get("CI", "").lower() in ("true", "1")


class NetworkForbidden(AssertionError):
    """A test tried to reach something that is not this machine."""


def _is_local(host: object) -> bool:
    """Whether a host is this machine; a name other than localhost is not, as looking it up asks the network."""
    if host in (None, "", "localhost", b"", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_literal(host: object) -> bool:
    """Whether a host is an address already, so that "looking it up" asks nobody."""
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


def _guard_network(event: str, args: tuple[object, ...]) -> None:
    """Audit hook: refuse connections and look-ups that would leave this machine."""
    if event in ("socket.connect", "socket.sendto"):
        sock, address = args[0], args[1]
        family = sock.family if isinstance(sock, socket.socket) else None
        if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and not _is_local(address[0]):
            raise NetworkForbidden(f"tests may only talk to this machine, not to {address!r}")
    elif event == "socket.getaddrinfo" and not (_is_local(args[0]) or _is_literal(args[0])):
        raise NetworkForbidden(f"tests may not look up names: {args[0]!r}")


sys.addaudithook(_guard_network)

# How long an example takes says more of the machine than of the code; timings stand in benchmarks/.
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


_ONCE = (
    "tests/cli/",
    "tests/conformance/",
    "tests/docs/",
    "tests/doors/test_nothing_left.py",
    "tests/faults/test_stopping.py",
    "tests/journeys/time/",
    "tests/outbox/",
    "tests/packaging/",
    "tests/store/test_sqlite_files.py",
    "tests/test_architecture.py",
    "tests/test_habits.py",
)
"""Where tests read sources and files, or take long, and show nothing that depends on the Python version."""

_ROLL_OUTS = ("tests/rollout/", "tests/operations/")
_OF_EACH_ROOM = ("test_handle.py", "test_progress.py", "test_store.py")
"""What the rooms of `rollout` do with a store, on every Python version, beside their rules, which need none."""

_LONGEST = (
    "tests/simulation/",
    "tests/sandbox/test_sandbox.py",
    "tests/faults/test_random_kills.py",
    "tests/docs/test_benchmarks.py",
    "tests/docs/test_how_to.py",
)
"""Files that take minutes: each is one worker's alone, who would be the last with it for long, were it not begun first.
"""


def _steers_a_roll_out(item: pytest.Item) -> bool:
    """Whether DCC steers a roll-out here: what comes of it is for the rules to say, whatever the Python version."""
    steered = item.nodeid.startswith(_ROLL_OUTS) and "dcc" in getattr(item, "fixturenames", ())
    return steered and item.path.name not in _OF_EACH_ROOM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts processes or needs PostgreSQL with `once`, unless it is to run on every Python version.

    The longest files come first.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
    for item in items:
        heavy = any(item.get_closest_marker(name) for name in ("processes", "postgresql"))
        once = heavy or item.nodeid.startswith(_ONCE) or _steers_a_roll_out(item)
        if once and not item.get_closest_marker("every_python"):
            item.add_marker("once")


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what was collected: spyne has it look through everything each second."""
    gc.collect()
    gc.freeze()


def _as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped, which is not allowed in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI, unless the test is marked `may_skip_in_ci`."""
    report = yield
    if _IN_CI and report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("may_skip_in_ci"):
        _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure in CI."""
    report = yield
    if _IN_CI and report.skipped:
        _as_failure(report)
    return report
