"""What emails say and how they look.

How they are sent stands in `outbox`.
"""
