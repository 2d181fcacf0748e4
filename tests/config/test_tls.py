"""TLS by configuration: what it says where files cannot be used, and files that change under a running listener."""

from __future__ import annotations

import http.client
import logging
import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from duis_gateway.config.files import check_files
from duis_gateway.config.secrets import open_secrets
from duis_gateway.config.settings import Config, load_config
from duis_gateway.config.tls import delivery_tls, listener_tls
from duis_gateway.errors import ConfigurationError
from tests.support.doors import ANSWER, StandIn, open_doors
from tests.support.tls_pki import Authority, Files
from tests.support.writing import wait_until

DUIS = "/api/v1/serviceD"
GOOD = b"POST /api/v1/serviceD HTTP/1.1\r\nHost: g\r\nContent-Type: application/xml\r\nContent-Length: 4\r\n\r\n<a/>"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def configured(folder: Path, section: str = "server", **keys: object) -> Config:
    """A configuration with these keys in one section, beside the gateway's own identity."""
    lines = [f'{key} = "{value}"' if isinstance(value, str | Path) else f"{key} = true" for key, value in keys.items()]
    signing = '[signing]\neui = "90-B3-D5-1F-30-00-00-02"\nkey = "gateway.key"\ncertificate = "gateway.pem"\n'
    file = folder / "gateway.toml"
    file.write_text("\n".join([signing + f"[{section}]", *lines, ""]), encoding="utf-8")
    return load_config(file, {})


def refusal(config: Config, section: str = "server") -> str:
    with pytest.raises(ConfigurationError) as caught:
        delivery_tls(config) if section == "delivery" else listener_tls(config, section)
    said = str(caught.value)
    assert "\n" not in said
    return said.replace(str(config.source), "FILE").replace(f"{config.source.parent}/", "")


def test_without_a_certificate_a_listener_speaks_plain_http(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert (listener_tls(config, "server"), listener_tls(config, "operations"), delivery_tls(config)) == (None,) * 3


def passphrase(files: Files) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))


def another_key(files: Files) -> None:
    other = Authority(files.key.parent / "elsewhere").issue("other")
    files.key.write_bytes(other.key.read_bytes())


def wrong_order(files: Files) -> None:
    own = files.certificate.read_bytes()
    files.certificate.write_bytes((files.certificate.parent / "authority.pem").read_bytes() + own)


def a_gap(files: Files) -> None:
    stranger = Authority(files.key.parent / "elsewhere", "stranger")
    files.certificate.write_bytes(files.certificate.read_bytes() + stranger.file.read_bytes())


def der(files: Files) -> None:
    files.certificate.write_bytes(b"\x30\x82\x01\x02" + bytes(258))


WRONG: dict[str, tuple[Callable[[Files], object], str]] = {
    "passphrase": (passphrase, "[server] tls_key: own.key: the key is protected by a passphrase; `openssl pkey"),
    "another key": (another_key, "[server] tls_key: own.key: the key does not fit the certificate own.pem"),
    "no key": (lambda files: files.key.write_bytes(b"none"), "[server] tls_key: own.key: no PEM private key"),
    "key away": (lambda files: files.key.unlink(), "[server] tls_key: own.key: No such file or directory"),
    "wrong order": (wrong_order, "[server] tls_certificate: own.pem: the certificate of own.key must come first"),
    "a gap": (a_gap, "[server] tls_certificate: own.pem: after CN=own must come its issuer, CN=authority, but instead"),
    "DER": (der, "[server] tls_certificate: own.pem: no PEM certificate; `openssl x509 -inform DER"),
    "certificate away": (
        lambda files: files.certificate.unlink(),
        "[server] tls_certificate: own.pem: No such file or directory",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_files_that_cannot_be_used_are_named_with_their_key_and_what_to_do(
    authority: Authority, tmp_path: Path, kind: str
) -> None:
    own = authority.issue("own")
    config = configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key)
    spoil, want = WRONG[kind]
    spoil(own)
    assert want in refusal(config)


def test_what_goes_together_is_asked_for(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("own")
    assert refusal(configured(tmp_path, tls_key=own.key)).endswith("tls_certificate is missing: the two go together")
    delivery = configured(tmp_path, "delivery", tls_certificate=own.certificate)
    assert refusal(delivery, "delivery").endswith("[delivery] tls_certificate: tls_key is missing: the two go together")
    needs = "it needs TLS: set tls_certificate and tls_key"
    assert f"[server] client_ca_file: {needs}" in refusal(configured(tmp_path, client_ca_file=authority.file))
    assert f"[server] bind_organisation: {needs}" in refusal(configured(tmp_path, bind_organisation=True))
    said = refusal(configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key, bind_organisation=True))
    assert said.endswith("[server] bind_organisation: no client certificate is asked for: set client_ca_file")


def test_authorities_of_single_recipients_are_named_by_their_eui(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "authorities"
    folder.mkdir()
    config = configured(tmp_path, "delivery", ca_folder=folder)
    good = folder / "90B3D51F30010000.pem"
    good.write_bytes(authority.file.read_bytes())
    check_files(config, "delivery")
    for name, content, want in (
        ("90-B3-D5-1F-30-02-00-00.pem", authority.file.read_bytes(), "names no party"),
        ("90B3D51F30020000.pem", b"nothing", "it has no PEM certificate"),
    ):
        (folder / name).write_bytes(content)
        with pytest.raises(ConfigurationError, match=rf"\[delivery\] ca_folder: .*{name}:? {want}"):
            check_files(config, "delivery")
        (folder / name).unlink()


def test_secrets_that_anybody_may_read_are_named(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("own")
    config = configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key)
    (tmp_path / "own.key").chmod(0o600)
    assert list(open_secrets(config)) == []
    own.key.chmod(0o644)
    (line,) = open_secrets(config)
    assert line.endswith(f"[server] tls_key: every user of this machine can read {own.key}: run `chmod o-r` on it")


def put(source: Files, target: Files) -> None:
    """Put other files in place, each in one step, as tools for certificates do."""
    for new, old in ((source.key, target.key), (source.certificate, target.certificate)):
        new.replace(old)


def served(port: int, context: ssl.SSLContext) -> bool:
    """Whether a client that comes now is served."""
    client = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    with closing(client):
        try:
            client.request("OPTIONS", "/")
            return client.getresponse().status == 200
        except (ssl.SSLError, ConnectionError):
            return False


def test_files_that_change_are_taken_and_no_connection_is_lost(authority: Authority, tmp_path: Path) -> None:
    """By themselves within a second, and at once where it is asked for (SIGHUP)."""
    new = Authority(tmp_path / "new", "new")
    own, next_own = authority.issue("own"), new.issue("next")
    clients = authority.file.with_name("clients.pem")
    clients.write_bytes(authority.file.read_bytes())
    old_client, new_client = authority.issue("old-client"), new.issue("new-client")
    config = configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key, client_ca_file=clients)
    tls = listener_tls(config, "server")
    assert tls is not None
    before = authority.trusting(old_client)
    with open_doors(StandIn(lambda _incoming: ANSWER), secured=tls, tls=before) as doors, doors.connect() as kept:
        kept.sendall(GOOD)
        assert kept.recv(12) == b"HTTP/1.1 200"
        put(next_own, own)
        clients.write_bytes(new.file.read_bytes())
        after = new.trusting(new_client)
        wait_until(lambda: served(doors.server.port, after))
        assert not served(doors.server.port, before)
        assert not served(doors.server.port, new.trusting(old_client))
        kept.sendall(GOOD)
        assert b"HTTP/1.1 200" in kept.recv(10_000) + kept.recv(10_000)
        put(authority.issue("again"), own)
        tls.read_again()
        assert served(doors.server.port, authority.trusting(new_client))


def test_files_that_cannot_be_used_when_they_change_leave_what_was_read_before(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = authority.issue("own")
    tls = listener_tls(configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key), "server")
    assert tls is not None
    with open_doors(StandIn(lambda _incoming: ANSWER), secured=tls, tls=authority.trusting()) as doors:
        another_key(own)
        tls.read_again()
        assert served(doors.server.port, authority.trusting())
        assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == [
            "kept the TLS certificate read before"
        ]
        assert "the key does not fit" in (tls.problem() or "")
        put(authority.issue("good"), own)
        tls.read_again()
        assert tls.problem() is None


def test_an_expired_certificate_is_a_problem_of_the_operator(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("own", ends=timedelta(days=-1))
    tls = listener_tls(configured(tmp_path, tls_certificate=own.certificate, tls_key=own.key), "server")
    assert tls is not None
    assert tls.has_expired
    assert "[server] tls_certificate: it has expired at" in (tls.problem() or "")
