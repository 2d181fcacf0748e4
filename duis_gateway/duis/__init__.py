"""DUIS: Service Requests, Responses and DCC Alerts, between dataclasses and XML."""
