"""When each hub is updated, and why: worked out from everything that was instructed and decided.

Nothing is decided here.
"""
