"""What a door needs of the flow: one callable, from bytes to the signed answer."""

from __future__ import annotations

from collections.abc import Callable

from duis_gateway.flow.incoming import Incoming

Handler = Callable[[Incoming], bytes]
"""Takes a message and returns the signed answer, as it goes on the wire.

It raises a `MessageRefused` where the message is not taken; anything else that it raises is a defect of ours.
"""
