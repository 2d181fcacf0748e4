"""Who may use a party's control door, which asks for no password: programs on this machine, no page in a browser."""

from __future__ import annotations

import ipaddress
from typing import Any

from duis_gateway.text.origins import asked_as_here, from_another_site


def not_for(environ: dict[str, Any]) -> str | None:
    """Return why whoever sends this request (PEP 3333) may not use a control door; None: they may."""
    if not ipaddress.ip_address(environ["REMOTE_ADDR"]).is_loopback:
        return "the control door is for this machine only"
    host = str(environ.get("HTTP_HOST", ""))
    listening = str(environ["SERVER_NAME"])
    if not asked_as_here(host, f"[{listening}]" if ":" in listening else listening):
        return "the control door answers under 127.0.0.1, localhost and the name that it listens by alone"
    told = {"sec-fetch-site": "HTTP_SEC_FETCH_SITE", "origin": "HTTP_ORIGIN"}
    headers = {name: str(environ[key]) for name, key in told.items() if key in environ}
    if from_another_site(environ["REQUEST_METHOD"], host, headers):
        return "this comes from another site's page"
    return None
