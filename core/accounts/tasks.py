from __future__ import annotations

from uuid import UUID

from celery import shared_task

from core.accounts.mails import Mail, mail_deliver
from core.accounts.models import User
from core.accounts.tokens import tokens_prune


@shared_task(
    name="core.accounts.mail_send",
    autoretry_for=(OSError,),
    retry_backoff=10,
    retry_backoff_max=600,
    max_retries=6,
)
def mail_send(mail: str, user_id: str) -> None:
    """Write a mail from the user's row as it is now, and send it; nobody has an unknown id."""
    user = User.objects.filter(id=UUID(user_id), is_active=True).first()
    if user is None or (mail == Mail.EMAIL_VERIFY and user.email_verified_at is not None):
        return
    mail_deliver(mail=Mail(mail), user=user)


@shared_task(name="core.accounts.prune")
def prune() -> None:
    """Forget tokens that have expired."""
    tokens_prune()
