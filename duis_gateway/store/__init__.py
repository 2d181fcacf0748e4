"""Tables, queries and migrations; knows no rules."""
