from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "market"
    label = "market"

    def ready(self) -> None:
        from market import checks  # noqa: F401, PLC0415 - Django's place to register checks
