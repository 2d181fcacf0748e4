"""What emails say and how they look.

How they are sent is in `outbox`.
"""
