"""A study from Python: which cell, how sure, and does any beat doing nothing?"""

import tempfile
from pathlib import Path

from gatewise.report import make_report
from gatewise.studies import load_study, run_study

if __name__ == "__main__":  # workers are processes of their own
    study = load_study("stocks-cells", set={"seeds": 2, "train.batch_size": 256, "timing": False})
    folder = Path(tempfile.mkdtemp()) / "stocks-cells"
    found = run_study(study, folder)
    for finding in found["findings"]:
        print("-", finding["text"])
    print(make_report(folder))
