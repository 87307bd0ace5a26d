"""What a replay says about how far it is."""

from ingest_service.replay_progress import progress_line

BEGIN_MS = 1_795_398_000_000  # 08:40 in Vietnam


def test_on_a_terminal_it_is_a_bar_and_elsewhere_a_plain_line() -> None:
    end_ms = BEGIN_MS + 4_000_000

    half = progress_line(BEGIN_MS + 2_000_000, BEGIN_MS, end_ms, 1234, bar=True)
    plain = progress_line(end_ms, BEGIN_MS, end_ms, 2468, bar=False)

    assert half == f"23/11 09:13:20 [{'#' * 15}{'.' * 15}]  50% 1,234 frames"
    assert plain == "23/11 09:46:40 100% 2,468 frames"


def test_a_recording_of_one_moment_is_played_at_once() -> None:
    assert "100%" in progress_line(BEGIN_MS, BEGIN_MS, BEGIN_MS, 1, bar=False)
