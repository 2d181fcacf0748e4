"""DUIS: Service Requests, Responses and DCC Alerts, between dataclasses and XML.

What they bring about is the affair of `rollout`.
"""
