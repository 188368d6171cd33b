"""Named lists of symbols."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from core.db import BaseModel

NAME_PATTERN = r"[a-z0-9][a-z0-9_\-]{0,49}"


class Universe(BaseModel):
    """Symbols that are studied together: a user's own, or everybody's where `owner` is not set."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    name = models.CharField(max_length=50, validators=[RegexValidator(rf"\A{NAME_PATTERN}\Z")])
    description = models.CharField(max_length=300, blank=True)
    # In the order that was given; each once.
    symbols = ArrayField(models.CharField(max_length=20))

    class Meta:
        constraints = [
            # also serves the lookup by name: one's own and the shared one
            models.UniqueConstraint(
                fields=["name", "owner"], name="universe_name_owner", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return self.name
