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
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_MB", 200, minimum=1) * 1024 * 1024
# The largest body of all is a file to import; some room for the form around it.
REQUEST_MAX_BYTES = max(IMPORT_MAX_BYTES, DATA_UPLOAD_MAX_MEMORY_SIZE) + 1024 * 1024

# Requests a minute to a provider, by all workers together; ours are what free plans allow.
PROVIDER_RATES = env.numbers(
    "PROVIDER_RATES", {"alpaca": 180, "nasdaq_data_link": 200, "yfinance": 60, "ccxt": 600}
)
# Of one request to a provider.
PROVIDER_TIMEOUT_S = env.integer("PROVIDER_TIMEOUT_S", 20, minimum=1)
# Tries of a download that gets nowhere, and the seconds before the second one.
FETCH_TRIES = env.integer("FETCH_TRIES", 5, minimum=1)
FETCH_BACKOFF_S = env.integer("FETCH_BACKOFF_S", 1, minimum=0)
# Other hosts that speak a provider's protocol: a mirror, a proxy, a test.
CCXT_URL = env.text("CCXT_URL", "").rstrip("/")
ALPACA_DATA_URL = env.text("ALPACA_DATA_URL", "").rstrip("/")
ALPACA_TRADING_URL = env.text("ALPACA_TRADING_URL", "").rstrip("/")
NASDAQ_DATA_LINK_URL = env.text("NASDAQ_DATA_LINK_URL", "").rstrip("/")

# Another host that speaks Yahoo's chart protocol: a mirror, a proxy, a test.
YFINANCE_URL = env.text("YFINANCE_URL", "").rstrip("/")
YFINANCE_TIMEOUT_S = env.integer("YFINANCE_TIMEOUT_S", 20, minimum=1)
# Where the library keeps its cookies and time zones.
YFINANCE_CACHE_DIR = env.text("YFINANCE_CACHE_DIR", str(VAR_DIR / "yfinance"))
# The folder that the provider `csv` reads SYMBOL_INTERVAL.csv from.
CSV_BARS_DIR = env.text("CSV_BARS_DIR", str(VAR_DIR / "csv"))
# The folders of Parquet files and of QuantConnect LEAN's data that providers read.
PARQUET_BARS_DIR = env.text("PARQUET_BARS_DIR", str(VAR_DIR / "parquet"))
LEAN_DATA_DIR = env.text("LEAN_DATA_DIR", str(VAR_DIR / "lean"))
