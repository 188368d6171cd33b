"""Where bars are kept and where they come from."""

from __future__ import annotations

from backtester import env
from backtester.settings.base import VAR_DIR

# A local folder, or any URL fsspec knows (s3://bucket/bars).
BARS_URL = env.text("BARS_URL", str(VAR_DIR / "bars"))
YFINANCE_URL = env.text("YFINANCE_URL", "")
