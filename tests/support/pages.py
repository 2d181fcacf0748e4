"""The console and the suppliers' pages over a store that DCC steers: no server, and nothing is delivered."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from lxml import html

from duis_gateway.doors.http import Edge
from duis_gateway.doors.wire import Answer
from duis_gateway.operations.console.site import Console, Sources
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.supplier_pages.site import SupplierPages
from duis_gateway.parties import store as parties
from tests.support.asking import ask, whole
from tests.support.rules import OURS, THEIRS
from tests.support.steering import Steering

TOKEN = "a token of nobody else"


@dataclass(frozen=True)
class Pages:
    """The console and the suppliers' pages over one store."""

    dcc: Steering
    edge: Edge

    def read(self, path: str, who: int | None = None) -> html.HtmlElement:
        """A page of the console, or of this supplier's, with its figures."""
        while True:
            answer = self._answer(path, who)
            text = whole(answer).decode()
            assert answer.status == 200, text
            if "being counted" not in text and "being worked out" not in text:
                return html.document_fromstring(text)

    def _answer(self, path: str, who: int | None) -> Answer:
        given = "" if who is None else f":{TOKEN}{who}"
        headers = {"authorization": f"Basic {b64encode(given.encode()).decode()}"} if given else {}
        path, _, query = path.partition("?")
        return ask(self.edge, path, query=query, headers=headers)

    def as_it_is(self, path: str, who: int | None = None) -> str:
        """The words of a page, whether or not its figures are counted."""
        root: html.HtmlElement = html.document_fromstring(whole(self._answer(path, who)).decode())
        return " ".join(root.text_content().split())

    def headers(self, path: str, who: int | None = None) -> dict[str, str]:
        """What is said of a page beside it."""
        return dict(self._answer(path, who).headers)

    def leads_to(self, path: str, who: int | None = None) -> str:
        """Where a page sends the browser on to."""
        answer = self._answer(path, who)
        assert answer.status == 303, whole(answer)
        return dict(answer.headers)["Location"]

    def words(self, path: str, who: int | None = None, part: str = "//main") -> str:
        return " ".join(" ".join(one.text_content().split()) for one in self.read(path, who).xpath(part))


@contextmanager
def pages_over(dcc: Steering) -> Iterator[Pages]:
    """The pages, with a token for each of two suppliers."""
    with dcc.store.write() as conn:
        for who in (OURS, THEIRS):
            parties.set_token_hash(conn, who, parties.token_hash(f"{TOKEN}{who}"))
    console = Console(dcc.store, dcc.clock, Sources(dict, lambda: None, lambda: TOKEN))
    suppliers = SupplierPages(dcc.store, dcc.clock)
    yield Pages(dcc, Edge([*console.routes(), *suppliers.routes()], Metrics()))
    assert console.stop(monotonic() + 30)
    assert suppliers.stop(monotonic() + 30)
