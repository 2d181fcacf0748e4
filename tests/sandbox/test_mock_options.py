"""An option of a mock that is empty, of a variable that is not set: not the current folder, nor as if left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

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


@pytest.mark.parametrize("begin", [begin_csp, begin_dcc])
@pytest.mark.parametrize("inside", ["", "/in/it"])
def test_what_is_no_folder_keeps_no_messages(
    begin: Callable[[Sequence[str]], object], inside: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("kept", encoding="utf-8")
    for there in ("/dev/null", str(tmp_path / "there")):
        with pytest.raises(SystemExit) as ended:
            begin([*NEEDED, "--record", there + inside])
        assert ended.value.code == 2
        assert f"argument --record: {there} is not a folder; name another" in capsys.readouterr().err
