"""What holds of every interaction: its message is acknowledged, its repeat changes nothing, recipients may be away.

All messages of the table are said one after the other, each about hubs of its own and each twice: once with every
recipient there, and once while all of them and the mail relay are gone and come back together.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from duis_gateway.outbox import view as outbox_view
from tests.support.actors import of_the_plan
from tests.support.every_interaction import EVERY, OF_PLANS, OLDER, Message, missing
from tests.support.gateway_process import wait_until
from tests.support.installation import Delivery, Installation
from tests.support.mail_play import Mailed, address
from tests.support.mail_relay import MailRelay
from tests.support.play import Play
from tests.support.wire_client import Answer, texts

pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12"),
    pytest.mark.requirement("X01", "X02", "X03", "X04", "X05", "X06", "X07", "X08", "X09", "X10", "X11"),
]
MESSAGES = pytest.mark.parametrize("message", EVERY, ids=lambda one: one.name)


@dataclass
class Story:
    """What was said and what came of it; `waiting` is what was in the outbox for each party when all was said."""

    plays: dict[str, Play]
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)
    came_too_soon: int = 0
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    emails: list[EmailMessage] = field(default_factory=list)

    def told(self, message: Message) -> dict[str, list[str]]:
        """Return what each party got about the message's lot, but N999, which says nothing of its release."""
        lot = self.plays[message.name].lot
        words = [f">{one}<".encode() for one in (lot.release, *lot.owners)]
        found = {
            name: [one.kind for one in came if message.tells_by(one) and any(word in one.raw for word in words)]
            for name, came in self.deliveries.items()
            if name not in OLDER
        }
        return {name: kinds for name, kinds in found.items() if kinds}


def all_delivered(installation: Installation) -> bool:
    """Whether nothing is left in the outbox, emails neither."""
    with installation.store.read() as conn:
        stats = outbox_view.stats(conn)
    assert not stats.dead
    return not stats.pending and not stats.in_flight


@contextlib.contextmanager
def relay_at(port: int | None, installation: Installation) -> Iterator[list[EmailMessage]]:
    """A relay for the emails of a gateway that sends any; the list is filled when all have come."""
    emails: list[EmailMessage] = []
    if port is None:
        yield emails
        installation.settle()
        return
    with MailRelay(port) as relay:
        yield emails
        wait_until(lambda: all_delivered(installation), "everything is delivered")
        emails += relay.wait_for(0)


def said(story: Story) -> None:
    """Say everything, each message twice; what comes in by the DUIS door a third time, over SOAP."""
    for message in EVERY:
        play = story.plays[message.name]
        first = message.say(play)
        soap = [play.repeat("soap")] if message.code == "I99" else []
        story.answers[message.name] = [first, play.repeat(), *soap]


def played(installation: Installation, port: int | None, *, away: bool) -> Story:
    """Bring every message to where it can be said, say all of them, and return what came of it."""
    actors = installation.actors
    with relay_at(port, installation):
        plays = {message.name: Play(installation, installation.lot()) for message in EVERY}
        for message in EVERY:
            message.before(plays[message.name])
    story = Story(plays)
    for actor in actors.values():
        actor.forget()
        if away:
            actor.take_down()
    try:
        if away:
            said(story)
            story.waiting = installation.outbox()
            story.came_too_soon = sum(len(actor.came()) for actor in actors.values())
    finally:
        for actor in actors.values() if away else ():
            actor.come_back()
    with relay_at(port, installation) as story.emails:
        if not away:
            said(story)
    story.deliveries = {name: actor.came() for name, actor in actors.items()}
    return story


WITH_EMAILS = ("all there", "all away")
WITHOUT = ("all away, on postgresql",)


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    """What was told already in this module."""
    return {}


def find(stories: dict[str, Story], request: pytest.FixtureRequest) -> Story:
    """Return the story of the name that the fixture's parameter says, telling it if nobody has."""
    name = str(request.param)
    if name not in stories:
        if name in WITHOUT:
            stories[name] = played(request.getfixturevalue("on_postgresql"), None, away=True)
        else:
            mailed: Mailed = request.getfixturevalue("mailed_gateway")
            stories[name] = played(mailed.installation, mailed.port, away=name == "all away")
    return stories[name]


@pytest.fixture(params=[*WITH_EMAILS, *WITHOUT])
def story(stories: dict[str, Story], request: pytest.FixtureRequest) -> Story:
    """On SQLite, with everybody there and away; on PostgreSQL."""
    return find(stories, request)


@pytest.fixture(params=WITH_EMAILS)
def mailed_story(stories: dict[str, Story], request: pytest.FixtureRequest) -> Story:
    """Those of them that are of a gateway that sends emails."""
    return find(stories, request)


def test_the_table_has_every_interaction_and_every_body() -> None:
    assert missing() == set()


@MESSAGES
def test_every_message_is_acknowledged_whoever_is_away(story: Story, message: Message) -> None:
    first = story.answers[message.name][0]
    assert (first.status, first.code, first.refused_items) == (200, message.code, {})


@MESSAGES
def test_a_repeat_gets_the_first_answer_byte_for_byte(story: Story, message: Message) -> None:
    """T39; over the other door, too."""
    documents = {answer.document for answer in story.answers[message.name]}
    assert len(story.answers[message.name]) == (3 if message.code == "I99" else 2)
    assert documents == {story.answers[message.name][0].document}


@MESSAGES
def test_what_it_brings_comes_once_to_each_recipient_and_to_nobody_else(story: Story, message: Message) -> None:
    """F13, T39: although it was said twice, and although everybody was away."""
    expected = {name: list(kinds) for name, kinds in message.comes.items() if name not in OLDER}
    found = story.told(message)
    assert {name: sorted(kinds) for name, kinds in found.items()} == expected


@MESSAGES
def test_its_emails_come_once_to_each_reader(mailed_story: Story, message: Message) -> None:
    """F19."""
    release = mailed_story.plays[message.name].lot.release
    found = sorted(
        (str(one["To"]), str(one["X-DUIS-Gateway-Kind"]))
        for one in mailed_story.emails
        if one["X-DUIS-Gateway-Release"] == release
    )
    assert found == sorted((address(name), kind) for name, kinds in message.emails.items() for kind in kinds)


def test_while_recipients_are_away_everything_waits_and_nothing_is_lost(story: Story) -> None:
    """F13: no message is dead for want of a recipient; once all are back nothing comes twice."""
    told = [message for message in EVERY if message.row not in OF_PLANS]
    expected = Counter(name for message in told for name, kinds in message.comes.items() for _ in kinds)
    if story.waiting:
        assert story.came_too_soon == 0
        assert story.waiting == Counter({name: len(came) for name, came in story.deliveries.items() if came})
    arrived = Counter(name for name, came in story.deliveries.items() for one in came if not of_the_plan(one))
    assert not expected - arrived, "nothing is lost; rows about plans bring others besides"
    for name, came in story.deliveries.items():
        identities = [texts(one.root, "ResponseID") or texts(one.root, "MessageID") for one in came]
        assert len({tuple(one) for one in identities}) == len(came), f"{name} got something twice"


@pytest.mark.parametrize("name", OLDER)
def test_an_older_user_gets_one_n999_for_each_alert(story: Story, name: str) -> None:
    """An N999 names neither release nor hub but by its code: each code once for each message that brings it."""
    alerts = {"A06": "N75", "A07": "N76", "A09": "N69", "A10": "N70", "X03": "N72"}
    expected = Counter(alerts[message.row] for message in EVERY if name in message.comes)
    assert Counter(texts(one.root, "DCCAlertCode")[1] for one in story.deliveries[name]) == expected
