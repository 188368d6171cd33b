from market.models.fetch import Fetch
from market.models.instrument import Instrument
from market.models.series import BarSeries, BarSnapshot

__all__ = ["BarSeries", "BarSnapshot", "Fetch", "Instrument"]
