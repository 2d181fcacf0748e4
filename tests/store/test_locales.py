"""Python reads the names of files as the locale says, and SQLite as UTF-8: neither may take one for another."""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SORTS = """
import os, sys
from pathlib import Path
from duis_gateway.errors import ConfigurationError
from duis_gateway.store.engine import Store

try:
    store = Store.open(f"sqlite:///{os.fsdecode(bytes.fromhex(sys.argv[1]))}/gateway.db")
except ConfigurationError as error:
    print(ascii(str(error)))
    raise SystemExit
store.migrate()
with store.read() as connection:
    much = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    with connection.exec_driver_sql(f"{much} SELECT i, hex(i) AS h FROM n ORDER BY h") as rows:
        rows.fetchone()
        held = {os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}
print(*sorted({os.path.dirname(os.fsencode(one)).hex() for one in held if "etilqs" in one}))
"""


def ran(name: str, folder: bytes) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "LC_ALL": name, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-c", SORTS, folder.hex()]
    return subprocess.run(words, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=True)


def there(name: str) -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True


@pytest.mark.may_skip_in_ci("few machines have a locale in Latin-1")
@pytest.mark.parametrize("name", ["C", "C.UTF-8", "en_US.ISO-8859-1"])
def test_temporary_data_lies_beside_the_database_in_every_locale(tmp_path: Path, name: str) -> None:
    """Warned was of a folder that was none, or refused was the path as not UTF-8."""
    if not there(name):
        pytest.skip(f"this machine has no locale {name}")
    folder = os.fsencode(tmp_path) + "/dé".encode()
    os.mkdir(folder)
    done = ran(name, folder)
    assert (done.stdout.strip(), done.stderr) == (folder.hex(), "")


@pytest.mark.parametrize("name", ["C", "C.UTF-8"])
def test_a_path_that_is_no_utf8_is_refused(tmp_path: Path, name: str) -> None:
    folder = os.fsencode(tmp_path) + "/dé".encode("latin-1")
    os.mkdir(folder)
    assert "is not UTF-8, as SQLite needs it" in ran(name, folder).stdout
