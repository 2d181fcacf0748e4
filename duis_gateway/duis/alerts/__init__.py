"""DCC Alerts, one file an alert: its codes, its body, how it stands in XML, and its words for people.

`table.py` lists them; `prepare.py` makes what one recipient gets of a body. What raises an alert stands in `rollout`.
"""
