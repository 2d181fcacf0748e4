"""docs/how-to/keys.md: DCC's own npm tools, unchanged, sign what the gateway takes, and read what it answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import done
from tests.support.gateway_process import GatewayProcess

ROOT = Path(__file__).resolve().parents[2]
HUB = "00-DB-12-34-56-00-00-01"
SUPPLIER = "90-B3-D5-1F-30-01-00-00"
TABLE = f"""device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier
{HUB},CHF,106C,433100AC,9001,Commissioned,North,{SUPPLIER},
"""


@pytest.mark.processes
@pytest.mark.may_skip_in_ci("packages that are no dependencies")
def test_a_template_is_signed_taken_and_its_answer_proven(tmp_path: Path) -> None:
    """By the page's own commands, where the packages are in the folder that DUIS_GATEWAY_TEST_NODE names."""
    packages = Path(os.environ.get("DUIS_GATEWAY_TEST_NODE", tmp_path)) / "node_modules"
    if not all(map(shutil.which, ("node", "java", "unzip", "openssl"))) or not (packages / "@smartdcc").is_dir():
        pytest.skip("DCC's npm tools are not here")
    (tmp_path / "node_modules").symlink_to(packages)
    page = (ROOT / "docs" / "how-to" / "keys.md").read_text(encoding="utf-8").partition("## DCC's npm tools")[2]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shell, gateway = block.split("duis-gateway init", 1)
    unpack = shell[shell.index("unzip") :]
    ran = subprocess.run(["bash", "-ec", unpack], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for command in re.findall(
        r"^duis-gateway (.*)$", ("duis-gateway init" + gateway).replace("\\\n", " "), re.MULTILINE
    ):
        done(*(tmp_path / word if word.startswith(("boxed", "xml-sign")) else word for word in command.split()))
    (tmp_path / "hubs.csv").write_text(TABLE, encoding="utf-8")
    config = tmp_path / "boxed" / "gateway.toml"
    done("inventory", "load", tmp_path / "hubs.csv", "--config", config)
    named = dict(re.findall(r"^export (\w+)=\$PWD/(.*)$", gateway, re.MULTILINE))
    keys = {name: str(tmp_path / file) for name, file in named.items()}
    ports = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
    process = GatewayProcess(config, tmp_path / "log", **keys, **ports)
    try:
        program = shutil.copy(ROOT / "examples" / "dcc_tools.mjs", tmp_path)
        ran = subprocess.run(
            ["node", program, process.url, HUB], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (ran.stdout, ran.stderr) == ("I0: 9001\n", "")
    finally:
        process.stop()
