"""The releases that DCC announces for the clauses: their terms, and the notice as the ESI carries it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from duis_gateway.conformance.profile import Profile


@dataclass(frozen=True)
class Release:
    """A firmware release that DCC has announced for a clause."""

    id: str
    firmware: str


@dataclass(frozen=True)
class Terms:
    """What a release is announced with.

    Attributes:
        days: the pilot's first and last day from now; None: there is no pilot.
        automatic: how long it is to the automatic date; None: DCC's usual six months.
        excluded: hubs that are kept out of the pilot.
        predecessors: the versions that it may follow; none: any.
        failing: the least hubs that fail at which the plan is held until DCC decides; None: there is no threshold.
    """

    kind: str = "SECRelease"
    days: tuple[int, int] | None = (-1, 60)
    limit: int = 100
    minimum: int | None = None
    automatic: timedelta | None = None
    excluded: tuple[str, ...] = ()
    failing: int | None = None
    predecessors: tuple[str, ...] = ()


def stamp(at: datetime) -> str:
    """Return a time as messages carry it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def notice(profile: Profile, now: datetime, release: Release, terms: Terms, revision: int) -> str:
    """Return the ESI's `FirmwareRelease` for a release of the profile's model."""
    date = "" if terms.automatic is None else f"<AutomaticDate>{stamp(now + terms.automatic)}</AutomaticDate>"
    excluded = f"<ExcludedDeviceIDList>{','.join(terms.excluded)}</ExcludedDeviceIDList>" if terms.excluded else ""
    follows = "".join(f"<PermittedPredecessorVersion>{one}</PermittedPredecessorVersion>" for one in terms.predecessors)
    return (
        f"<FirmwareRelease><FirmwareReleaseID>{release.id}</FirmwareReleaseID><Revision>{revision}</Revision>"
        f"<ReleaseType>{terms.kind}</ReleaseType><DeviceModel><Manufacturer>{profile.manufacturer}</Manufacturer>"
        f"<Model>{profile.model}</Model></DeviceModel><FirmwareVersion>{release.firmware}</FirmwareVersion>"
        f"{follows}<ReleaseNote>https://releases.example/{release.id}</ReleaseNote><Severity>Low</Severity>"
        f"<Priority>5</Priority>{date}{_pilot(now, terms)}{excluded}{_threshold(terms)}"
        "</FirmwareRelease>"
    )


def _pilot(now: datetime, terms: Terms) -> str:
    if terms.days is None:
        return ""
    start, end = (stamp(now + timedelta(days=number)) for number in terms.days)
    least = "" if terms.minimum is None else f"<Minimum>{terms.minimum}</Minimum>"
    return f"<Pilot><Start>{start}</Start><End>{end}</End><Limit>{terms.limit}</Limit>{least}</Pilot>"


def _threshold(terms: Terms) -> str:
    if terms.failing is None:
        return ""
    least = f"<LeastHubs>{terms.failing}</LeastHubs>"
    share = "<SharePercent>50</SharePercent><WindowHours>24</WindowHours>"
    return f"<FailureThreshold>{share}{least}<Hold>true</Hold></FailureThreshold>"
