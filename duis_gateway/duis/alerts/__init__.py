"""DCC Alerts, one file per alert: its codes, its body, its XML, and its words for people.

`table.py` lists them; `prepare.py` turns a body into what one recipient gets. What raises an alert is in `rollout`.
"""
