"""Each defence, how it is removed, and the tests that must fail without it; `python -m tests.defences` looks.

The tests of `tests/docs/test_threat_model.py` say that an id has a test; this says that the test sees the defence. What
is not here has a defence in several places, or in what the gateway does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

_PARSE = "duis_gateway/envelope/parse.py"
_CLAIMS = "duis_gateway/envelope/claims.py"
_SIGNATURE = "duis_gateway/envelope/signature.py"
_TRUST = "duis_gateway/pki/trust.py"
_STEPS = "duis_gateway/flow/steps.py"
_HTTP1 = "duis_gateway/doors/http1.py"
_NO_DTD_IN_BYTES = (_PARSE, 'if b"<!DOCTYPE" in raw:', "if False:")
_NO_DTD_IN_TREE = (_PARSE, "if any(dtd is not None for", "if False and any(dtd is not None for")
_OF_PARSE = "tests/envelope/test_parse.py"
_OF_STRUCTURE = "tests/envelope/test_signature_structure.py"
_OF_VALUES = "tests/envelope/test_signature_values.py"
_OF_WRAPPING = "tests/envelope/test_signature_wrapping.py"
_OF_TRUST = "tests/pki/test_trust.py"
_OF_CHAINS = "tests/pki/test_chains.py"
_OF_STEPS = "tests/flow/test_steps.py"
_OF_HTTP = "tests/doors/test_http.py"
_OUTBOX = "duis_gateway/outbox/store.py"
_MIGRATE = "duis_gateway/store/migrate.py"
_OF_MIGRATIONS = "tests/store/test_migrations.py"
_OF_PROMISES = "tests/faults/test_promises.py"

Edit = tuple[str, str, str]
"""A file, what stands there exactly once, and what takes its place."""


@dataclass(frozen=True)
class Defence:
    """What withstands a threat, how to take it away, and where that must be seen."""

    threat: str
    what: str
    edits: tuple[Edit, ...]
    test_file: str
    chosen: str = ""

    @property
    def name(self) -> str:
        """How it is called on the command line and in the report."""
        return f"{self.threat} {self.what}"


DEFENCES = (
    Defence("T01", "no DTD", (_NO_DTD_IN_BYTES, _NO_DTD_IN_TREE), _OF_PARSE, "t01"),
    Defence("T02", "entities never reach the parser", (_NO_DTD_IN_BYTES,), _OF_PARSE, "t02"),
    Defence(
        "T03",
        "no external entity",
        (
            _NO_DTD_IN_BYTES,
            _NO_DTD_IN_TREE,
            (
                _PARSE,
                "            resolve_entities=False,\n            no_network",
                "            resolve_entities=True,\n            no_network",
            ),
        ),
        _OF_PARSE,
        "t03",
    ),
    Defence(
        "T04",
        "no processing instruction",
        ((_PARSE, "if next(beside, None) is not None or", "if False and"),),
        _OF_PARSE,
        "t04 or t21",
    ),
    Defence("T05", "depth", ((_PARSE, "if markup > limits.depth and", "if False and"),), _OF_PARSE, "t05"),
    Defence("T06", "size before parsing", ((_PARSE, "if len(raw) > limits.size:", "if False:"),), _OF_PARSE, "t06"),
    Defence(
        "T07",
        "namespaces",
        ((_PARSE, 'if raw.count(b"xmlns") > limits.namespaces:', "if False:"),),
        _OF_PARSE,
        "t07_namespace_cap",
    ),
    Defence(
        "T08",
        "attributes of an element",
        ((_PARSE, 'if raw.count(b"=") > limits.attributes and', "if False and"),),
        _OF_PARSE,
        "t08",
    ),
    Defence(
        "T09",
        "UTF-8 alone",
        ((_PARSE, "if declared is not None and", "if False and declared is not None and"),),
        _OF_PARSE,
        "another_encoding or t09",
    ),
    Defence(
        "T10",
        "what is no XML is not repaired",
        ((_PARSE, "            recover=False,", "            recover=True,"),),
        _OF_PARSE,
        "t10",
    ),
    Defence("T11", "one signature", ((_CLAIMS, "if len(found) > 1:", "if False:"),), _OF_WRAPPING, "t11_a_second"),
    Defence("T18", "in its place", ((_CLAIMS, "if last is not found[0]:", "if False:"),), _OF_WRAPPING),
    Defence(
        "T19",
        "the children are the profile's",
        ((_CLAIMS, "if tuple(child.tag for child in children) != _qualified(names):", "if False:"),),
        _OF_STRUCTURE,
        "t19",
    ),
    Defence(
        "T20",
        "a value is one text node",
        ((_CLAIMS, "if len(element) or element.attrib:", "if False:"),),
        _OF_STRUCTURE,
        "t20",
    ),
    Defence("T22", "the digest", ((_SIGNATURE, "if not digest_fits:", "if False:"),), _OF_STRUCTURE, "t22"),
    Defence("T22", "the value", ((_SIGNATURE, "if not value_fits:", "if False:"),), _OF_STRUCTURE, "t22"),
    Defence(
        "T23",
        "the whole document",
        ((_CLAIMS, 'if reference.attrib.get("URI") != "" or len(reference.attrib) != 1:', "if False:"),),
        _OF_STRUCTURE,
        "t23",
    ),
    Defence(
        "T24",
        "an empty canonical form is none",
        (
            (
                _SIGNATURE,
                'raise NotAuthenticated("the document cannot be canonicalised (a relative namespace URI?)") from None',
                'return b""',
            ),
        ),
        _OF_STRUCTURE,
        "t24",
    ),
    Defence(
        "T26",
        "the algorithms",
        ((_CLAIMS, 'if element.attrib.get("Algorithm") != only or len(element.attrib) != 1:', "if False:"),),
        _OF_STRUCTURE,
        "t26",
    ),
    Defence("T27", "64 octets", ((_CLAIMS, "if len(octets) != length:", "if False:"),), _OF_VALUES, "t27"),
    Defence(
        "T28",
        "identity is the content's",
        (
            (
                _SIGNATURE,
                "return Proven(content, digest, claims.signer)",
                "return Proven(content, hashlib.sha256(claims.value).digest(), claims.signer)",
            ),
        ),
        _OF_VALUES,
        "t28",
    ),
    Defence("T29", "strict base64", ((_CLAIMS, "validate=True", "validate=False"),), _OF_VALUES, "t29"),
    Defence(
        "T30",
        "a serial is a number",
        ((_CLAIMS, "_SERIAL.fullmatch(number)", "_SERIAL.match(number)"),),
        _OF_VALUES,
        "t30",
    ),
    Defence("T31", "a signature at all", ((_CLAIMS, "if not found:", "if False:"),), _OF_VALUES, "t31"),
    Defence("T32", "what was changed", ((_SIGNATURE, "if not digest_fits:", "if False:"),), _OF_VALUES, "t32"),
    Defence("T33", "validity", ((_TRUST, "_refuse_if(_why_not_in_time(certificate, at))", "pass"),), _OF_TRUST, "t33"),
    Defence(
        "T34",
        "revoked by the operator",
        ((_TRUST, "if registered.revoked_at is not None:", "if False:"),),
        _OF_TRUST,
        "t34",
    ),
    Defence(
        "T34",
        "revoked by a list",
        ((_TRUST, "_refuse_if(self._why_revoked(lists, certificate, at))", "pass"),),
        _OF_TRUST,
        "t34",
    ),
    Defence("T35", "its kind", ((_TRUST, "if certificate.role not in roles:", "if False:"),), _OF_TRUST, "t35"),
    Defence("T35", "for signing", ((_TRUST, "if not certificate.may_sign:", "if False:"),), _OF_TRUST, "t35"),
    Defence(
        "T36", "a path to an anchor", ((_TRUST, "if not registered.trusted_directly:", "if False:"),), _OF_CHAINS, "t36"
    ),
    Defence(
        "T37",
        "the originator's own",
        ((_STEPS, "if signers[0].eui != identity.originator:", "if False:"),),
        _OF_STEPS,
        "originators_own",
    ),
    Defence(
        "T38",
        "SHA-2",
        (("duis_gateway/pki/chains.py", "if digest is None or digest.name not in _HASHES:", "if digest is None:"),),
        _OF_CHAINS,
        "t38",
    ),
    Defence(
        "T38",
        "curves",
        (("duis_gateway/pki/chains.py", "return isinstance(key.curve, _CURVES)", "return True"),),
        _OF_CHAINS,
        "t38",
    ),
    Defence("T39", "the stored answer", ((_STEPS, "return stored.answer", "return None"),), _OF_STEPS, "answered"),
    Defence(
        "T40",
        "a used identity",
        (
            (
                _STEPS,
                "    if stored is not None:\n        raise IdentityReused",
                "    if False:\n        raise IdentityReused",
            ),
        ),
        _OF_STEPS,
        "answered",
    ),
    Defence("T41", "the window of counters", ((_STEPS, "if counter_window and", "if False and"),), _OF_STEPS, "window"),
    Defence(
        "T43", "64 bits", (("duis_gateway/duis/identifiers.py", "if counter >= _2_64:", "if False:"),), "tests/duis"
    ),
    Defence(
        "T44",
        "a supplier's version",
        ((_STEPS, "if party is not None and party.kind is PartyKind.SUPPLIER and", "if False and"),),
        _OF_STEPS,
        "version",
    ),
    Defence(
        "T49",
        "the method",
        (("duis_gateway/doors/http.py", "if request.method not in route.methods:", "if False:"),),
        _OF_HTTP,
        "only_post",
    ),
    Defence(
        "T50",
        "a length is a number",
        ((_HTTP1, "if not _LENGTH.fullmatch(length):", "if False:"),),
        _OF_HTTP,
        "two_ways",
    ),
    Defence(
        "T51",
        "a length or chunks",
        (
            (
                _HTTP1,
                "        if length is not None:\n            raise HttpRefused",
                "        if False:\n            raise HttpRefused",
            ),
        ),
        _OF_HTTP,
        "two_ways",
    ),
    Defence(
        "T53",
        "no content coding",
        (("duis_gateway/doors/wire.py", "    check_coding(request)\n", ""),),
        _OF_HTTP,
        "content_codings",
    ),
    Defence(
        "T55",
        "the header's length",
        (("duis_gateway/doors/http1.py", "if len(header) > longest:", "if False:"),),
        _OF_HTTP,
        "two_ways",
    ),
    Defence(
        "T57",
        "no references",
        (
            (
                "duis_gateway/doors/soap_envelope.py",
                "    if any(etree.QName(name).localname",
                "    if False and any(etree.QName(name).localname",
            ),
        ),
        "tests/doors/test_soap_envelope.py",
    ),
    Defence(
        "T59",
        "no formula",
        (("duis_gateway/text/cells.py", 'return f"{_GUARD}{text}" if _FORMULA.match(text) else text', "return text"),),
        "tests/text/test_text.py",
        "formula",
    ),
    Defence(
        "T61",
        "inner addresses",
        (("duis_gateway/outbox/guard.py", "return _is_public(inner)", "return True"),),
        "tests/outbox/test_guard.py",
    ),
    Defence(
        "T62",
        "no redirect",
        (("duis_gateway/outbox/transport.py", "pycurl.FOLLOWLOCATION: 0", "pycurl.FOLLOWLOCATION: 1"),),
        "tests/outbox/test_transport.py",
        "redirects",
    ),
    Defence(
        "T64",
        "TLS is verified",
        (("duis_gateway/outbox/transport.py", "pycurl.SSL_VERIFYPEER: 1", "pycurl.SSL_VERIFYPEER: 0"),),
        "tests/outbox/test_transport.py",
        "tls_is_verified",
    ),
    Defence(
        "T69",
        "the connection's organisation",
        ((_STEPS, "    _check_connection(received.incoming, identity.originator, find_party)\n", ""),),
        _OF_STEPS,
        "organisation",
    ),
    Defence(
        "T73",
        "other sites' pages",
        (("duis_gateway/text/origins.py", "return site != ", "return False and site != "),),
        "tests/sandbox/test_control_doors.py",
        "no_page_of_another_site",
    ),
    Defence(
        "T73",
        "other names for this machine",
        (("duis_gateway/text/origins.py", "return _PORT.sub(", "return True or _PORT.sub("),),
        "tests/sandbox/test_control_doors.py",
        "no_page_of_another_site",
    ),
    Defence(
        "F02",
        "the stored answer",
        ((_STEPS, "return stored.answer", "return None"),),
        "tests/faults/test_gateway_killed.py",
    ),
    Defence(
        "F04",
        "leases run out",
        ((_OUTBOX, "or_(outbox.c.lease_until <= now, outbox.c.lease", "or_(outbox.c.lease"),),
        "tests/outbox/test_delivery.py",
        "work_of_a_worker_that_is_gone",
    ),
    Defence(
        "F06",
        "all tables are there",
        ((_MIGRATE, "    if missing:", "    if False:"),),
        _OF_MIGRATIONS,
        "half_migrated",
    ),
    Defence(
        "F07",
        "readers give up waiting for a lock",
        (("duis_gateway/store/postgresql.py", '{"lock_timeout": _milliseconds(seconds)}', "{}"),),
        "tests/store/test_postgresql.py",
        "lock_to_read",
    ),
    Defence(
        "F08",
        "commits of SQLite are flushed",
        (("duis_gateway/store/engine.py", '"synchronous = FULL"', '"synchronous = NORMAL"'),),
        _OF_PROMISES,
        "flushed",
    ),
    Defence(
        "F08",
        "commits of PostgreSQL are flushed",
        (("duis_gateway/store/postgresql.py", "{_said(driver, limits)}; {_ON_DISK}", "{_said(driver, limits)}"),),
        "tests/store/test_server_settings.py",
        "on_disk",
    ),
    Defence(
        "F09",
        "the low-water mark",
        (("duis_gateway/store/room.py", "if free < least_free:", "if False:"),),
        "tests/faults/test_outages.py",
        "nearly_full",
    ),
    Defence(
        "F10",
        "a corrupt file",
        ((_MIGRATE, 'if findings != ["ok"]:', "if False:"),),
        _OF_MIGRATIONS,
        "corrupt",
    ),
    Defence(
        "F11",
        "a session that only reads is given up",
        (("duis_gateway/store/postgresql.py", "if sqlstate_of(error) == _READ_ONLY:", "if False:"),),
        "tests/store/test_postgresql.py",
        "read_only or standby",
    ),
    Defence(
        "F13",
        "who is down is left alone",
        (
            (
                "duis_gateway/outbox/breaker.py",
                "self._pause(self._policy.pause(probes, failure, self._jitter()))",
                "pass",
            ),
        ),
        "tests/outbox/test_breaker.py",
    ),
    Defence(
        "F15",
        "what is passing is tried again",
        (("duis_gateway/outbox/retry.py", "frozenset({408, 425, 429})", "frozenset()"),),
        "tests/outbox/test_retry.py",
    ),
    Defence(
        "F16",
        "older outcomes change nothing",
        (("duis_gateway/rollout/activations/rules.py", "if _is_old(outcome, hub, distributed_at):", "if False:"),),
        _OF_PROMISES,
        "late_outcome",
    ),
    Defence(
        "F17",
        "a total deadline",
        (
            (
                "duis_gateway/outbox/transport.py",
                "int(1000 * settings.total_timeout)",
                "int(20_000 * settings.total_timeout)",
            ),
        ),
        "tests/outbox/test_transport.py",
        "end_at_the_deadline",
    ),
    Defence(
        "F18",
        "attempts have an end",
        (("duis_gateway/outbox/retry.py", "if attempts <= policy.max_attempts:", "if True:"),),
        "tests/outbox/test_delivery.py",
        "kills_its_sender",
    ),
    Defence(
        "F20",
        "the oldest first",
        (
            (
                "duis_gateway/outbox/in_turn.py",
                ".order_by(outbox.c.due_at, outbox.c.id)",
                ".order_by(outbox.c.id.desc())",
            ),
        ),
        _OF_PROMISES,
        "backlog",
    ),
    Defence(
        "F21",
        "only who holds the lease settles",
        ((_OUTBOX, ", outbox.c.lease_token == token", ""),),
        "tests/outbox/test_store.py",
    ),
    Defence(
        "F22",
        "what a newer gateway migrated",
        ((_MIGRATE, "if newest_revision() not in (row", "if False and newest_revision() not in (row"),),
        _OF_MIGRATIONS,
        "newer",
    ),
    Defence(
        "F22",
        "not while older ones run",
        ((_MIGRATE, "if rolling and revision is not None", "if False and revision is not None"),),
        _OF_MIGRATIONS,
        "not_made_while_they_run",
    ),
    Defence(
        "F23",
        "leases that end too far ahead",
        (
            (
                _OUTBOX,
                "or_(outbox.c.lease_until <= now, outbox.c.lease_until > now + longest)",
                "outbox.c.lease_until <= now",
            ),
        ),
        "tests/outbox/test_delivery.py",
        "clock_that_was_put_back",
    ),
    Defence(
        "F25",
        "nothing comes in without a key",
        (("duis_gateway/pki/signer.py", "    if signer is None:", "    if False:"),),
        "tests/journeys/test_refusals.py",
        "signing_key",
    ),
    Defence(
        "F27",
        "no request waits for the log",
        (("duis_gateway/operations/logs.py", "self.queue.put_nowait(record)", "self.queue.put(record)"),),
        "tests/operations/test_logs.py",
        "blocks_holds_up_nobody",
    ),
    Defence(
        "F28",
        "lists have an end",
        (("duis_gateway/pki/revocation.py", "crl.next_update is not None and at < crl.next_update", "True"),),
        _OF_TRUST,
        "past_its_next_update",
    ),
    Defence(
        "F29",
        "never below the time",
        ((_OUTBOX, "case((value < floor, floor), else_=value)", "value"),),
        "tests/outbox/test_store.py",
        "counters",
    ),
    Defence(
        "F30",
        "who was idle longest goes",
        (("duis_gateway/doors/floor.py", "one = self.crowd.longest_idle(address)", "one = None"),),
        "tests/doors/test_shut_out.py",
        "without_a_descriptor or too_many",
    ),
    Defence(
        "F31",
        "a thread that is refused",
        (("duis_gateway/machine/threads.py", "except RuntimeError as error:", "except ZeroDivisionError as error:"),),
        "tests/outbox/test_delivery.py",
        "without_threads",
    ),
)
