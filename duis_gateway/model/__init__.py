"""The field's own things as plain, frozen dataclasses; no I/O, no rules."""
