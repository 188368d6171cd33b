"""What a run has pinned must stay what it was, whoever holds a database prompt."""

from __future__ import annotations

from django.db import migrations

FORBID = """
CREATE FUNCTION strategies_version_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'strategy versions are immutable: publish a new one'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER version_immutable BEFORE UPDATE ON strategies_strategyversion
    FOR EACH ROW EXECUTE FUNCTION strategies_version_immutable();
"""
ALLOW = """
DROP TRIGGER version_immutable ON strategies_strategyversion;
DROP FUNCTION strategies_version_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("strategies", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
