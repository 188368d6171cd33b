"""What is kept between starts, and how other commands find a running stack."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backtester.stack.errors import StackError
from backtester.stack.state import (
    Running,
    environment_of_running_stack,
    running_get,
    running_set,
    stack_lock,
    state_load,
    state_save,
)

RUNNING = Running(pid=1, base_url="http://127.0.0.1:8000", environment={"DATABASE_URL": "x"})


def test_a_second_start_has_the_secrets_of_the_first(tmp_path):
    first = state_load(tmp_path)
    state_save(tmp_path, first)
    assert state_load(tmp_path) == first
    assert len(first.secret_key) >= 50
    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600


def test_two_folders_have_different_secrets(tmp_path):
    assert state_load(tmp_path / "a").secret_key != state_load(tmp_path / "b").secret_key


def test_another_process_finds_the_running_stack_as_long_as_it_runs(tmp_path):
    ask = (
        "import pathlib, sys; from backtester.stack.state import environment_of_running_stack;"
        "print(environment_of_running_stack(pathlib.Path(sys.argv[1])))"
    )

    def answer():
        command = [sys.executable, "-c", ask, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with stack_lock(tmp_path):
        running_set(tmp_path, RUNNING)
        assert answer() == "{'DATABASE_URL': 'x'}"
    # The record is still there, the process that held the lock is not.
    assert state_load(tmp_path).running == RUNNING
    assert answer() == "{}"


def test_nothing_runs_in_a_folder_that_does_not_exist(tmp_path):
    assert running_get(tmp_path / "none") is None
    assert environment_of_running_stack(tmp_path / "none") == {}


def test_a_second_stack_in_the_same_folder_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("backtester.stack.state.LOCK_WAIT_S", 0.1)
    with (
        stack_lock(tmp_path),
        pytest.raises(StackError, match=r"starting or stopping .* \(process \d+\)") as raised,
        stack_lock(tmp_path),
    ):
        pass
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"secret": 1}', '{"running": {"pid": 1}}'])
def test_a_damaged_state_is_told_in_one_line(tmp_path, content):
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(StackError, match="is damaged: remove it") as raised:
        state_load(tmp_path)
    assert "\n" not in str(raised.value)
