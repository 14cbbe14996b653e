import io
import json
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from rich.console import Console

from gatewise.cli.main import run as gatewise
from gatewise.errors import InputError
from gatewise.studies.folder import StudyFolder
from gatewise.studies.progress import Live, RunEnded
from gatewise.studies.state import StudyView
from gatewise.studies.watch import Board, board, summary, watch_study
from gatewise.wording import speaking
from run_samples import log_row, make_run


@pytest.fixture
def study(tmp_path):
    """Four runs and one that is timed alone: one finished, one failed, one at work, one waiting."""
    place = StudyFolder(tmp_path / "s")
    runs = [
        {"label": name, "levels": {}, "seed": 0, "fingerprint": name, "timing": "t" if name == "done" else None}
        for name in ("done", "broken", "at-work", "later")
    ]
    make_run(place.run("done").path, mse=123.456)
    make_run(place.run("at-work").path, mse=None, settings={"name": "at-work, seed 0", "epochs": 10},
             log=[log_row(1), log_row(2, loss=3.0)])  # fmt: skip
    place.write_study({"format_version": 1, "name": "small", "task": "forecast", "runs": runs})
    place.write_failures({"broken": "no memory \x1b[31m"})
    return place


def test_a_look_tells_finished_failed_running_and_waiting(study, monkeypatch):
    view = StudyView(study)
    changed = study.run("at-work").last_change
    monkeypatch.setattr("gatewise.studies.state.time", SimpleNamespace(time=lambda: changed + 1.0))
    with study.lock(), study.run("at-work").lock():
        state = view.look()
    assert (state.total, state.finished, state.waiting, len(state.running), state.working) == (5, 1, 2, 1, True)
    assert state.failed == (("broken, seed 0", "no memory \x1b[31m"),)
    one = state.running[0]
    assert (one.name, one.epoch, one.epochs, one.validation) == ("at-work, seed 0", 2, 10, pytest.approx(1.65))
    assert one.best == pytest.approx(1.1)
    assert one.seconds_left == pytest.approx(15)  # eight epochs of two seconds, of which one is over
    # what runs ends within 15 s; then the two that wait take as long as the one that has finished: 3.5 s each
    assert state.seconds_left == pytest.approx(one.seconds_left + 2 * 3.5, abs=0.01)
    assert set(state.ended) == {"done, seed 0", "broken, seed 0"}
    later = view.look()
    assert later.ended == ()
    assert not later.working
    assert later.seconds_left is None


def test_what_has_finished_is_read_once(study, monkeypatch):
    view = StudyView(study)
    view.look()
    monkeypatch.setattr("gatewise.runs.RunFolder.read_finished", lambda self: pytest.fail("read again"))
    assert view.look().finished == 1


def test_a_study_that_is_written_anew_is_read_anew(study):
    view = StudyView(study)
    assert view.look().total == 5
    study.write_study({**study.read_study(), "runs": study.read_study()["runs"][:2]})
    assert view.look().total == 3


def test_looking_changes_no_file(study):
    before = {path: path.stat().st_mtime_ns for path in study.path.rglob("*")}
    StudyView(study).look()
    assert {path: path.stat().st_mtime_ns for path in study.path.rglob("*")} == before


def test_without_a_terminal_it_is_lines_until_the_study_ends(study, capsys, monkeypatch):
    with ExitStack() as working:
        working.enter_context(study.lock())
        between_looks = [lambda: make_run(study.run("later").path), working.close]
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: between_looks.pop(0)())
        monkeypatch.setattr("gatewise.studies.watch.time", clock)
        watch_study(study.path)
    assert capsys.readouterr().err.splitlines() == [
        "small: 1 of 5 runs finished, 3 waiting, 1 failed",
        "later, seed 0: finished",
        "small: 2 of 5 runs finished, 2 waiting, 1 failed, no process of this machine works on it: the "
        "command that began it goes on from here",
    ]


def test_the_table_keeps_the_test_score_out_of_sight_and_is_harmless(study):
    with study.run("at-work").lock():
        state = StudyView(study).look()
    stream = io.StringIO()
    Console(file=stream, width=120).print(board(state))
    shown = stream.getvalue()
    assert "at-work, seed 0" in shown
    assert "2/10" in shown
    assert "1.65" in shown
    assert "no memory \\x1b[31m" in shown
    assert "123" not in shown
    with speaking("fa"):
        assert "۱" in summary(state) or "به پایان رسید" in summary(state)


def test_the_study_itself_shows_the_table_on_a_terminal(study):
    stream = io.StringIO()
    live = Live(study.path)
    live._console = Console(file=stream, force_terminal=True, width=120)
    with study.run("at-work").lock():
        live.start(name="small", waiting=3, finished=1, jobs=2, warnings=("few seeds",))
        live.run_ended(RunEnded(name="x", done=1, total=3, seconds_left=7.0, text="validation mse 3"))
        live.stop()
        live.stop()
    shown = stream.getvalue()
    assert "warning: few seeds" in shown
    assert "[1/3] x: validation mse 3  8 s left" in shown
    assert "validation loss" in shown


def test_a_board_of_a_folder_that_is_not_there_yet_draws_nothing(tmp_path):
    drawn = Board(tmp_path / "absent", Console(file=io.StringIO()))
    assert drawn._draw() == ""
    with pytest.raises(InputError, match=r"holds no study\.json"):
        StudyView(StudyFolder(tmp_path)).look()


def test_the_commands_look_once_with_json(study, capsys, monkeypatch, tmp_path):
    assert gatewise(["watch", str(study.path), "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert (tree["finished"], tree["failed"][0]["run"]) == (1, "broken, seed 0")
    assert gatewise(["watch", str(study.path)]) == 0
    assert "no process of this machine" in capsys.readouterr().err
    assert gatewise(["watch", str(tmp_path)]) == 2
    file = tmp_path / "small.yaml"
    file.write_text("name: small\ndata: {files: [sample:GOOG]}\nvary: {model.cell: [gru, lstm]}\n")
    assert gatewise(["study", str(file), "--out", str(study.path), "--watch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "small"
