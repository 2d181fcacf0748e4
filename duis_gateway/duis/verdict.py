"""What an answer of the gateway says to whoever sent the message: the code in words, what was not taken, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.namespaces import sr


class Item(NamedTuple):
    """Something that was not taken: a hub or whatever the sender numbered, and the reason as the answer has it."""

    what: str
    why: str

    @property
    def in_words(self) -> str:
        """The reason; of a list of hubs, what stands in it."""
        return LISTS.get(self.why, self.why)

    @property
    def known_hub(self) -> bool:
        """Whether it is a hub that the sender may have to do with."""
        return self.why in LISTS and self.why not in ("InvalidDeviceIDList", "NotResponsibleDeviceIDList")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says: in words, what was refused, each with the reason, and what can be done about it."""

    text: str
    refused: bool
    items: tuple[Item, ...] = ()
    remedy: str = ""

    @property
    def reason(self) -> str:
        """What it says after its first word, the status, where that is said otherwise."""
        return re.sub("^(?:Refused|PartlyAccepted):? ", "", self.text)


LISTS: Mapping[str, str] = {
    "InvalidDeviceIDList": "no Communications Hub in the inventory, or not on the list that it is to be taken off",
    "NotResponsibleDeviceIDList": "another supplier's",
    "NotCommissionedDeviceIDList": "not commissioned",
    "NotApplicableFirmwareDeviceIDList": "of another model, or of a version that it cannot replace, as its own",
    "ExcludedDeviceIDList": "excluded from the pilot, or a proving hub, which stays in it",
    "OtherRequestInProgressList": "instructed under another release in flight",
    "InPilotDeviceIDList": "in the pilot, which has not ended",
    "NotOnPreferredListDeviceIDList": "not on the preferred list",
    "RepeatedDeviceIDList": "in another group, too",
    "RemovedFromGroupDeviceIDList": "taken out of its deployment group by this list",
    "ProtectedDeviceIDList": "on the sender's own list of protected hubs",
    "UnderWayDeviceIDList": "under way: its period has begun",
}
"""What the lists of `DSPPilotListWarning` say of a hub, in words."""


def verdict_in(root: etree._Element, explanation: str | None = None) -> Verdict | None:
    """Return what an answer says: a Service Response, an acknowledgement, a problem or a SOAP fault; else None.

    `explanation`: what the code means for the request, where more is known than it says by itself.
    """
    if code := root.findtext(f".//{sr('ResponseCode')}"):
        known = RESPONSE_CODES.get(code)
        text, remedy = (f"{code}: {explanation or known.meaning}", known.remedy) if known else (code, "")
        return Verdict(text, code.startswith("E"), tuple(_hubs_warned_of(root)), remedy)
    acknowledgement = root.find(".//{*}Acknowledgement")
    if acknowledgement is not None:
        status, code, details = (acknowledgement.findtext(f"{{*}}{name}") for name in ("Status", "Code", "Text"))
        words = " ".join(dict.fromkeys(filter(None, (status, code))))  # the code is often the status's own word
        said = ": ".join(filter(None, (words, details)))
        return Verdict(said, status == "Refused", tuple(_items_refused(acknowledgement)))
    if detail := root.findtext(".//{*}faultstring") or root.findtext("{*}detail") or root.findtext("{*}title"):
        findings = root.iterfind(".//{*}errors/{*}i")
        where = (Item(one.findtext("{*}path") or "", one.findtext("{*}reason") or "") for one in findings)
        return Verdict(detail, True, tuple(where))
    return None


def _items_refused(acknowledgement: etree._Element) -> Iterator[Item]:
    for item in acknowledgement.iterfind("{*}RefusedItem"):
        yield Item(item.findtext("{*}Item") or "", item.findtext("{*}Reason") or "")


def _hubs_warned_of(response: etree._Element) -> Iterator[Item]:
    for listed in response.iterfind(f".//{sr('DSPPilotListWarning')}/*"):
        for hub in (listed.text or "").split(","):
            yield Item(hub.strip(), etree.QName(listed).localname)
