"""What DCC and the CSPs say about one lot of hubs, each message from a fixture file filled in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.support.conversation import DAY, Conversation, Group, Outcome, when
from tests.support.installation import MANUFACTURER, NOW, RELEASED
from tests.support.wire_client import Answer, devices, element, fill


class PartnerPlay(Conversation):
    """The CSPs and DCC."""

    def announce(
        self,
        *,
        release: str | None = None,
        firmware: str = RELEASED,
        revision: int = 1,
        kind: str = "SECRelease",
        automatic: datetime | None = None,
        pilot: tuple[datetime, datetime] | None = (NOW - DAY, NOW + 60 * DAY),
        limit: int = 100,
        minimum: int | None = None,
        marks: str = "",
        model: str | None = None,
        predecessors: Iterable[str] = (),
    ) -> Answer:
        """DCC announces or revises a release of the lot's model."""
        terms = "" if pilot is None else self._terms(pilot, limit, minimum)
        date = "" if automatic is None else element("esi:AutomaticDate", when(automatic))
        document = fill(
            "esi/FirmwareRelease.xml",
            **self._header("dcc"),
            release=release or self.lot.release,
            revision=revision,
            type=kind,
            manufacturer=MANUFACTURER,
            model=model or self.lot.model,
            firmware=firmware,
            predecessors="".join(element("esi:PermittedPredecessorVersion", one) for one in predecessors),
            rest=date + terms + marks,
        )
        return self.send("dcc", document, "esi")

    @staticmethod
    def _terms(pilot: tuple[datetime, datetime], limit: int, minimum: int | None) -> str:
        return element(
            "esi:Pilot",
            element("esi:Start", when(pilot[0])),
            element("esi:End", when(pilot[1])),
            element("esi:Limit", str(limit)),
            "" if minimum is None else element("esi:Minimum", str(minimum)),
        )

    def default_list(
        self, csp: str, region: str, ids: Iterable[str], *, part: str = "", release: str | None = None
    ) -> Answer:
        """A CSP uploads its pilot list for a region."""
        document = fill(
            "csp_mgmt_gw/DefaultPilotList.xml",
            **self._header(csp),
            part=part,
            release=release or self.lot.release,
            region=region,
            devices=",".join(ids),
        )
        return self.send(csp, document, "csp")

    def default_schedule(
        self,
        csp: str,
        region: str,
        groups: Iterable[Group],
        constraints: Iterable[str] = (),
        *,
        part: str = "",
        release: str | None = None,
    ) -> Answer:
        """A CSP uploads its pilot schedule for a region, with the constraints that it offers."""
        document = fill(
            "csp_mgmt_gw/DefaultPilotSchedule.xml",
            **self._header(csp),
            part=part,
            release=release or self.lot.release,
            region=region,
            groups="".join(
                element(
                    "csp:DeploymentGroup",
                    element("csp:GroupID", group.name),
                    devices("csp:DeviceIDList", group.devices),
                    element("csp:EarliestStart", when(group.start)),
                    element("csp:LatestEnd", when(group.end)),
                )
                for group in groups
            ),
            constraints="".join(
                element(
                    "csp:OfferedConstraint", element("csp:Code", code), element("csp:Description", f"{code}, please")
                )
                for code in constraints
            ),
        )
        return self.send(csp, document, "csp")

    def requested(
        self, csp: str, ids: Iterable[str], firmware: str = RELEASED, *, release: str | None = None, named: bool = True
    ) -> Answer:
        """A CSP says that it has sent CS06 to these hubs, under the lot's release or another, or it `named` none."""
        under = element("FirmwareReleaseID", release or self.lot.release)
        document = fill(
            "csp_mgmt_gw/ActivateFirmwareRequests.xml",
            **self._header(csp),
            release=under if named else "",
            firmware=firmware,
            devices=",".join(ids),
            issued_at=when(NOW - timedelta(hours=1)),
        )
        return self.send(csp, document, "csp")

    def responded(self, csp: str, *outcomes: Outcome) -> Answer:
        """A CSP posts the hubs' answers to CS06."""
        return self._outcomes(csp, "ActivateFirmwareResponses", outcomes)

    def distributed(self, csp: str, *outcomes: Outcome) -> Answer:
        """A CSP posts how the distribution of the image to hubs ended."""
        return self._outcomes(csp, "DistributionOutcomes", outcomes)

    def _outcomes(self, csp: str, body: str, outcomes: Iterable[Outcome]) -> Answer:
        hubs = "".join(
            element(
                "Hub",
                element("DeviceID", one.device),
                element("Outcome", "Success" if one.success else "Failure"),
                element("FirmwareVersion", one.version),
                element("CompletedAt", when(one.at)),
                element("FailureReason", one.reason) if one.reason else "",
                element("Commentary", one.commentary) if one.commentary else "",
            )
            for one in outcomes
        )
        return self.send(csp, fill(f"csp_mgmt_gw/{body}.xml", **self._header(csp), hubs=hubs), "csp")
