"""The command line: one module a command group.

A command asks the rooms and prints; it decides nothing.
"""
