"""What the HTTP server allows its clients."""

from __future__ import annotations

import resource
from dataclasses import dataclass

from duis_gateway.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Times are in seconds, sizes in bytes.

    Attributes:
        body: the largest body of one request.
        header: the largest header.
        handshake_time: from the beginning of a connection to the end of its TLS handshake.
        header_time: from the first byte of a request to the end of its header.
        body_time: from the first byte of a request to its end.
        idle_time: for a connection between requests, and for a client that takes nothing of its answer.
        stream_time: for a client to take a whole answer that is read from the database while it is sent; the time that
            reading takes is not counted.
        lingering_time: for reading on after the last answer, so that it is not lost (RFC 9112, section 9.6).
        stopping_time: what requests in hand have once the server stops (with it, all is over in less than 10 s, F24).
        connections: at most so many; beyond it the longest idle one goes.
        address_percent: of these, how many may come from one address (IPv6: one /64).
        large: a body of more bytes than this waits for one of the workers for large ones: parsed, it takes ten times
            its size, so the memory for all of them is bounded, and small ones do not wait for them.
        large_threads: how many workers for large bodies there are.
        apart_threads: how many workers there are for what nothing else may hold up.
        held: all that was received and is not answered yet, and all of answers that no client has taken yet, together.
        streams: answers that hold a snapshot of the database while they are sent, at the same time.
        streams_of_one: of these, how many may be for one party.
        feeds: clients that listen to a feed at the same time; never more than a quarter of the connections.
        feed_time: for one client to listen without asking anew, so that one that is gone unnoticed keeps no place.
        length_needed: whether a POST must say how long its body is; otherwise one that does not has no body (RFC 9112,
            section 6.3).
    """

    body: int = 8 * 1024 * 1024
    header: int = 16 * 1024
    handshake_time: float = 10.0
    header_time: float = 10.0
    body_time: float = 30.0
    idle_time: float = 60.0
    stream_time: float = 600.0
    lingering_time: float = 2.0
    stopping_time: float = 7.5
    connections: int = 1000
    address_percent: int = 50
    large: int = 128 * 1024
    large_threads: int = 2
    apart_threads: int = 1
    held: int = 32 * 1024 * 1024
    streams: int = 8
    streams_of_one: int = 2
    feeds: int = 64
    feed_time: float = 300.0
    length_needed: bool = True

    @property
    def most(self) -> int:
        """How many connections there may be: at most half of the descriptors, so that all else has the others."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return self.connections if soft == resource.RLIM_INFINITY else max(1, min(self.connections, soft // 2))

    @property
    def most_feeds(self) -> int:
        """How many of them may listen to a feed: the others are for who asks something."""
        return min(self.feeds, self.most // 4)

    @property
    def most_an_address(self) -> int:
        """How many of them may come from one address."""
        return max(1, self.most * self.address_percent // 100)


_LEAST_DESCRIPTORS = 64
"""With fewer, a process may start, and then accept nothing and find fault with its recipients."""


def raise_descriptor_limit() -> None:
    """Let the process have as many descriptors as the system allows it: each connection is one.

    Raises:
        ConfigurationError: these are too few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _LEAST_DESCRIPTORS:
        few = f"this process may have {hard} files open, and needs {_LEAST_DESCRIPTORS} at least"
        raise ConfigurationError(f"{few}: raise the limit (ulimit -n)")
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
