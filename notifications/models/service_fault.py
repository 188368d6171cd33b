"""What is wrong with the installation's own account at a service."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel


class ServiceFault(BaseModel):
    """A service that refuses this installation: its key, its number or its account.

    There is a row from the first refusal until the first message that it takes again. Meanwhile
    nothing is sent through it but a few messages to try, at `resume_at`; what is queued waits.
    """

    kind = models.CharField(max_length=40, unique=True)
    error = models.TextField()
    # How often it was tried; each time it rests longer.
    tries = models.PositiveIntegerField(default=1)
    resume_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} refuses this installation"
