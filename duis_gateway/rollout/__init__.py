"""The field itself: a room a subject, each with its records, its rules, its tables and what handles its messages.

Rules are pure: the clock is handed in, and nothing here knows of doors or of HTTP.
"""
