"""Stands in for a training in tests of a study's search."""

import math
import os
import signal

from gatewise.errors import DataError, DivergedError
from gatewise.runs import RunFolder


def run(settings, folder, *, threads, exclusive, progress):
    """Stands in for a training: its validation error has a valley in the rate that depends on the cell."""
    place = RunFolder.create(folder)
    place.write_settings(settings.model_dump(mode="json"))
    home = folder.parent.parent
    with open(home / "calls", "a") as file:
        file.write(f"{folder.parent.name} {settings.model.cell} {settings.seed}\n")
    order = (home / "orders").read_text() if (home / "orders").exists() else ""
    if order.startswith("kill") and len((home / "calls").read_text().splitlines()) > int(order.split()[1]):
        (home / "orders").unlink()
        os.kill(os.getppid(), int(order.split()[2]))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pause()
    if order == "refuse " + settings.model.cell:
        raise DataError("A.csv, row 3: not a number")
    rate, epochs = settings.train.learning_rate, settings.train.epochs
    if rate > 3e-2:
        raise DivergedError("the loss became NaN at step 3")
    valley = {"rnn": -4.0, "gru": -2.5, "lstm": -3.2}[settings.model.cell]
    value = 10 + (math.log10(rate) - valley) ** 2 + settings.model.input_dropout + 5 / epochs + 1e-3 * settings.seed
    model = place.model_path
    model.mkdir(exist_ok=True)
    (model / "weights").write_text("many")
    result = {
        "status": "finished",
        "name": settings.name,
        "parameters": 1,
        "leaking": False,
        "trained": 1,
        "epochs": {"run": epochs, "best": 1},
        "exclusive": exclusive,
        "threads": threads,
        "seconds": {"total": 0.5, "per_epoch": 1.5, "per_step_median": 0.001},
        # the test part says the opposite of the validation part: whoever looked there would choose the worst
        "metrics": {"validation": {"mse": value, "pearson": 1 / value}, "test": {"mse": 100 - value}},
        "baselines": {"last_value": {"test": {"mse": 90.0}}},
        "notes": [],
    }
    place.write_result(result)
    return result
