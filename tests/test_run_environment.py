"""Of the environment a run keeps what changes a runtime's speed: other programs share the letters TF."""

from __future__ import annotations

import pytest

from runner.inference.speed_environment import speed_environment


def test_what_changes_a_runtimes_speed_is_kept_and_terraforms_secrets_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS", "TF_VAR_password", "TF_CLI_CONFIG_FILE", "HOME_TOKEN"):
        monkeypatch.setenv(name, "1")
    kept = speed_environment()
    assert {"TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS"} <= kept.keys()
    assert not {"TF_VAR_password", "TF_CLI_CONFIG_FILE", "HOME_TOKEN"} & kept.keys()
