"""Every command of the sandbox: the command line, the HTTP API, the page and scenarios are made from this table."""

from __future__ import annotations

from duis_gateway.sandbox.cast import BY_NAME, CAST, CSPS, MODELS, SUPPLIERS, YOU
from duis_gateway.sandbox.mocks.behaviour import BEHAVIOURS
from duis_gateway.sandbox.parameters import (
    DOCUMENT,
    FLAG,
    HUB,
    HUBS,
    MOMENT,
    TEXT,
    URL,
    Command,
    Parameter,
    choice,
    party,
    whole_number,
)

_RELEASE = Parameter("release", "the release; otherwise the newest approved one in flight", TEXT)
_ANNOUNCED = Parameter("release", "the release; otherwise the newest in flight that is not approved yet", TEXT)
_DECIDED = Parameter(
    "release",
    "the release; otherwise the newest approved one in flight, and to proceed the newest that is paused, or else whose "
    "pilot is invalidated",
    TEXT,
)
_NEXT = Parameter("release", "the release; otherwise the one that has these hubs next, or the newest approved", TEXT)
_COMMENTARY = Parameter("commentary", "a remark", TEXT)
_STAGE = choice("pilot", "safe-launch")
_SUPPLIER = Parameter("supplier", "who", party(*SUPPLIERS), required=True, argument=True)
_SOAP = Parameter("soap", "through the SOAP door", FLAG, default=False)
_VERSION = Parameter("version", "the firmware version; otherwise the release's", TEXT)
_HUBS = Parameter(
    "hub", "the hubs, by number, range (101-103) or EUI-64", HUBS, required=True, argument=True, many=True
)
_REASON = (
    "why: any text of up to 2,000 characters, passed on as it is; a hub itself says hashMismatch, noImageHeld or "
    "activationFailure"
)
_DELAY = Parameter("delay", "how many seconds a slow one takes (5 by default)", whole_number(1, 300))


def _list_of(name: str, about: str) -> Parameter:
    return Parameter(name, about, HUBS, many=True)


def _behaviour(name: str, about: str, *members: str) -> Command:
    return Command(
        name,
        about,
        "behave",
        (
            Parameter("name", "who", party(*(BY_NAME[one] for one in members)), required=True, argument=True),
            Parameter("behaviour", "how it answers from now on", choice(*BEHAVIOURS)),
            _DELAY,
        ),
    )


COMMANDS: tuple[Command, ...] = (
    Command(
        "announce",
        "DCC announces a release and approves it; the CSPs upload their default pilot lists and schedules.",
        "announce",
        (
            Parameter(
                "release",
                "its id; otherwise the next unused one; a known one is revised",
                TEXT,
                argument=True,
            ),
            Parameter(
                "model",
                "for which hubs; otherwise the models take turns, and a known release keeps its own",
                choice(*(one.model for one in MODELS)),
            ),
            _VERSION,
            Parameter("days", "how many days its pilot lasts, from now; 0: no pilot", whole_number(0, 400), default=60),
            Parameter("limit", "the most hubs of one supplier in the pilot", whole_number(1, 1_000_000), default=100),
            _list_of("proving", "hubs that are in the pilot in any case"),
            _list_of("friendly", "hubs that are served first"),
            _list_of("excluded", "hubs that are not in the pilot"),
            Parameter("predecessor", "firmware versions that it may follow; otherwise any", TEXT, many=True),
            Parameter("threshold", "percentage of hubs failing within a day at which it is held", whole_number(1, 100)),
            Parameter(
                "least",
                "with `threshold`: how many hubs must have an outcome for it to count (3 by default)",
                whole_number(1, 1_000_000),
            ),
            Parameter("hold", "with `threshold`: whether it holds the plan, or only tells DCC (true by default)", FLAG),
            Parameter("approve", "whether DCC approves it at once", FLAG, default=True),
        ),
    ),
    Command("approve", "DCC approves a release that was announced without approval.", "approve", (_ANNOUNCED,)),
    Command(
        "activate",
        "The CSPs send CS06 to hubs and report that the firmware is active: N64. DCC first instructs those that are "
        "not planned for now.",
        "activate",
        (_HUBS, _NEXT),
    ),
    Command(
        "fail",
        "The CSPs report that hubs failed: N71.",
        "fail",
        (
            _HUBS,
            Parameter("reason", _REASON, TEXT, default="hashMismatch"),
            _NEXT,
            Parameter("stage", "when", choice("activation", "distribution"), default="activation"),
            _COMMENTARY,
        ),
    ),
    Command(
        "batch",
        "DCC instructs hubs itself, for a period (BatchInstruction): N72 and N77.",
        "batch",
        (
            _HUBS,
            Parameter(
                "group",
                "what the batch is called, otherwise DCC-1 and so on; it replaces one of that name",
                TEXT,
            ),
            Parameter("start", "when its period begins; otherwise now", MOMENT),
            Parameter("end", "when it ends; otherwise a week later", MOMENT),
            _NEXT,
        ),
    ),
    Command(
        "choose",
        "A supplier submits its Preferred Pilot List (11.5): these hubs, or amendments, or the default list unchanged.",
        "choose",
        (
            _SUPPLIER,
            Parameter("hub", "the whole list, by number, range (101-103) or EUI-64", HUBS, argument=True, many=True),
            _list_of("add", "hubs to add to the default list"),
            _list_of("remove", "hubs to take from the default list"),
            _NEXT,
            _SOAP,
        ),
    ),
    Command(
        "instruct",
        "A supplier submits its Preferred Pilot Schedule (11.6): one group of hubs, with its period.",
        "instruct",
        (
            _SUPPLIER,
            _HUBS,
            Parameter("group", "what the group is called", TEXT, default="GROUP-1"),
            Parameter("start", "when its period begins; otherwise in a day", MOMENT),
            Parameter("end", "when it ends; otherwise in eight days", MOMENT),
            Parameter("stage", "the stage", _STAGE, default="pilot"),
            Parameter("constraint", "offered constraints to ask for", TEXT, many=True),
            _NEXT,
            _SOAP,
        ),
    ),
    Command(
        "cancel",
        "A supplier takes a group back before its period starts (11.6 with CancelledGroup).",
        "cancel",
        (
            _SUPPLIER,
            Parameter("group", "the group", TEXT, required=True, argument=True),
            Parameter("stage", "the stage", _STAGE, default="pilot"),
            Parameter("release", "the release; otherwise the newest in flight that has a group of this name", TEXT),
        ),
    ),
    Command(
        "read",
        "A supplier reads a hub in the inventory (8.2).",
        "read",
        (_SUPPLIER, Parameter("hub", "the hub, by number or EUI-64", HUB, required=True, argument=True)),
    ),
    Command(
        "group",
        "The CSPs that have hubs in a supplier's deployment group decide on it: N74.",
        "group",
        (
            Parameter("group", "the group", TEXT, required=True, argument=True),
            Parameter("decision", "what", choice("accepted", "amended", "refused"), required=True, argument=True),
            Parameter("supplier", "whose group", party(*SUPPLIERS), default=BY_NAME[YOU]),
            Parameter("csp", "only this CSP", party(*CSPS)),
            Parameter("release", "the release; otherwise the newest in flight that has a group of this name", TEXT),
            Parameter("reason", "why", TEXT),
            Parameter("start", "an amended period's start", MOMENT),
            Parameter("end", "an amended period's end", MOMENT),
        ),
    ),
    Command(
        "decide",
        "DCC decides on a roll-out: N72.",
        "decide",
        (
            Parameter(
                "action",
                "what",
                choice("pause", "proceed", "delay", "stop", "revoke", "withdraw"),
                required=True,
                argument=True,
            ),
            _DECIDED,
            Parameter("reason", "why", TEXT, default="decided in the sandbox"),
            Parameter("until", "a delay's new date", MOMENT),
            Parameter("provisional", "whether it still has to be confirmed", FLAG, default=False),
        ),
    ),
    Command(
        "outcome",
        "DCC says how the pilot, or safe launch, went: N75 and N76, N69 and N70.",
        "outcome",
        (
            Parameter("result", "how", choice("success", "failure"), required=True, argument=True),
            _RELEASE,
            Parameter("stage", "the stage", _STAGE, default="pilot"),
            _COMMENTARY,
        ),
    ),
    Command("close", "DCC closes a release.", "close", (_RELEASE, _COMMENTARY)),
    Command("withdraw", "DCC withdraws a release.", "withdraw", (_RELEASE, _COMMENTARY)),
    Command(
        "supersede",
        "DCC lets another release replace a release.",
        "supersede",
        (
            Parameter("successor", "the release that replaces it", TEXT, required=True, argument=True),
            Parameter("release", "the release; otherwise the newest other approved one for the same model", TEXT),
            _COMMENTARY,
        ),
    ),
    Command(
        "clock",
        "Set the clock to a time, or move it by a step; whatever falls due on the way is done.",
        "clock",
        (Parameter("to", "2027-03-01, 2027-03-01T09:00:00Z, +60d, +2h, ...", MOMENT, required=True, argument=True),),
    ),
    _behaviour("csp", "Make a CSP or DCC answer slowly, with errors, or not at all.", "north", "south", "dcc"),
    _behaviour(
        "adapter",
        "Make the sandbox's adapter for a supplier answer slowly, with errors, or not at all.",
        *(one.name for one in SUPPLIERS),
    ),
    Command(
        "address",
        "Send a supplier's alerts to your own server; without a URL, to the sandbox's adapter again.",
        "address",
        (
            _SUPPLIER,
            Parameter("url", "where it listens", URL, argument=True),
            Parameter(
                "passing", "only while something listens there; after that, where they went before", FLAG, default=False
            ),
            Parameter("ended", "a passing URL that has ended", URL),
        ),
    ),
    Command(
        "say",
        "A party signs and sends your document: a sr:Request, or the element of a message's body.",
        "say",
        (
            Parameter("party", "who", party(*CAST), required=True, argument=True),
            Parameter("xml", "the document", DOCUMENT, required=True, argument=True, content=True),
        ),
    ),
    Command(
        "replay",
        "Deliver dead letters again.",
        "replay",
        (Parameter("message", "one message, by its number; otherwise all", whole_number(1, 10**9), argument=True),),
    ),
)

BY_COMMAND = {one.name: one for one in COMMANDS}
RESET = Command("reset", "Start afresh: database, messages and clock as they were at the start.", "")
"""Not one of those that are carried out in the world: it makes a new one."""
