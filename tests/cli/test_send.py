"""`send`: a document to a door, and what comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run
from tests.support.ports import free_port

SR = 'xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway"'
RESPONSE = f"<sr:Response {SR}><sr:Header><sr:ResponseCode>{{}}</sr:ResponseCode></sr:Header></sr:Response>"
ACKNOWLEDGEMENT = (
    '<Message xmlns="urn:csp-mgmt-gw:1"><Header/><Body><Acknowledgement><MessageID>1</MessageID>'
    "<Status>{}</Status><Code>C1</Code><Text>said</Text>{}</Acknowledgement></Body></Message>"
)
PROBLEM = '<problem xmlns="urn:ietf:rfc:7807"><title>t</title><detail>the digest differs</detail></problem>'
FAULT = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>Client</faultcode>'
    "<faultstring>no such operation</faultstring></e:Fault></e:Body></e:Envelope>"
)


@dataclass
class Door:
    """A door that answers what it is told to, and remembers what it got."""

    url: str = ""
    status: int = 200
    answer: str = ""
    got: list[tuple[str, str | None, bytes]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.url.removesuffix("/api/v1/serviceD")


@pytest.fixture
def door() -> Iterator[Door]:
    told = Door()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, self.headers["Content-Type"], body))
            self.send_response(told.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(told.answer.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/api/v1/serviceD"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "request.xml"
    path.write_bytes(b"<a>\r\n <b/>\r\n</a>")
    return path


def test_the_file_goes_out_byte_for_byte_and_the_answer_comes_back(door: Door, file: Path) -> None:
    door.answer = RESPONSE.format("I99")
    ran = run("send", file, "--url", door.url)
    assert door.got == [("/api/v1/serviceD", "application/xml", file.read_bytes())]
    assert (ran.code, ran.output) == (0, door.answer)
    assert ran.error.splitlines() == ["HTTP 200 OK", "I99: accepted; there is nothing specific to return"]


def test_a_document_that_was_forgotten_to_be_signed_is_said_to_be_so(door: Door, file: Path) -> None:
    door.status, door.answer = 401, PROBLEM
    assert refused(1, "send", file, "--url", door.url).endswith("it is not signed: --key and --certificate sign it")


@pytest.mark.parametrize(
    ("status", "answer", "code", "said"),
    [
        (200, RESPONSE.format("I0"), 0, "I0: success"),
        (200, RESPONSE.format("W110501"), 0, "W110501: accepted for some hubs"),
        (200, RESPONSE.format("E4"), 1, "E4: the user is not responsible"),
        (200, RESPONSE.format("E999999"), 1, "E999999"),
        (200, ACKNOWLEDGEMENT.format("Accepted", ""), 0, "Accepted C1: said"),
        (200, ACKNOWLEDGEMENT.format("PartlyAccepted", ""), 0, "PartlyAccepted C1: said"),
        (200, ACKNOWLEDGEMENT.format("Refused", ""), 1, "Refused C1: said"),
        (401, PROBLEM, 1, "the digest differs"),
        (500, FAULT, 1, "no such operation"),
        (503, "", 1, "HTTP 503 Service Unavailable"),
        (302, "", 1, "HTTP 302 Found"),
        (202, "not XML", 0, "HTTP 202 Accepted"),
        (200, "not XML", 1, "the answer is not XML; check whether http://127.0.0.1"),
        (200, "", 1, "the answer is empty; check whether"),
        (200, "<html/>", 1, "the answer is XML, but not a gateway's answer: html; check whether"),
    ],
)
def test_the_exit_code_says_whether_the_answer_is_no(
    door: Door, file: Path, status: int, answer: str, code: int, said: str
) -> None:
    door.status, door.answer = status, answer
    ran = run("send", file, "--url", door.url)
    assert ran.code == code
    assert said in ran.error
    assert f"HTTP {status}" in ran.error


def test_the_answer_can_go_to_a_file(door: Door, file: Path) -> None:
    door.answer = RESPONSE.format("I0")
    out = file.with_name("answer.xml")
    ran = run("send", file, "--url", door.url, "--out", out)
    assert (ran.output, out.read_text(encoding="utf-8")) == ("", door.answer)


def test_nothing_is_sent_whose_answer_could_not_be_written(door: Door, file: Path) -> None:
    out = file.parent / "nowhere" / "answer.xml"
    assert str(out) in refused(2, "send", file, "--url", door.url, "--out", out)
    assert door.got == []


def test_an_answer_that_cannot_be_written_after_all_is_printed(door: Door, file: Path) -> None:
    """It does not come again by itself."""
    door.answer = RESPONSE.format("I0")
    ran = run("send", file, "--url", door.url, "--out", "/dev/full")
    assert (ran.code, ran.output) == (2, door.answer)
    assert "/dev/full: No space left on device" in ran.error


def test_an_informational_answer_is_not_the_answer(file: Path) -> None:
    """A proxy may send 103 first (RFC 8297); the answer is what follows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 503 Service Unavailable\r\n\r\n"
        threading.Thread(target=answer_once, args=(listener, told), daemon=True).start()
        ran = run("send", file, "--url", f"http://127.0.0.1:{listener.getsockname()[1]}/")
    assert ran.error.startswith("HTTP 503 Service Unavailable\n")
    assert ran.code == 1


def test_a_door_that_is_not_there_is_one_line(door: Door, file: Path) -> None:
    said = refused(1, "send", file, "--url", "http://127.0.0.1:1/")
    assert said == "http://127.0.0.1:1/api/v1/serviceD could not be reached: Connection refused; --wait waits for it"
    assert "is neither http nor https" in refused(2, "send", file, "--url", "127.0.0.1/x")


def test_what_was_not_taken_is_listed_with_its_reason_and_no_word_comes_twice(door: Door, file: Path) -> None:
    items = "".join(
        f"<RefusedItem><Item>00-DB-12-34-56-00-00-{n:02X}</Item><Reason>NotEligible</Reason></RefusedItem>"
        for n in range(25)
    )
    door.answer = ACKNOWLEDGEMENT.format("PartlyAccepted", items).replace("C1", "PartlyAccepted")
    lines = run("send", file, "--url", door.url).error.splitlines()
    assert lines[:3] == ["HTTP 200 OK", "PartlyAccepted: said", "  00-DB-12-34-56-00-00-00: NotEligible"]
    assert (len(lines), lines[-1]) == (23, "  and 5 more: see the answer")


def test_the_hubs_that_a_response_warns_of_are_listed(door: Door, file: Path) -> None:
    warning = (
        "<sr:DSPPilotListWarning><sr:NotResponsibleDeviceIDList>00-DB-12-34-56-00-00-02,00-DB-12-34-56-00-00-03"
        "</sr:NotResponsibleDeviceIDList></sr:DSPPilotListWarning></sr:Response>"
    )
    door.answer = RESPONSE.format("W110501").replace("</sr:Response>", warning)
    assert run("send", file, "--url", door.url).error.splitlines()[2:] == [
        "  00-DB-12-34-56-00-00-02: NotResponsibleDeviceIDList",
        "  00-DB-12-34-56-00-00-03: NotResponsibleDeviceIDList",
    ]


def test_what_goes_with_json_alone_and_where_envelopes_go_is_said(door: Door, file: Path) -> None:
    for words in (("--trust", file), ("--duis-version", "5.4")):
        assert "--trust and --duis-version go with --json" in refused(2, "send", file, "--url", door.url, *words)
    door.status, door.answer = 415, PROBLEM
    said = refused(1, "send", file, "--url", door.url.replace("/api/v1/serviceD", "/soap"))
    assert "/soap takes SOAP envelopes; a signed message goes to http://127.0.0.1" in said


def test_a_key_in_the_place_of_its_file_is_not_shown(door: Door, file: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----"
    said = refused(2, "send", file, "--url", door.url, "--key", key, "--certificate", file)
    assert said.endswith("that is the content of a file: give the file's path")
    assert "MIGH" not in said


def test_the_document_can_come_from_standard_input(door: Door, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    door.answer = RESPONSE.format("I0")
    with file.open(encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert run("send", "-", "--url", door.url).code == 0
    assert door.got[0][2] == file.read_bytes()


def test_it_signs_first_when_it_is_given_a_key(door: Door, file: Path, installation: Installation) -> None:
    door.answer = RESPONSE.format("I0")
    key, certificate = installation.make_certificate(SUPPLIER)
    request_id = "90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1"
    request = f"<sr:Request {SR}><sr:Header><sr:RequestID>{request_id}</sr:RequestID></sr:Header></sr:Request>"
    file.write_text(request, encoding="utf-8")
    assert run("send", file, "--url", door.url, "--key", key, "--certificate", certificate).code == 0
    file.write_bytes(door.got[0][2])
    assert "signer:      90-B3-D5-1F-30-01-00-00" in done("verify", file, "--trust", installation.pki)
    assert "go together" in refused(2, "send", file, "--url", door.url, "--key", key)


def test_what_json_is_refused_for_names_options_of_the_command(file: Path, installation: Installation) -> None:
    """Not the arguments of the Python library, nor a prepared message, which a shell does not have."""
    file.write_text('{"ReadInventory": {"DeviceID": "00-DB-12-34-56-00-00-01"}}', encoding="utf-8")
    key, certificate = installation.make_certificate(SUPPLIER)
    words = ("--json", "--key", key, "--certificate", certificate, "--url", f"http://127.0.0.1:{free_port()}")
    own = installation.pki / "gateway.pem"
    said = refused(1, "send", file, *words, "--trust", own)
    assert said.endswith("could not be reached: Connection refused; --wait waits for it")
    installation.make_certificate(OTHER_SUPPLIER, "89")
    said = refused(2, "send", file, *words, "--trust", installation.pki)
    assert said.startswith("--trust: several trusted certificates may sign for DCC: ")
    assert said.endswith("; name the gateway's own certificate there")
    assert refused(2, "send", file, *words, "--trust", certificate).endswith("owner; name the gateway's there")
    file.write_text('{"Nothing": {}}', encoding="utf-8")
    said = refused(2, "send", file, *words, "--trust", own)
    assert "no message 'Nothing' can be sent; there are ReadInventory, " in said
    assert len(said) < 1_000, "the Service Requests served here and partners' messages, not all of DUIS"
    file.write_bytes('{"ReadInventory": {}}'.encode("utf-16"))
    assert refused(2, "send", file, *words, "--trust", own).endswith("it is not UTF-8")


def test_it_waits_for_a_gateway_that_does_not_listen_yet(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The door begins to listen when `send` has been refused once."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert "--wait waits for it" in refused(1, "send", file, "--url", url)

        def begin(_seconds: float) -> None:
            listener.listen()
            threading.Thread(target=answer_once, args=(listener,), daemon=True).start()

        monkeypatch.setattr("duis_gateway.cli.waiting.sleep", begin)
        assert run("send", file, "--url", url, "--wait").error == "HTTP 204 No Content\n"


def test_it_waits_through_a_connection_that_is_cut_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where something else had the port until the gateway took it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        threading.Thread(target=answer_once, args=(listener, b""), daemon=True).start()

        def begin(_seconds: float) -> None:
            threading.Thread(target=answer_once, args=(listener,), daemon=True).start()

        monkeypatch.setattr("duis_gateway.cli.waiting.sleep", begin)
        assert run("send", file, "--url", url, "--wait").error == "HTTP 204 No Content\n"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (f"<sr:Request {SR}/>", "/api/v1/serviceD"),
        ('<Message xmlns="urn:csp-mgmt-gw:1"/>', "/csp-mgmt-gw/v1/messages"),
        ("no XML", "/api/v1/serviceD"),
    ],
)
def test_the_gateways_own_url_stands_for_the_door_of_the_document(
    door: Door, file: Path, document: str, path: str
) -> None:
    file.write_text(document, encoding="utf-8")
    for url in (door.base, f"{door.base}/", door.base + path):
        run("send", file, "--url", url)
    assert [at for at, _, _ in door.got] == [path] * 3


def test_a_refusal_is_told_in_words_and_its_bytes_go_to_a_file_alone(door: Door, file: Path, tmp_path: Path) -> None:
    door.status, door.answer = 404, PROBLEM
    ran = run("send", file, "--url", f"{door.base}/nothing", "--out", tmp_path / "answer.xml")
    assert (tmp_path / "answer.xml").read_text(encoding="utf-8") == PROBLEM
    assert ran.error.splitlines()[:2] == ["HTTP 404 Not Found", "the digest differs"]
    assert ran.error.endswith(f"there is no door at {door.base}/nothing; there is one at {door.base}/api/v1/serviceD\n")
    assert run("send", file, "--url", f"{door.base}/nothing").output == ""
    assert "[server] port" in run("send", file, "--url", door.base).error  # what is at a door's path is no gateway


def answer_once(listener: socket.socket, told: bytes = b"HTTP/1.1 204 No Content\r\n\r\n") -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(told)


@pytest.mark.parametrize("status", [200, 302, 400, 403, 502, 503])
def test_a_request_that_no_gateway_judged_is_not_said_to_be_refused(door: Door, file: Path, status: int) -> None:
    """What a proxy says in the gateway's place speaks of no request."""
    door.status, door.answer = status, "<html>a proxy</html>"
    token = file.with_name("token")
    token.write_text("token", encoding="utf-8")
    said = refused(2, "check", file, "--url", door.base, "--token-file", token)
    assert f"{file} was not judged: " in said
