"""PostgreSQL as a pair (threat F11): its primary is lost, and its standby takes the place of the primary."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.cli import refused
from tests.support.cluster import cluster
from tests.support.fault_world import SUPPLIER, fault_world
from tests.support.ledger import Client, compare
from tests.support.out_of_service import assert_come_again, checks
from tests.support.processes import PATIENCE
from tests.support.writing import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.postgresql]


def test_a_primary_that_is_lost_under_load(tmp_path: Path) -> None:
    """Two gateways and a deliverer go on by themselves with the standby; nothing acknowledged is lost or done twice."""
    with cluster() as pair, fault_world(pair.url, tmp_path) as world:
        notice, *messages = [world.release_notice(), *world.traffic(20)]
        with (
            world.serve() as one,
            world.serve(delivery=False) as two,
            world.deliver(delivery_lease=5, delivery_total_timeout=2),
            Client(world.ledger, lambda: one.url) as to_one,
            Client(world.ledger, lambda: two.url) as to_two,
            ThreadPoolExecutor(2) as both,
        ):
            to_one.send(notice)
            sending = [both.submit(to.send_all, messages) for to in (to_one, to_two)]
            wait_until(lambda: len(world.ledger.acknowledged) > 10, PATIENCE)
            pair.fail_over()
            assert not all(one.done() for one in sending), "there was no load"
            for each in sending:
                each.result(2 * PATIENCE)
            world.wait_until_delivered(150)
            assert one.terminate() == two.terminate() == 0
        assert world.ledger.refused, "nobody noticed"
        # What was posted but not yet marked on the standby is posted again: at least once, with the same bytes.
        compare(world.ledger, world.store, world.receivers, most_sends=2)


def test_what_the_standby_does_not_have_is_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A standby that hangs: however long, and however often it is sent, no message is said to be taken in.

    A statement may take ten minutes here: a commit is given up with the time for locks, and not one for each message.
    """
    with cluster() as pair, fault_world(pair.url, tmp_path) as world:
        notice, message = world.release_notice(), world.pilot_list(1)
        with (
            world.serve(store_statement_timeout=600, store_lock_timeout=1, delivery_lease=5) as gateway,
            world.client(gateway) as client,
        ):
            client.send(notice)
            world.wait_until_delivered()
            pair.standby.send(signal.SIGSTOP)
            assert_come_again(client, message)
            wait_until(lambda: not checks(gateway)[0], PATIENCE)
            assert "standby" in str(checks(gateway)[1]["store"]["detail"])
            left = pair.primary.waiting_commits()
            for _ in range(10):
                assert_come_again(client, message)
            assert pair.primary.waiting_commits() == left > 0
            monkeypatch.setenv("DUIS_GATEWAY_STORE_LOCK_TIMEOUT", "1")
            said = refused(2, "party", "change", SUPPLIER, "--email", "a@example.org", "--config", world.config)
            assert "did not answer within 3 seconds; it was being committed, and may have been changed or not" in said
            pair.fail_over()
            client.send(message)
            wait_until(lambda: checks(gateway)[0], PATIENCE)
            world.wait_until_delivered(150)
            assert gateway.terminate() == 0
        compare(world.ledger, world.store, world.receivers, most_sends=2)
