"""The dates of a release that a notice put into the past: out of its history, into a table of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0023_past_dates"
down_revision = "0024_trace"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NOTED = " put into the past"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    op.create_table(
        "past_date",
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("date", _COUNTED, autoincrement=False, nullable=False),
        sa.Column("noticed_at", _COUNTED, nullable=False),
        sa.PrimaryKeyConstraint("release_id", "date", name="pk_past_date"),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_past_date_release_id"),
    )
    connection = op.get_bind()
    noted = sa.text("SELECT release_id, at, event FROM release_event WHERE event LIKE :noted ORDER BY id")
    found = {
        (row.release_id, _stored(row.event.removesuffix(_NOTED))): row.at
        for row in connection.execute(noted, {"noted": f"%{_NOTED}"})
    }
    put = sa.text("INSERT INTO past_date (release_id, date, noticed_at) VALUES (:release_id, :date, :at)")
    for (release_id, date), at in found.items():
        connection.execute(put, {"release_id": release_id, "date": date, "at": at})
    connection.execute(sa.text("DELETE FROM release_event WHERE event LIKE :noted"), {"noted": f"%{_NOTED}"})


def _stored(date: str) -> int:
    return (datetime.fromisoformat(date) - _EPOCH) // timedelta(microseconds=1)
