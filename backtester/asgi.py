"""ASGI: HTTP, static files and the WebSocket in one process."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backtester.settings")
# Many requests share a few connections; see backtester.settings.database.
os.environ.setdefault("DATABASE_POOL_SIZE", "10")
http = get_asgi_application()
application = http
