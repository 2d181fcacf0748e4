"""Other versions of the gateway's code: the one before the newest migration, and one that does not exist yet."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from alembic.script import ScriptDirectory

from duis_gateway.store import migrate
from tests.support.processes import ROOT

PACKAGES = ("duis_gateway", "schemas", "esi", "csp_mgmt_gw")
_MIGRATIONS = "duis_gateway/store/migrations/versions"
_NEXT = """\
import sqlalchemy as sa
from alembic import op

revision = "9999_next"
down_revision = "{newest}"
branch_labels = None
depends_on = None
oldest_gateway = "{newest}"


def upgrade():
    op.create_table("of_next", sa.Column("id", sa.Integer(), primary_key=True))
    for name in ("hub", "outbox", "service_request", "partner_message", "release", "party", "planned_hub"):
        op.add_column(name, sa.Column("of_next", sa.Text()))
        op.execute(f"UPDATE {{name}} SET of_next = 'filled'")
    op.create_index("ix_hub_of_next", "hub", ["of_next"])
"""


def next_version(folder: Path) -> Path:
    """Return a copy of the code with one migration more, which touches what every message touches."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = _NEXT.format(newest=migrate.newest_revision())
    (folder / _MIGRATIONS / "9999_next.py").write_text(text, encoding="utf-8")
    return folder


def oldest_gateway() -> str:
    """Return the oldest version that the newest migration lets run on, by its newest migration."""
    newest = ScriptDirectory.from_config(migrate.configuration()).get_revision("head")
    assert newest is not None
    return str(getattr(newest.module, "oldest_gateway", newest.revision))


def version_of(revision: str, folder: Path) -> Path | None:
    """Return the code as it was last when this was its newest migration; None: no repository here goes back as far."""
    if not (ROOT / ".git").exists():
        return None
    scripts = ScriptDirectory.from_config(migrate.configuration())
    (following,) = [one for one in scripts.walk_revisions() if one.down_revision == revision]
    file = f"{_MIGRATIONS}/{Path(following.path).name}"
    added = _git("log", "--diff-filter=A", "--format=%H", "--", file).decode().split()
    commit = f"{added[-1]}^" if added else "HEAD"  # the migration may not be committed yet
    if added and not _git("rev-parse", "--verify", "--quiet", commit, check=False):
        return None
    packed = _git("archive", "--format=tar", commit, *PACKAGES)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*words: str, check: bool = True) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, check=check).stdout
