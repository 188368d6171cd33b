"""What a client may subscribe to.

A topic says what, never whose: frames are the user's own, but for those of broadcast topics.
"""

from __future__ import annotations

import re

TOPIC = re.compile(
    r"(backtest|sweep|deployment|fetch):[0-9a-f-]{36}|orders|alerts|account|quotes:[A-Z0-9.^=_/:-]{1,40}"
)


def topic_known(topic: object) -> bool:
    """Tell whether this is a topic."""
    return isinstance(topic, str) and TOPIC.fullmatch(topic) is not None


def topic_broadcast(topic: str) -> bool:
    """Tell whether everybody hears the same frames of a topic."""
    return topic.startswith("quotes:")
