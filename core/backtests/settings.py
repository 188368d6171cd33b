"""The configuration of a run: the engine's, that of options, and what the data must be like."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from core.engine.config import RunConfig
from core.errors import Detail, InvalidInput
from core.options.config import OptionsConfig
from market.choices import QualityPolicy

OPTIONS: Final = "options"
QUALITY: Final = "quality"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is asked for in one document: the engine's keys, `options` and `quality`.

    Attributes
    ----------
    engine : RunConfig
    options : OptionsConfig
        Read by strategies that trade options alone.
    options_given : bool
        Whether the document says anything of options.
    quality : QualityPolicy or None
        What is done with faults that the bars have; None: nobody looks for them.
    """

    engine: RunConfig
    options: OptionsConfig = field(default_factory=OptionsConfig)
    options_given: bool = False
    quality: QualityPolicy | None = None

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read plain data, such as a JSON object; absent keys take defaults.

        Raises
        ------
        InvalidInput
            With a detail for every fault, those of options under ``options.``.
        """
        own = (OPTIONS, QUALITY)
        engine_keys = {name: value for name, value in mapping.items() if name not in own}
        quality = mapping.get(QUALITY)
        known = quality is None or quality in QualityPolicy.values
        faults = [] if known else [_quality_fault(quality)]
        engine, options = RunConfig(), OptionsConfig()
        try:
            engine = RunConfig.from_mapping(engine_keys)
        except InvalidInput as error:
            faults.extend(error.details)
        try:
            options = OptionsConfig.from_mapping(mapping.get(OPTIONS, {}))
        except InvalidInput as error:
            faults.extend(
                dataclasses.replace(one, path=f"{OPTIONS}.{one.path}".rstrip("."))
                for one in error.details
            )
        if faults:
            message = " ".join(one.message for one in faults)
            raise InvalidInput(f"The run's configuration is invalid: {message}", details=faults)
        policy = None if quality is None else QualityPolicy(quality)
        return cls(engine, options, OPTIONS in mapping, policy)

    def as_dict(self, *, with_options: bool = False) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads back to equal settings.

        Parameters
        ----------
        with_options : bool
            Whether to write the options' part out though nothing was said of it: what decides a
            result is stored with it.
        """
        found = self.engine.as_dict()
        if with_options or self.options_given:
            found[OPTIONS] = self.options.as_dict()
        if self.quality is not None:
            found[QUALITY] = self.quality.value
        return found


def _quality_fault(received: Any) -> Detail:
    known = QualityPolicy.values
    message = f"quality must be one of: {', '.join(known)}, found {received!r}."
    return Detail(QUALITY, "unknown_choice", message, expected=known, received=str(received))
