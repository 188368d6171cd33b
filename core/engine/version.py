"""The version of the engine's rules: it changes whenever a result may change."""

from __future__ import annotations

from typing import Final

ENGINE_VERSION: Final = "1.2.0"
