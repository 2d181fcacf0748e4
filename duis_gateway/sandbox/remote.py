"""The way to a running sandbox, for commands that are given in another terminal."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from duis_gateway.errors import ConfigurationError, GatewayError
from duis_gateway.text.controls import one_line
from duis_gateway.text.json_reader import read_json

DEFAULT_PORT = 8078
_SECONDS = 300.0


class CommandFailed(GatewayError):
    """The sandbox could not do what it was told; the text says why."""


class NotNow(CommandFailed):
    """The sandbox cannot answer just now, as it is being reset; the same may be asked again."""


_ERRORS: Mapping[int, type[GatewayError]] = {
    HTTPStatus.BAD_REQUEST: ConfigurationError,
    HTTPStatus.NOT_FOUND: ConfigurationError,
    HTTPStatus.SERVICE_UNAVAILABLE: NotNow,
}


class Remote:
    """A sandbox on this machine, by the port of its page; an answer is waited for so many seconds."""

    def __init__(self, port: int, seconds: float = _SECONDS) -> None:
        self._port = port
        self._seconds = seconds
        self.url = f"http://127.0.0.1:{port}"

    def do(self, command: str, members: Mapping[str, Any]) -> Any:
        """Carry out a command, and return what came of it (errors as `get`); what is None was not given."""
        given = {name: value for name, value in members.items() if value is not None}
        try:
            body = json.dumps(given, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ConfigurationError(f"what {command} was given is not UTF-8") from None
        return self._ask("POST", f"/v1/{command}", body)

    def get(self, path: str) -> Any:
        """Return what the sandbox has there.

        Raises:
            ConfigurationError: no sandbox listens there, or the command was given wrongly.
            CommandFailed: it could not do it.
            NotNow: it is being reset.
        """
        return self._ask("GET", path, None)

    def status(self) -> Any:
        """Return how the sandbox stands (errors as `get`)."""
        found = self.get("/v1/status")
        if not isinstance(found, dict) or not {"parties", "you"} <= found.keys():
            raise self._is_another()
        return found

    def _is_another(self, why: str = "") -> CommandFailed:
        return CommandFailed(f"what listens on port {self._port} does not answer as a sandbox{why}")

    def _is_gone(self) -> bool:
        """Whether nobody listens there any more."""
        try:
            socket.create_connection(("127.0.0.1", self._port), self._seconds).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._seconds)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            content = read_json(answer.read())
        except ConnectionRefusedError:
            raise ConfigurationError(
                f"no sandbox listens on port {self._port}: start one with `duis-gateway sandbox`, or name its --port"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._is_gone():
                raise CommandFailed(f"the sandbox on port {self._port} ended while the command ran") from None
            raise self._is_another(f": {one_line(str(error))[:80]}") from None
        finally:
            connection.close()
        if answer.status == HTTPStatus.OK:
            return content
        detail = str(content.get("detail", content)) if isinstance(content, dict) else str(content)
        raise _ERRORS.get(answer.status, CommandFailed)(detail)
