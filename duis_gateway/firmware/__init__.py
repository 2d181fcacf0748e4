"""The roll-out rules: pure functions over plain dataclasses."""
