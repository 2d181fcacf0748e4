"""An option of a mock that is empty, of a variable that is not set: not the current folder, nor as if left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from csp_mgmt_gw.mock import begin as begin_csp
from esi.mock import begin as begin_dcc

NEEDED = ["--key", "k.pem", "--certificate", "c.pem", "--trust", "t.pem"]
PATHS = ["--key", "--certificate", "--trust", "--record", "--clock-file"]


@pytest.mark.parametrize(
    ("begin", "option"),
    [
        *((begin_csp, option) for option in (*PATHS, "--gateway", "--listen", "--hubs", "--regions", "--eui")),
        *((begin_dcc, option) for option in (*PATHS, "--gateway", "--listen", "--eui")),
    ],
)
def test_it_is_refused(
    begin: Callable[[Sequence[str]], object], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        begin([*NEEDED, option, ""])
    assert ended.value.code == 2
    assert f"argument {option}: " in capsys.readouterr().err
