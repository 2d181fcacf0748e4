"""What runs in a sandbox: a gateway as it runs anywhere, every party and a mail catcher, over real HTTP and SMTP.

All of it is in this process, so that it starts in a second or two and ends together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert

import csp_mgmt_gw.messages as csp_messages
from duis_gateway.app import Gateway
from duis_gateway.clock import LATEST, FileClock, write_clock
from duis_gateway.config.database import open_store
from duis_gateway.config.settings import Config
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.machine.identities import counted_identities
from duis_gateway.machine.signals import Stop
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.inventory_file import export_csv
from duis_gateway.sandbox import cast
from duis_gateway.sandbox.demo import mailbox
from duis_gateway.sandbox.folder import VALID, Folder, party_token, with_ports
from duis_gateway.sandbox.mocks.behaviour import NORMAL
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.parameters import WrongCommand
from duis_gateway.sandbox.players import Chores, Player, make_players
from duis_gateway.sandbox.traffic import Traffic
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import alert_counter

SETTLING_SECONDS = 20.0
_LOOK = 0.02
_AT_ONCE = 500
_DAY = timedelta(days=1)
_FARTHEST = timedelta(days=3653)  # day by day, that takes a minute or two
_COUNTED_FROM = 10**15
"""ResponseIDs go on from here: above any time in milliseconds, below which their numbers never lie."""


class World:
    """The gateway, the parties and the mail catcher of one folder, from `__init__` to `stop`."""

    def __init__(self, folder: Folder, ports: Mapping[str, int]) -> None:
        """Make everything, listening at these ports where they are named, and begin.

        Raises:
            GatewayError: a port is taken, or a file of the folder cannot be used.
        """
        self.folder = folder
        self._identities = ExitStack()
        self._identities.enter_context(counted_identities(f"duis-gateway sandbox {folder.count_run()}"))
        self.clock = FileClock(folder.clock)
        self.chores = Chores()
        recorder = Recorder(folder.mails)
        self._relay = mailbox.listen(recorder, cast.GATEWAY, ("127.0.0.1", ports.get("mail", 0)))
        self._stop = Stop()
        wanted = {"gateway": ports["gateway"], "operations": ports.get("operations", 0), "mail": self._mail_port}
        config = folder.configure(wanted)
        try:
            self._fill(config)
        except BaseException:
            self._relay.server_close()
            self._identities.close()
            raise
        self._gateway = Gateway(config)
        self.store: Store = self._gateway.store
        assert self._gateway.scheduler is not None, "a gateway with doors has a scheduler"
        self._scheduler = self._gateway.scheduler
        public, operations = self._gateway.servers
        self.url = f"http://127.0.0.1:{public.port}"
        self.console = f"http://127.0.0.1:{operations.port}/"
        self.config = with_ports(config, public.port, operations.port)
        folder.configure({**wanted, "gateway": public.port, "operations": operations.port})
        self.players = {one.member.name: one for one in make_players(folder, self.url, ports, self.chores)}
        self.traffic = Traffic(self.store)
        self._register()
        self._remind_csps()
        self._begin()

    @property
    def _mail_port(self) -> int:
        return int(self._relay.server_address[1])

    @property
    def ports(self) -> dict[str, int]:
        """The port of each listener, for the next run."""
        urls = {"gateway": self.url, "operations": self.console}
        urls |= {name: player.url for name, player in self.players.items()}
        return {"mail": self._mail_port} | {name: urlsplit(url).port or 0 for name, url in urls.items()}

    # --- beginning and end -----------------------------------------------------------------------------------------

    def _fill(self, config: Config) -> None:
        """Make the tables, and load the inventory where it is empty; the file shows what is loaded."""
        store = open_store(config, check=False)
        try:
            store.migrate()
            with store.write() as conn:
                # The folder is this process's alone: what a killed one was delivering is due at once.
                outbox.recover_expired(conn, 0.0)
                if not hubs.count(conn):
                    hubs.upsert(conn, cast.hubs())
                    counters = [{"recipient": one.eui, "value": _COUNTED_FROM} for one in cast.CAST]
                    conn.execute(insert(alert_counter), counters)
            export_csv(store, self.folder.inventory)
        finally:
            store.close()

    def _register(self) -> None:
        """Register the parties; one whose URL somebody has changed keeps it."""
        remembered = self.folder.remembered()
        own: dict[str, str] = remembered.get("urls", {})
        with self.store.write() as conn:
            for name, player in self.players.items():
                known = parties.find(conn, player.member.eui)
                if known is None:
                    self._add(conn, player)
                elif known.url == own.get(name):
                    parties.update(conn, replace(known, url=player.url))
        urls = {name: player.url for name, player in self.players.items()}
        self.folder.remember({**remembered, "urls": urls})

    def _add(self, conn: Connection, player: Player) -> None:
        member = player.member
        parties.add(conn, member.registered(player.url))
        parties.set_token_hash(conn, member.eui, parties.token_hash(party_token(member.name)))
        own = read_certificate_file(self.folder.pki / f"{member.stem}.pem")
        certificates.add(conn, RegisteredCertificate(member.eui, own.der, own.issuer_key, own.serial))

    def _remind_csps(self) -> None:
        """Tell the CSPs what they took in an earlier run: what is planned for their hubs they keep in memory."""
        csps = {one.member.eui: one.csp for one in self.players.values() if one.csp is not None}
        with self.store.read() as conn:
            newest = 0
            while entries := outbox_view.entries(conn, after=newest, limit=_AT_ONCE):
                newest = entries[-1].id
                for one in entries:
                    sent = outbox_view.find(conn, one.id) if one.recipient in csps and _is_known(one) else None
                    if sent is not None:
                        body = csp_messages.read_message(parse_trusted(sent[1])).body
                        csps[one.recipient].deployments.take(body)

    def _begin(self) -> None:
        self._threads = [
            threading.Thread(target=self._relay.serve_forever, args=(0.05,), name="mail", daemon=True),
            threading.Thread(target=self._gateway.serve, args=(self._stop,), name="gateway", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End everything, the gateway first, so that nothing is sent to who is gone."""
        self._stop.tell()
        for player in self.players.values():
            player.kit.partner.gateway.close()
        self._threads[1].join()
        self._relay.shutdown()
        self._relay.server_close()
        self._threads[0].join()
        for player in self.players.values():
            player.listener.close()
        self._identities.close()

    @property
    def is_alive(self) -> bool:
        """Whether the gateway runs."""
        return self._threads[1].is_alive()

    # --- time ------------------------------------------------------------------------------------------------------

    def put_clock(self, to: datetime) -> None:
        """Let business time go on to a moment, at most a day at a time, and do on the way what falls due.

        Set back it is at once; what was done stays done.

        Raises:
            WrongCommand: it lies too far ahead, or outside business time.
        """
        now = self.clock.now()
        if to > min(now + _FARTHEST, LATEST):
            raise WrongCommand(f"the clock goes on {_FARTHEST.days} days at a time at most, up to {LATEST.year}")
        begin = VALID[0]
        if to < begin:
            raise WrongCommand(f"the clock goes back to {begin:%Y-%m-%d} at most: no certificate is good before that")
        while now != to:
            now = to if to < now else min(to, now + _DAY)
            write_clock(self.folder.clock, now)
            self.settle()

    # --- quiet -----------------------------------------------------------------------------------------------------

    def settle(self, seconds: float = SETTLING_SECONDS, patience: float = 0.0) -> bool:
        """Wait until everything is delivered that can be, and the CSPs have done what it brought about.

        What waits for a party that has failed to take something is waited for `patience` seconds: until it was tried
        once. Returns whether it has become quiet in time.
        """
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < seconds:
            self.traffic.look()
            if self._delivering(waited < patience):
                time.sleep(_LOOK)
            elif self.chores.any():
                self.chores.do()
            # The gateway does by itself what is due as well, and may have just done it.
            elif not self._scheduler.do_what_is_due() and not self._delivering(waited < patience):
                return True
        return False

    def _delivering(self, patient: bool) -> bool:
        with self.store.read() as conn:
            stats = outbox_view.stats(conn)
            for place in {*stats.pending, *stats.in_flight}:
                if not self._hangs(conn, place.recipient, place.channel):
                    return True
                if patient and (place in stats.in_flight or self._is_untried(conn, place.recipient, place.channel)):
                    return True
        return False

    @staticmethod
    def _is_untried(conn: Connection, recipient: int, channel: str) -> bool:
        """Whether a message that may be delivered now has not been tried yet."""
        waiting = outbox_view.undelivered(conn, "pending", recipient, channel)
        return any(not one.attempts and outbox_view.waits_behind(conn, one.id) is None for one in waiting)

    def _hangs(self, conn: Connection, recipient: int, channel: str) -> bool:
        """Whether a party has failed to take what is to be delivered to it; one of ours that is well again has not."""
        states = ("pending", "in_flight")
        failed = any(outbox_view.last_error(conn, state, recipient, channel) is not None for state in states)
        return failed and not (channel == "http" and self._is_well(conn, recipient))

    def _is_well(self, conn: Connection, recipient: int) -> bool:
        """Whether what is for a party goes to the sandbox's own, and that takes what it gets."""
        known = parties.find(conn, recipient)
        return known is not None and any(
            player.url == known.url and player.behaviour == NORMAL for player in self.players.values()
        )


def _is_known(one: OutboxEntry) -> bool:
    return one.channel == "http" and one.state == "delivered"
