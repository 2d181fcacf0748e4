"""What operators see and keep in order: health, metrics, console, logs, flags, pruning.

Nothing here takes messages in.
"""
