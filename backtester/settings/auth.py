"""Who may come in: Argon2id passwords, short access tokens, single-use refresh tokens, lockout."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from backtester import env
from backtester.settings.base import PUBLIC_URL, SECRET_KEY

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "core.accounts.backends.EmailBackend",
]
PASSWORD_HASHERS = [
    "core.accounts.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
]
PASSWORD_RESET_TIMEOUT = 3600

# The pages that mails link to, with `?token=` added: ours, or those of a front end, which then
# posts the token to auth/password-reset/confirm or auth/verify-email.
PASSWORD_RESET_URL = env.text("PASSWORD_RESET_URL", f"{PUBLIC_URL}/api/v1/auth/password-reset/page")
VERIFY_EMAIL_URL = env.text("VERIFY_EMAIL_URL", f"{PUBLIC_URL}/api/v1/auth/verify-email/page")

# Whether an address must be confirmed by mail before its account can be used. Registering then
# tells nobody which addresses have an account; see core.accounts.services.registration.
REGISTRATION_CONFIRM = env.flag("REGISTRATION_CONFIRM", default=False)

# A key of its own: a leaked token key must not sign sessions, and the other way round.
JWT_SIGNING_KEY = env.text(
    "JWT_SIGNING_KEY", hashlib.sha256(b"jwt:" + SECRET_KEY.encode()).hexdigest()
)
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ISSUER": "algobacktester",
    "AUDIENCE": "algobacktester-api",
    "AUTH_HEADER_TYPES": ("Bearer",),
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
}

# How many proxies of our own stand in front; only what they wrote about a client is believed.
PROXY_COUNT = env.integer("PROXY_COUNT", 0, minimum=0)

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# A lockout ends when it was said to end, however often somebody knocks.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_FORM_FIELD = "email"
AXES_USERNAME_CALLABLE = "core.accounts.lockout.attempted_email"
AXES_CLIENT_IP_CALLABLE = "core.accounts.origin.client_address"
AXES_LOCKOUT_CALLABLE = "core.accounts.lockout.lockout_response"
AXES_VERBOSE = False
# Log-ins are in our own audit log (core.accounts.models.AuditEvent).
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
