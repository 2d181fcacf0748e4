"""`duis-gateway sandbox`: begins one, says where everything is, and ends it on Ctrl-C."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from duis_gateway.errors import ConfigurationError, GatewayError
from duis_gateway.machine.signals import ProcessSignals, Stop
from duis_gateway.sandbox import control
from duis_gateway.sandbox.demo.play import Screen
from duis_gateway.sandbox.remote import Remote
from duis_gateway.sandbox.sandbox import open_sandbox
from duis_gateway.sandbox.scenario import Scenario, Stage, Step, play
from duis_gateway.sandbox.words import forget_first
from duis_gateway.text.counts import counted

_LOOK = 0.5
_PATIENCE = 2.0


def run(
    workdir: Path, port: int, *, fresh: bool, scenario: Scenario | None, echo: Callable[[str], None], screen: Screen
) -> int:
    """Run a sandbox until SIGTERM or SIGINT, and return the exit code; one that is begun plays the scenario first.

    Raises:
        GatewayError: the folder is not a sandbox's or in use, a port is taken, the first release was not taken, or
            the gateway has ended by itself.
    """
    stop = Stop()
    ProcessSignals(stop)
    if port:
        _check_ports(port, port + 1)
    echo(f"Starting a sandbox in {workdir}; it takes a few seconds.")
    sandbox = open_sandbox(workdir, port and port + 1, fresh=fresh)
    try:
        try:
            listener = control.listen(sandbox, port)
        except OSError as error:
            raise unusable(port, error) from None
        if sandbox.begin() and scenario is not None:
            play(scenario, sandbox, teller(screen))
        listener.start()
        for line in (*overview(sandbox.status()), "", f"The page and the API: http://{control.HOST}:{listener.port}/"):
            echo(line)
        echo("Ctrl-C ends it; the same command goes on with it.")
        while not stop.wait(_LOOK) and sandbox.is_alive:
            pass
        asked_to = stop.is_told
        stop.tell()
        listener.stop(stop.deadline)
    finally:
        sandbox.stop()
    if not asked_to:
        raise GatewayError(f"the gateway has ended: {sandbox.folder.log} may say why; the same command goes on with it")
    return 0


def _check_ports(*ports: int) -> None:
    """See that the ports are free, before anything is made (ConfigurationError: one is not)."""
    for port in ports:
        try:
            socket.create_server((control.HOST, port)).close()
        except OSError as error:
            raise unusable(port, error) from None


def unusable(port: int, error: OSError) -> ConfigurationError:
    """Return what to say of a port that cannot be used: who has it, as far as it can be seen, and what to do."""
    for page in (port, port - 1):  # a sandbox has the port of its page, and the next one
        with suppress(GatewayError):
            folder = Remote(page, _PATIENCE).status()["folder"]
            return ConfigurationError(
                f"a sandbox runs on port {page} already, in {folder}: stop it, or name another --port and --workdir"
            )
    why = os.strerror(error.errno or 0)
    return ConfigurationError(f"port {port} cannot be used: {why}; stop what has it, or name another --port")


def run_scenario(scenario: Scenario, port: int | None, screen: Screen) -> bool:
    """Play a scenario and return whether it held: in a sandbox of its own, or in one that runs, which is reset.

    Raises:
        GatewayError: no sandbox listens on the port, or none can be begun.
    """
    if port is not None:
        remote = Remote(port)
        for note in remote.do("reset", {})["notes"][1:]:
            screen.line(note)
        return _play(scenario, remote, screen)
    with TemporaryDirectory(prefix="duis-sandbox-") as folder:
        sandbox = open_sandbox(Path(folder) / "work", 0)
        try:
            sandbox.begin()
            return _play(scenario, sandbox, screen)
        finally:
            sandbox.stop()


def _play(scenario: Scenario, stage: Stage, screen: Screen) -> bool:
    screen.line(scenario.title)
    good = play(scenario, stage, teller(screen))
    steps = counted(len(scenario.steps), "step")
    screen.step("", steps, "all held" if good else "NOT all held", good=good)
    return good


def teller(screen: Screen) -> Callable[[Step, list[str]], None]:
    """Return what tells a scenario's steps on a screen."""

    def tell(step: Step, differences: list[str]) -> None:
        held = not differences
        if step.act:
            screen.title(step.act)
        screen.step(f"{step.number:>3}. ", step.say, "held" if held else "NOT HELD", good=held)
        for one in differences:
            screen.line(f"       {one}", 7)

    return tell


def _token(status: Mapping[str, Any]) -> str:
    """Return the token that opens the supplier's pages and the party door, and where it lies."""
    token = status["party_token"]
    if token is None:
        return "the one that `duis-gateway party token` printed last"
    return f"{token}, the password of your pages (without a user name); in {status['you']['token']}"


def overview(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say where everything is."""
    you = status["you"]
    yield f"The clock stands at {status['clock']}."
    for one in status["releases"]:
        paused = ", paused" if one["paused"] else ""
        pilot = f"; pilot until {one['pilot_end'][:10]}" if one["pilot_end"] else ""
        state = one["state"].replace("_", " ")
        yield f"Release {one['release']} of {one['model']} to {one['version']}: {state}{paused}{pilot}"
    yield ""
    yield f"You are       {you['eui']}"
    yield f"your key      {you['key']}"
    yield f"certificate   {you['certificate']}"
    yield f"trust anchor  {you['trust_anchor']}"
    yield f"the gateway   {you['gateway_eui']}, {you['gateway_certificate']}"
    yield f"  plain XML   {you['plain_xml']}"
    yield f"  SOAP        {you['soap']}"
    yield f"your pages    {you['supplier_pages']}"
    yield f"party token   {_token(status)}"
    yield ""
    for one in status["parties"]:
        version = f", DUIS {one['duis_version']}" if one["duis_version"] else ""
        behaviour = "" if one["own"] or one["behaviour"] == "normal" else f"; {one['behaviour']}"
        sends = "" if one["gateway"] == status["gateway"] else f"; sends to {one['gateway']}"
        waiting = f"; {one['waiting']} waiting" if one["waiting"] else ""
        first = forget_first(one["given_up_why"])
        replay = f"{first}; then `sandbox replay`" if first else "`sandbox replay`"
        given_up = f"; {one['given_up']} given up ({replay} sends them again)" if one["given_up"] else ""
        yield f"{one['name']:<8} {one['eui']}{version}: {one['url']}{behaviour}{sends}{waiting}{given_up}"
    yield f"The gateway's console: {status['console']}; the operators' token there: {status['console_token']}"
    yield f"The gateway's configuration: {status['configuration']}"
