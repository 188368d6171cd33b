"""`price`: a price field of the instrument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values
from strategies.graph.params import Choice, Text, TimeFrame

if TYPE_CHECKING:
    from core.engine.bars import Bars

Field = Callable[["Bars"], Series]

_FIELDS: Final[dict[str, tuple[str, Field]]] = {
    "open": ("Open", lambda bars: bars.open),
    "high": ("High", lambda bars: bars.high),
    "low": ("Low", lambda bars: bars.low),
    "close": ("Close", lambda bars: bars.close),
    "volume": ("Volume", lambda bars: bars.volume),
    "hl2": ("(High + low) / 2", lambda bars: (bars.high + bars.low) / 2),
    "hlc3": ("(High + low + close) / 3", lambda bars: (bars.high + bars.low + bars.close) / 3),
    "ohlc4": (
        "(Open + high + low + close) / 4",
        lambda bars: (bars.open + bars.high + bars.low + bars.close) / 4,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol(Text):
    """An instrument's symbol, in upper case."""

    kind: ClassVar[str] = "symbol"

    def canonical(self, value: Any) -> Any:
        """Return the symbol in upper case without blanks around it."""
        return value.strip().upper() if isinstance(value, str) else value

    def read(self, value: Any) -> str:
        """Return the symbol in upper case if it is a text of sensible length."""
        return Text.read(self, self.canonical(value))


SYMBOL: Final = Symbol(
    name="symbol",
    description=(
        "Another instrument, for this node and all that feeds it and names none; the run's own if "
        "none is given."
    ),
)
TIMEFRAME: Final = TimeFrame(
    name="timeframe",
    aliases=("time_frame",),
    description=(
        "Time frame of the bars, for this node and all that feeds it and names none: as long as "
        "the run's interval or longer. The value at a bar is that of the last one that is over. "
        "The run's own interval if none is given."
    ),
)


def _form(name: str, title: str, field: Field) -> SeriesForm:
    def compute(frame: Frame, _values: Values, _inputs: Sequence[Series]) -> tuple[Series, ...]:
        return (field(frame.bars),)

    return SeriesForm(
        name=name,
        title=title,
        params=(
            SYMBOL,
            TIMEFRAME,
        ),
        outputs=(Port("value", PortType.NUMBER),),
        compute=compute,
        on_price=name != "volume",
    )


class PriceNode(NodeType):
    """A price field of the instrument."""

    name = "price"
    title = "Price"
    category = "data"
    description = "A field of the instrument's bars: what every strategy starts from."
    selector = Choice(
        name="field",
        choices=tuple(_FIELDS),
        default="close",
        aliases=("source",),
        description="Which price.",
    )

    _forms: Final = {name: _form(name, title, field) for name, (title, field) in _FIELDS.items()}

    def forms(self) -> Mapping[str, Form]:
        """Return one form a field."""
        return self._forms
