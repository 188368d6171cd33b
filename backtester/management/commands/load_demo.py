"""`manage.py load_demo`: the demo account, with the sample strategies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backtester.demo.account import DEMO_EMAIL, DEMO_PASSWORD
from core.accounts.models import User
from strategies.graph.templates import template_list
from strategies.selectors import strategy_of_template


class Command(BaseCommand):
    help = "Make the demo account and a strategy of each template. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if settings.PRODUCTION:
            raise CommandError("The demo account has a published password: not in production.")
        user = User.objects.filter(email=DEMO_EMAIL).first()
        if user is None:
            user = User.objects.create_superuser(DEMO_EMAIL, DEMO_PASSWORD, name="Demo trader")
        for template in template_list():
            strategy_of_template(owner_id=user.id, name=template.name)
        self.stdout.write(f"demo account {DEMO_EMAIL} / {DEMO_PASSWORD}")
