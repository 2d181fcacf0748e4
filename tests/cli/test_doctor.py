"""`doctor`: what is good is said, and what is wrong is said with what to do."""

from __future__ import annotations

import socket

import pytest

from tests.support.cli import SUPPLIER, Installation, run

pytestmark = pytest.mark.requirement("EX-10")


def lines(installation: Installation, code: int) -> dict[str, str]:
    """What was found, by what was looked at."""
    ran = run("doctor", *installation.config)
    assert ran.code == code, (ran.output, ran.error)
    return {
        line[7:21].strip(): line[:5].strip() + " " + line[21:] for line in ran.output.splitlines() if line[5:7] == "  "
    }


def test_a_new_installation_has_nothing_wrong_once_its_parties_are_there(installation: Installation) -> None:
    found = lines(installation, 0)
    assert found["parties"].startswith("note none is registered: `party add`")
    _, certificate = installation.make_certificate(SUPPLIER)
    with socket.create_server(("127.0.0.1", 0)) as adapter:
        url = f"http://127.0.0.1:{adapter.getsockname()[1]}/"
        words = ("--kind", "supplier", "--role", "IS", "--url", url, "--certificate", certificate)
        assert run("party", "add", SUPPLIER, *words, *installation.config).code == 0
        found = lines(installation, 0)
    for what in ("configuration", "signing key", "database", "clock", "certificate", "endpoint"):
        assert found[what].startswith("good "), (what, found)
    assert found["mail"].startswith("note [email] host is not set")
    assert lines(installation, 0)["endpoint"].startswith("note 90-B3"), "it listens no more, and that is no fault here"


def test_what_is_wrong_is_said_with_what_to_do(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as closed:
        port, relay = taken.getsockname()[1], closed.getsockname()[1]
        closed.close()
        file = installation.config[1]
        text = file.read_text(encoding="utf-8")
        text = text.replace("[server]\n", f"[server]\nport = {port}\n", 1)
        text = text.replace("[email]\n", f'[email]\nhost = "127.0.0.1"\nport = {relay}\nsender = "a@b.example"\n', 1)
        file.write_text(text, encoding="utf-8")
        (installation.pki / "gateway.key").unlink()
        found = lines(installation, 1)
    assert found["signing key"].startswith(f"WRONG {file}, line ")
    assert "[signing] key" in found["signing key"]
    assert found[f"port {port}"].startswith("WRONG [server] 127.0.0.1 cannot be listened on")
    assert found["mail"].startswith(f"WRONG 127.0.0.1:{relay} does not answer as a relay")
    file.write_text("[server]\nprot = 1\n", encoding="utf-8")
    assert 'did you mean "port"' in lines(installation, 1)["configuration"]
