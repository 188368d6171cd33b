"""The middleware chain and what browsers are told.

Every middleware here runs async, so that a request that waits for a result holds no thread.
"""

from __future__ import annotations

from backtester import env
from backtester.settings.base import PRODUCTION, PUBLIC_URL

MIDDLEWARE = [
    "core.api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.api.middleware.ContentSecurityPolicyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.realtime.waiting.WaitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

# The slash at the end is optional everywhere (core.api.urls.route): nothing is redirected.
APPEND_SLASH = False

CORS_ALLOWED_ORIGINS = env.items(
    "CORS_ALLOWED_ORIGINS",
    () if PRODUCTION else ("http://localhost:3000", "http://localhost:5173"),
)
# Pages that may open the WebSocket: our own and the front end's.
WEBSOCKET_ORIGINS = [PUBLIC_URL, *CORS_ALLOWED_ORIGINS]
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "prefer",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    "etag",
    "idempotency-replayed",
    "location",
    "preference-applied",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "x-request-id",
)
CORS_URLS_REGEX = r"^/api/.*$"
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")

# Master keys of the credentials of users (core.sealing), the newest first.
CREDENTIALS_KEYS = env.items("CREDENTIALS_KEYS")

DATA_UPLOAD_MAX_MEMORY_SIZE = env.integer("MAX_BODY_BYTES", 2 * 1024 * 1024, minimum=1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
# The container's own health check speaks plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.integer("PROXY_COUNT", 0, minimum=0) else None
)
