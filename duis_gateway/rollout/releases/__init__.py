"""Firmware releases: notice (A01), approval, closure and supersession (A11, A12), the states, and what follows.

DCC's decisions on a roll-out stand in `rollout_decisions`.
"""
