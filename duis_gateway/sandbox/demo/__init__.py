"""The demonstration: real parties in processes of their own, and the story that they play.

It speaks with the gateway over HTTP alone, by the adapter kit.
"""
