"""What a worker is for: by the queues it takes from."""

from __future__ import annotations

from typing import Any


def serves(worker: Any, *queues: str) -> bool:
    """Whether a starting worker takes from any of these queues.

    Parameters
    ----------
    worker : celery's worker or its consumer, or None
        The sender of a signal; None is somebody who wants everything ready, such as a test.
    """
    if worker is None:
        return True
    taken: set[str] = set(worker.app.amqp.queues.consume_from)
    return not taken.isdisjoint(queues)
