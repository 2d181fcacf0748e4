"""How the pilot and the safe launch went: N69, N70, N75 and N76 to suppliers, and a message to the CSP."""

from __future__ import annotations

from duis_gateway.conformance.clause import Case, Clause, Era, Play, brings
from duis_gateway.conformance.clauses.said import heard, outcome
from duis_gateway.conformance.notices import Terms
from duis_gateway.conformance.subject import Subject, expect

_COUNTS = ("HubsTargeted", "HubsActivated", "HubsFailed", "Commentary")
_BEGUN = {"PilotOutcome": Terms(), "SafeLaunchOutcome": Terms(days=(-30, -1))}
_TO_COME = {"PilotOutcome": Terms(days=(1, 60)), "SafeLaunchOutcome": Terms()}


def _is_told(code: str, body: str, success: bool) -> Case:
    """Suppliers get the alert with the counts (or N999), and the CSP gets the message."""

    def play(subject: Subject, version: str) -> None:
        with subject.release(_BEGUN[body]) as release:
            outcome(subject, body, release.id, success).is_code("Accepted")
            words = (f">{release.id}<",) if version == "6.0" else ()
            heard(subject, version, code, "6.0", *words)
            told = [subject.message(subject.profile["csp"], f"{body}>", f">{release.id}<")]
            if version == "6.0":
                told.append(subject.alert(subject.supplier(version), f">{code}<", *words))
            for one in told:
                found = [next(one.iter(f"{{*}}{name}")).text for name in _COUNTS]
                expect(found, ["200", "197", "3", "pack"], "counts and commentary")

    return brings(code)(play)


def _of_what_did_not_begin(body: str, success: bool) -> Play:
    def play(subject: Subject, _: str) -> None:
        with subject.release(_TO_COME[body]) as release:
            outcome(subject, body, release.id, success).is_code("Refused")

    return play


def _clause(code: str, interaction: str, what: str, body: str, success: bool) -> Clause:
    accepts, refuses = _is_told(code, body, success), _of_what_did_not_begin(body, success)
    source = f"{interaction}; {what}: {code}, N999 below 6.0"
    return Clause(code.lower(), source, Era.NEW, accepts, refuses, requirements=(interaction, "PIA-9", "FIA-3"))


CLAUSES = (
    _clause("N69", "A09", "safe launch success", "SafeLaunchOutcome", success=True),
    _clause("N70", "A10", "safe launch failure", "SafeLaunchOutcome", success=False),
    _clause("N75", "A06", "pilot success", "PilotOutcome", success=True),
    _clause("N76", "A07", "pilot failure", "PilotOutcome", success=False),
)
"""The outcomes of the two stages."""
