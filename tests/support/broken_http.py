"""HTTP that can be read in two ways, and what it is answered: one table for the doors alone and for a whole gateway."""

from __future__ import annotations

CL = b"Content-Length: 4\r\n"
TE = b"Transfer-Encoding: chunked\r\n"


def head_of(path: str) -> bytes:
    """Return the beginning of a POST of XML to a path, to which fields may be added."""
    return b"POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n" % path.encode()


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in these chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def broken(path: str) -> dict[str, tuple[bytes, int]]:
    """Return requests to a path that are refused, and the status of each (threats T50, T51, T55)."""
    head, good, target = head_of(path), chunked(b"<a/>"), path.encode()
    return {
        "no length": (head + b"\r\n<a/>", 411),
        "negative length": (head + b"Content-Length: -4\r\n\r\n<a/>", 400),
        "length twice": (head + CL + CL + b"\r\n<a/>", 400),
        "two lengths": (head + CL + b"Content-Length: 5\r\n\r\n<a/> ", 400),
        "length list": (head + b"Content-Length: 4, 4\r\n\r\n<a/>", 400),
        "length in words": (head + b"Content-Length: abc\r\n\r\n<a/>", 400),
        "length with a sign": (head + b"Content-Length: +4\r\n\r\n<a/>", 400),
        "length of 5000 digits": (head + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n<a/>", 400),
        "length and chunked": (head + CL + TE + b"\r\n" + good, 400),
        "chunked and length": (head + TE + CL + b"\r\n" + good, 400),
        "chunked twice": (head + TE + TE + b"\r\n" + good, 400),
        "chunked, chunked": (head + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + good, 400),
        "no coding": (head + b"Transfer-Encoding:\r\n\r\n" + good, 400),
        "control before chunked": (head + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + good, 400),
        "unknown coding": (head + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + good, 501),
        "chunked in HTTP/1.0": (head.replace(b"1.1", b"1.0") + TE + b"\r\n" + good, 400),
        "folded line": (head + b"X: a\r\n Content-Length: 4\r\n" + CL + b"\r\n<a/>", 400),
        "space before the colon": (head + b"Content-Length : 4\r\n\r\n<a/>", 400),
        "bare line feed": (head + b"X: a\n" + CL + b"\r\n<a/>", 400),
        "bare line feeds only": (head.replace(b"\r\n", b"\n") + b"Content-Length: 4\n\n<a/>", 400),
        "bare carriage return": (head + b"X: a\rb\r\n" + CL + b"\r\n<a/>", 400),
        "NUL in a header": (head + b"X: a\0b\r\n" + CL + b"\r\n<a/>", 400),
        "no host": (head.replace(b"Host", b"Most") + CL + b"\r\n<a/>", 400),
        "a host with a space": (head.replace(b": gateway", b": a b") + CL + b"\r\n<a/>", 400),
        "a target whose host is none": (head.replace(b" /", b" http://a:b/", 1) + CL + b"\r\n<a/>", 400),
        "HTTP/2.0": (head.replace(b"1.1", b"2.0") + CL + b"\r\n<a/>", 400),
        "no version": (b"POST " + target + b"\r\n" + CL + b"\r\n<a/>", 400),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        "bare line feed after a chunk size": (head + TE + b"\r\n4\n<a/>\r\n0\r\n\r\n", 400),
        "chunk size with a line feed inside": (head + TE + b"\r\n4\n\r\n<a/>\r\n0\r\n\r\n", 400),
        "chunk size in words": (head + TE + b"\r\nfour\r\n<a/>\r\n0\r\n\r\n", 400),
        "negative chunk size": (head + TE + b"\r\n-4\r\n<a/>\r\n0\r\n\r\n", 400),
        "chunk longer than it says": (head + TE + b"\r\n3\r\n<a/>\r\n0\r\n\r\n", 400),
        "endless chunk extension": (head + TE + b"\r\n4;" + b"x" * 5000 + b"\r\n<a/>\r\n0\r\n\r\n", 400),
        "endless trailers": (head + TE + b"\r\n" + chunked(b"<a/>", end=b"0\r\n" + b"x: y\r\n" * 100), 400),
        "10,000 header lines": (head + b"X: y\r\n" * 10_000 + CL + b"\r\n<a/>", 431),
        "64 kB header": (head + b"X: " + b"y" * 65536 + b"\r\n" + CL + b"\r\n<a/>", 431),
    }
