"""Loops compile whatever becomes of the folder that keeps their machine code."""

from __future__ import annotations

import numpy as np
import pytest
from numba import config
from numba.core.errors import TypingError

from core.indicators.jit import SERIES, compiled, looped

SOURCE = np.array([1.0, 2.0, 4.5])


def total(source):
    result = 0.0
    for value in source:
        result += value
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only place where machine code may be kept; it does not exist yet."""
    place = tmp_path / "kept"
    monkeypatch.setattr(config, "CACHE_DIR", str(place))
    monkeypatch.setattr(config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    return place


def test_machine_code_is_kept_in_a_folder_that_is_made_and_used_again(folder):
    assert compiled(total, SERIES)(SOURCE) == 7.5
    assert sorted(path.suffix for path in folder.rglob("*.nb*")) == [".nbc", ".nbi"]
    again = compiled(total, SERIES)
    assert again(SOURCE) == 7.5
    assert sum(again.stats.cache_hits.values()) == 1


def test_without_a_folder_that_can_be_written_a_loop_compiles_all_the_same(folder, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "/dev/null/kept")
    assert compiled(total, SERIES)(SOURCE) == 7.5


def test_a_folder_that_goes_away_after_the_start_does_no_harm(folder, monkeypatch):
    call = looped(SERIES)(total)
    folder.write_text("a file stands where the folder was")
    assert call(SOURCE) == 7.5


@pytest.mark.parametrize("suffix", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("left", [0, 20])
def test_damaged_machine_code_is_compiled_anew(folder, suffix, left):
    compiled(total, SERIES)
    for path in folder.rglob(suffix):
        path.write_bytes(path.read_bytes()[:left])
    assert compiled(total, SERIES)(SOURCE) == 7.5


def test_a_fault_of_the_loop_itself_is_not_hidden(folder):
    def wrong(source):
        return source.nothing_of_that_name

    with pytest.raises(TypingError):
        compiled(wrong, SERIES)
