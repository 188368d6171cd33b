"""Who is asking: the bearer of an access token."""

from __future__ import annotations

from rest_framework_simplejwt.authentication import JWTAuthentication


class TokenAuthentication(JWTAuthentication):
    """Reads `Authorization: Bearer <access token>`."""
