"""Deployment groups with their periods: the CSPs' schedules (A03, A08) and the suppliers' instructions (A05, SRV 11.6).

What a CSP decides on an instruction stands in `schedule_decisions`.
"""
