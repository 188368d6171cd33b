from core.accounts.models.api_token import ApiToken
from core.accounts.models.audit_event import AuditEvent
from core.accounts.models.user import User

__all__ = ["ApiToken", "AuditEvent", "User"]
