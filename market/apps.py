from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "market"
    label = "market"

    def ready(self) -> None:
        from market import (  # noqa: PLC0415 - Django's place to register checks
            checks,  # noqa: F401
            holders,  # noqa: F401
        )
