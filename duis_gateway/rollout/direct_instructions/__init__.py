"""Hubs that DCC names itself: a batch, or what it chooses on a supplier's behalf (X08).

Suppliers' own instructions stand in `schedules`.
"""
