from django.db import migrations, models


def verify(apps, schema_editor):
    """Channels from before there was a verification go on as they were."""
    apps.get_model("notifications", "UserChannel").objects.filter(verified_at=None).update(
        verified_at=models.F("created_at")
    )


class Migration(migrations.Migration):

    dependencies = [("notifications", "0002_verification_pace_and_conditions")]

    operations = [migrations.RunPython(verify, migrations.RunPython.noop)]
