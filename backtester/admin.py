"""What other packages register and this installation does not write."""

from __future__ import annotations

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin

# Log-ins are in our own audit log (core.accounts.models.AuditEvent).
admin.site.unregister([AccessLog, AccessFailureLog])
