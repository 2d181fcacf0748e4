"""Service Requests, one file a request: its body, how it is read, who may send it.

`table.py` lists those that are served; `request.py` reads a whole document. What a request brings about stands in the
room of its subject in `rollout`.
"""
