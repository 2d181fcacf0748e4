"""Which hubs are in a pilot: the CSPs' default lists (A02) and the suppliers' preferred lists (A04, SRV 11.5).

When they are updated is the affair of `schedules`.
"""
