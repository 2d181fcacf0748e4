"""The doors that are read: the party door with its tokens and lists, and the operators' listener with its forms."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import urlencode

from tests.wire.cases import Case
from tests.wire.scene import TOKEN, Scene

_PARTY = "/party/v1/"


def _get(path: str, **fields: str) -> Callable[[Scene], bytes]:
    """A GET of the main supplier's."""
    return lambda scene: scene.get(_PARTY + path, token=scene.play["main"].token, **fields)


def _put(
    body: bytes, media: str = "text/csv", path: str = "protected-hubs", token: str = "main"
) -> Callable[[Scene], bytes]:
    return lambda scene: scene.request("PUT", _PARTY + path, body, media, token=scene.play[token].token)


def _check(body: bytes, media: str = "application/xml") -> Callable[[Scene], bytes]:
    return lambda scene: scene.post(_PARTY + "check", body, media, token=scene.play["main"].token)


PARTY: list[Case] = [
    Case("no token", "party", lambda scene: scene.get(_PARTY + "status"), "401 token-refused"),
    Case("an unknown token", "party", lambda scene: scene.get(_PARTY + "status", token="unknown"), "401 token-refused"),
    Case("a token of 10 kB", "party", lambda scene: scene.get(_PARTY + "status", token="t" * 10_000),
         "401 token-refused"),
    Case("another scheme", "party", lambda scene: scene.get(_PARTY + "status", Authorization="Basic eA=="),
         "401 token-refused"),
    Case("T48 another party's hub", "party",
         lambda scene: scene.get(f"{_PARTY}hubs/{scene.play.lot['on54'][0]}", token=scene.play["main"].token),
         "404 no-such-path"),
    Case("T48 a hub that nobody has", "party", _get("hubs/00-DB-FF-FF-FF-FF-FF-FF"), "404 no-such-path"),
    Case("a hub that is none", "party", _get("hubs/x"), "400 http-refused"),
    Case("nothing is there", "party", _get("nothing"), "404 no-such-path"),
    Case("a form that there is not", "party", _get("status?format=xlsx"), "400 http-refused"),
    Case("a misspelt field", "party", _get("estate?changed_since=2027-03-30T02:00:00Z"), "400 http-refused"),
    Case("a time that is none", "party", _get("estate?changed-since=yesterday"), "400 http-refused"),
    Case("a hundred fields", "party", _get("status?" + "&".join(f"a{n}=1" for n in range(100))), "400 http-refused"),
    Case("a list that is no CSV", "party", _put(b"\x00\x01"), "400 http-refused"),
    Case("a list that is not UTF-8", "party", _put(b"device_id\n\xff\n"), "400 http-refused"),
    Case("a list of what is no hub", "party", _put(b"device_id\n=cmd\n"), "400 http-refused"),
    Case("a list that is no JSON", "party", _put(b"{", "application/json"), "400 http-refused"),
    Case("JSON 10,000 deep", "party", _put(b"[" * 10_000, "application/json"), "400 http-refused"),
    Case("a list that is XML", "party", _put(b"<a/>", "application/xml"), "415 unsupported-media"),
    Case("a CSP's list", "party", _put(b"device_id\n00-DB-12-34-56-78-90-A2\n", token="north"), "403 not-entitled"),
    Case("a list to be taken away that has a body", "party",
         lambda scene: scene.request(
             "DELETE", _PARTY + "protected-hubs", b"x", "text/csv", token=scene.play["main"].token
         ),
         "400 http-refused"),
    Case("T01 a check of a DTD", "party", _check(b"<!DOCTYPE a><a/>"), "400 not-safe-xml"),
    Case("T10 a check of nothing", "party", _check(b""), "400 not-safe-xml"),
    Case("T49 a check of JSON", "party", _check(b"{}", "application/json"), "415 unsupported-media"),
    Case("T44 a check of another document", "party", _check(b"<a/>"), "400 not-valid"),
    Case("a check for another supplier", "party",
         lambda scene: scene.post(_PARTY + "check", scene.unsigned("duis"), token=scene.play["gas"].token),
         "403 not-entitled"),
]  # fmt: skip


def _page(path: str, party: str = "main") -> Callable[[Scene], bytes]:
    """A supplier's page, asked for by a browser: the token stands where a password would."""

    def sent(scene: Scene) -> bytes:
        named = base64.b64encode(f":{scene.play[party].token}".encode()).decode()
        return scene.get(f"/supplier{path}", Authorization=f"Basic {named}")

    return sent


SUPPLIER_PAGES: list[Case] = [
    Case("pages without a token", "party", lambda scene: scene.get("/supplier"), "401"),
    Case("pages with an unknown token", "party",
         lambda scene: scene.get("/supplier", Authorization="Basic " + base64.b64encode(b":x").decode()), "401"),
    Case("pages with what is no base64", "party",
         lambda scene: scene.get("/supplier", Authorization="Basic \xff"), "401"),
    Case("a CSP's token on a supplier's pages", "party", _page("", "north"), "403"),
    Case("a POST to a supplier's pages", "party", lambda scene: scene.post("/supplier/hubs", b""), "405"),
    Case("T48 the page of another's hub", "party",
         lambda scene: _page(f"/hubs/{scene.play.lot['on54'][0]}")(scene), "404"),
    Case("T48 the page of a release that concerns nobody", "party", _page("/releases/%3Cscript%3E"), "404"),
    Case("T48 the page of DCC's messages", "party", _page("/messages?way=partners"), "400"),
    Case("T48 a partner's message by its number", "party", _page("/messages/partners-1"), "404"),
    Case("a page of hubs in no state", "party", _page("/hubs?state=x"), "400"),
]  # fmt: skip


def _form(path: str, media: str = "application/x-www-form-urlencoded", **fields: str) -> Callable[[Scene], bytes]:
    return lambda scene: scene.post(path, urlencode(fields).encode(), media)


OPERATIONS: list[Case] = [
    Case("a POST to the metrics", "operations", lambda scene: scene.post("/metrics", b""), "405 method-not-allowed"),
    Case("a POST to the health", "operations", lambda scene: scene.post("/health/live", b""), "405 method-not-allowed"),
    Case("the public door", "operations", lambda scene: scene.carry("duis", scene.signed("duis")), "404 no-such-path"),
    Case("a form without a token", "operations", _form("/dead-letters", id="1"), "403", "come from this console"),
    Case("a token without a form", "operations", _form("/dead-letters", token=TOKEN), "403", "come from this console"),
    Case("a forged form", "operations", _form("/flags", form="0" * 64, token=TOKEN), "403", "come from this console"),
    Case("a form from another site", "operations",
         lambda scene: scene.post("/flags", b"", "application/x-www-form-urlencoded", Origin="http://evil.example"),
         "403", "another site"),
    Case("a form that a browser says is another site's", "operations",
         lambda scene: scene.post("/flags", b"", "application/x-www-form-urlencoded", Sec_Fetch_Site="cross-site"),
         "403", "another site"),
    Case("a form that is JSON", "operations", _form("/flags", "application/json"), "415"),
    Case("a form of 2,000 fields", "operations", _form("/flags", **{f"f{n}": "1" for n in range(2000)}), "400"),
    Case("a form of 100 kB", "operations", _form("/flags", f="x" * 100_000), "413"),
    Case("a hub that is none", "operations", lambda scene: scene.get("/hubs/x"), "400"),
    Case("a hub that nobody has", "operations", lambda scene: scene.get("/hubs/00-DB-FF-FF-FF-FF-FF-FF"), "404"),
    Case("a release that nobody has", "operations", lambda scene: scene.get("/releases/%3Cscript%3E"), "404"),
    Case("a message that nobody has", "operations", lambda scene: scene.get("/messages/in-999999999999999999"), "404"),
    Case("a way out", "operations", lambda scene: scene.get("/../../etc/passwd"), "404"),
]  # fmt: skip
