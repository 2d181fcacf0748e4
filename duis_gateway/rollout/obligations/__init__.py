"""What each supplier owes a pilot, what it has provided, and what follows when it falls short (PIA-A8, PIA-A9).

When it is due is shown in `deadlines`.
"""
