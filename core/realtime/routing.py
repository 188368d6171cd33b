from __future__ import annotations

from django.urls import re_path

from core.realtime.consumers import EventConsumer

websocket_urlpatterns = [re_path(r"^ws/v1/?$", EventConsumer.as_asgi())]
