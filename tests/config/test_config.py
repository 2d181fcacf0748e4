"""The configuration file: what it gives, and what it says when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from duis_gateway.config.files import check_files
from duis_gateway.config.reading import lines_of_keys
from duis_gateway.config.settings import SECTIONS, Config, load_config, settings_of
from duis_gateway.errors import ConfigurationError

SIGNING = """
[signing]
eui = "90-b3-d5-1f-30-00-00-02"
key = "pki/gateway.key.pem"
certificate = "/etc/duis/gateway.pem"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def load(file: Path, text: str, **environ: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load_config(file, environ)


def refusal(file: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, text, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(file), "FILE")


def test_a_file_that_says_only_who_the_gateway_is_gets_the_defaults(file: Path) -> None:
    config = load(file, SIGNING)
    assert config.signing.eui == 0x90B3D51F30000002
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8079)
    assert (config.operations.host, config.operations.port) == ("127.0.0.1", 9079)
    assert config.limits.size == 8 * 1024 * 1024
    assert config.limits.alert_bytes == 95_000
    assert config.clock.fixed is None
    assert config.source == file


def test_paths_are_relative_to_the_file_and_not_to_where_one_stands(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    config = load(file, SIGNING + '[store]\nurl = "sqlite:///data/g.db"\n[trust]\nanchors = "anchors"\n')
    assert config.signing.key == file.parent / "pki/gateway.key.pem"
    assert config.signing.certificate == Path("/etc/duis/gateway.pem")
    assert config.store.url == f"sqlite:///{file.parent}/data/g.db"
    assert config.trust.anchors == file.parent / "anchors"


def test_the_database_stands_beside_the_file_where_nothing_is_said(file: Path) -> None:
    assert load(file, SIGNING).store.url == f"sqlite:///{file.parent}/gateway.db"


def test_an_absolute_database_stays_where_it_is(file: Path) -> None:
    assert load(file, SIGNING + '[store]\nurl = "sqlite:////var/lib/g.db"').store.url == "sqlite:////var/lib/g.db"


@pytest.mark.parametrize(
    ("line", "environment", "value"),
    [
        ("[server]\nport = 1", {"DUIS_GATEWAY_SERVER_PORT": "0"}, ("server", "port", 0)),
        ("", {"DUIS_GATEWAY_STORE_LOCK_TIMEOUT": "2.5"}, ("store", "lock_timeout", 2.5)),
        ("", {"DUIS_GATEWAY_TRUST_ALLOW_STALE_CRL": "True"}, ("trust", "allow_stale_crl", True)),
        (
            "",
            {"DUIS_GATEWAY_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128"},
            ("delivery", "allowed_networks", (ip_network("127.0.0.0/8"), ip_network("::1/128"))),
        ),
        ('[clock]\nfixed = "2027-01-04T09:00:00Z"', {"DUIS_GATEWAY_CLOCK_FIXED": ""}, ("clock", "fixed", None)),
        ("", {"DUIS_GATEWAY_LOG_LEVEL": "DEBUG"}, ("log", "level", "debug")),
    ],
)
def test_an_environment_variable_overrides_the_file(
    file: Path, line: str, environment: dict[str, str], value: tuple[str, str, object]
) -> None:
    section, key, expected = value
    assert getattr(getattr(load(file, SIGNING + line, **environment), section), key) == expected


def test_every_key_can_be_overridden_by_the_environment(file: Path) -> None:
    """A bad value is refused by the variable's name, which shows that the variable reached the key."""
    for section in SECTIONS:
        for key in settings_of(section):
            name = f"DUIS_GATEWAY_{section}_{key}".upper()
            message = refusal(file, SIGNING, **{name: "\x07"})
            assert message.startswith(f"the environment variable {name} ([{section}] {key}): must be "), message


def test_a_required_key_may_come_from_the_environment_alone(file: Path) -> None:
    config = load(
        file,
        "",
        DUIS_GATEWAY_SIGNING_EUI="00-00-00-00-00-00-00-01",
        DUIS_GATEWAY_SIGNING_KEY="k.pem",
        DUIS_GATEWAY_SIGNING_CERTIFICATE="c.pem",
    )
    assert config.signing.eui == 1
    assert config.signing.key == file.parent / "k.pem"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\n\nprot = 8080\n", "FILE, line 3: [server] prot: there is no such key; did you mean port?"),
        ("[sever]\nport = 1\n", "FILE, line 1: [sever]: there is no such section; did you mean [server]?"),
        ("[limits]\nzzz = 1\n", "FILE, line 2: [limits] zzz: there is no such key"),
        ("server = 1\n", "FILE, line 1: server must be a section, [server]"),
        (
            "# first\n[server]\nport = 80800\n",
            "FILE, line 3: [server] port: must be a port number from 0 to 65535 (0: any free one), not '80800'",
        ),
        ('[server]\nport = "80"\n', "FILE, line 2: [server] port: must be a port number"),
        ("[server]\nport = true\n", "FILE, line 2: [server] port: must be a port number"),
        (
            '[server]\nhost = "[::1]"\n',
            "FILE, line 2: [server] host: '[::1]' has brackets: an IPv6 address stands without them here, ::1",
        ),
        ('[operations]\nhost = "[::]:9079"\n', "FILE, line 2: [operations] host: '[::]:9079' has brackets"),
        ("server.port = -1\n", "FILE, line 1: [server] port: must be a port number"),
        ("[trust]\nallow_stale_crl = 1\n", "FILE, line 2: [trust] allow_stale_crl: must be true or false, not '1'"),
        (
            "[delivery]\nlease = 0\n",
            "FILE, line 2: [delivery] lease: must be a number of seconds above 0, at most a year, not '0'",
        ),
        ("[delivery]\nlease = inf\n", "FILE, line 2: [delivery] lease: must be a number of seconds above 0"),
        ('[delivery]\nallowed_networks = [\n "10.0.0.1/8"]\n', "FILE, line 2: [delivery] allowed_networks: must be"),
        ('[signing]\neui = "90-B3"\n', "FILE, line 2: [signing] eui: must be an EUI-64 such as"),
        (
            '[clock]\nfixed = "2999-12-31T23:00:00-02:00"\n',
            "FILE, line 2: [clock] fixed: a time outside the years 2000 to 2999 (in UTC)",
        ),
        ("[clock]\nfixed = 2027-01-04T09:00:00\n", "FILE, line 2: [clock] fixed: must be a date and time with a time"),
        ('[log]\nlevel = "loud"\n', "FILE, line 2: [log] level: must be one of debug, info, warning, error, not"),
        ('[store]\nurl = "mysql://h/d"\n', "FILE, line 2: [store] url: must be sqlite:///FILE or postgresql://"),
        ("[server]\nport =\n", "FILE: not TOML: Invalid value (at line 2"),
    ],
)
def test_what_is_wrong_is_refused_with_its_name_and_line(file: Path, text: str, expected: str) -> None:
    assert refusal(file, text).startswith(expected)


@pytest.mark.parametrize(
    ("keys", "content", "expected"),
    [
        ('fixed = "2027-01-04T09:00:00Z"\nfile = "clock"', "2027-01-04T09:00:00Z", "cannot be combined"),
        ('file = "clock"', "2027-01-04T09:00:00", "it must hold one time with its zone"),
        ('file = "clock"', None, "cannot be read: No such file"),
    ],
)
def test_a_clock_that_cannot_be_used_is_refused(file: Path, keys: str, content: str | None, expected: str) -> None:
    if content is not None:
        file.with_name("clock").write_text(content, encoding="ascii")
    config = load(file, SIGNING + f"[clock]\n{keys}\n")
    with pytest.raises(ConfigurationError, match=expected):
        config.clock.open()


def test_an_unknown_environment_variable_is_refused_with_a_suggestion(file: Path) -> None:
    assert refusal(file, SIGNING, DUIS_GATEWAY_SERVER_PROT="1") == (
        "the environment variable DUIS_GATEWAY_SERVER_PROT overrides no key of the configuration; "
        "did you mean DUIS_GATEWAY_SERVER_PORT?"
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("[email]\nhost = 'relay'\nsender = 'a(comment)@b.example'", "[email] sender: must be an email address"),
        ("[email]\nhost = 'relay'\nsender = 'a@-b.example'", "[email] sender: must be an email address"),
        ("[server]\nbase_url = 'http://gateway.example/%zz'", "has '%zz', which is not an octet"),
        ("[server]\nbase_url = 'http://gateway.example/{a}'", "has '{', which is written in a URL as %7B"),
        (f"[server]\nbase_url = 'http://{'a' * 64}.example'", "names too long a host: at most 63 characters"),
        ("[server]\nbase_url = 'http://a..b'", "has a host that no name server can know"),
    ],
)
def test_addresses_are_read_by_the_rules_of_registration(file: Path, keys: str, expected: str) -> None:
    assert expected in refusal(file, SIGNING + keys + "\n")


@pytest.mark.parametrize("name", ["CONFIG_FILE", "CONFIGURATION", "CONFIG_PATH", "CONF", "FAILPOINTS"])
def test_no_other_name_is_taken_for_a_variable_that_is_no_setting(file: Path, name: str) -> None:
    """The configuration that it names would not be read, and nobody would say so."""
    said = refusal(file, SIGNING, **{f"DUIS_GATEWAY_{name}": "x"})
    assert f"the environment variable DUIS_GATEWAY_{name} overrides no key" in said
    assert said.endswith("did you mean DUIS_GATEWAY_CONFIG?") is name.startswith("CONF")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SERVER_PORT", "\u0668\u0660"),
        ("SERVER_PORT", "\uff10"),
        ("SERVER_PORT", "1_0"),
        ("SERVER_PORT", "9" * 5000),
        ("SERVER_ADDRESS_PERCENT", "5_0"),
        ("STORE_MIN_FREE_BYTES", "1_000"),
        ("DELIVERY_LEASE", "1_0"),
        ("DELIVERY_LEASE", "\u0661"),
        ("DELIVERY_LEASE", "nan"),
        ("DELIVERY_LEASE", "1e1"),
        ("EMAIL_REMINDER_DAYS", "1_0"),
    ],
)
def test_numbers_of_the_environment_are_in_plain_digits(file: Path, name: str, text: str) -> None:
    """Python would read most of them, as another number than the eye does."""
    assert f"DUIS_GATEWAY_{name} " in refusal(file, SIGNING, **{f"DUIS_GATEWAY_{name}": text})


def test_numbers_of_the_environment_may_have_a_sign_blanks_and_a_fraction(file: Path) -> None:
    config = load(file, SIGNING, DUIS_GATEWAY_SERVER_PORT=" +0090 ", DUIS_GATEWAY_DELIVERY_LEASE=" 1.5")
    assert (config.server.port, config.delivery.lease) == (90, 1.5)


@pytest.mark.parametrize(
    ("keys", "limit"),
    [
        ("[server]\nthreads = 99999999999999999999", "a whole number from 1 to 1000"),
        ("[limits]\nsize = 99999999999999999999", "a whole number from 1 to 1000000000000000"),
        ("[email]\nreminder_days = 1000000000", "a whole number of days from 0 to 3650"),
    ],
)
def test_a_number_that_is_too_large_is_told_the_limit(file: Path, keys: str, limit: str) -> None:
    assert f"must be {limit}, not" in refusal(file, SIGNING + keys + "\n")


def test_other_variables_are_left_alone(file: Path) -> None:
    load(file, SIGNING, DUIS_PUBLISHED_SCHEMA="x", DUIS_GATEWAY_CONFIG="x", DUIS_GATEWAY_TEST_LONG="1", PATH="x")


def test_what_is_missing_is_named(file: Path) -> None:
    text = SIGNING.replace('key = "pki/gateway.key.pem"\n', "")
    assert refusal(file, text).startswith("FILE: [signing] key is missing: its private key")


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gateway\.toml cannot be read: No such file"):
        load_config(file, {})


def test_secrets_are_not_taken_inline_and_not_repeated(file: Path) -> None:
    """A secret is given by path, and an error message never carries one."""
    key = refusal(file, '[signing]\nkey = """-----BEGIN PRIVATE KEY-----\nMIGH"""\n')
    assert key == "FILE, line 2: [signing] key: must be a path to a file (never the secret itself)"
    url = refusal(file, '[store]\nurl = "postgresql://me:hunter2@db/duis"\n')
    assert "password_file" in url
    assert "hunter2" not in url
    assert "hunter2" not in refusal(file, SIGNING, DUIS_GATEWAY_STORE_URL="postgresql://me:hunter2@db/duis")
    for wrong in ("postgres://me:hunter2@db/duis", "postgresql://me:hunter2@[::1/duis", "host=db password=hunter2"):
        said = refusal(file, SIGNING, DUIS_GATEWAY_STORE_URL=wrong)
        assert "must be sqlite:///FILE or postgresql://USER@HOST/DATABASE, not" in said
        assert "hunter2" not in said
    assert "hunter2" not in refusal(file, SIGNING, DUIS_GATEWAY_TRACING_OTLP_URL="ftp://me:hunter2@collector/v1/traces")


@pytest.mark.parametrize("password", ["hun#ter2", "hun?ter2", "hun/ter2", "#", ""])
def test_a_password_is_not_taken_inline_whatever_signs_it_has(file: Path, password: str) -> None:
    """What SQLAlchemy takes for the password goes up to the `@`, where a URL's rules would end it earlier."""
    said = refusal(file, SIGNING, DUIS_GATEWAY_STORE_URL=f"postgresql://me:{password}@db:5432/duis")
    assert "contains a password" in said


def test_the_password_of_postgresql_comes_from_its_file(file: Path) -> None:
    (file.parent / "password").write_text("p@ss/word\n", encoding="utf-8")
    config = load(file, SIGNING + '[store]\nurl = "postgresql://me@db:5433/duis"\npassword_file = "password"\n')
    assert config.store.connection_url() == "postgresql://me:p%40ss%2Fword@db:5433/duis"
    assert "p@ss" not in repr(config)


def test_a_password_file_that_cannot_be_read_is_named(file: Path) -> None:
    config = load(file, SIGNING + '[store]\nurl = "postgresql://me@db/duis"\npassword_file = "none"\n')
    with pytest.raises(ConfigurationError, match="none cannot be read: No such file"):
        config.store.connection_url()


@pytest.mark.parametrize("value", ["2027-01-04T10:00:00+01:00", '"2027-01-04T09:00:00Z"'])
def test_the_fixed_clock_is_in_utc(file: Path, value: str) -> None:
    fixed = load(file, SIGNING + f"[clock]\nfixed = {value}\n").clock.fixed
    assert fixed == datetime(2027, 1, 4, 9, tzinfo=UTC)
    assert fixed.tzinfo is UTC


def test_lines_are_found_in_the_shapes_that_people_write() -> None:
    text = '\n# a\n[ server ] # b\n"port" = 1\n\n[email]\nhost = """x\n[not]\n"""\nlog.level = "info"\n'
    lines = lines_of_keys(text)
    assert lines["server",] == 3
    assert lines["server", "port"] == 4
    assert lines["email", "host"] == 7


def test_a_file_that_everybody_may_change_is_refused(file: Path) -> None:
    """It names the keys that the gateway signs with, and whom it believes."""
    load(file, SIGNING)
    file.chmod(0o646)
    with pytest.raises(
        ConfigurationError, match=f"every user of this machine can change {file}: run `chmod o-w` on it"
    ):
        load_config(file, {})
    file.chmod(0o664)
    load_config(file, {})


MARK = "\ufeff"


def test_what_editors_put_before_a_file_is_no_part_of_it(file: Path, tmp_path: Path) -> None:
    """A byte-order mark, and line ends of any kind."""
    (tmp_path / "password").write_bytes(f"{MARK}s3cret\r\n".encode())
    text = f'{MARK}{SIGNING}[store]\nurl = "postgresql://gateway@db/gateway"\npassword_file = "password"\n'
    config = load(file, text.replace("\n", "\r\n"))
    assert config.store.connection_url() == "postgresql://gateway:s3cret@db/gateway"


@pytest.mark.parametrize("service", ["", "OPERATIONS_", "SERVER_", "BLUE_"])
def test_what_kubernetes_compose_and_docker_make_is_passed_over_and_told(file: Path, service: str) -> None:
    """Beside a service that is called duis-gateway, or duis-gateway-operations, whose port looks like a key of ours."""
    made = {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "8079",
        "SERVICE_PORT_HTTP": "8079",
        "PORT": "tcp://10.0.0.1:8079",
        "PORT_8079_TCP": "tcp://10.0.0.1:8079",
        "PORT_8079_TCP_PROTO": "tcp",
        "PORT_8079_TCP_PORT": "8079",
        "PORT_8079_TCP_ADDR": "10.0.0.1",
        "PORT_8079_TCP_START": "tcp://10.0.0.1:8079",
        "PORT_8079_TCP_END": "tcp://10.0.0.1:8085",
        "NAME": "/console/duis-gateway",
        "ENV_PATH": "/usr/bin",
        "ENV_SERVER_PORT": "80",
    }
    environ = {f"DUIS_GATEWAY_{service}{name}": value for name, value in made.items()}
    config = load(file, SIGNING, **environ)
    assert config.passed_over == tuple(sorted(environ))
    assert (config.server.port, config.operations.port) == (8079, 9079)


@pytest.mark.parametrize("name", ["PORT", "NAME", "ENV", "SERVER_PROT", "SERVICE_HOSTS", "PORT_TCP", "PORT_8079"])
def test_a_typo_is_refused_all_the_same(file: Path, name: str) -> None:
    assert f"DUIS_GATEWAY_{name} overrides no key" in refusal(file, SIGNING, **{f"DUIS_GATEWAY_{name}": "8079"})


def test_a_home_that_is_not_there_is_named(file: Path) -> None:
    said = refusal(file, SIGNING + '[log]\nfile = "~nobody-of-this-name/x.log"\n')
    assert said.startswith("FILE, line ")
    assert "[log] file: '~nobody-of-this-name/x.log' cannot be followed: there is no such home" in said


@pytest.mark.parametrize(
    "text",
    [
        f"[server]\nport = {'9' * 5000}",
        f"a = {'[' * 5000}",
        f"[delivery]\nlease = 1{'0' * 300}",
        "[server]\nport = 1e400",
    ],
    ids=["digits", "nesting", "seconds", "infinity"],
)
def test_numbers_and_texts_without_measure_are_refused_like_others(file: Path, text: str) -> None:
    assert refusal(file, SIGNING + text).startswith("FILE")


def test_a_file_without_measure_is_refused_and_not_read(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(6 * 1024**3)
    with pytest.raises(ConfigurationError, match="larger than 64 MiB"):
        load_config(file, {})


@pytest.mark.parametrize(
    ("text", "section", "expected"),
    [
        (
            '[trust]\nanchors = "none"\n',
            "trust",
            "FILE, line 6: [trust] anchors: FOLDER/none: No such file or directory",
        ),
        ('[trust]\ncrls = "gateway.toml"\n', "trust", "FILE, line 6: [trust] crls: FILE: Not a directory"),
        (
            '[delivery]\nca_file = "gateway.toml"\n',
            "delivery",
            "FILE, line 6: [delivery] ca_file: FILE: it has no PEM cert",
        ),
        ('[email]\nca_file = "none"\n', "email", "FILE, line 6: [email] ca_file: FOLDER/none: No such file"),
        ('[email]\npassword_file = "."\n', "email", "FILE, line 6: [email] password_file: FOLDER: Is a directory"),
    ],
)
def test_files_and_folders_that_cannot_be_used_are_named_with_key_and_line(
    file: Path, text: str, section: str, expected: str
) -> None:
    config = load(file, SIGNING.lstrip() + text)
    with pytest.raises(ConfigurationError) as caught:
        check_files(config, "server", section)
    told = str(caught.value).replace(str(file), "FILE").replace(str(file.parent), "FOLDER")
    assert told.startswith(expected)


def test_a_path_from_the_environment_is_named_by_its_variable(file: Path) -> None:
    config = load(file, SIGNING, DUIS_GATEWAY_TRUST_ANCHORS="none")
    with pytest.raises(ConfigurationError, match=r"^the environment variable DUIS_GATEWAY_TRUST_ANCHORS \(\[trust"):
        check_files(config, "trust")
