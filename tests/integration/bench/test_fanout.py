"""`run.py bench fanout` measures a publisher beside the floor, in small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.usefixtures("load")
def test_each_contestant_delivers_every_frame_and_all_figures_are_there(tmp_path: Path) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only: a server cannot be measured beside its clients")
    file = tmp_path / "figures.json"
    options = ["--clients", "20", "--rate", "20", "--seconds", "1", "--runs", "1", "--only", "floor,banggia"]

    ran = subprocess.run(
        [sys.executable, "-m", "bench", "fanout", *options, "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    figures = json.loads(file.read_text("utf-8"))
    assert json.loads(ran.stdout.splitlines()[-1]) == figures
    assert "1 s are short" in ran.stdout
    assert ran.stderr.splitlines()[0] == "1 of 2: 20 clients, 20 frames a second: run 1 of 1, floor"
    assert figures["problems"] == {}
    assert set(figures["versions"]) == {"broker", "floor", "banggia"}
    assert {"machine", "frame_bytes", "seconds", "runs"} < set(figures)
    for name in ("floor", "banggia"):
        measured = figures["20x20"][name]
        assert measured["frames_per_s"]["median"] > 0
        assert measured["p50_ms"]["median"] <= measured["p99_ms"]["median"] <= measured["p999_ms"]["median"]
