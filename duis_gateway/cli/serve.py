"""`serve` and `deliver`: the processes of a running gateway."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from duis_gateway.app import Gateway
from duis_gateway.cli.common import DONE, WholeNumber, config_option
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import say_to_any_reader
from duis_gateway.cli.workers import WorkerProcesses
from duis_gateway.config.settings import Config
from duis_gateway.machine.memory import give_large_pieces_back
from duis_gateway.machine.signals import ProcessSignals, Stop
from duis_gateway.operations.logs import configure_logging

log = logging.getLogger(__name__)

_WORKERS = click.option(
    "--workers",
    type=WholeNumber(1, 256),
    default=1,
    show_default=True,
    help="How many processes deliver, including this one.",
)


@click.command(cls=RefusesEmpty)
@config_option
@_WORKERS
@click.option("--no-delivery", is_flag=True, help="Only take messages in; `deliver` runs elsewhere.")
def serve(config: Config, workers: int, no_delivery: bool) -> None:
    """Run the doors and the delivery workers until SIGTERM or SIGINT.

    Once it can be reached, it prints `listening on URL` for the public listener and for the operators'.
    """
    if no_delivery and workers > 1:
        raise click.UsageError("--workers says how many processes deliver, and --no-delivery says that none does")
    _run(config, workers, Stop(), delivery=not no_delivery)


@click.command(cls=RefusesEmpty)
@config_option
@_WORKERS
@click.option("--while-stdin", is_flag=True, hidden=True, help="End when standard input ends.")
def deliver(config: Config, workers: int, while_stdin: bool) -> None:
    """Run only delivery workers until SIGTERM or SIGINT; any number of processes may do so, on several machines.

    It has an operators' listener of its own, and prints `listening on URL` for it.
    """
    stop = Stop()
    if while_stdin:
        threading.Thread(target=_tell_at_end_of_stdin, args=(stop,), name="stdin", daemon=True).start()
    _run(config, workers, stop, doors=False, any_operations_port=while_stdin)


def _run(
    config: Config,
    workers: int,
    stop: Stop,
    *,
    doors: bool = True,
    delivery: bool = True,
    any_operations_port: bool = False,
) -> None:
    signals = ProcessSignals(stop)  # from now on, so that none comes too early for an orderly stop
    with _logging(config):
        give_large_pieces_back()
        gateway = Gateway(config, doors=doors, delivery=delivery, any_operations_port=any_operations_port)
        helpers = WorkerProcesses(config.source, workers - 1, config.operations.port, config.log.file)
        signals.on_hangup = (gateway.read_again, helpers.hang_up)
        _announce(gateway)
        spare_collector()
        helpers.start()
        ended = gateway.serve(stop, helpers)
    if not ended:
        os._exit(DONE)  # threads that hang may hold something that the interpreter would wait for


def spare_collector() -> None:
    """Let the garbage collector leave alone what lives as long as the process, and run less often.

    A list of 50,000 hubs makes as many objects, with no cycles: a fifth of the time went into searching for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _announce(gateway: Gateway) -> None:
    for server in gateway.servers:
        say_to_any_reader(f"listening on {server.url}")


def _tell_at_end_of_stdin(stop: Stop) -> None:
    while os.read(0, 1024):
        pass
    stop.tell()


@contextmanager
def _logging(config: Config) -> Iterator[None]:
    stop = configure_logging(config.log)
    if config.passed_over:
        about = {"event": "environment-passed-over", "names": ", ".join(config.passed_over)}
        log.warning("ignored variables that Kubernetes or Compose set for a service of this name", extra=about)
    try:
        yield
    finally:
        stop()
