from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications.channels import kinds  # noqa: F401, PLC0415 - registers its check
