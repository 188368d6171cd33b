from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BrokersConfig(AppConfig):
    name = "brokers"

    def ready(self) -> None:
        """Register the admin's pages that have modules of their own."""
        autodiscover_modules("admin_accounts", "admin_deployments")
