from django.apps import AppConfig


class BacktestsConfig(AppConfig):
    name = "core.backtests"
    label = "backtests"
