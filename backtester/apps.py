from django.apps import AppConfig


class BacktesterConfig(AppConfig):
    name = "backtester"
    label = "backtester"
