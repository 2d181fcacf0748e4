"""A signal that comes while the command is still loading ends it as later ones do, without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.cli import done

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
LOADING = (sys.executable, "-X", "importtime", "-m", "duis_gateway")
"""Says on standard error what has been imported."""


def signalled(words: tuple[str, ...], number: signal.Signals, *, in_front: bool = False) -> tuple[int, str]:
    """Send a signal once a first module of the command's is loaded; return the exit code, and what was said.

    `in_front`: the first word starts the rest, as a process of its own.
    """
    hears = partial(signal.signal, number, signal.SIG_DFL)  # also where the tests run under nohup
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stderr=pipe, stdout=pipe, text=True, preexec_fn=hears) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "duis_gateway.text" in line:
                break
        pid = process.pid
        if in_front:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])
        os.kill(pid, number)
        said, rest = process.stderr.read(), process.wait(30)
        return rest, said


@pytest.fixture
def serving(tmp_path: Path) -> tuple[str, ...]:
    done("init", tmp_path / "g")
    return ("serve", "--config", str(tmp_path / "g" / "gateway.toml"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_gateway_that_is_still_loading_ends_in_order(serving: tuple[str, ...], number: signal.Signals) -> None:
    code, said = signalled((*LOADING, *serving), number)
    assert (code, "Traceback" in said) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_still_loading_ends_by_the_signal(number: signal.Signals) -> None:
    code, said = signalled((*LOADING, "doctor"), number)
    assert (code, "Traceback" in said) == (-number, False)


@pytest.mark.may_skip_in_ci("where no process may have a pid namespace of its own")
def test_the_first_process_of_a_container_hears_it_too(serving: tuple[str, ...]) -> None:
    """The kernel keeps from it what it has no handler for: the gateway came up, and nothing but SIGKILL ended it."""
    alone = ("unshare", "--pid", "--fork", "--kill-child")
    try:
        subprocess.run([*alone, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no process can be the first one of a container here")
    code, said = signalled((*alone, *LOADING, *serving), signal.SIGTERM, in_front=True)
    assert (code, "Traceback" in said) == (0, False)
