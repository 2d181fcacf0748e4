"""The operators' listener: health, metrics and the console. It is never on the public listener (design section 4).

Health needs the process alone, and what was seen last: it is answered in the loop, whatever the threads wait for.
Metrics have a worker of their own, so that no page of the console (`operations.console`) holds them up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from math import inf
from time import monotonic

from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Checks

_READ = ("GET", "HEAD")
_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


def operations_app(
    metrics: Metrics, readiness: Callable[[], Checks], console: Iterable[Route] = (), installation: str = ""
) -> Edge:
    """Return the application of the operations listener; `console` has the routes of its pages.

    `installation` is what tells this gateway from others (`config.installation`).
    `readiness` is asked in the server's loop: it must tell what is known, and wait for nothing.
    """

    def live(_request: HttpRequest) -> Answer:
        return _json(200, {"status": "alive"})

    def ready(_request: HttpRequest) -> Answer:
        checks = readiness()
        good = all(check.ok for check in checks.values())
        said = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
        told = {"status": "ready" if good else "not ready", "checks": said, "installation": installation}
        return _json(200 if good else 503, told)

    exposition = _Exposition(metrics)
    # `/health` is what a monitor asks that knows of one address only.
    served: dict[str, Callable[[HttpRequest], Answer]] = {
        "/health": ready,
        "/health/live": live,
        "/health/ready": ready,
        "/metrics": exposition,
    }
    routes = [
        Route(path, "operations", path, _READ, serve, waits=serve is exposition, apart=serve is exposition)
        for path, serve in served.items()
    ]
    return Edge([*routes, *console], metrics, access_lines=False)


class _Exposition:
    """What is written out once is for everybody who had asked before: many may ask, and to write it takes milliseconds.

    One worker calls this (`apart`), so that nothing is locked.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._written: dict[str, tuple[float, bytes]] = {}  # by media type, of which there are few

    def __call__(self, request: HttpRequest) -> Answer:
        accept = request.headers.get("accept", "")
        media_type = self._metrics.media_type(accept)
        began, content = self._written.get(media_type, (-inf, b""))
        if began <= request.arrived:
            began = monotonic()
            _, content = self._metrics.exposition(accept)
            self._written[media_type] = began, content
        return Answer(200, media_type, content, (*_FRESH, ("Vary", "Accept")))


def _json(status: int, content: Mapping[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(content).encode() + b"\n", _FRESH)
