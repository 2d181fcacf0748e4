"""`init` and `migrate`: a place to start from, and a database of this version."""

from __future__ import annotations

import os
from pathlib import Path

import click

from duis_gateway.cli.common import EUI, config_option, opened_store, refuse_existing
from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import Config, load_config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.pki.make import make_authority, make_certificate

_DCC_ROLE = "89"
DEFAULT_EUI = "90-B3-D5-1F-30-00-00-02"


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--eui", type=EUI, default=DEFAULT_EUI, show_default=True, help="The gateway's own EUI-64.")
def init(directory: Path, eui: int) -> None:
    """Make a configuration, a database and a test PKI in DIRECTORY.

    Nothing is overwritten. The PKI is for tests: its authority's key lies beside the certificates.
    """
    make_installation(directory, eui)
    click.echo(_what_next(directory, eui))


def make_installation(directory: Path, eui: int) -> Config:
    """Make `gateway.toml`, the database and the PKI in a directory, and return the configuration.

    Raises:
        ConfigurationError: one of them is there already.
    """
    file, pki = directory / "gateway.toml", directory / "pki"
    refuse_existing(file, directory / "gateway.db", pki)
    (pki / "crls").mkdir(parents=True)
    make_certificate(make_authority(pki), eui, _DCC_ROLE, pki, stem="gateway")
    file.write_text(_configuration(eui), encoding="utf-8")
    config = load_config(file, os.environ)
    with opened_store(config, check=False) as store:
        store.migrate()
    return config


@click.command()
@config_option
def migrate(config: Config) -> None:
    """Make the tables of this version of the gateway in the configured database, or bring them up to date.

    Safe to run again. Stop gateways of older versions first.
    """
    with opened_store(config, check=False) as store:
        store.migrate()
        store.check()
        click.echo(f"The database {store.shown_url} is up to date.")


def _configuration(eui: int) -> str:
    return render_sample(
        {
            ("store", "url"): "sqlite:///gateway.db",
            ("signing", "eui"): format_eui(eui),
            ("signing", "key"): "pki/gateway.key",
            ("signing", "certificate"): "pki/gateway.pem",
            ("trust", "anchors"): "pki",
            ("trust", "crls"): "pki/crls",
            ("delivery", "allowed_networks"): ["127.0.0.0/8", "::1/128"],
        }
    )


def _what_next(directory: Path, eui: int) -> str:
    config = f"--config {directory / 'gateway.toml'}"
    supplier = "90-B3-D5-1F-30-01-00-00"
    certificate = directory / "pki" / f"{supplier.replace('-', '')}-87.pem"
    return f"""\
Made {directory / "gateway.toml"}, {directory / "gateway.db"} and a test PKI in {directory / "pki"}.
The gateway is {format_eui(eui)}; what it sends may go to this machine only ([delivery] allowed_networks).

Next, for example:
  duis-gateway certificate make {supplier} --role 87 --pki {directory / "pki"}
  duis-gateway party add {supplier} --kind supplier --role IS --role GS --duis-version 6.0 \\
      --url http://127.0.0.1:8090/ --certificate {certificate} {config}
  duis-gateway inventory load hubs.csv {config}
  duis-gateway serve {config}"""
