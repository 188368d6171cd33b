"""Where bars are kept and where they come from."""

from __future__ import annotations

from backtester import env
from backtester.settings.base import VAR_DIR
from backtester.settings.security import DATA_UPLOAD_MAX_MEMORY_SIZE

# A local folder, or any URL fsspec knows (s3://bucket/bars).
BARS_URL = env.text("BARS_URL", str(VAR_DIR / "bars"))
# Bars each process keeps in memory.
BARS_CACHE_BYTES = env.integer("BARS_CACHE_MB", 256, minimum=0) * 1024 * 1024
# Rows that one answer of `GET bars` may have.
BARS_MAX_ROWS = env.integer("BARS_MAX_ROWS", 20_000, minimum=1)
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_MB", 20, minimum=1) * 1024 * 1024
# The largest body of all is a file to import; some room for the form around it.
REQUEST_MAX_BYTES = max(IMPORT_MAX_BYTES, DATA_UPLOAD_MAX_MEMORY_SIZE) + 1024 * 1024

# Another host that speaks Yahoo's chart protocol: a mirror, a proxy, a test.
YFINANCE_URL = env.text("YFINANCE_URL", "").rstrip("/")
YFINANCE_TIMEOUT_S = env.integer("YFINANCE_TIMEOUT_S", 20, minimum=1)
# Where the library keeps its cookies and time zones.
YFINANCE_CACHE_DIR = env.text("YFINANCE_CACHE_DIR", str(VAR_DIR / "yfinance"))
# The folder that the provider `csv` reads SYMBOL_INTERVAL.csv from.
CSV_BARS_DIR = env.text("CSV_BARS_DIR", str(VAR_DIR / "csv"))
