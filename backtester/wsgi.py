"""WSGI, for tools that want it; the product is served over ASGI (`backtester.asgi`)."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backtester.settings")
application = get_wsgi_application()
