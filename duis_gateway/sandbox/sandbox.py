"""The sandbox: a world in a folder, and one command after another carried out in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from duis_gateway.client import CannotSend
from duis_gateway.config.settings import LogConfig
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import GatewayError, StoreUnusable
from duis_gateway.operations.logs import configure_logging
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from duis_gateway.partners.xml import format_time
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.sandbox import addresses, cast
from duis_gateway.sandbox.commands import BY_COMMAND, RESET
from duis_gateway.sandbox.folder import BEGUN, OPERATORS_WORD, Folder, party_token
from duis_gateway.sandbox.mails import Mails
from duis_gateway.sandbox.mocks.partner import NoGateway
from duis_gateway.sandbox.parameters import CannotBeDone, WrongCommand
from duis_gateway.sandbox.renewal import Renewal
from duis_gateway.sandbox.standing import hubs_of
from duis_gateway.sandbox.turn import Turn
from duis_gateway.sandbox.words import in_lines
from duis_gateway.sandbox.world import World
from duis_gateway.store.faults import is_damage

_LOOK = 0.25
_LOOKS = 8
_PATIENCE = 1.0


class Sandbox:
    """A sandbox at work; commands are carried out one at a time, whoever gives them."""

    def __init__(self, folder: Folder, gateway_port: int) -> None:
        """Begin in a folder that is open (GatewayError: a port is taken, or a file cannot be used)."""
        self.folder = folder
        self._end_log = configure_logging(LogConfig(file=folder.log))
        self._turn = threading.RLock()
        self._over = threading.Event()
        self.renewal = Renewal()
        self.world = World(folder, {"gateway": gateway_port})
        self.mails = Mails(folder.mails)
        self._keeper = threading.Thread(target=self._keep_up, name="sandbox", daemon=True)
        self._keeper.start()
        folder.tell_you(self.you())

    def stop(self) -> None:
        """End everything."""
        self._over.set()
        self._keeper.join()
        with self._turn:
            self.world.stop()
        self._end_log()
        self.folder.close()

    def _keep_up(self) -> None:
        """Let the CSPs do what others than commands brought about, and see who listens no more."""
        for looks in count():
            if self._over.wait(_LOOK):
                return
            if (self.world.chores.any() or looks % _LOOKS == 0) and self._turn.acquire(blocking=False):
                try:
                    addresses.drop_dead(self.world)
                    self.world.settle()
                finally:
                    self._turn.release()

    @property
    def is_alive(self) -> bool:
        """Whether the gateway runs; while a command is carried out, which may begin it anew, it is taken to."""
        if not self._turn.acquire(blocking=False):
            return True
        try:
            return self.world.is_alive
        finally:
            self._turn.release()

    # --- commands --------------------------------------------------------------------------------------------------

    def do(self, name: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command and return, as JSON has it, what was said, answered and sent.

        Raises:
            WrongCommand: there is no such command, or it was given wrongly.
        """
        if name == RESET.name:
            RESET.read(members)
            return self.reset()
        command = BY_COMMAND.get(name)
        if command is None:
            raise WrongCommand(f"there is no command {name[:40]!r}; there are {', '.join([*BY_COMMAND, RESET.name])}")
        values = command.read(members)
        with self._turn:
            seen, mails = self.world.traffic.look(), len(self.mails.all())
            turn, failed = Turn(self.world), None
            try:
                command.do(turn, **values)
            except (WrongCommand, CannotBeDone, NoGateway, CannotSend, OSError, ValueError) as error:
                if not turn.exchanges:
                    raise error if isinstance(error, CannotBeDone) else WrongCommand(_in_words(error)) from None
                failed = _in_words(error)  # beside what was said before, and brought about
            quiet = self.world.settle(patience=_PATIENCE)
            messages = self.world.traffic.messages(that=lambda one: one.number > seen or one.outbox in turn.again)
            return {
                "command": name,
                "clock": format_time(self.world.clock.now()),
                "answers": turn.exchanges,
                "notes": turn.notes,
                "failed": failed,
                "messages": messages,
                "mails": [one.told for one in self.mails.all()[mails:]],
                "quiet": quiet and not any(map(_is_under_way, messages)),
            }

    def reset(self) -> dict[str, Any]:
        """Begin anew, on the same ports; what was registered as a supplier's own address stays.

        Raises:
            CannotBeDone: a file cannot be written, and the sandbox has ended; or the gateway takes nothing.
        """
        with self._turn:
            with self.renewal.renewing():
                self._renew()
            self.begin()  # whoever is sent the first alerts may read what stands before they answer
            return {
                "command": RESET.name,
                "clock": format_time(self.world.clock.now()),
                "answers": [],
                "notes": ["the sandbox stands where it stood at first", *self._to_forget()],
                "failed": None,
                "messages": [],
                "mails": [],
                "quiet": True,
            }

    def _to_forget(self) -> Iterator[str]:
        """Yield what to do about programs that go on beside the sandbox, and know the ids that it gives again."""
        for name, url in self._own_addresses().items():
            yield (
                f"the alerts of {name} still go to {url}, and their ids begin again: a program there that recognises "
                "repeats has to forget what it has taken, or it refuses or passes over new ones; `sandbox replay` then "
                "sends again what was given up"
            )

    def _renew(self) -> None:
        ports, own = self.world.ports, self._own_addresses()
        self.world.stop()
        try:
            self.folder.clear()
            self.folder.make()
            self.world = World(self.folder, ports)
        except OSError as error:
            raise CannotBeDone(f"the sandbox has ended, as it cannot be begun anew: {_in_words(error)}") from None
        for name, url in own.items():
            addresses.set_url(self.world, cast.BY_NAME[name], url)

    def begin(self) -> bool:
        """Announce the first release, where none is; return whether that was so.

        Raises:
            CannotBeDone: the gateway did not take it.
        """
        if self._has_release():
            return False
        told = self.do("announce", {})
        if not self._has_release():
            why = "; ".join(line.text for line in in_lines(told) if line.bad)
            raise CannotBeDone(f"the first release could not be announced: {why}")
        return True

    def _has_release(self) -> bool:
        with self.world.store.read() as conn:
            return bool(releases.all_releases(conn))

    def _own_addresses(self) -> dict[str, str]:
        with self.world.store.read() as conn:
            urls = {one.eui: one.url for one in parties.all_parties(conn)}
        players = self.world.players
        return {one.name: urls[one.eui] for one in cast.SUPPLIERS if urls[one.eui] != players[one.name].url}

    # --- what is shown ---------------------------------------------------------------------------------------------

    def you(self) -> dict[str, str]:
        """Return what your own programs need to know: who you are, your files, and the gateway's doors."""
        folder, url = self.folder.you, self.world.url
        return {
            "eui": format_eui(cast.BY_NAME[cast.YOU].eui),
            "key": str(folder / "key.pem"),
            "certificate": str(folder / "certificate.pem"),
            "trust_anchor": str(folder / "anchor.pem"),
            "gateway_certificate": str(folder / "gateway.pem"),
            "gateway_eui": format_eui(cast.GATEWAY),
            "gateway": url,
            "plain_xml": f"{url}/api/v1/serviceD",
            "soap": f"{url}/soap",
            "wsdl": f"{url}/soap?wsdl",
            "supplier_pages": f"{url}/supplier",
            "token": str(self.folder.your_token),
        }

    def status(self) -> dict[str, Any]:
        """Return the whole of the sandbox as JSON has it, without its messages."""
        messages = self.world.traffic.look()
        with self.world.store.read() as conn:
            stats, failed_attempts = outbox_view.stats(conn), outbox_view.attempts_failed(conn)
            why_given_up = {eui: outbox_view.last_error(conn, "dead", eui) for eui in stats.dead}
            known = {one.eui: one for one in parties.all_parties(conn)}
            token_holds = parties.by_token_hash(conn, parties.token_hash(party_token(cast.YOU))) is not None
            every = releases.all_releases(conn)
            inventory = hubs_of(conn)
            last = activations.newest_outcomes(conn, inventory)
        return {
            "clock": format_time(self.world.clock.now()),
            "begun": self.folder.remembered().get(BEGUN),
            "gateway": self.world.url,
            "console": self.world.console,
            "console_token": OPERATORS_WORD,
            "party_token": party_token(cast.YOU) if token_holds else None,
            "folder": str(self.folder.path),
            "configuration": str(self.folder.config_file),
            "you": self.you(),
            "parties": [
                {
                    "name": one.name,
                    "eui": format_eui(one.eui),
                    "kind": str(one.kind),
                    "about": one.about,
                    "duis_version": str(one.duis_version) if one.roles else None,
                    "url": known[one.eui].url,
                    "own": known[one.eui].url != self.world.players[one.name].url,
                    "listens": addresses.are_passing(self.world, one),
                    "control": f"{self.world.players[one.name].url}mock/v1/",
                    "gateway": self.world.players[one.name].gateway,
                    "behaviour": self.world.players[one.name].behaviour,
                    "waiting": stats.left_for(one.eui),
                    "tried_now": stats.tried_now(one.eui),
                    "given_up": stats.dead.get(one.eui, 0),
                    "given_up_why": why_given_up.get(one.eui),
                }
                for one in cast.CAST
            ],
            "releases": list(map(_release, every)),
            "hubs": [
                {
                    "number": cast.hub_name(one.device_id),
                    "device": format_eui(one.device_id),
                    "model": one.model,
                    "version": one.firmware_version,
                    **_failure(last.get(one.device_id)),
                    "status": one.status,
                    "region": one.csp_region,
                    "import_supplier": cast.name_of(one.import_supplier or 0),
                    "gas_supplier": cast.name_of(one.gas_supplier or 0),
                }
                for one in inventory.values()
            ],
            "messages": messages,
            "mails": len(self.mails.all()),
            "failed_attempts": failed_attempts,
        }


def _failure(last: RecordedOutcome | None) -> dict[str, str | None]:
    """Why a hub's last outcome was none, and under which release; None where it was one or there is no outcome."""
    if last is None or last.outcome.success:
        return {"failed": None, "failed_under": None}
    return {"failed": last.outcome.failure_reason or "no reason given", "failed_under": last.release_id}


def _release(one: Release) -> dict[str, Any]:
    return {
        "release": one.release_id,
        "revision": one.revision,
        "model": one.model,
        "version": one.firmware_version,
        "state": one.state.value,
        "paused": one.paused,
        "pilot_start": format_time(one.pilot.period.start) if one.pilot else None,
        "pilot_end": format_time(one.pilot.period.end) if one.pilot else None,
        "automatic_date": format_time(one.automatic_date),
    }


def open_sandbox(path: Path, gateway_port: int, *, fresh: bool = False) -> Sandbox:
    """Begin a sandbox in a folder, or go on with the one that is there; `fresh` begins anew.

    Raises:
        GatewayError: the folder is not a sandbox's or in use, or a port is taken.
    """
    folder = Folder(path)
    folder.open(fresh=fresh)
    try:
        return Sandbox(folder, gateway_port)
    except GatewayError as error:
        folder.close()
        if isinstance(error, StoreUnusable) or is_damage(error.__cause__):
            raise StoreUnusable(f"{error}; --fresh begins anew in this folder") from None
        raise


def _is_under_way(message: Mapping[str, Any]) -> bool:
    """Whether a message is on its way; one that waits because its party has failed to take something is not."""
    return message["state"] == "in_flight" or (message["state"] == "pending" and message["error"] is None)


def _in_words(error: Exception) -> str:
    """Return what went wrong; of a file, which and why."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
