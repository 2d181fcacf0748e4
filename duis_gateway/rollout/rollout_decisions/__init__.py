"""What DCC decides on a roll-out, how its stages went, and suppliers' incidents (A06 to A10, X03, X04).

The states of a release stand in `releases`.
"""
