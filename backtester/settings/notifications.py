"""The outside world that alerts go to. Without keys, mail goes to the console."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from backtester import env
from backtester.settings.base import PRODUCTION

EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if env.text("EMAIL_HOST", "")
    else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, minimum=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "algobacktester@localhost")

SENDGRID_API_KEY = env.text("SENDGRID_API_KEY", "")
SENDGRID_URL = env.text("SENDGRID_URL", "https://api.sendgrid.com")
# The public key of SendGrid's Event Webhook: who signs with it may tell what became of mails.
SENDGRID_EVENT_KEY = env.text("SENDGRID_EVENT_KEY", "")

TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN", "")
TWILIO_FROM_NUMBER = env.text("TWILIO_FROM_NUMBER", "")
TWILIO_URL = env.text("TWILIO_URL", "https://api.twilio.com")

# Origins (http://127.0.0.1:9000) that webhooks may go to although they are not public or encrypted:
# for trying them out on one's own machine.
WEBHOOK_TEST_ORIGINS = env.items("WEBHOOK_TEST_ORIGINS")
if PRODUCTION and WEBHOOK_TEST_ORIGINS:
    raise ImproperlyConfigured(
        f"WEBHOOK_TEST_ORIGINS={','.join(WEBHOOK_TEST_ORIGINS)!r} lets users reach into your "
        "network: unset it in production."
    )
