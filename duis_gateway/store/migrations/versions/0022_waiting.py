"""The ends of what was instructed before the gateway looked at them: one half of a split hub waits for the other.

What is over already is looked at as well, once; a row that no hub is planned for goes with its end.
"""

from __future__ import annotations

from alembic import op

revision = "0022_waiting"
down_revision = "0021_since"
branch_labels = None
depends_on = None

_PERIODS = """
INSERT INTO told_plan (release_id, stage, basis, standing, starts, ends)
SELECT asked.release_id, asked.stage, 'Suppliers', 'Requested', asked.starts, asked.ends
FROM (
    SELECT release_id, stage, starts, ends FROM instruction
    UNION
    SELECT instruction.release_id, instruction.stage, group_say.starts, group_say.ends
    FROM group_say JOIN instruction ON instruction.id = group_say.instruction_id
    WHERE group_say.ends IS NOT NULL
    UNION
    SELECT instruction.release_id, instruction.stage, piece_say.starts, piece_say.ends
    FROM piece_say JOIN instruction ON instruction.id = piece_say.instruction_id
    WHERE piece_say.ends IS NOT NULL
    UNION
    SELECT release_id, 'Pilot', starts, ends FROM pilot_selection
) AS asked
JOIN release ON release.release_id = asked.release_id
WHERE release.state IN ('notified', 'approved', 'piloting', 'safe_launch') AND NOT EXISTS (
    SELECT 1 FROM told_plan AS known
    WHERE known.release_id = asked.release_id AND known.stage = asked.stage AND known.basis = 'Suppliers'
    AND known.standing = 'Requested' AND known.starts = asked.starts AND known.ends = asked.ends
)
"""


def upgrade() -> None:
    op.execute(_PERIODS)
