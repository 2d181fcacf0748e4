"""The regression pack: clauses of DUIS and of Option 1, played against any gateway over HTTP, and the reports of it."""
