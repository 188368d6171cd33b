"""`.env.example` names every variable the product reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r'env\.(?:text|flag|integer|items|pairs|numbers|database)\(\s*"([A-Z_]+)"')
NAMED = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)
# Not for an installation to set: names the database of a test run.
INTERNAL = {"TEST_DATABASE_NAME"}


def test_the_example_and_the_settings_agree():
    sources = (ROOT / "backtester" / "settings").glob("*.py")
    read = {name for source in sources for name in READ.findall(source.read_text())}
    named = set(NAMED.findall((ROOT / ".env.example").read_text()))
    assert named == read - INTERNAL
