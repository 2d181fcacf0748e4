"""Runs the migrations on the connection that `duis_gateway.store.migrate` hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from duis_gateway.store.rollout_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
