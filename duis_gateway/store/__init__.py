"""The database itself: engine, group commit, bulk statements, types, tables and migrations.

It knows no rules; a subject's statements stand in its room.
"""
