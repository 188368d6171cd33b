from market.models.fetch import Fetch
from market.models.instrument import Instrument
from market.models.key import ProviderKey
from market.models.part import FetchPart
from market.models.quality import QualityReport, QuarantinedBar
from market.models.series import BarSeries, BarSnapshot
from market.models.universe import Universe
from market.models.upload import Import
from market.models.watch import Watch

__all__ = [
    "BarSeries",
    "BarSnapshot",
    "Fetch",
    "FetchPart",
    "Import",
    "Instrument",
    "ProviderKey",
    "QualityReport",
    "QuarantinedBar",
    "Universe",
    "Watch",
]
