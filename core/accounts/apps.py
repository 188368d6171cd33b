from django.apps import AppConfig
from django.core.checks import Tags, register

from core.accounts.checks import tokens_check


class AccountsConfig(AppConfig):
    name = "core.accounts"
    label = "accounts"

    def ready(self) -> None:
        register(tokens_check, Tags.security)
