"""Services that refuse this installation itself: its key, its number, its account.

That is nobody's address that fails, so no channel is touched: the service rests, what is queued
waits, and operators are told, in the log, by `manage.py check --database default` and in the admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import F, QuerySet
from django.utils import timezone

from core.db import claim
from notifications.choices import DeliveryStatus
from notifications.models import Delivery, ServiceFault

log = structlog.get_logger(__name__)

# Between two tries: doubling, up to five minutes, so that a mended key is noticed soon.
REST_S: Final = 10
REST_AT_MOST_S: Final = 300
# An alert that is older says nothing any more.
PATIENCE: Final = timedelta(hours=24)


def fault_note(*, kind: str, error: str) -> ServiceFault:
    """Have a service rest that refuses this installation; of several at once one counts."""
    now = timezone.now()
    fault, created = ServiceFault.objects.get_or_create(
        kind=kind, defaults={"error": error[:1000], "resume_at": now + _rest(1)}
    )
    if not created:
        again = ServiceFault.objects.filter(kind=kind, tries=fault.tries, resume_at__lte=now)
        created = claim(
            again,
            tries=F("tries") + 1,
            error=error[:1000],
            resume_at=now + _rest(fault.tries + 1),
        )
        fault.refresh_from_db()
    if created:
        log.error("service.refuses_us", kind=kind, error=error, resume_at=fault.resume_at)
    return fault


def fault_clear(*, kind: str) -> None:
    """Note that a service takes messages."""
    if ServiceFault.objects.filter(kind=kind).delete()[0]:
        log.info("service.takes_us_again", kind=kind)


def faults_resting(now: datetime) -> QuerySet[ServiceFault]:
    """Return the services that nothing is sent through now."""
    return ServiceFault.objects.filter(resume_at__gt=now)


def faults_try(*, kinds: Sequence[str]) -> int:
    """End the rest of services, for who has mended them; return how many messages waited.

    Each was due when its service's rest was to end; it is due now.
    """
    now = timezone.now()
    ServiceFault.objects.filter(kind__in=kinds).update(resume_at=now)
    waiting = Delivery.objects.filter(
        channel__kind__in=kinds, status=DeliveryStatus.QUEUED, excused__gt=0, held=""
    )
    waiting.filter(due_at__gt=now).update(due_at=now)
    return waiting.count()


def is_too_old(*, created_at: datetime, fault: ServiceFault) -> bool:
    """Tell whether a message has waited for the operator for so long that nobody wants it."""
    return timezone.now() - max(created_at, fault.created_at) > PATIENCE


def _rest(tries: int) -> timedelta:
    return timedelta(seconds=min(REST_AT_MOST_S, REST_S * 2 ** min(tries - 1, 10)))
