import hashlib
from urllib.parse import urlsplit

from django.db import migrations

from core.sealing import sealed


def seal(apps, schema_editor):
    """Of a Slack channel the row keeps the host and a fingerprint; the URL is sealed beside it."""
    channels = apps.get_model("notifications", "UserChannel").objects
    deliveries = apps.get_model("notifications", "Delivery").objects
    for channel in channels.filter(kind="slack", secrets=None).order_by("pk").iterator():
        secrets = sealed({"current": channel.address}, context=f"channel:{channel.pk}")
        channels.filter(pk=channel.pk).update(address=_shown(channel.address), secrets=secrets)
    # Those of channels that were deleted since, too.
    told = deliveries.filter(kind="slack").exclude(recipient__contains="/… (")
    for url in told.order_by("recipient").values_list("recipient", flat=True).distinct():
        deliveries.filter(kind="slack", recipient=url).update(recipient=_shown(url))


def _shown(url):
    fingerprint = hashlib.sha256(url.encode()).hexdigest()[:8]
    return f"https://{urlsplit(url).netloc.lower()}/… ({fingerprint})"


class Migration(migrations.Migration):

    dependencies = [("notifications", "0004_rule_interval_choices")]

    # There is no way back to open rows: what is sealed is read by this code alone.
    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
