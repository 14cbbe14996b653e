import io

from gatewise.settings import ForecastTrainSettings
from gatewise.training import Bar, Brief, Lines, Seeds, Silent, choose_progress, train

SEEDS = Seeds(1, 2, 3)


def watch(toy, progress, **options):
    return train(
        toy.ToyNetwork(SEEDS), toy.ToyTask(), ForecastTrainSettings(epochs=3, **options), seeds=SEEDS, progress=progress
    )


def test_the_library_says_nothing_by_itself(toy, capfd):
    train(toy.ToyNetwork(SEEDS), toy.ToyTask(), ForecastTrainSettings(epochs=2), seeds=SEEDS)
    watch(toy, Silent())
    assert capfd.readouterr() == ("", "")


def test_one_line_an_epoch(toy):
    stream = io.StringIO()
    trained = watch(toy, Lines(stream))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 1/3  loss ")
    assert f"validation {trained.history[0]['validation_loss']:.6g}  best" in lines[0]


def test_the_bar_shows_epoch_loss_and_best_on_standard_error(toy, capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    bar = Bar("lstm")
    watch(toy, bar)
    out, err = capfd.readouterr()
    assert out == ""
    assert "lstm" in err
    assert bar._bar.tasks[0].completed == 18 == bar._bar.tasks[0].total
    assert "epoch 3/3  loss " in bar._bar.tasks[0].fields["text"]
    assert "best " in bar._bar.tasks[0].fields["text"]


def test_the_bar_ends_when_training_fails(toy):
    class BrokenError(Exception):
        pass

    class Task(toy.ToyTask):
        def batch(self, key):
            raise BrokenError

    bar = Bar()
    try:
        train(toy.ToyNetwork(SEEDS), Task(), ForecastTrainSettings(epochs=1), seeds=SEEDS, progress=bar)
    except BrokenError:
        assert not bar._bar.live.is_started
    else:
        raise AssertionError("the task must fail")


def test_what_is_chosen(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert type(choose_progress()) is Brief
    assert type(choose_progress(lines=True)) is Lines
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert type(choose_progress()) is Bar


def test_what_will_take_long_is_said_even_where_nobody_watches(capsys):
    for quiet in (Silent(), Brief()):
        quiet.show("an epoch is over")
    Silent().tell("an hour")
    assert capsys.readouterr().err == ""
    for one in (Brief(), Lines(), Bar()):
        one.tell("about an hour")
        assert capsys.readouterr().err == "about an hour\n"
