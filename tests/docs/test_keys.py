"""docs/how-to/keys.md: its recipe gives a key and certificate that the gateway accepts, by the openssl command."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.cli import done

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "keys.md"
EUI = "90-B3-D5-1F-30-05-00-00"


def test_the_recipe_makes_a_certificate_that_is_accepted(tmp_path: Path) -> None:
    done("init", tmp_path / "gateway")
    (tmp_path / "pki").symlink_to(tmp_path / "gateway" / "pki")
    recipe = PAGE.read_text(encoding="utf-8").partition("## DCC's npm tools")[0]  # which has a test of its own
    for block in re.findall(r"^```sh\n(.*?)^```$", recipe, re.MULTILINE | re.DOTALL):
        ran = subprocess.run(["bash", "-ec", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    config = ("--config", tmp_path / "gateway" / "gateway.toml")
    words = ("--kind", "supplier", "--role", "IS", "--url", "http://127.0.0.1:1/", "--certificate", tmp_path / "me.pem")
    assert f"Registered {EUI}" in done("party", "add", EUI, *words, *config)
    request = tmp_path / "request.xml"
    request.write_text(done("example", "8.2").replace("90-B3-D5-1F-30-01-00-00:", f"{EUI}:"), encoding="utf-8")
    signed = tmp_path / "signed.xml"
    done("sign", request, "--key", tmp_path / "me.key", "--certificate", tmp_path / "me.pem", "--out", signed)
    (tmp_path / "pki" / "me.pem").write_bytes((tmp_path / "me.pem").read_bytes())
    assert f"signer:      {EUI}" in done("verify", signed, "--trust", tmp_path / "pki")
