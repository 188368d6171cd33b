"""Names our admin site. Apart from `apps.py`: Django looks for one configuration there."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class OperationsConfig(SimpleAdminConfig):
    """Django's admin app with our site.

    Its pages are imported with the URLs (`backtester.urls`), not with Django: workers and commands
    have no use for them, and would start seconds later.
    """

    default_site = "backtester.admin_site.OperationsSite"

    def ready(self) -> None:
        """Register the checks of `SimpleAdminConfig`."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(pages_check, checks.Tags.admin)


def pages_check(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """Check all pages; no URL may have been asked for yet."""
    autodiscover()
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **options)
    return found
