"""PostgreSQL that falls silent, stands behind a pooler, is set up otherwise than it must be, or is not there."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Table, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from duis_gateway.errors import ConfigurationError, NotDurable, StoreUnusable
from duis_gateway.store.bulk import id_list
from duis_gateway.store.engine import Store, StoreOptions
from duis_gateway.store.postgresql import WRITTEN
from duis_gateway.store.tables import hub, operator_flag, outbox, party
from tests.support.databases import (
    SERVER_USER,
    administrate,
    opened,
    postgresql_database,
    postgresql_server,
    serving_role,
)
from tests.support.descriptors import many_descriptors
from tests.support.gateway_process import wait_until
from tests.support.ports import free_port
from tests.support.severed import behind_network
from tests.support.standby import hot_standby
from tests.support.writing import note, notes, write_note

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A migrated database that the tests of this file share."""
    with postgresql_database() as url:
        yield url


def _write(store: Store) -> None:
    with store.write() as connection:
        note(connection, "written")


def _read(store: Store) -> None:
    notes(store)


@pytest.mark.parametrize("use", [_write, _read, Store.probe, Store.check])
def test_a_server_that_falls_silent_is_not_durable_and_then_recovers(url: str, use: Callable[[Store], None]) -> None:
    """F11: connections that are open stay open, new ones are accepted, and nothing is ever answered."""
    with behind_network(url) as (far, network), opened(far, StoreOptions(timeout=0.2)) as store:
        write_note(store, "before")
        network.silence()
        with pytest.raises(NotDurable):
            use(store)
        network.speak()
        use(store)


@pytest.mark.parametrize("use", [_write, _read])
def test_nobody_connects_anew_where_a_ping_got_no_answer_in_time(url: str, use: Callable[[Store], None]) -> None:
    """F11: that would take as long again."""
    with behind_network(url) as (far, network), opened(far, StoreOptions(timeout=2)) as store:
        write_note(store, "before")
        network.silence()
        with pytest.raises(NotDurable) as refusal:
            use(store)
        assert "the server did not answer within 2 seconds" in str(refusal.value.reason)
        network.speak()
        use(store)


def test_nobody_waits_longer_for_a_lock_to_read_than_to_write(url: str) -> None:
    """A table that another program holds for itself stops readers too (F07)."""
    with opened(url) as outsider, opened(url, StoreOptions(timeout=0.2)) as store:
        write_note(store, "before")
        with outsider.write() as connection:
            connection.execute(text(f"LOCK TABLE {operator_flag.name} IN ACCESS EXCLUSIVE MODE"))
            for use in (_read, _write):
                with pytest.raises(NotDurable, match="cannot be used") as refusal:
                    use(store)
                assert "lock timeout" in str(refusal.value.reason)
        assert "before" in notes(store)


@pytest.mark.parametrize("mode", ["SHARE", "ACCESS EXCLUSIVE"])
@pytest.mark.parametrize("table", WRITTEN, ids=str)
def test_no_message_can_be_taken_while_a_table_that_it_needs_is_locked(url: str, table: Table, mode: str) -> None:
    """F07: somebody's DDL, in the form of the lock that it takes; readiness asks by `probe`."""
    with opened(url) as outsider, opened(url, StoreOptions(timeout=0.5)) as store:
        store.probe()
        with outsider.write() as connection:
            connection.execute(text(f"LOCK TABLE {table.name} IN {mode} MODE"))
            with pytest.raises(NotDurable, match="cannot be used") as refusal:
                store.probe()
            assert "lock timeout" in str(refusal.value.reason)
        store.probe()


def test_more_files_may_be_open_than_select_can_hold(url: str) -> None:
    with many_descriptors(), opened(url) as store:
        write_note(store, "with a high number")
        store.probe()
        assert "with a high number" in notes(store)


def test_a_standby_that_is_promoted_takes_writes_without_a_restart(url: str) -> None:
    """F11: a failover; the gateway's connections lead to the same place before and after it."""
    with behind_network(url) as (far, network), opened(far, StoreOptions(timeout=5)) as store:
        write_note(store, "on the old primary")
        with hot_standby() as standby:
            network.lead_to(standby.socket)
            for use in (_write, Store.probe):
                with pytest.raises(NotDurable):
                    use(store)
            wait_until(lambda: "on the old primary" in notes(store), "the standby to have all")
            standby.promote()
            store.probe()
            write_note(store, "on the new one")
            assert {"on the old primary", "on the new one"} <= set(notes(store))


def test_a_statement_that_is_never_answered_is_not_durable(url: str) -> None:
    """F11: the server falls silent in the middle of a block, which nothing but our own deadline ends."""
    with behind_network(url) as (far, network):

        def write_into_silence(store: Store) -> None:
            with store.write() as connection:
                note(connection, "lost")
                network.silence()
                note(connection, "never answered")

        with opened(far, StoreOptions(timeout=1, statement_timeout=1)) as store:
            with pytest.raises(NotDurable, match="did not answer within"):
                write_into_silence(store)
            network.speak()
            write_note(store, "heard again")
            assert "heard again" in notes(store)
            assert "lost" not in notes(store)


def test_a_statement_that_takes_too_long_is_given_up_by_the_server(url: str) -> None:
    """F11: so that it holds no row of others; bulk work may take as long as it takes."""
    with opened(url, StoreOptions(statement_timeout=0.1)) as store:
        with pytest.raises(NotDurable, match="statement timeout"), store.write() as connection:
            connection.execute(text("SELECT pg_sleep(30)"))
        with store.write(alone=True) as connection:
            connection.execute(text("SELECT pg_sleep(0.2)"))


def test_the_transaction_of_a_machine_that_is_gone_ends(url: str) -> None:
    """F11: what it had locked is free for others without an operator."""
    with behind_network(url) as (far, network), opened(url, StoreOptions(timeout=10)) as other:

        def fall_silent(store: Store) -> None:
            with store.write() as connection:
                store.lock_release(connection, "R1")
                network.silence()
                with other.write() as waiting:
                    other.lock_release(waiting, "R1")

        with opened(far, StoreOptions(timeout=0.2, statement_timeout=0.2)) as store, pytest.raises(NotDurable):
            fall_silent(store)


def test_a_port_that_accepts_and_never_answers_is_not_durable() -> None:
    """F11: a connect that times out is no defect of ours."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://nobody@127.0.0.1:{port}/none"
        with opened(url, StoreOptions(timeout=0.2)) as store, pytest.raises(NotDurable, match="timeout"):
            store.check()


@pytest.mark.parametrize(
    "state",
    [
        *("25006", "40001", "53100", "53300", "55P03", "57P01", "57P03", "58030", "08006", "28P01"),
        *("09000", "0A000", "27000", "38000", "39000", "3F000", "54000", "72000", "F0000", "HV000", "P0001"),
    ],
)
def test_every_sqlstate_that_means_not_just_now_does(url: str, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = '{state}'; END $$"
    with opened(url) as store, pytest.raises(NotDurable, match="away"), store.write() as connection:
        connection.execute(text(raising))


@pytest.mark.parametrize("state", ["22003", "23505", "25P02", "42601", "42703", "54001", "54011", "54023"])
def test_an_sqlstate_that_speaks_of_the_statement_is_a_defect(url: str, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'wrong' USING ERRCODE = '{state}'; END $$"
    with opened(url) as store, pytest.raises(DBAPIError, match="wrong"), store.write() as connection:
        connection.execute(text(raising))


def test_sequences_behind_their_tables_are_said(url: str) -> None:
    """As after a restore of the tables alone: every row would be refused, as one that is there already."""
    with postgresql_database() as own, opened(own) as store:
        store.probe()
        row = {"recipient": 1, "channel": "http", "kind": "N64", "message_id": "1", "content": b"", "content_type": "x"}
        times = {"created_at": datetime.now(UTC), "enqueued_at": 0.0, "due_at": 0.0}
        with store.write() as connection:
            connection.execute(outbox.insert(), row | times)
        store.probe()
        with store.write() as connection:
            connection.execute(text("SELECT setval(pg_get_serial_sequence('outbox', 'id'), 1, false)"))
        with pytest.raises(NotDurable, match=r"the sequence .*outbox_id_seq is behind its table"):
            store.probe()


def test_a_database_that_an_operator_set_to_read_only_is_not_durable(url: str) -> None:
    """Also on connections that have been read with before."""
    with postgresql_database() as own, opened(own) as store:
        assert notes(store) == []
        name = make_url(own).database
        with store.write() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        with opened(own) as reader_first:
            assert notes(reader_first) == []
            with pytest.raises(NotDurable, match="read-only transaction"):
                reader_first.probe()


def test_a_database_that_was_set_to_read_only_for_a_while_is_written_to_at_once_afterwards(url: str) -> None:
    """Whatever sessions began meanwhile: they would stay read-only for as long as they live."""
    with postgresql_database() as own, opened(own) as store:
        set_it = f"ALTER DATABASE {make_url(own).database} SET default_transaction_read_only = "
        with store.write() as connection:
            connection.execute(text(f"{set_it}on"))
        with opened(own) as served:
            with pytest.raises(NotDurable, match="read-only transaction"):
                served.probe()
            with ExitStack() as together:
                for _ in range(3):
                    together.enter_context(served.read())
            with store.write() as connection:
                connection.execute(text(f"{set_it}off"))
            with pytest.raises(NotDurable, match="read-only transaction"):
                served.probe()  # on one of the sessions that began meanwhile
            served.probe()
            for _ in range(4):
                with served.write() as connection:
                    connection.execute(text("UPDATE alert_counter SET value = value"))


def test_times_are_read_as_they_were_written_whatever_the_server_is_set_to() -> None:
    """Up to PostgreSQL 11 numbers were rounded to 15 digits, and an operator may still want that."""
    with postgresql_database() as own:
        with opened(own) as store, store.write() as connection:
            connection.execute(text(f"ALTER DATABASE {make_url(own).database} SET extra_float_digits = 0"))
        with opened(own) as store:
            for begin in (store.read, store.write):
                with begin() as connection:
                    read = connection.execute(text("SELECT 1764284494.7660201::float8")).scalar_one()
                assert read == 1764284494.7660201


# --- what is set up wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_letter_is_refused(encoding: str) -> None:
    server, name = postgresql_server(), f"duis_test_{uuid4().hex}"
    made = f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    administrate(server, made)
    try:
        with opened(server.set(database=name).render_as_string(hide_password=False)) as store:
            for look in (store.migrate, store.check):
                with pytest.raises(StoreUnusable, match=f"server_encoding is {encoding}, but the gateway needs UTF8"):
                    look()
    finally:
        administrate(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoding", ["LATIN1", "sql_ascii", "SQLASCII"])
def test_every_letter_is_carried_whatever_a_connection_is_asked_for(
    url: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    for asked in ({"client_encoding": encoding}, {"options": f"-c client_encoding={encoding}"}):
        asking = make_url(url).update_query_dict(asked).render_as_string(hide_password=False)
        with opened(asking) as store:
            store.check()
            with store.read() as connection:
                assert connection.execute(text("SELECT '\u0416'")).scalar_one() == "\u0416"


def test_tables_that_cannot_be_found_any_more_are_the_databases_state() -> None:
    """An operator sets search_path while the gateway runs, and connections are made anew."""
    with postgresql_database() as own, opened(own) as store:
        database = make_url(own).database
        administrate(
            make_url(own),
            f"ALTER DATABASE {database} SET search_path = ''",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
            " AND pid <> pg_backend_pid()",
        )
        with pytest.raises(NotDurable, match=r'relation ".*" does not exist .*search_path'):
            store.probe()


@pytest.mark.parametrize(("right", "why"), [("CREATE", "permission denied"), ("ALL", "no schema has been selected")])
def test_a_role_that_may_make_no_tables_is_told_what_it_lacks(right: str, why: str) -> None:
    with postgresql_database(migrated=False) as own:
        role = f"duis_role_{uuid4().hex}"
        administrate(make_url(own), f"REVOKE {right} ON SCHEMA public FROM PUBLIC", f"CREATE ROLE {role} LOGIN")
        try:
            where, grant = f"postgresql://{role}.*", f'GRANT CREATE, USAGE .* TO "{role}"'
            said = f"the tables cannot be created in {where}: {why}[a-z ]*; as the database's owner: {grant}"
            theirs = make_url(own).set(username=role).render_as_string(hide_password=False)
            with opened(theirs) as store, pytest.raises(StoreUnusable, match=said) as refused:
                store.migrate()
            assert "CREATE TABLE" not in str(refused.value)
        finally:
            administrate(make_url(own), f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("closed", "opens", "said"),
    [
        (
            "ROLE {role} CONNECTION LIMIT 0",
            "ROLE {role} CONNECTION LIMIT -1",
            "too many connections for role .*: end some, or ALTER ROLE name CONNECTION LIMIT",
        ),
        (
            "DATABASE {database} CONNECTION LIMIT 0",
            "DATABASE {database} CONNECTION LIMIT -1",
            "too many connections for database .*: end some, or ALTER DATABASE name CONNECTION LIMIT",
        ),
        (
            "DATABASE {database} ALLOW_CONNECTIONS false",
            "DATABASE {database} ALLOW_CONNECTIONS true",
            "is not currently accepting connections .*: ALTER DATABASE name ALLOW_CONNECTIONS true",
        ),
        ("ROLE {role} NOLOGIN", "ROLE {role} LOGIN", "is not permitted to log in .*: ALTER ROLE name LOGIN"),
    ],
)
def test_who_is_not_let_in_is_told_what_lets_it_in(closed: str, opens: str, said: str) -> None:
    """Before, a role and a database that are there were to be made: CREATE ROLE, CREATE DATABASE."""
    with postgresql_database() as own, serving_role(own) as (role, theirs):
        names = {"role": role, "database": make_url(own).database}
        server = postgresql_server()
        administrate(server, f"ALTER {closed.format(**names)}")
        try:
            with opened(theirs) as store, pytest.raises(NotDurable) as refused:
                notes(store)
        finally:
            administrate(server, f"ALTER {opens.format(**names)}")
        assert re.search(said, refused.value.reason), refused.value.reason
        assert "CREATE" not in refused.value.reason
        with opened(theirs) as store:
            notes(store)


def test_no_message_can_be_taken_by_a_role_that_lacks_a_right() -> None:
    """One role migrates, and another serves; readiness and `doctor` ask by `probe`."""
    with postgresql_database() as own, serving_role(own) as (role, theirs), opened(theirs) as store:
        with pytest.raises(NotDurable, match=f"the role {role} lacks USAGE ON public.*_id_seq.*ON ALL SEQUENCES"):
            store.probe()
        administrate(make_url(own), f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
        store.probe()
        for right, table in (("INSERT", "service_request"), ("SELECT", "party"), ("UPDATE", "alert_counter")):
            administrate(make_url(own), f"REVOKE {right} ON {table} FROM {role}")
            with pytest.raises(NotDurable, match=f'lacks {right} ON "{table}": as the owner'):
                store.probe()
            administrate(make_url(own), f"GRANT {right} ON {table} TO {role}")
        store.probe()


def _look_at(store: Store, table: Table) -> None:
    store.check()
    with store.read() as connection:
        connection.execute(select(table))


@pytest.mark.parametrize("table", ["alembic_version", "party"])
def test_a_role_without_rights_on_what_is_there_is_told_what_to_do(table: str) -> None:
    with postgresql_database() as own, serving_role(own) as (role, theirs), opened(theirs) as store:
        administrate(make_url(own), f"REVOKE ALL ON {table} FROM {role}")
        said = rf"postgresql://{role}:.*: permission denied for table {table} .*: GRANT ALL ON ALL TABLES"
        with pytest.raises(NotDurable, match=said):
            _look_at(store, party)


def test_a_role_that_does_not_own_the_tables_is_told_who_migrates() -> None:
    with postgresql_database() as own, serving_role(own) as (_, theirs), opened(theirs) as store:
        administrate(make_url(own), "UPDATE alembic_version SET version_num = '0020_hub_events'")
        with pytest.raises(NotDurable, match=r"must be owner of .*run `duis-gateway migrate` as the role that created"):
            store.migrate()


@pytest.mark.parametrize("option", ["sslmod=require", "connect_timeout=soon"])
def test_an_option_that_there_is_not_is_named(url: str, option: str) -> None:
    name = option.partition("=")[0]
    joined = f"{url}{'&' if '?' in url else '?'}{option}"
    with opened(joined) as store, pytest.raises(ConfigurationError, match=rf"\[store\] url: .*{name}"):
        store.check()


@pytest.mark.parametrize("what", ["role", "database"])
def test_the_reason_is_the_servers_and_never_the_password(url: str, what: str) -> None:
    wrong = make_url(url).set(password="hush-hush")
    wrong = wrong.set(username="nobody-here") if what == "role" else wrong.set(database="nobody-here")
    with opened(wrong.render_as_string(hide_password=False)) as store, pytest.raises(NotDurable) as refused:
        store.check()
    said = f'{what} "nobody-here" does not exist'
    assert said in str(refused.value)
    assert refused.value.detail == "the gateway's database cannot be used"
    assert "hush" not in str(refused.value)


# --- behind a pooler --------------------------------------------------------------------------------------------------

_POOLER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pooler(url: str, mode: str = "transaction") -> Iterator[str]:
    """A pgbouncer in front of a database that gives each transaction any of two sessions; yields the URL."""
    assert _POOLER is not None
    with tempfile.TemporaryDirectory(prefix="pooler-") as scratch:  # the test's own folder may be its user's alone
        yield from _pooled(url, Path(scratch), mode)


def _pooled(url: str, folder: Path, mode: str) -> Iterator[str]:
    assert _POOLER is not None
    server = make_url(url)
    port = free_port()
    host, user = server.query.get("host", server.host), server.username
    (folder / "users").write_text(f'"{user}" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n{server.database} = host={host} port={server.port or 5432} user={user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = {mode}\n"
        f"auth_type = trust\nauth_file = {folder}/users\ndefault_pool_size = 2\nlogfile = {folder}/log\n"
    )
    if SERVER_USER is not None:
        for one in (folder, *folder.iterdir()):
            os.chown(one, pwd.getpwnam(SERVER_USER).pw_uid, -1)
    process = subprocess.Popen([_POOLER, "-q", str(folder / "ini")], user=SERVER_USER, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), "pgbouncer does not listen")
        yield f"postgresql://{user}@127.0.0.1:{port}/{server.database}"
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(_POOLER is None, reason="pgbouncer is not installed")
@pytest.mark.may_skip_in_ci("pgbouncer is no Python package")
def test_a_pooler_in_transaction_mode_may_stand_between(url: str) -> None:
    """Statements that repeat, locks and settings of a transaction, from more threads than the pooler has sessions."""
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait(30)
        for turn in range(12):
            with store.write() as connection:
                store.lock_release(connection, "R1")
                note(connection, f"pooled {number}.{turn}")
            notes(store)

    with pooler(url) as far, opened(far, StoreOptions(timeout=20, statement_timeout=20)) as store:
        store.check()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        assert {f"pooled {number}.{turn}" for number in range(8) for turn in range(12)} <= set(notes(store))
        with store.engines[0].connect() as connection:
            assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "0"


@pytest.mark.skipif(_POOLER is None, reason="pgbouncer is not installed")
@pytest.mark.may_skip_in_ci("pgbouncer is no Python package")
def test_a_pooler_that_allows_no_transactions_is_refused_in_its_words(url: str) -> None:
    with pooler(url, "statement") as far, opened(far) as store, pytest.raises(NotDurable) as refused:
        store.check()
    assert "transaction blocks not allowed in statement pooling mode" in str(refused.value)
    assert refused.value.detail == "the gateway's database cannot be used"


def test_statements_are_prepared_where_nothing_stands_between(url: str) -> None:
    with opened(url) as store:
        for _ in range(8):
            notes(store)
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() > 0


def test_a_long_list_is_planned_anew_however_often_the_statement_was_used(url: str) -> None:
    """Otherwise the plan made for empty tables reads through a table for each of 50,000 hubs."""

    def kept_plans_used(store: Store, *lengths: int) -> int:
        for length in lengths:
            with store.read() as connection:
                listed = id_list(connection, range(length))
                connection.execute(select(hub.c.device_id).join(listed, listed.c.value == hub.c.device_id)).all()
        with store.read() as connection:
            used = (
                "SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements WHERE statement LIKE '%unnest%'"
            )
            return int(connection.execute(text(used)).scalar_one())

    with opened(url) as store:
        before = kept_plans_used(store, *[1] * 20)
        assert kept_plans_used(store, *[1000] * 3) == before > 0
        assert kept_plans_used(store, 1) == before + 1, "short lists keep their plans"
