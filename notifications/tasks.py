from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task

from core.errors import ApplicationError
from notifications.codes import CodeNotSent, code_send
from notifications.dispatch import deliveries_sweep
from notifications.pump import deliveries_pump
from notifications.quality import quality_watch
from notifications.retention import alerts_prune
from notifications.watching import rule_disable, rule_evaluate, rules_watch

log = structlog.get_logger(__name__)

# Longer than any graph takes on the bars it is given; what is behind it waits no longer.
RULE_LIMIT_S = 4


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
    """Queue the rules whose bars have changed."""
    rules_watch()


@shared_task(name="notifications.quality")
def quality() -> None:
    """Tell of faults in bars that were checked lately."""
    quality_watch()


@shared_task(name="notifications.rule_evaluate", soft_time_limit=RULE_LIMIT_S)
def evaluate(rule_id: str) -> None:
    """Look at the new bars of a rule; one that breaks or hangs is switched off, alone."""
    try:
        rule_evaluate(rule_id=UUID(rule_id))
    except ApplicationError as error:
        log.warning("rule.not_evaluated", rule_id=rule_id, error=error.message)
    except Exception:  # the wrapper that owns the end of a job: whatever broke, its row says so
        log.exception("rule.errored", rule_id=rule_id)
        rule_disable(
            rule_id=UUID(rule_id), reason="Evaluating it broke on our side; it was logged."
        )
