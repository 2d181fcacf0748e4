"""The audit log: every message in and out with its answer, hash-chained, under checkpoints that the gateway signs.

Whoever records a message in a table lays what is said of it (`recording`) into the same transaction; a sealer appends
what is committed to the chain, and signs a checkpoint each minute. `verification` follows the chain, in the database
or in an export, and compares it with the stored messages.
"""
