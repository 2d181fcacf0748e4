"""What conftest.py promises of every test: it leaves this machine alone, and in CI no skip goes unnoticed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

SKIPPING = """
import pytest

@pytest.mark.skipif(True, reason="no schema here")
def test_skipped(): ...

def test_skips_itself():
    pytest.skip("no server here")

@pytest.mark.may_skip_in_ci(reason="needs another machine")
def test_may_skip():
    pytest.skip("not this machine")

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail():
    assert False

def test_runs(): ...
"""


def test_nothing_outside_this_machine_can_be_reached() -> None:
    with socket.socket() as tcp, pytest.raises(AssertionError, match=r"not to \('192\.0\.2\.1', 80\)"):
        tcp.connect(("192.0.2.1", 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(AssertionError, match="only talk to"):
        udp.sendto(b"x", ("192.0.2.1", 53))
    with socket.socket(socket.AF_INET6) as tcp, pytest.raises(AssertionError, match="only talk to"):
        tcp.connect(("2001:db8::1", 80))
    with pytest.raises(AssertionError, match="may not look up names"):
        socket.getaddrinfo("example.org", 80)
    with urllib3.PoolManager() as http, pytest.raises(AssertionError, match="may not look up names"):
        http.request("GET", "http://example.org/")


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(("localhost", server.getsockname()[1]))
        server.accept()[0].close()


def summary_of(folder: Path, test: str, ci: str) -> tuple[int, str]:
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("conftest.py"), folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = may_skip_in_ci\n", encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rf", str(folder)],
        cwd=folder,
        env={**environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return ran.returncode, ran.stdout


@pytest.mark.once
def test_outside_ci_a_skip_is_a_skip(tmp_path: Path) -> None:
    code, said = summary_of(tmp_path, SKIPPING, "")
    assert code == 0, said
    assert "1 passed, 3 skipped, 1 xfailed" in said


@pytest.mark.once
def test_in_ci_a_skip_is_a_failure_unless_the_test_says_that_it_may(tmp_path: Path) -> None:
    code, said = summary_of(tmp_path, SKIPPING, "true")
    assert code == 1, said
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error" in said
    assert "skipped, which is not allowed in CI" in said
    assert "no schema here" in said


@pytest.mark.once
def test_in_ci_a_module_that_skips_is_an_error(tmp_path: Path) -> None:
    code, said = summary_of(tmp_path, "import pytest\npytest.importorskip('no_such_module')\n", "true")
    assert code != 0
    assert "skipped, which is not allowed in CI" in said
