"""Alembic's migrations. The newest one says which gateways work on the tables that it leaves.

A gateway is known by its newest migration. `oldest_gateway` in a migration is the oldest that goes on working, without
a stop, while this one runs and afterwards; where there is no such name, only gateways with this migration do.
docs/how-to/extending.md says what such a migration may do.
"""
