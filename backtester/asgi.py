"""ASGI: HTTP, static files and the WebSocket in one process."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backtester.settings")
# Many requests share a few connections; see backtester.settings.database.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")
http = get_asgi_application()

# Django must be set up before anything below imports a model.
from django.conf import settings  # noqa: E402

from backtester.static import with_static_files  # noqa: E402
from core.api.body_limit import BodyLimit  # noqa: E402
from core.realtime.origin import KnownOrigin  # noqa: E402
from core.realtime.routing import websocket_urlpatterns  # noqa: E402

websocket = KnownOrigin(URLRouter(websocket_urlpatterns), settings.WEBSOCKET_ORIGINS)
limited = BodyLimit(with_static_files(http), max_bytes=settings.REQUEST_MAX_BYTES)
application = ProtocolTypeRouter({"http": limited, "websocket": websocket})
