"""Hubs that a supplier lets into no pilot and no period: its own list, kept from everybody else.

What comes in is the supplier's list, by the party door or by command; what the other rooms ask is which hubs it holds.
"""
