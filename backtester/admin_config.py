"""Names our admin site. Apart from `apps.py`: Django looks for one configuration there."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperationsConfig(AdminConfig):
    """Django's admin app with our site."""

    default_site = "backtester.admin_site.OperationsSite"
