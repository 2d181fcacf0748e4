"""Indexes from which an estate of millions of hubs is counted by kind, without a look at the hubs themselves."""

from __future__ import annotations

from alembic import op

revision = "0007_kinds"
down_revision = "0006_pieces"
branch_labels = None
depends_on = None

KIND = ["model_id", "csp_region", "firmware_version", "status", "device_type"]


def upgrade() -> None:
    op.create_index("ix_hub_of_import_supplier", "hub", ["import_supplier", *KIND], unique=False)
    op.create_index("ix_hub_of_gas_supplier", "hub", ["gas_supplier", *KIND, "import_supplier"], unique=False)
    op.drop_index("ix_hub_import_supplier_model_id_csp_region", "hub")
    op.drop_index("ix_hub_gas_supplier_model_id_csp_region", "hub")
