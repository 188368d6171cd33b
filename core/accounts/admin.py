from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
)

from core.accounts.models import ApiToken, AuditEvent, User
from core.accounts.models.user import email_normal
from core.admin import Kept, column, indented, row_link


class UserCreation(AdminUserCreationForm[User]):
    """Asks for an email instead of a user name."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        """Return the email as it is stored."""
        return email_normal(self.cleaned_data["email"])


class PasswordLink(ReadOnlyPasswordHashWidget):
    """Links to changing the password, and shows nothing of its hash."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave the summary of the hash out."""
        return super().get_context(name, value, attrs) | {"summary": []}


class UserChange(UserChangeForm[User]):
    """Everything of a user but the password."""

    password = ReadOnlyPasswordHashField(widget=PasswordLink)

    class Meta:
        model = User
        fields = "__all__"

    def clean_email(self) -> str:
        """Return the email as it is stored."""
        return email_normal(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    form = UserChange
    add_form = UserCreation
    ordering = ("-created_at",)
    list_display = (
        "email",
        "name",
        "is_active",
        "is_staff",
        "verified",
        "time_zone",
        "base_currency",
        "last_login",
        "created_at",
    )
    list_filter = ("is_active", "is_staff", ("email_verified_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "name")
    date_hierarchy = "created_at"
    show_full_result_count = False
    readonly_fields = ("id", "last_login", "sessions_valid_from", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "password")}),
        ("Profile", {"fields": ("name", "time_zone", "base_currency", "email_verified_at")}),
        (
            "Permissions",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Times", {"fields": ("last_login", "sessions_valid_from", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    @admin.display(boolean=True, description="verified", ordering="email_verified_at")
    def verified(self, user: User) -> bool:
        """Tell whether the email is known to be the user's."""
        return user.email_verified_at is not None


@admin.register(AuditEvent)
class AuditEventAdmin(Kept, admin.ModelAdmin[AuditEvent]):
    list_display = ("action", "of_owner", "ip", "user_agent", "created_at")
    list_filter = ("action", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "ip", "user_agent")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = ("action", "of_owner", "ip", "user_agent", "data_", "created_at")

    of_owner = column("owner", row_link, ordering="owner__email")
    data_ = column("data", indented)


@admin.register(ApiToken)
class ApiTokenAdmin(Kept, admin.ModelAdmin[ApiToken]):
    list_display = (
        "name",
        "prefix",
        "owner",
        "scopes",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("name", "prefix", "owner__email")
    exclude: ClassVar[tuple[str, ...]] = ("token_hash",)
    ordering = ("-created_at",)
