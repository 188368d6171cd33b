from __future__ import annotations

from django.db import migrations, models

NUMBERED = """
    UPDATE brokers_bookentry AS entry SET number = counted.number
    FROM (
        SELECT id, row_number() OVER (
            PARTITION BY deployment_id ORDER BY bar_ts, created_at, id
        ) AS number
        FROM brokers_bookentry
    ) AS counted
    WHERE entry.id = counted.id
"""


class Migration(migrations.Migration):
    dependencies = [("brokers", "0003_deployments")]

    operations = [
        migrations.AddField(
            model_name="bookentry",
            name="number",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunSQL(NUMBERED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="bookentry",
            constraint=models.UniqueConstraint(fields=["deployment", "number"], name="book_number"),
        ),
        migrations.AddIndex(
            model_name="deploymenttick",
            index=models.Index(
                fields=["deployment", "bar_ts"],
                name="deployment_tick_skipped",
                condition=~models.Q(status="decided"),
            ),
        ),
    ]
