"""What the mock CSP knows of its hubs, from an inventory file."""

from __future__ import annotations

from pathlib import Path

import pytest

from csp_mgmt_gw.hubs import Hubs, HubsUnusable
from duis_gateway.rollout.hubs.inventory_lines import HEADER

GOOD = "90-B3-D5-1F-30-00-00-01,CHF,Acme,Hub1,01020304,Commissioned,North,,"


def test_the_hubs_of_its_regions_are_read(tmp_path: Path) -> None:
    file = tmp_path / "hubs.csv"
    file.write_text(f"{','.join(HEADER)}\n{GOOD}\n\n{GOOD.replace('00-01', '00-02').replace('North', 'South')}\n")
    assert list(Hubs.load(file, ["North"]).hubs) == [0x90B3D51F30000001]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{GOOD},", "line 3: 10 fields where the header has 9"),
        (GOOD[:-1], "line 3: 8 fields where the header has 9"),
        (GOOD.partition("North")[0], "line 3: 7 fields where the header has 9"),
        (GOOD.replace("Acme", '"Acme"x'), "line 3: ',' expected after"),
        (GOOD.replace("90-B3", "90B3"), "line 3: not an EUI-64"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "hubs.csv"
    file.write_text(f"{','.join(HEADER)}\n{GOOD}\n{line}\n")
    with pytest.raises(HubsUnusable, match=words):
        Hubs.load(file, ["North"])
