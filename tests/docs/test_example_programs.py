"""The programs in `examples/`, each as a user starts it, against one running sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from lxml import etree

from duis_gateway.client import Gateway, Group, Identity, PreferredPilotSchedule, ReadInventory, Trust
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.sandbox.cast import BY_NAME
from tests.support.cli import run
from tests.support.ports import free_port
from tests.support.sandboxes import RunningSandbox, read_until, sandbox, saying

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LONGEST = 40
HUB = "00-DB-12-34-56-00-00-01"
NO_HUB = "00-DB-12-34-56-00-09-99"
YOU = "90-B3-D5-1F-30-01-00-00"

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-7")]


@dataclass(frozen=True)
class Site:
    """A running sandbox, with the keys of its supplier `you` and of its CSPs."""

    town: RunningSandbox

    @property
    def you(self) -> dict[str, str]:
        """Where everything of the supplier's is."""
        you: dict[str, str] = self.town.status()["you"]
        return you

    @property
    def url(self) -> str:
        return str(self.town.status()["gateway"])

    @property
    def pki(self) -> Path:
        return self.town.folder / "pki"

    @property
    def trust(self) -> Path:
        """The gateway's certificate."""
        return Path(self.you["gateway_certificate"])

    def keys(self, name: str = "you") -> tuple[Path, Path]:
        """The key and the certificate of a party, by its name in the sandbox."""
        if name == "you":
            return Path(self.you["key"]), Path(self.you["certificate"])
        bare = format_eui(BY_NAME[name].eui).replace("-", "")
        return self.pki / f"{bare}.key", self.pki / f"{bare}.pem"

    def gateway(self) -> Gateway:
        """The gateway, as the kit has it for the supplier."""
        return Gateway(self.url, identity=Identity.load(*self.keys()), trust=Trust.certificate(self.trust))

    def runs(self) -> str:
        """The version that the hub of the examples runs."""
        return str(self.gateway().send(ReadInventory(HUB)).devices[0].firmware_version)

    def command(self, *words: str) -> list[str]:
        """An example with what all of them are told first."""
        return [*words, self.url, *map(str, self.keys()), str(self.trust)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sandbox(tmp_path_factory.mktemp("town") / "work") as town:
        yield Site(town)


def texts(project: etree._ElementTree, path: str) -> list[str]:
    return [str(one.text) for one in project.iterfind(f".//con:{path}", {"con": "http://eviware.com/soapui/config"})]


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DUIS_GATEWAY": f"{sys.executable} -m duis_gateway"}


def reads(site: Site, folder: Path, *command: str) -> None:
    """It prints what the hub runs; of a hub that there is not, it says so and fails."""
    assert output([*command, HUB], folder).strip() == site.runs()
    done = subprocess.run([*command, NO_HUB], cwd=folder, env=environ(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "E19" in done.stderr
    done = subprocess.run([*command, "1"], cwd=folder, env=environ(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not valid" in done.stderr, "why the gateway refuses it"
    says_what_it_takes(folder, *command)


def says_what_it_takes(folder: Path, *command: str) -> None:
    """Called without its last argument, a program names those that it takes."""
    done = subprocess.run(command, cwd=folder, env=environ(), capture_output=True, text=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert "GATEWAY_URL" in done.stderr


def output(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environ(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_an_example_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_adapter_reads_a_hub_and_prints_the_next_that_is_updated(site: Site, tmp_path: Path) -> None:
    """The supplier's alerts are sent to it; the CSP activates, and the N64 comes."""
    port = free_port()
    command = [*site.command(sys.executable, str(EXAMPLES / "adapter.py")), str(port), HUB]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as adapter:
        try:
            assert adapter.stdout is not None
            said = [adapter.stdout.readline().strip() for _ in range(3)]
            assert said == ["I0: success", f"{HUB} runs {site.runs()}", "listening"]
            site.town.do("address", supplier="you", url=f"http://127.0.0.1:{port}/")
            site.town.do("activate", hub=[2])
            assert adapter.stdout.readline().strip() == "00-DB-12-34-56-00-00-02 now runs 9002"
        finally:
            adapter.terminate()
            site.town.do("address", supplier="you")


def test_the_adapter_says_what_is_wrong_in_one_line(site: Site, tmp_path: Path) -> None:
    command = site.command(sys.executable, str(EXAMPLES / "adapter.py"))
    command[3] = str(tmp_path / "missing.key")
    done = subprocess.run(
        [*command, "0", HUB], cwd=tmp_path, env=environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "missing.key" in done.stderr


def test_zeep_reads_a_hub_over_soap(site: Site, tmp_path: Path) -> None:
    reads(site, tmp_path, *site.command(sys.executable, str(EXAMPLES / "soap_zeep.py")))


def test_curl_reads_a_hub(site: Site, tmp_path: Path) -> None:
    command = site.command("bash", str(EXAMPLES / "read_inventory.sh"))
    command[-1] = str(site.pki)
    reads(site, tmp_path, *command, YOU)


@pytest.mark.skipif(shutil.which("java") is None, reason="there is no JDK here")
@pytest.mark.may_skip_in_ci("a program that is no dependency")
def test_java_reads_a_hub_with_the_jdk_alone(site: Site, tmp_path: Path) -> None:
    reads(site, tmp_path, *site.command("java", str(EXAMPLES / "ReadInventory.java")), YOU)


@pytest.mark.may_skip_in_ci("a program and packages that are no dependencies")
def test_node_reads_a_hub_with_xml_crypto(site: Site, tmp_path: Path) -> None:
    """Where its two packages are in `node_modules` of the folder that DUIS_GATEWAY_TEST_NODE names."""
    folder = Path(os.environ.get("DUIS_GATEWAY_TEST_NODE", tmp_path))
    if shutil.which("node") is None or not (folder / "node_modules" / "xml-crypto").is_dir():
        pytest.skip("there is no Node with xml-crypto here")
    program = folder / "read_inventory.mjs"
    program.write_bytes((EXAMPLES / "read_inventory.mjs").read_bytes())
    reads(site, folder, *site.command("node", str(program)), YOU)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
@pytest.mark.may_skip_in_ci("a program that is no dependency")
def test_what_is_written_for_node_is_javascript(tmp_path: Path) -> None:
    output(["node", "--check", str(EXAMPLES / "read_inventory.mjs")], tmp_path)


def by_wsdl(site: Site, folder: Path, *command: str) -> None:
    """Send a signed 8.2 by a program that knows the WSDL: it reads the code, and the signed octets come through."""
    signed = site.gateway().prepare(ReadInventory(HUB)).document
    (folder / "request.xml").write_bytes(signed)
    assert output([*command, site.url, "request.xml", "response.xml"], folder).strip() == "I0"
    proven = Trust.certificate(site.trust).prove((folder / "response.xml").read_bytes())
    assert HUB.encode() in proven.content
    says_what_it_takes(folder, *command, site.url, "request.xml")


@pytest.mark.may_skip_in_ci("a program that is no dependency")
def test_php_reads_a_hub_by_soap_client(site: Site, tmp_path: Path) -> None:
    if shutil.which("php") is None or "soap" not in output(["php", "-m"], tmp_path).splitlines():
        pytest.skip("there is no PHP with its soap extension here")
    by_wsdl(site, tmp_path, "php", str(EXAMPLES / "soap.php"))


@pytest.mark.may_skip_in_ci("a program and packages that are no dependencies")
def test_node_reads_a_hub_by_soap(site: Site, tmp_path: Path) -> None:
    """Where the package is in `node_modules` of the folder that DUIS_GATEWAY_TEST_NODE names."""
    packages = Path(os.environ.get("DUIS_GATEWAY_TEST_NODE", tmp_path)) / "node_modules"
    if shutil.which("node") is None or not (packages / "soap").is_dir():
        pytest.skip("there is no Node with soap here")
    (tmp_path / "node_modules").symlink_to(packages)
    program = str(shutil.copy(EXAMPLES / "soap_node.mjs", tmp_path))
    by_wsdl(site, tmp_path, "node", program)


@pytest.mark.may_skip_in_ci("programs and a library that are no dependencies")
def test_c_reads_a_hub_by_gsoap(site: Site, tmp_path: Path) -> None:
    if not all(map(shutil.which, ("cc", "wsdl2h", "soapcpp2"))):
        pytest.skip("there is no C compiler with gSOAP here")
    output(["wsdl2h", "-c", "-o", "duis.h", f"{site.url}/soap?wsdl"], tmp_path)
    output(["soapcpp2", "-c", "-C", "-x", "-L", "duis.h"], tmp_path)
    made = ("soapC.c", "soapClient.c")
    source = str(EXAMPLES / "soap_gsoap.c")
    output(["cc", "-w", "-I.", "-o", "soap_gsoap", source, *made, "-lgsoap"], tmp_path)
    by_wsdl(site, tmp_path, "./soap_gsoap")


@pytest.mark.may_skip_in_ci("a program that is no dependency")
def test_java_reads_a_hub_by_the_classes_of_the_wsdl(site: Site, tmp_path: Path) -> None:
    """Where JAX-WS's `wsimport` is, with its jars where Debian has them."""
    jars = sorted(Path("/usr/share/jaxws/lib").glob("*.jar"))
    if shutil.which("wsimport") is None or shutil.which("java") is None or not jars:
        pytest.skip("there is no JAX-WS here")
    output(["wsimport", "-quiet", "-d", ".", "-p", "duis", f"{site.url}/soap?wsdl"], tmp_path)
    classes = os.pathsep.join((".", *map(str, jars)))
    by_wsdl(site, tmp_path, "java", "-cp", classes, str(EXAMPLES / "SoapClient.java"))


def test_the_project_for_soapui_hangs_together_and_its_request_is_answered(site: Site, tmp_path: Path) -> None:
    """SoapUI itself is not run here: its steps name what is there, and what it would sign and send is."""
    project = etree.parse(EXAMPLES / "soapui_project.xml")
    con = {"con": "http://eviware.com/soapui/config"}

    def said(path: str) -> str:
        return str(project.xpath(f"string(//con:{path})", namespaces=con)).strip()

    properties = dict(zip(texts(project, "property/con:name"), texts(project, "property/con:value"), strict=True))
    script = said("testStep[@name='signed']//script")
    assert set(re.findall(r"of\('(.*?)'\)", script)) | {"Gateway"} == properties.keys()
    binding = etree.fromstring(urlopen(f"{site.url}/soap?wsdl").read()).find(
        "{http://schemas.xmlsoap.org/wsdl/}binding"
    )
    assert binding is not None
    assert said("interface/@bindingName") == f"{{urn:duis-gateway:soap:1}}{binding.get('name')}"
    (template,) = re.findall(r'"""(.*?)"""', script, re.DOTALL)
    number = site.gateway().new_request_id()
    request = template.replace("\\\n", "").replace("${number}", number).replace("${of('Hub')}", HUB)
    (tmp_path / "request.xml").write_text(request, encoding="utf-8")
    key, certificate = site.keys()
    ran = run("sign", tmp_path / "request.xml", "--key", key, "--certificate", certificate)
    signed = re.sub(r"^<\?xml[^>]*>\s*", "", ran.output)
    envelope = said("testStep[@name='sent']//con:request/con:request").replace("${signed#result}", signed)
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    with urlopen(Request(f"{site.url}/soap", envelope.encode(), headers)) as answer:
        assert said("token") in answer.read().decode()


def test_the_flow_for_node_red_hangs_together_and_its_command_works(site: Site, tmp_path: Path) -> None:
    """Without Node-RED: its nodes are known ones, each wire leads to one, and the command works."""
    flow = json.loads((EXAMPLES / "node_red_flow.json").read_text(encoding="utf-8"))
    by_id = {node["id"]: node for node in flow}
    assert len(by_id) == len(flow)
    assert {node["type"] for node in flow} == {
        *("tab", "inject", "file", "exec", "json", "debug"),
        *("http in", "change", "http response"),
    }
    assert {wire for node in flow for wires in node.get("wires", ()) for wire in wires} == by_id.keys() - {
        "duis-tab",
        "duis-ask",
        "duis-alert",
    }
    body = by_id["duis-ask"]["payload"]
    (tmp_path / by_id["duis-file"]["filename"]).write_text(body, encoding="utf-8")
    key, certificate = site.keys()
    said = f"export GATEWAY={site.url} KEY={key} CERTIFICATE={certificate} TRUST={site.trust}\n"
    command = by_id["duis-send"]["command"].replace("duis-gateway", "$DUIS_GATEWAY", 1)
    answer = json.loads(output(["bash", "-ec", said + command], tmp_path))
    assert answer["Response"]["Header"]["ResponseCode"] == "I0"


@pytest.mark.may_skip_in_ci("a program and packages that are no dependencies")
def test_node_red_loads_the_flow_as_it_is_and_takes_an_alert_that_is_proven(site: Site, tmp_path: Path) -> None:
    """Where Node-RED is in `node_modules` of the folder that DUIS_GATEWAY_TEST_NODE names."""
    red = Path(os.environ.get("DUIS_GATEWAY_TEST_NODE", tmp_path)) / "node_modules" / "node-red" / "red.js"
    if shutil.which("node") is None or not red.is_file():
        pytest.skip("there is no Node-RED here")
    text = (ROOT / "docs/examples/duis-N64.xml").read_text(encoding="utf-8")
    (tmp_path / "N64.xml").write_text(text, "utf-8")
    keys = ("--key", site.pki / "gateway.key", "--certificate", site.pki / "gateway.pem")
    alert = run("sign", tmp_path / "N64.xml", *keys).raw
    program = tmp_path / "bin" / "duis-gateway"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m duis_gateway "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    flow = shutil.copy(EXAMPLES / "node_red_flow.json", tmp_path)
    port = str(free_port())
    words = ["node", str(red), "--userDir", str(tmp_path), "-p", port, "-D", "uiHost=127.0.0.1", str(flow)]
    around = {**environ(), "PATH": f"{program.parent}:{os.environ['PATH']}", "TRUST": str(site.trust)}
    with saying(words, folder=tmp_path, environ=around) as node:
        read_until(node, "Started flows")
        answered = []
        for content in (alert, alert.replace(b"9002", b"9003")):
            request = Request(f"http://127.0.0.1:{port}/duis/alerts", content, {"Content-Type": "application/xml"})
            try:
                with urlopen(request, timeout=60) as answer:
                    answered.append(answer.status)
            except HTTPError as error:
                answered.append(error.code)
        assert answered == [204, 400]
    [judge] = [one for one in json.loads(Path(flow).read_text("utf-8")) if one["id"] == "duis-judge"]
    # Killed after its time, `verify` has no exit code; 2 is a trust that is not there, and no fault of the message.
    codes = """
        const {util} = require("@node-red/util"), said = util.prepareJSONataExpression(process.argv[1], {})
        for (const code of [0, 1, 2, null])
            util.evaluateJSONataExpression(said, {payload: {code}}, (error, status) => console.log(error || status))
    """
    told = output(["node", "-e", codes, judge["rules"][0]["to"]], red.parents[2])
    assert told.split() == ["204", "400", "503", "503"]


def test_json_is_sent_and_answered_by_the_command_line(site: Site, tmp_path: Path) -> None:
    """For a supplier and for the CSP: who signs says which door it is."""
    for party, body in (
        ("you", {"ReadInventory": {"DeviceID": HUB}}),
        ("north", {"DefaultPilotList": {"FirmwareReleaseID": "NONE", "CSPRegion": "North", "DeviceIDList": [HUB]}}),
    ):
        (tmp_path / "body.json").write_text(json.dumps(body), encoding="utf-8")
        key, certificate = site.keys(party)
        keys = ("--key", key, "--certificate", certificate)
        words = ("--url", site.url, "--trust", site.trust, "--json")
        ran = run("send", tmp_path / "body.json", *keys, *words)
        assert ran.output, ran.error
        told = json.loads(ran.output)
        if party == "north":
            assert (ran.code, told["Message"]["Body"]["Acknowledgement"]["Status"]) == (1, "Refused"), ran.error
        else:
            assert (ran.code, told["Response"]["Header"]["ResponseCode"]) == (0, "I0"), ran.error
            (device,) = told["Response"]["Body"]["ResponseMessage"]["DSPInventory"]["Device"]
            assert device["DeviceID"] == HUB


def test_the_kit_and_a_real_gateway_agree_on_what_is_refused(site: Site) -> None:
    """A response code is an answer; the same message again gets the same bytes."""
    gateway = site.gateway()
    now = datetime.now(UTC)
    prepared = gateway.prepare(PreferredPilotSchedule("NONE", "9002", [Group("G", [HUB], now, now)]))
    answer = gateway.post(prepared)
    assert (answer.code, answer.status, answer.accepted) == ("E110601", "Refused", False)
    assert gateway.post(prepared).document == answer.document
