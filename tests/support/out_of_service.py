"""How a gateway that cannot work for now shows it: at its doors, and to those who watch it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import urllib3

from tests.support.ledger import Client, Outgoing
from tests.support.processes import PATIENCE, GatewayProcess
from tests.support.writing import wait_until


def checks(gateway: GatewayProcess) -> tuple[bool, Mapping[str, Mapping[str, object]]]:
    """Return whether the gateway says that it is ready, and what it says of each thing it needs."""
    answer = urllib3.request("GET", f"{gateway.operations_url}/health/ready", retries=False, timeout=30)
    assert answer.status in (200, 503)
    return answer.status == 200, json.loads(answer.data)["checks"]


def assert_out_of_service(gateway: GatewayProcess, client: Client, message: Outgoing) -> None:
    """The gateway refuses the message for now, is not ready because of its database, and is alive."""
    assert_come_again(client, message)
    wait_until(lambda: not checks(gateway)[0], PATIENCE)
    live = urllib3.request("GET", f"{gateway.operations_url}/health/live", retries=False, timeout=1)
    assert live.status == 200


def assert_come_again(client: Client, message: Outgoing) -> None:
    """The gateway answers 503 and says when to come again."""
    answered = client.try_once(message)
    assert answered is not None
    status, headers, _ = answered
    assert status == 503
    assert int(headers["Retry-After"]) > 0
