"""How somebody's table of bars is written: which column is what, how its times are written."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Detail, InvalidInput
from market.files.csv_bars import COLUMNS, EPOCH, ISO

NAMES: Final = MappingProxyType(
    {
        "ts": (
            "ts", "date", "datetime", "timestamp", "time", "date time", "open time", "opentime",
            "gmt time", "local time", "unix", "unix timestamp", "dtyyyymmdd", "trade date", "day",
        ),
        "clock": ("time", "timestamp", "hour"),
        "open": ("open", "o", "open price", "opening price", "first"),
        "high": ("high", "h", "high price", "max"),
        "low": ("low", "l", "low price", "min"),
        "close": ("close", "c", "close price", "close last", "closing price", "last", "price"),
        "volume": ("volume", "vol", "v", "tickvol", "tick volume", "total volume", "shares"),
        "adj_close": ("adj close", "adjclose", "adjusted close", "closeadj"),
    }
)  # fmt: skip
NEEDED: Final = ("ts", "open", "high", "low", "close")
DAYS: Final = (
    "%Y%m%d", "%Y.%m.%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%m/%d/%y", "%d/%m/%y",
)  # fmt: skip
CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %H%M%S", " %H%M", " %I:%M %p", " %I:%M:%S %p")
DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE_ROWS: Final = 2_000
ISO_FORMAT: Final = "iso"
EPOCH_FORMAT: Final = "epoch"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table means.

    Attributes
    ----------
    delimiter, decimal : str
        Of a CSV file.
    header : bool
        Whether its first line names the columns; else they are called 0, 1, 2, ...
    columns : dict of str to str
        Ours (``ts``, ``open``, ..., ``clock`` for a time of day of its own) to theirs.
    date_format : str
        ``"iso"``, ``"epoch"``, or in strptime's letters.
    newest_first : bool
    """

    delimiter: str = ","
    decimal: str = "."
    header: bool = True
    columns: dict[str, str] = field(default_factory=dict)
    date_format: str = ISO_FORMAT
    newest_first: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return asdict(self)


def first_lines(data: bytes) -> list[str]:
    """Return some lines of a file as text."""
    return decode(data[:200_000]).splitlines()[:50]


def decode(data: bytes) -> str:
    """Return bytes as text: UTF-8 or UTF-16 with a mark, else Windows' Latin."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The last letter of a beginning may be cut in two.
        if error.start >= len(data) - 4:
            return data[: error.start].decode("utf-8-sig")
        return data.decode("cp1252", errors="replace")


def form_detect(lines: list[str]) -> Layout:
    """Return delimiter, decimal sign and whether there is a header.

    Raises
    ------
    InvalidInput
        When there is no line.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InvalidInput("The file is empty.", code="no_bars")
    delimiter = max(DELIMITERS, key=lines[0].count)
    first = [cell.strip().strip('"') for cell in lines[0].split(delimiter)]
    header = not any(re.fullmatch(r"[$€£+-]?\d[\d.,:/ -]*", cell) for cell in first)
    body = lines[1:] if header else lines
    cells = [cell.strip().strip('"') for line in body for cell in line.split(delimiter)]
    commas = sum(bool(re.fullmatch(r"-?[\d.]*\d,\d+", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"-?[\d,]*\d\.\d+", cell)) for cell in cells)
    decimal = "," if delimiter != "," and commas > points else "."
    return Layout(delimiter=delimiter, decimal=decimal, header=header)


def columns_detect(names: list[str], *, header: bool, types: dict[str, str]) -> dict[str, str]:
    """Return which of a table's columns are which of ours, as far as names and places tell."""
    if not header:
        return _by_place(names, types)
    found: dict[str, str] = {}
    plain = {_plain(name): name for name in reversed(names)}
    for ours, theirs in NAMES.items():
        for name in theirs:
            if name in plain and plain[name] not in found.values():
                found[ours] = plain[name]
                break
    if "clock" in found and types.get(found["ts"]) != "day":
        del found["clock"]
    return found


def missing_columns(missing: list[str], names: list[str]) -> InvalidInput:
    """Return the error for columns that are not there."""
    return InvalidInput(
        f"Which columns are {', '.join(missing)}? The file has {', '.join(names[:30])}. Say so "
        'with columns, such as {"ts": "Date", "close": "Last"}.',
        code="malformed_header",
        details=[
            Detail("header", "malformed_header", f"No column for {name}.", list(COLUMNS), names)
            for name in missing
        ],
    )


def _plain(name: str) -> str:
    # <CLOSE>, Close/Last, adj_close, "Close (USD)"
    bare = re.sub(r"\(.*?\)|\[.*?\]", " ", name.lower())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare).split())


def _by_place(names: list[str], types: dict[str, str]) -> dict[str, str]:
    ours = ["ts", "open", "high", "low", "close", "volume"]
    if len(names) >= 6 and types.get(names[0]) == "day" and types.get(names[1]) == "clock":
        ours.insert(1, "clock")
    return dict(zip(ours, names, strict=False))


def column_types(table: pa.Table) -> dict[str, str]:
    """Return which columns of text hold days without a time, or times of day without a day."""
    types = {}
    for name in table.column_names:
        texts = pc.utf8_trim_whitespace(table.column(name).slice(0, SAMPLE_ROWS))
        if _all(texts, r"^\d{1,2}:\d{2}(:\d{2})?(\s?[AaPp][Mm])?$"):
            types[name] = "clock"
        elif _all(texts, r"^(\d{8}|\d{1,4}[./-](\d{1,2}|[A-Za-z]{3})[./-]\d{1,4})$"):
            types[name] = "day"
    return types


def date_format_detect(texts: pa.ChunkedArray) -> str:
    """Return how times are written.

    Raises
    ------
    InvalidInput
        When no form fits all of them (the rows are named), or two fit and differ.
    """
    # Eight digits are a date before they are seconds of 1970.
    compact = _all(texts, r"^(19|20)\d{6}$")
    if not compact and _all(texts, EPOCH):
        return EPOCH_FORMAT
    if _all(texts.slice(0, SAMPLE_ROWS), ISO):
        return ISO_FORMAT
    fitting = [name for name in _formats() if _fits(texts.slice(0, SAMPLE_ROWS), name)]
    fitting = [name for name in fitting if _fits(texts, name)] or fitting
    if not fitting:
        raise _unknown_format(texts)
    parsed = {name: pc.strptime(texts, name, "s", error_is_null=True) for name in fitting}
    ordered = [name for name in fitting if _ascends(parsed[name]) or _descends(parsed[name])]
    choices = ordered or fitting
    first = parsed[choices[0]]
    others = [name for name in choices[1:] if not parsed[name].equals(first)]
    if others:
        raise _ambiguous([choices[0], *others], texts)
    return choices[0]


def _formats() -> list[str]:
    return [day + clock for clock in CLOCKS for day in DAYS]


def _fits(texts: pa.ChunkedArray, name: str) -> bool:
    return bool(pc.strptime(texts, name, "s", error_is_null=True).null_count == 0)


def _all(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(len(texts)) and bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _ascends(values: pa.ChunkedArray) -> bool:
    return _steps(values, pc.less)


def _descends(values: pa.ChunkedArray) -> bool:
    return len(values) > 1 and _steps(values, pc.greater)


def _steps(values: pa.ChunkedArray, compare: Any) -> bool:
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return bool(pc.all(compare(flat.slice(0, len(flat) - 1), flat.slice(1))).as_py() is not False)


def _ambiguous(choices: list[str], texts: pa.ChunkedArray) -> InvalidInput:
    return InvalidInput(
        f"{texts[0].as_py()!r} may be read as {' or '.join(choices)}, and every other time too: "
        "say which with date_format.",
        code="ambiguous_dates",
        details=[
            Detail("date_format", "ambiguous_dates", "Choose one.", choices, texts[0].as_py())
        ],
    )


def _unknown_format(texts: pa.ChunkedArray) -> InvalidInput:
    shown = ", ".join(repr(text.as_py()) for text in texts.slice(0, 3))
    return InvalidInput(
        f"How are times written in here: {shown}? Say it with date_format, in the letters of "
        "strptime (%d.%m.%Y %H:%M), or use ISO 8601.",
        code="malformed_times",
        details=[Detail("date_format", "malformed_times", f"Not understood: {shown}.")],
    )


def with_given(layout: Layout, columns: dict[str, str], names: list[str]) -> Layout:
    """Return a layout with columns that somebody named.

    Raises
    ------
    InvalidInput
        When there is no such column, ours or theirs.
    """
    faults = [
        Detail(f"columns.{ours}", "unknown_column", f"There is no {what}.", expected)
        for ours, theirs in columns.items()
        for what, known, expected in (
            (f"column of ours {ours!r}", ours in NAMES, list(NAMES)),
            (f"column {theirs!r} in the file", theirs in names, names),
        )
        if not known
    ]
    if faults:
        raise InvalidInput(faults[0].message, code="unknown_column", details=faults)
    kept = {
        ours: theirs for ours, theirs in layout.columns.items() if theirs not in columns.values()
    }
    return replace(layout, columns=kept | columns)
