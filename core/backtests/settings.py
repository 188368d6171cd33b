"""The configuration of a run: the engine's, and that of options beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from core.engine.config import RunConfig
from core.errors import Detail, InvalidInput
from core.options.config import OptionsConfig

OPTIONS: Final = "options"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is asked for in one document: the engine's keys, and `options` with its own.

    Attributes
    ----------
    engine : RunConfig
    options : OptionsConfig
        Read by strategies that trade options alone.
    options_given : bool
        Whether the document says anything of options.
    """

    engine: RunConfig
    options: OptionsConfig = field(default_factory=OptionsConfig)
    options_given: bool = False

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read plain data, such as a JSON object; absent keys take defaults.

        Raises
        ------
        InvalidInput
            With a detail for every fault, those of options under ``options.``.
        """
        engine_keys = {name: value for name, value in mapping.items() if name != OPTIONS}
        faults: list[Detail] = []
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
        return cls(engine, options, OPTIONS in mapping)

    def as_dict(self, *, with_options: bool = False) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads back to equal settings.

        Parameters
        ----------
        with_options : bool
            Whether to write the options' part out though nothing was said of it: what decides a
            result is stored with it.
        """
        engine = self.engine.as_dict()
        if not (with_options or self.options_given):
            return engine
        return engine | {OPTIONS: self.options.as_dict()}
