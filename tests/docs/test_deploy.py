"""The files in `deploy/` are of this version: their commands, settings, paths, ports and metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from duis_gateway.cli.main import program
from duis_gateway.config.settings import SECTIONS, load_config, settings_of
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from tests.docs.test_reference import metrics_served
from tests.support.asking import ask

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def of_yaml(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line of the gateway, with the file it stands in."""
    for name, service in of_yaml("compose.yaml")[0]["services"].items():
        if service.get("image") == "duis-gateway":
            yield f"compose.yaml, {name}", service["command"]
    for one in of_yaml("kubernetes/gateway.yaml"):
        pod = one["spec"].get("template", {}).get("spec", {})
        for container in (*pod.get("initContainers", ()), *pod.get("containers", ())):
            yield f"gateway.yaml, {container['name']}", container["args"]
    for unit in UNITS:
        found = re.search(r"^ExecStart=\S+/duis-gateway (.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        assert found, unit.name
        yield unit.name, found[1].split()


def texts() -> Iterator[tuple[str, str]]:
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            yield path.name, path.read_text(encoding="utf-8")


def test_every_command_is_one() -> None:
    found = list(commands())
    assert len(found) == 9
    for where, words in found:
        context = click.Context(program, info_name="duis-gateway")
        command = program.get_command(context, words[0])
        assert command is not None, where
        _, left, _ = command.make_parser(context).parse_args(words[1:])
        assert left == [], where


def test_every_setting_is_one() -> None:
    known = {f"DUIS_GATEWAY_{section}_{key}".upper() for section in SECTIONS for key in settings_of(section)}
    others = {
        "DUIS_GATEWAY_CONFIG",
        "DUIS_GATEWAY_PORT",
    }  # the latter is what Kubernetes would make of a service's name
    for where, text in texts():
        assert set(re.findall(r"DUIS_GATEWAY_\w+", text)) <= known | others, where


def test_the_database_is_waited_for_where_the_gateway_will_reach_it() -> None:
    """The image's server for its initialisation would be taken for it; what comes too early is tried again."""
    services = of_yaml("compose.yaml")[0]["services"]
    assert "-h 127.0.0.1" in services["database"]["healthcheck"]["test"][1]
    assert services["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["migrate"]["restart"].startswith("on-failure")


def test_units_that_run_on_one_machine_have_ports_of_their_own(tmp_path: Path) -> None:
    """Both start with one configuration: whichever came second would end at once, for ever."""
    file = tmp_path / "gateway.toml"
    file.write_text('[signing]\neui = "90-B3-D5-1F-30-00-00-02"\nkey = "k"\ncertificate = "c"\n', encoding="utf-8")
    ports = []
    for unit in UNITS:
        lines = re.findall(r"^Environment=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        given = dict(word.split("=", 1) for line in lines for word in line.split())
        given.pop("DUIS_GATEWAY_CONFIG")
        ports.append(load_config(file, given).operations.port)
    assert len(set(ports)) == len(UNITS) > 1


def test_probes_and_ports_are_those_of_a_gateway_without_other_settings(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[signing]\neui = "90-B3-D5-1F-30-00-00-02"\nkey = "k"\ncertificate = "c"\n', encoding="utf-8")
    config = load_config(file, {})
    ports = {str(config.server.port), str(config.operations.port)}
    operations = operations_app(Metrics(), dict)
    for where, text in texts():
        assert set(re.findall(r"(?:[pP]ort: |EXPOSE |127\.0\.0\.1:|\")(\d{4})\b", text)) <= ports, where
        for path in re.findall(r"/health/\w+", text):
            assert ask(operations, path).status == 200, where


def test_rules_and_dashboard_ask_for_metrics_that_are_served() -> None:
    of_process = set(re.findall(r"^(process_\w+)", Metrics().exposition()[1].decode(), re.MULTILINE))
    served = metrics_served() | of_process
    rules = [rule["expr"] for group in of_yaml("prometheus/alerts.yaml")[0]["groups"] for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "grafana" / "gateway.json").read_text(encoding="utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for expression in (*rules, *shown):
        asked = set(re.findall(r"\b(?:gw|process)_\w+", expression))
        assert asked <= served
        assert asked or "probe_success" in expression


@pytest.mark.may_skip_in_ci("a program that is no dependency")
def test_promtool_finds_nothing_wrong_and_the_rules_fire_as_they_are_meant_to() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool; Debian's package is called prometheus")
    folder, metrics = DEPLOY / "prometheus", Metrics().exposition()[1]
    for words in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"], ["check", "metrics"]):
        ran = subprocess.run(
            [promtool, *words], cwd=folder, input=metrics, capture_output=True, check=False, timeout=60
        )
        assert ran.returncode == 0, (words, ran.stdout.decode(), ran.stderr.decode())


def test_each_rule_whose_firing_is_tested_is_one() -> None:
    rules = {rule["alert"] for group in of_yaml("prometheus/alerts.yaml")[0]["groups"] for rule in group["rules"]}
    tests = of_yaml("prometheus/alerts_test.yaml")[0]["tests"]
    tested = {one["alertname"] for test in tests for one in test["alert_rule_test"]}
    assert tested <= rules
    assert len(tested) >= len(rules) // 2


@pytest.mark.may_skip_in_ci("a program that is no dependency")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("there is no systemd-analyze")
    here = tmp_path / unit.name
    here.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.MULTILINE))
    ran = subprocess.run([verify, "verify", str(here)], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
