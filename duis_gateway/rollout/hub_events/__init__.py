"""What became of hubs' instructions and plans, kept when it stands no more: what is left of it is a hub's history.

Nothing comes in. Whoever ends what stands notes it here, in the same transaction.
"""
