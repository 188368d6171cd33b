"""What a provider wants to know of who asks."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel


class ProviderKey(OwnedModel):
    """A user's credentials at a provider, sealed: they go in and are shown to nobody."""

    # A name of market.providers.kinds.PROVIDERS, without a variant.
    provider = models.CharField(max_length=30)
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            # also serves the read of one's key at a provider
            models.UniqueConstraint(fields=["owner", "provider"], name="providerkey_owner"),
        ]

    def __str__(self) -> str:
        return self.provider
