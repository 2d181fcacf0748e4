"""Hubs with two suppliers: the joint period, and what each learns of the other's instruction (X06, told as N73).

Instructions come in by `schedules` and `direct_instructions`.
"""
