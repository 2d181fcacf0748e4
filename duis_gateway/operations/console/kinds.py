"""What kinds of messages and codes of answers say, in words: a page's reader need not know them by heart."""

from __future__ import annotations

from collections.abc import Iterator

from duis_gateway.duis.alerts.table import AlertCode
from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.flow.interactions import INTERACTIONS

_ALERTS = {
    AlertCode.N64: "a hub now runs a firmware version",
    AlertCode.N66: "a CSP's default pilot list",
    AlertCode.N67: "a CSP's default pilot schedule",
    AlertCode.N68: "a CSP's safe launch schedule",
    AlertCode.N69: "safe launch succeeded",
    AlertCode.N70: "safe launch failed",
    AlertCode.N71: "distribution to a hub, or activation there, failed",
    AlertCode.N72: "a roll-out decision, or hubs that DCC instructs itself",
    AlertCode.N73: "what the second supplier of hubs has done",
    AlertCode.N74: "the CSP's final decision on a group in a preferred schedule",
    AlertCode.N75: "the pilot succeeded",
    AlertCode.N76: "the pilot failed",
    AlertCode.N77: "the plan for the recipient's hubs: made, void, or departed from",
    AlertCode.N999: "something that the recipient's DUIS version cannot express",
}
_KINDS: dict[str, str] = {
    **{code.value: words for code, words in _ALERTS.items()},
    **{f"SR{one.reference}": one.name for one in SERVED.values()},
    **{row.id: f"{row.what[0].lower()}{row.what[1:]}" for row in INTERACTIONS},
}


def kind_in_words(kind: str) -> str:
    """Return what an alert, a Service Request, or an email is about; "" of a kind that is a word itself."""
    return _KINDS.get(kind, "")


def code_in_words(code: str) -> str:
    """Return what a response code says; "" of what is none."""
    known = RESPONSE_CODES.get(code)
    return known.meaning if known else ""


def lists_called(name: str) -> Iterator[tuple[str, str]]:
    """Yield the queries for the messages of this kind, or with this answer, and what they are; in either case."""
    bare = name.strip().upper()
    kind = next((one for one in (bare, f"SR{bare}") if one in _KINDS), None)
    if kind is not None:
        way = "requests" if kind.startswith("SR") else "sent"
        yield f"way={way}&kind={kind}", f"messages {kind}: {_KINDS[kind]}"
    if bare in RESPONSE_CODES:
        yield f"way=requests&state={bare}", f"requests answered {bare}: {code_in_words(bare)}"
