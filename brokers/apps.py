from django.apps import AppConfig


class BrokersConfig(AppConfig):
    name = "brokers"

    def ready(self) -> None:
        from brokers.adapters import kinds  # noqa: F401, PLC0415 - registers its check
