from __future__ import annotations

import time
from collections import deque
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from core.errors import ApplicationError
from notifications.codes import CodeNotSent, code_send
from notifications.dispatch import deliveries_sweep
from notifications.pump import deliveries_pump
from notifications.quality import quality_watch
from notifications.quoting import quotes_watch
from notifications.retention import alerts_prune
from notifications.turns import rules_watch, turn_end
from notifications.watching import rule_disable, rule_evaluate

log = structlog.get_logger(__name__)

# Of an owner's rules no other one is begun after this; the rest goes behind what others wait for.
TURN_S = 1.0
# A rule has the rest, longer than any graph takes on the bars it is given. What is behind it waits
# no longer.
RULE_LIMIT_S = 5


@shared_task(name="notifications.delivery_send")
def send(delivery_id: str) -> None:  # noqa: ARG001 - says for whom it was queued
    """Send this delivery and all others that are due, unless another worker is at it."""
    deliveries_pump()


@shared_task(
    name="notifications.code_send", autoretry_for=(CodeNotSent,), retry_backoff=10, max_retries=4
)
def send_code(channel_id: str) -> None:
    """Send the code that proves an address."""
    code_send(channel_id=UUID(channel_id))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Settle what a lost worker left behind, and send what is due."""
    deliveries_sweep()
    deliveries_pump()


@shared_task(name="notifications.prune")
def prune() -> None:
    """Forget alerts past their retention."""
    alerts_prune()


@shared_task(name="notifications.watch")
def watch() -> None:
    """Queue the rules whose bars have changed, and look at quotes that nobody announced."""
    quotes_watch(now=timezone.now())
    rules_watch()


@shared_task(name="notifications.quotes")
def quotes() -> None:
    """Look at the quotes that have come."""
    quotes_watch(now=timezone.now())


@shared_task(name="notifications.quality")
def quality() -> None:
    """Tell of faults in bars that were checked lately."""
    quality_watch()


@shared_task(name="notifications.rule_evaluate", soft_time_limit=RULE_LIMIT_S)
def evaluate(owner_id: str, rule_ids: list[str]) -> None:
    """Look at the new bars of an owner's rules, for a while; the rest has another turn."""
    ends = time.monotonic() + TURN_S
    waiting = deque(rule_ids)
    while waiting:
        if not _evaluate(waiting.popleft()) or time.monotonic() >= ends:
            break
    turn_end(UUID(owner_id), list(waiting))


def _evaluate(rule_id: str) -> bool:
    """Look at a rule, and tell whether all went well; one that breaks or hangs is switched off."""
    try:
        rule_evaluate(rule_id=UUID(rule_id))
    except ApplicationError as error:
        log.warning("rule.not_evaluated", rule_id=rule_id, error=error.message)
    except Exception:  # the wrapper that owns the end of a job: whatever broke, its row says so
        log.exception("rule.errored", rule_id=rule_id)
        rule_disable(
            rule_id=UUID(rule_id), reason="Evaluating it broke on our side; it was logged."
        )
        return False
    return True
