"""`init` and `migrate`: a place to start from, and a database of this version."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import func, select

from duis_gateway.cli.common import EUI, NEW_FOLDER, config_option, opened_store, refuse_existing
from duis_gateway.cli.help import Option, RefusesEmpty
from duis_gateway.cli.output import print_rows, progress_bar, say
from duis_gateway.config.reading import STORE_URL
from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import Config, StoreConfig, load_config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import resolved, unless_finished, write_new
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.store.engine import Store
from duis_gateway.store.migrate import revision_of
from duis_gateway.store.move import move
from duis_gateway.store.tables import party
from duis_gateway.text.counts import counted

_DCC_ROLE = "89"
DEFAULT_EUI = "90-B3-D5-1F-30-00-00-02"
DEFAULT_STORE = "sqlite:///gateway.db"
STORE_VARIABLE = "DUIS_GATEWAY_STORE_URL"
_SQLITE = "sqlite:///"
_BESIDE = ("-wal", "-shm", ".lock", ".lock-turn")
"""What SQLite and our lock put beside a database."""
_FILE_VARIABLE = "DUIS_GATEWAY_STORE_PASSWORD_FILE"


@click.command(cls=RefusesEmpty)
@click.argument("directory", type=NEW_FOLDER)
@click.option("--eui", type=EUI, default=DEFAULT_EUI, show_default=True, help="The gateway's own EUI-64.")
@click.option(
    "--store",
    envvar=STORE_VARIABLE,
    default=DEFAULT_STORE,
    cls=Option,
    show_default=f"{DEFAULT_STORE}, or what {STORE_VARIABLE} names",
    help="The database: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)
def init(directory: Path, eui: int, store: str) -> None:
    """Make a configuration, a database and a test PKI in DIRECTORY.

    Nothing is overwritten, and a database in which parties are registered is refused as another gateway's. PostgreSQL's
    password is read from the file that DUIS_GATEWAY_STORE_PASSWORD_FILE names, as by every command; `[store]
    password_file` in the configuration does the same from then on. The PKI is for tests: its authority's key is beside
    the certificates.
    """
    with making_installation(directory, eui, store) as (config, had_tables), opened_store(config) as made:
        text = _what_next(directory, eui, made, had_tables=had_tables)
    say(text)


@contextmanager
def making_installation(directory: Path, eui: int, url: str) -> Iterator[tuple[Config, bool]]:
    """Make `gateway.toml`, the tables of the database and the PKI in a directory.

    The block is given the configuration, and whether the tables were already there, without a party. If it cannot
    finish, everything is taken away again but for tables in PostgreSQL.

    Raises:
        ConfigurationError: one of them already exists, the database's URL is not one, or the database is another
        gateway's; nothing was made.
        GatewayError: the database cannot be used; nothing was made.
        OSError: something cannot be written; nothing was made.
    """
    file, pki = directory / "gateway.toml", directory / "pki"
    try:
        folder = resolved(directory)
        read = STORE_URL.read(url, folder)
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be used: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(
            f"--store, or DUIS_GATEWAY_STORE_URL: {str(error) or f'must be {STORE_URL.expects}'}"
        ) from None
    database = [Path(read.removeprefix(_SQLITE))] if read.startswith(_SQLITE) else []
    refuse_existing(file, *database, pki)
    beside = [Path(f"{path}{what}") for path in database for what in _BESIDE]
    with unless_finished(directory, file, pki, *database, *beside):
        directory.mkdir(parents=True, exist_ok=True)
        had_tables = _make_tables(_with_password(read, folder))
        (pki / "crls").mkdir(parents=True)
        make_certificate(make_authority(pki), eui, _DCC_ROLE, pki, stem="gateway")
        write_new(file, _configuration(eui, url).encode())
        yield load_config(file, {**os.environ, STORE_VARIABLE: url}), had_tables


def _with_password(url: str, folder: Path) -> str:
    """Return PostgreSQL's URL with the password from the file that the environment names; no file of ours has it."""
    file = os.environ.get(_FILE_VARIABLE)
    try:
        return StoreConfig(url=url, password_file=folder / file if file else None).connection_url()
    except ConfigurationError as error:
        if file is None or Path(file).is_absolute():
            raise
        raise ConfigurationError(f"{error}; {_FILE_VARIABLE} counts from the new folder: give a whole path") from None


def _make_tables(url: str) -> bool:
    """Make the tables; return whether a gateway's were already there."""
    store = Store.open(url)
    try:
        had_tables = not store.is_sqlite and _has_tables(store)
        store.migrate()
    finally:
        store.close()
    return had_tables


def _has_tables(store: Store) -> bool:
    """Tell whether a database has a gateway's tables.

    Raises:
        ConfigurationError: parties are registered in it, which the new gateway would share with their own.
    """
    with store.read() as connection:
        if revision_of(connection) is None:
            return False
        registered = connection.execute(select(func.count()).select_from(party)).scalar_one()
    if registered:
        raise ConfigurationError(
            f"{store.shown_url} is another gateway's database, with parties registered in it ({registered:,}); name "
            "an empty database"
        )
    return True


@click.command(cls=RefusesEmpty)
@click.option(
    "--from",
    "source",
    metavar="sqlite:///FILE",
    help="A SQLite database to move into the configured one, which must be PostgreSQL and empty.",
)
@click.option(
    "--rolling",
    is_flag=True,
    help="Only if gateways of the database's version go on working meanwhile and afterwards; otherwise change nothing.",
)
@config_option
def migrate(source: str | None, rolling: bool, config: Config) -> None:
    """Create this version's tables in the configured database, or bring them up to date.

    It is safe to run again. First stop gateways of older versions, unless `--rolling` accepts them; before `--from`,
    stop all that use the SQLite database.
    """
    if rolling and source is not None:
        raise click.UsageError("--rolling is about a database that gateways run on, and --from needs an empty one")
    with opened_store(config, check=False) as store:
        if source is None:
            up_to_date = store.migrate(rolling=rolling)
            store.check()
            newer = "of a newer version of the gateway, with which this one works, too"
            say(f"The database {store.shown_url} is {'up to date' if up_to_date else newer}.")
        else:
            _move(source, store)


def _move(source: str, target: Store) -> None:
    """Move a SQLite database into the configured one, and say how much was moved."""
    old = Store.open(source)
    try:
        if not old.is_sqlite or target.is_sqlite:
            raise ConfigurationError(
                f"--from {old.shown_url} to {target.shown_url}: it moves a SQLite database (sqlite:///FILE) into the "
                "PostgreSQL database that [store] url names"
            )
        if old.sqlite_path is not None and not old.sqlite_path.exists():
            raise ConfigurationError(f"--from: there is no database at {old.sqlite_path}")
        if not target.migrate():
            raise ConfigurationError(f"{target.shown_url} is of a newer version of the gateway; update the gateway")
        target.check()
        with progress_bar("Moving", " rows") as progress:
            moved = move(old, target, progress)
    finally:
        old.close()
    print_rows(("table", "rows"), [(name, rows) for name, rows in moved.items() if rows], "table")
    say(
        f"Moved {counted(sum(moved.values()), 'row')} from {old.shown_url} to {target.shown_url}; each was compared "
        f"with the original. {old.shown_url} is unchanged: keep it as a backup, and do not start a gateway on it."
    )


def _configuration(eui: int, url: str) -> str:
    return render_sample(
        {
            ("store", "url"): url,
            ("signing", "eui"): format_eui(eui),
            ("signing", "key"): "pki/gateway.key",
            ("signing", "certificate"): "pki/gateway.pem",
            ("trust", "anchors"): "pki",
            ("trust", "crls"): "pki/crls",
            ("delivery", "allowed_networks"): ["127.0.0.0/8", "::1/128"],
        }
    )


def _what_next(directory: Path, eui: int, store: Store, *, had_tables: bool) -> str:
    file, tables = directory / "gateway.toml", f"the tables in {store.shown_url}"
    made = f"{file} and a test PKI in {directory / 'pki'}; {tables} were already there"
    if not had_tables:
        made = f"{file}, {tables} and a test PKI in {directory / 'pki'}"
    config = f"--config {shlex.quote(str(directory / 'gateway.toml'))}"
    supplier = "90-B3-D5-1F-30-01-00-00"
    pki = directory / "pki"
    certificate = shlex.quote(str(pki / f"{supplier.replace('-', '')}-87.pem"))
    return f"""\
Made {made}.
The gateway is {format_eui(eui)}; it may send only to this machine ([delivery] allowed_networks).

Next, for example:
  duis-gateway certificate make {supplier} --role 87 --pki {shlex.quote(str(pki))}
  duis-gateway party add {supplier} --kind supplier --role IS --role GS --duis-version 6.0 \\
      --url http://127.0.0.1:8090/ --certificate {certificate} {config}
  duis-gateway inventory load hubs.csv {config}
  duis-gateway serve {config}"""
