"""The pack: what its clauses cover, the command that runs it, and a gateway that does not conform."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lxml import etree

from duis_gateway import __version__
from duis_gateway.client.server import Serving
from duis_gateway.conformance.clause import VERSIONS, Clause, Era, brings
from duis_gateway.conformance.pack import CLAUSES, cases_of
from duis_gateway.conformance.pack import run as play
from duis_gateway.conformance.profile import Profile, read_profile
from duis_gateway.conformance.report import Outcome
from duis_gateway.conformance.subject import Subject, opened
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.codes import NEVER_RAISED, RESPONSE_CODES
from duis_gateway.errors import ConfigurationError
from tests.support.cli import run
from tests.support.conformance import started
from tests.support.ports import free_port


def _not_what_was_said(subject: Subject, _: str) -> None:
    subject.post("/api/v1/serviceD", b"<a/>").is_status(200)


@pytest.mark.requirement("FIA-6")
def test_what_existed_is_run_on_every_version() -> None:
    assert {clause.versions for clause in CLAUSES.values() if clause.era is Era.EXISTING} == {VERSIONS}
    assert {version for clause in CLAUSES.values() if clause.era is Era.NEW for version in clause.versions} == set(
        VERSIONS
    )


@pytest.mark.requirement("FIA-6", "PIA-5")
def test_every_code_and_every_alert_is_brought_out_by_a_clause() -> None:
    """A clause that names a code fails where the code does not come, so that the names are what was seen."""
    brought = frozenset().union(*(clause.codes for clause in CLAUSES.values()))
    assert brought == (RESPONSE_CODES.keys() | ALERTS.keys()) - NEVER_RAISED


@pytest.mark.processes
def test_a_clause_fails_where_a_code_that_it_names_does_not_come(subject: Subject) -> None:
    known = CLAUSES["command_variant"]
    wrong = Clause("wrong", "a code", Era.EXISTING, brings("I0", "E4")(known.accepts), known.refuses, ("5.0",))
    first, second = play(subject, cases_of([wrong], VERSIONS))
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert "codes that did not come: expected [], found ['E4']" in first.detail


def test_without_a_second_supplier_its_clauses_are_left_out(tmp_path: Path) -> None:
    """Profiles of before N73 was played are still read."""
    profile = profile_without("second", tmp_path)
    with opened("http://127.0.0.1:1", profile) as alone:
        results = list(play(alone, cases_of([CLAUSES["n73"]], VERSIONS)))
    assert [(one.outcome, one.detail) for one in results] == [
        (Outcome.SKIPPED, "the profile has no parties.second")
    ] * 2


def test_a_profile_without_a_party_that_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[parties\.csp\] is missing"):
        profile_without("csp", tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `conformance init` makes."""
    directory = tmp_path_factory.mktemp("made") / "gateway"
    assert run("conformance", "init", directory).code == 0
    return directory / "conformance.toml"


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        (r"\[gateway\]", "gateway = 5\n[gw]", "gw: there is no such key; there are gateway, receiver, hubs, parties"),
        (r"\[gateway\]\ncertificate = .*", "gateway = 5", "line 2: gateway: must be a table, [gateway]"),
        (r"\[gateway\]\ncertificate = .*", "", "[gateway] is missing"),
        (r"\[hubs\]", "[[hubs]]", "hubs: must be a table, [hubs]"),
        (r"\[hubs\]", "[hub]", "hub: there is no such key; did you mean hubs?"),
        (r"# now = .*", "now = 5", "line 4: [gateway] now: must be a date and time with a time zone"),
        (r"# now = .*", "now = 2027-03-30", "line 4: [gateway] now: must be a date and time with a time zone"),
        (r"certificate = .*", "certificate = 5", "line 3: [gateway] certificate: must be a path to a file"),
        (r"certificate = .*", 'certificate = "none.pem"', "line 3: [gateway] certificate: "),
        (r"certificate = .*", "", "[gateway] certificate: is missing: a path to a file"),
        (r"host = .*", "host = 5", "[receiver] host: must be an address or a name"),
        (r"port = .*", "port = true", "[receiver] port: must be a whole number from 1 to 65535"),
        (r"port = .*", "port = 0", "[receiver] port: must be a whole number from 1 to 65535"),
        (r"port = .*", "prot = 9000", "[receiver] prot: there is no such key; did you mean port?"),
        (r"model = .*", "model = 5", "[hubs] model: must be a text that is not empty"),
        (r"key = .*", "key = 5", "[parties.on_5_0] key: must be a path to a file"),
        (r"key = .*", 'key = "none.key"', "[parties.on_5_0]: "),
        (r"key = .*", 'keys = "pki/on_5_0.key"', "[parties.on_5_0] keys: there is no such key; did you mean key?"),
        (r"hubs = .*", "hubs = 5", "[parties.on_5_0] hubs: must be a list of EUI-64s"),
        (r"hubs = .*", "hubs = [5]", "[parties.on_5_0] hubs: must be a list of EUI-64s"),
        (r"hubs = .*", 'hubs = "00-DB-12-3C-00-00-00-00"', "[parties.on_5_0] hubs: must be a list of EUI-64s"),
        (r"hubs = .*", 'hubs = ["00-DB"]', "[parties.on_5_0] hubs: not an EUI-64: '00-DB'"),
        (r"hubs = .*", "hubs = []", "[parties.on_5_0] hubs: the pack needs 4 hubs of this supplier"),
        (r"token = .*", "token = 5", "[parties.on_6_0] token: must be a path to a file"),
        (r"\[parties\.second\]", "[parties.secnod]", "[parties] secnod: there is no such key; did you mean second?"),
    ],
)
def test_what_is_wrong_in_a_profile_is_said_with_its_table_and_key(
    made: Path, was: str, is_now: str, said: str
) -> None:
    """Before, some of it was "a bug in the gateway", and some was passed over."""
    told = made.read_text("utf-8")
    other = re.sub(f"^{was}$", is_now, told, count=1, flags=re.M)
    assert other != told
    changed = made.with_name("changed.toml")
    changed.write_text(other, "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_profile(changed)
    assert str(refused.value).startswith(str(changed))
    assert said in str(refused.value)


def profile_without(party: str, directory: Path) -> Profile:
    """What `conformance init` makes, but for one party."""
    assert run("conformance", "init", directory / "gateway").code == 0
    path = directory / "gateway" / "conformance.toml"
    sections = path.read_text(encoding="utf-8").split("\n\n")
    kept = [one for one in sections if f"[parties.{party}]" not in one]
    path.write_text("\n\n".join(kept), encoding="utf-8")
    assert len(kept) == len(sections) - 1
    return read_profile(path)


@pytest.mark.processes
def test_a_gateway_that_does_otherwise_fails_the_clause_with_what_was_found(subject: Subject) -> None:
    known = CLAUSES["command_variant"]
    wrong = Clause("wrong", "the other way round", Era.EXISTING, known.refuses, known.accepts, ("5.0",))
    also = Clause("code", "another code", Era.EXISTING, _not_what_was_said, known.refuses, ("5.0",))
    outcomes = [(one.name, one.outcome, one.detail) for one in play(subject, cases_of([wrong, also], VERSIONS))]
    assert [outcome for _, outcome, _ in outcomes] == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    assert "HTTP status" in outcomes[2][2]
    assert "expected 200, found 401" in outcomes[2][2]


@pytest.mark.processes
@pytest.mark.requirement("FIA-6", "FIA-11")
@pytest.mark.requirement("EX-9")
def test_the_command_plays_the_pack_and_writes_its_reports(tmp_path: Path) -> None:
    gateway, reports = tmp_path / "gateway", tmp_path / "reports"
    with started(gateway) as process:
        assert run("conformance", "--url", process.url, "--profile", "none.toml", "--wait").code == 2
        looked_for = (gateway / "gateway.log").read_text(encoding="utf-8")
        assert "refused" not in looked_for, "whether somebody is there is asked without a refusal"
        words = ("--profile", gateway / "conformance.toml", "--reports", reports)
        ran = run("conformance", "--url", process.url, *words, "--era", "existing", "--version", "5.1")
        assert ran.code == 0, ran.error
        assert not (reports / "conformance.xml").exists()
        page = (reports / "conformance-part.html").read_text(encoding="utf-8")
        whole = etree.parse(reports / "conformance-part.xml")
        case = whole.find(".//testcase[@classname='existing/command_variant']")
        assert case is not None
        etree.SubElement(case, "failure")
        (reports / "conformance.xml").write_bytes(etree.tostring(whole))
        before = (reports / "conformance.xml").read_bytes()
        again = run("conformance", "--url", process.url, *words, "--only", "failed")
        third = run("conformance", "--url", process.url, *words, "--only", "failed")
    assert "1 of 1 cases passed" in again.output
    assert "changed existing/command_variant::accepts[5.1]: failed before, passed now" in again.output
    assert third.output == "No case failed in the previous run.\n"
    assert (reports / "conformance.xml").read_bytes() == before
    assert "failed before" in (reports / "conformance-part.html").read_text(encoding="utf-8")
    root = whole.getroot()
    assert root.get("failures") == "0"
    assert int(root.get("tests") or 0) == 2 * sum(clause.era is Era.EXISTING for clause in CLAUSES.values())
    assert all(text in page for text in ("Exit criteria", process.url, __version__, "certificate</dt><dd>serial"))
    links = etree.HTML(page).xpath("//a/@href")
    assert isinstance(links, list)
    kept = sorted(path.relative_to(reports) for path in reports.rglob("*-messages/*"))
    assert [path.name.rpartition("-")[2] for path in kept] == ["sent.xml", "answered.xml"]
    assert "conformance-part-messages/existing-command-variant-accepts-5.1-1-sent.xml" in map(str, links)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--era", "new"), "--url"),
        (("--url", "ftp://x"), "--url"),
        (("--url", "http:///x"), "--url"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(words: tuple[str, ...], reason: str) -> None:
    ran = run("conformance", *words)
    assert (ran.code, len(ran.error.splitlines())) == (2, 1)
    assert reason in ran.error


@pytest.mark.requirement("EX-9")
def test_who_is_there_is_asked_before_who_is_meant() -> None:
    """Without a profile, too, an address at which nobody answers is the error."""
    ran = run("conformance", "--url", "http://127.0.0.1:1", "--profile", "none.toml")
    assert (ran.code, "http://127.0.0.1:1/openapi.json could not be reached" in ran.error) == (1, True), ran.error

    def nothing(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("404 Not Found", [])
        return []

    with Serving(nothing) as server:
        ran = run("conformance", "--url", server.url, "--profile", "none.toml")
    assert (ran.code, "conformance init" in ran.error) == (2, True), ran.error


@pytest.mark.requirement("EX-9")
def test_a_gateway_that_is_away_is_one_error(tmp_path: Path) -> None:
    assert run("conformance", "init", tmp_path / "gateway").code == 0
    profile = tmp_path / "gateway" / "conformance.toml"
    reports = tmp_path / "new" / "reports"
    ran = run("conformance", "--url", "http://127.0.0.1:1", "--profile", profile, "--reports", reports)
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (1, "", 1)
    assert "http://127.0.0.1:1/openapi.json could not be reached" in ran.error
    assert not reports.parent.exists(), "nothing was played, and nothing is left"


def test_the_port_that_parties_are_registered_with_stays_free_between_runs(tmp_path: Path) -> None:
    """One that the system had chosen went to whoever connected next, and a run could not open it."""
    for number in range(3):
        directory = tmp_path / str(number)
        assert run("conformance", "init", directory).code == 0
        _, port = read_profile(directory / "conformance.toml").listen
        assert 1_024 <= port < 32_768, "systems give away by themselves what is above"


def test_what_a_run_needs_is_looked_at_before_it_begins(tmp_path: Path) -> None:
    """Where a whole run would be lost, or would mean something else."""
    (tmp_path / "file").touch()
    (tmp_path / "other.toml").write_text("title = 'x'\n")
    a_text = """[[defect]]\nid = "D-1"\nseverity = 3\ntitle = "t"\ncases = "existing/acknowledgement"\n"""
    (tmp_path / "text.toml").write_text(a_text)
    for words, said in (
        (("--reports", tmp_path / "file" / "reports"), "file is not a folder; name another"),
        (("--defects", tmp_path / "other.toml"), "title: there is no such key; there are thresholds, defect"),
        (("--defects", tmp_path / "text.toml"), "defect 'D-1': cases: must be a list of texts"),
    ):
        ran = run("conformance", "--url", "http://127.0.0.1:1", *words)
        assert (ran.code, ran.output, said in ran.error) == (2, "", True), ran.error


def test_the_list_of_cases_has_only_those_that_failed_where_asked(tmp_path: Path) -> None:
    (tmp_path / "conformance.xml").write_text('<testsuite><testcase classname="n64" name="x"/></testsuite>')
    assert run("conformance", "--list", "--only", "failed", "--reports", tmp_path).output.count("\n") <= 1


def test_a_report_that_is_none_is_said(tmp_path: Path) -> None:
    """Where it was named, or is needed, that is the error; where it only lay there, the run is played."""
    one = ("--url", "http://127.0.0.1:1", "--reports", tmp_path)
    ran = run("conformance", *one, "--only", "failed")
    assert (ran.code, "play the pack first" in ran.error) == (2, True), ran.error
    for content in ("<testsuite/>", "<Request/>", "half of"):
        (tmp_path / "conformance.xml").write_text(content)
        for words in (("--compare", tmp_path / "conformance.xml"), ("--only", "failed")):
            ran = run("conformance", *one, *words)
            assert (ran.code, "conformance.xml is no report" in ran.error) == (2, True), ran.error
        ran = run("conformance", *one)
        assert "nothing is compared" in ran.error
        assert "could not be reached" in ran.error


@pytest.mark.requirement("EX-9")
def test_it_waits_for_a_gateway_that_does_not_listen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("404 Not Found", [])
        return []

    with ExitStack() as stack, socket.socket() as kept:
        port = free_port()
        kept.bind(("127.0.0.1", port))

        def begin(_seconds: float) -> None:
            kept.close()
            stack.enter_context(Serving(nothing, port=port))

        monkeypatch.setattr("duis_gateway.cli.waiting.sleep", begin)
        ran = run("conformance", "--url", f"http://127.0.0.1:{port}", "--profile", "none.toml", "--wait")
    assert (ran.code, "conformance init" in ran.error) == (2, True), ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
def test_another_gateway_than_the_profiles_is_one_error(tmp_path: Path) -> None:
    """Its own parties are not those of the profile."""
    assert run("conformance", "init", tmp_path / "other").code == 0
    with started(tmp_path / "gateway") as process:
        words = ("--profile", tmp_path / "other" / "conformance.toml", "--reports", tmp_path)
        ran = run("conformance", "--url", process.url, *words)
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (1, "", 1)
    assert "refuses a signed 8.2 of on_5_0" in ran.error
    assert "HTTP 401" in ran.error


@pytest.mark.requirement("EX-9")
def test_a_server_that_is_no_gateway_is_one_error(tmp_path: Path) -> None:
    """It answers everything with 200 and something of its own."""

    def welcome(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html>Welcome</html>"]

    assert run("conformance", "init", tmp_path / "pack").code == 0
    with Serving(welcome) as server:
        words = ("--profile", tmp_path / "pack" / "conformance.toml", "--reports", tmp_path)
        ran = run("conformance", "--url", server.url, *words)
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (1, "", 1)
    assert f"what answers at {server.url} is not the gateway of the profile" in ran.error
    assert "its answer to a signed 8.2 of the party on_5_0 (90-B3-D5-1F-3C-00-00-01) is not proven" in ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
def test_hubs_of_another_model_than_the_profiles_are_one_error(tmp_path: Path) -> None:
    with started(tmp_path / "gateway") as process:
        profile = tmp_path / "gateway" / "conformance.toml"
        profile.write_text(re.sub(r'^model = ".*"', 'model = "OTHER"', profile.read_text("utf-8"), flags=re.M), "utf-8")
        ran = run("conformance", "--url", process.url, "--profile", profile, "--reports", tmp_path)
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (1, "", 1)
    assert "OTHER in the profile: look at [hubs] there" in ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ('region = "North"', 'region = "South"', "is in the region North at"),
        (r"port = \d+", "port = {free}", "nothing has come to any party at http://127.0.0.1"),
    ],
)
def test_a_profile_that_does_not_fit_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was: str, is_now: str, said: str
) -> None:
    monkeypatch.setattr("duis_gateway.conformance.subject.PATIENCE", 5.0)
    monkeypatch.setattr("duis_gateway.conformance.subject.SPARED", 5.0)
    with started(tmp_path / "gateway") as process:
        profile = tmp_path / "gateway" / "conformance.toml"
        told = profile.read_text("utf-8")
        other = re.sub(f"^{was}", is_now.format(free=free_port()), told, count=1, flags=re.M)
        assert other != told
        profile.write_text(other, "utf-8")
        ran = run("conformance", "--url", process.url, "--profile", profile, "--reports", tmp_path)
    assert (ran.code, len(ran.error.splitlines())) == (1, 1)
    assert said in ran.error


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A gateway that knows what its profile says, and the folder of both."""
    directory = tmp_path_factory.mktemp("known") / "gateway"
    with started(directory) as process:
        yield process.url, directory


def command(directory: Path, *words: str) -> None:
    ran = run(*words, "--config", directory / "gateway.toml")
    assert ran.code == 0, ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
@pytest.mark.parametrize(
    ("party", "change", "back", "said"),
    [
        (
            "on_5_1",
            ("change", "--duis-version", "5.0"),
            ("change", "--duis-version", "5.1"),
            "refuses a signed 8.2 of on_5_1",
        ),
        ("csp", ("suspend",), ("resume",), "refuses a signed ActivateFirmwareRequests of csp"),
        ("dcc", ("suspend",), ("resume",), "refuses a signed Withdrawal of dcc"),
        ("on_6_0", ("suspend",), ("resume",), "answers E3 to an 8.2 of on_6_0"),
    ],
)
def test_whom_the_gateway_does_not_know_as_the_profile_does_is_one_error(
    known: tuple[str, Path], party: str, change: tuple[str, ...], back: tuple[str, ...], said: str
) -> None:
    url, directory = known
    profile = directory / "conformance.toml"
    eui = read_profile(profile)[party].eui
    command(directory, "party", change[0], eui, *change[1:])
    try:
        ran = run("conformance", "--url", url, "--profile", profile, "--reports", directory)
    finally:
        command(directory, "party", back[0], eui, *back[1:])
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (1, "", 1)
    assert said in ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
@pytest.mark.parametrize(
    ("key", "is_now", "code", "said"),
    [
        ("hubs", '"00-DB-99-99-99-99-99-01"', 1, "about its hub 00-DB-99-99-99-99-99-01"),
        ("gateway", "now = 2031-03-30T02:00:00Z", 1, "[gateway] now there is the time at which"),
        ("token", "conformance.toml", 2, "is no token: it is one word"),
        ("token", "none.token", 2, "none.token: No such file"),
        ("token", "other.token", 1, "does not take the token of on_6_0"),
    ],
)
def test_a_profile_that_says_something_else_than_the_gateway_is_one_error(
    known: tuple[str, Path], key: str, is_now: str, code: int, said: str
) -> None:
    url, directory = known
    told = (directory / "conformance.toml").read_text("utf-8")
    (directory / "other.token").write_text("abc", "utf-8")
    others = {
        "hubs": lambda: re.sub(r'(\[parties\.on_5_1\].*?hubs = \[.*?, )"[^"]*"\]', rf"\1{is_now}]", told, flags=re.S),
        "gateway": lambda: told.replace("[gateway]\n", f"[gateway]\n{is_now}\n", 1),
        "token": lambda: told.replace('"on_6_0.token"', f'"{is_now}"'),
    }
    profile = directory / "changed.toml"
    profile.write_text(others[key](), "utf-8")
    assert profile.read_text("utf-8") != told
    ran = run("conformance", "--url", url, "--profile", profile, "--reports", directory)
    assert (ran.code, ran.output, len(ran.error.splitlines())) == (code, "", 1)
    assert said in ran.error


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
def test_each_case_says_what_was_expected(subject: Subject) -> None:
    chosen = [CLAUSES[name] for name in ("signature", "repeat", "body", "dry_run", "soap_repeat") if name in CLAUSES]
    assert chosen
    results = list(play(subject, cases_of(chosen, ("6.0",))))
    assert [one.outcome for one in results] == [Outcome.PASSED] * len(results)
    assert all(one.expected for one in results), [(one.full_name, one.expected) for one in results]
    assert "HTTP 4" in " ".join(one.expected for one in results)


@pytest.mark.processes
@pytest.mark.requirement("EX-9")
def test_a_gateway_that_goes_away_is_one_failure(tmp_path: Path) -> None:
    with started(tmp_path) as process, opened(process.url, read_profile(tmp_path / "conformance.toml")) as subject:
        results = play(subject, cases_of([CLAUSES["command_variant"], CLAUSES["n64"]], ("5.1", "6.0")))
        first = next(results)
        process.stop()
        second, *others = results
    assert (first.outcome, second.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert "could not be reached" in second.detail
    away = "the gateway is away since existing/command_variant::refuses[5.1]"
    assert {(one.outcome, one.detail) for one in others} == {(Outcome.SKIPPED, away)}


@pytest.mark.requirement("EX-9")
def test_the_cases_are_listed_and_chosen() -> None:
    listed = run("conformance", "--list", "--case", "command_variant", "--case", "new/n64::*[6.0]").output
    names = [line.split()[0] for line in listed.splitlines()[1:]]
    assert names == [f"existing/command_variant::{name}[{v}]" for v in VERSIONS for name in ("accepts", "refuses")] + [
        f"new/n64::{name}[6.0]" for name in ("accepts", "refuses")
    ]
    clauses = {line.split("::")[0] for line in run("conformance", "--list", "--case", "n7*").output.splitlines()[1:]}
    assert {"new/n70", "new/n76"} < clauses
    assert all(one.startswith("new/n7") for one in clauses)
    refused = run("conformance", "--list", "--case", "n46")
    assert refused.code == 2
    assert "there is no case 'n46'" in refused.error
