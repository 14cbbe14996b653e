"""A study made of studies: its file, the data that it looks for, its parts end to end, and what they share."""

import io
import json
import re
from functools import partial
from pathlib import Path

import pytest

from gatewise.cli.main import run as gatewise
from gatewise.errors import GatewiseError, InputError, InterruptedRunError, SettingsError
from gatewise.report import make_report, summary_lines
from gatewise.studies import plan_study, run_study
from gatewise.studies.bundle import list_bundles, load_bundle, names_bundle, plan_bundle, run_bundle
from gatewise.studies.bundle.data import find_data
from gatewise.studies.bundle.settings import SourceSettings
from gatewise.studies.compare import compare_study
from gatewise.studies.folder import BundleFolder, StudyFolder

#: Stands in for a training in a worker, as in the tests of one study.
RUNNER = """
from pathlib import Path
from gatewise.runs import RunFolder


def result(settings, exclusive, threads):
    gain = {"rnn": 20.0, "gru": 10.0, "lstm": 0.0}[settings.model.cell]
    return {
        "format_version": 1, "status": "finished", "task": "forecast", "name": settings.name, "parameters": 8,
        "leaking": False, "epochs": {"run": 3, "best": 1}, "exclusive": exclusive, "threads": threads,
        "seconds": {"per_epoch": 1.5, "per_step_median": 0.001},
        "metrics": {"test": {"mse": 100.0 + settings.seed + gain + settings.train.epochs}},
        "baselines": {"last_value": {"test": {"mse": 90.0}}}, "notes": [],
    }


def run(settings, folder, *, threads, exclusive, progress):
    place = RunFolder.create(Path(folder))
    place.write_settings(settings.model_dump(mode="json"))
    place.write_result(made := result(settings, exclusive, threads))
    return made
"""

CELLS = """
name: cells
question: Which cell?
data: {files: [sample:A]}
vary: {model.cell: [rnn, gru, lstm]}
presets:
  small: {seeds: 2}
  whole:
    seeds: 7
    claims: [{claim: "LSTM, test MSE", report: 105.0, where: {model.cell: lstm}}]
"""
EPOCHS = """
name: epochs
question: How long?
data: {files: [sample:A]}
vary: {train.epochs: [3, 5]}
seeds: 7
"""
BOTH = """
name: both
question: {en: "Is it so?", fa: "آیا چنین است؟"}
data:
  prices:
    title: closes
    names: [G.csv, A.csv]
    columns: [Date, Close]
    own: {rows: 2, column: Date, first: "2010-01-04", last: "2010-01-05"}
    stand_in: prices of other days
    otherwise: {data.files: "sample:A"}
    otherwise_is: a sample
studies:
  cells: {study: cells.yaml, preset: whole, data: prices, title: Cells, set: {train.epochs: 3}}
  epochs: {study: epochs.yaml, data: prices, set: {model.cell: lstm}}
claims:
  - {part: cells, claim: LSTM is best, report: best, order: [lstm, gru, rnn], why: Because.}
  - {part: epochs, claim: Five epochs are better, better: {train.epochs: 5}, than: {train.epochs: 3}}
presets:
  quick: {data: {prices: {changed: small networks}}}
  paper: {}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name, text in (("cells.yaml", CELLS), ("epochs.yaml", EPOCHS), ("both.yaml", BOTH), ("runner.py", RUNNER)):
        (tmp_path / name.replace("runner", "bundle_runner")).write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data_folder(home, rows="2010-01-04,1\n2010-01-05,2\n"):
    (home / "data").mkdir()
    for name in ("g.csv", "A.csv"):
        (home / "data" / name).write_text(f"Date,Close\n{rows}")
    return home / "data"


DIGEST = {"digest": lambda data: "digest"}
RUN = {}
exec(RUNNER, RUN)


class Work:
    """Runs a study here and now, and counts the trainings."""

    def __init__(self):
        self.trained, self.refuses = [], None

    def __call__(self, study, folder):
        if study.name == self.refuses:
            raise InputError("A.csv, row 3: not a number")
        place, plan = StudyFolder(folder), plan_study(study, **DIGEST)
        with place.lock():
            place.write_study(plan.to_json())
            for run in plan.runs:
                if not place.run(run.fingerprint).is_finished:
                    self.trained.append(run.settings.name)
                    folder = place.run(run.fingerprint).path
                    RUN["run"](run.settings, folder, threads=1, exclusive=False, progress=None)
            return compare_study(place.path)


def do(home, told=None, *, work=None, preset=None, data=None, **changes):
    bundle = load_bundle(home / "both.yaml", preset=preset, data=data, set=changes)
    return run_bundle(bundle, home / "out", work or Work(), told=told, **DIGEST)


def test_parts_run_one_after_another_and_the_claims_are_judged_over_all(home):
    told = []
    out = do(home, told.append)
    assert told == ["Part 1 of 2: cells", "Part 2 of 2: epochs"]
    assert json.loads(json.dumps(out)) == out
    assert (out["name"], out["failed"], [part["runs"] for part in out["parts"]]) == ("both", [], [21, 14])
    verdicts = {claim["claim"]: claim["verdict"] for claim in out["claims"]}
    assert verdicts == {"LSTM is best": "holds", "Five epochs are better": "does not hold"}
    assert out["claims"][0]["why"].endswith("Comparable in direction only: a sample; small networks. Because.")
    (figure,) = out["parts"][0]["claims"]  # the study's own claims are judged here, not in the part
    assert (figure["verdict"], figure["ours"]) == ("not comparable", 106.0)
    assert "Other data than the report's: a sample." in figure["why"]
    assert "Other settings than the report's: small networks." in figure["why"]
    assert json.loads((home / "out" / "parts" / "cells" / "comparison.json").read_text())["claims"] == []


def test_what_is_finished_is_never_trained_again_and_parts_share_it(home):
    work = Work()
    do(home, work=work)
    assert len(work.trained) == 21 + 7  # LSTM of three epochs is in both parts
    do(home, work=work)
    assert len(work.trained) == 28
    do(home, work=work, **{"epochs.seeds": 9})
    assert len(work.trained) == 28 + 4


def test_the_report_s_own_data_make_its_figures_comparable(home):
    out = do(home, preset="paper", data=data_folder(home))
    assert out["parts"][0]["stand_in"] == ""
    assert out["parts"][0]["data"] == "closes (g.csv, A.csv)"
    assert out["parts"][0]["claims"][0]["verdict"] == "holds"
    assert out["claims"][0]["why"].endswith("Because.")
    assert "direction" not in out["claims"][0]["why"]


def test_other_data_of_the_same_name_are_told(home):
    out = do(home, preset="paper", data=data_folder(home, "2011-01-04,1\n2011-01-05,2\n"))
    assert out["parts"][0]["stand_in"] == "prices of other days"
    assert out["parts"][0]["claims"][0]["verdict"] == "not comparable"


def test_a_part_that_comes_to_nothing_is_told_and_does_not_stop_the_others(home):
    work, told = Work(), []
    work.refuses = "cells"
    out = do(home, told.append, work=work)
    assert [row["part"] for row in out["failed"]] == ["cells"]
    assert "not a number" in out["failed"][0]["error"]
    assert any(line.startswith("cells came to nothing: ") for line in told)
    assert [claim["verdict"] for claim in out["claims"]] == ["not comparable", "does not hold"]
    assert "not a number" in out["claims"][0]["why"]
    page = make_report(home / "out").read_text()
    assert "not a number" in page
    assert [claim["verdict"] for claim in do(home)["claims"]] == ["holds", "does not hold"]


def test_a_part_that_comes_to_nothing_stops_all_when_asked(home):
    work = Work()
    work.refuses = "cells"
    with pytest.raises(InputError, match="not a number"):
        run_bundle(load_bundle(home / "both.yaml"), home / "out", work, **DIGEST, fail_fast=True)
    assert work.trained == []


def test_single_runs_that_failed_are_counted_and_those_that_diverged_are_none(home):
    class Failing(Work):
        def __call__(self, study, folder):
            super().__call__(study, folder)
            StudyFolder(folder).write_failures({"a": "no memory", "b": "the loss became NaN"}, {"b"})
            return compare_study(folder)

    out = do(home, work=Failing())
    assert out["failed"] == [{"part": "cells", "error": "no memory"}, {"part": "epochs", "error": "no memory"}]


def test_a_stop_goes_through_and_the_same_call_goes_on(home):
    def stopped(study, folder):
        raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        run_bundle(load_bundle(home / "both.yaml"), home / "out", stopped, **DIGEST)
    assert BundleFolder(home / "out").is_bundle
    assert len(do(home)["claims"]) == 2


def test_a_part_without_data_is_left_out_with_the_reason(home):
    text = BOTH.replace('    otherwise: {data.files: "sample:A"}\n', "")
    (home / "both.yaml").write_text(text, encoding="utf-8")
    out = do(home)
    assert [part["runs"] for part in out["parts"]] == [0, 0]
    assert out["claims"][0]["verdict"] == "not comparable"
    assert "closes: no folder of data is given" in out["claims"][0]["why"]
    empty = home / "nothing"
    empty.mkdir()
    (part, _) = load_bundle(home / "both.yaml", data=empty).parts
    assert "has no G.csv and A.csv or table with the columns Date, Close" in part.left_out


def test_levels_that_are_left_out_make_their_claims_not_comparable(home):
    left = "leave_out: {model.cell: {rnn: Too slow.}}, "
    (home / "both.yaml").write_text(BOTH.replace("title: Cells, ", f"title: Cells, {left}"), encoding="utf-8")
    out = do(home)
    assert out["parts"][0]["runs"] == 14
    assert (out["claims"][0]["verdict"], out["claims"][0]["why"]) == (
        "not comparable", "Too slow. Because.",
    )  # fmt: skip


def test_an_encoder_that_is_not_here_is_left_out_by_itself(home):
    text = """
name: readers
question: Which?
task: classify
data: {files: "sample:python-docstrings"}
vary: {encoder: {BERT: {encoder.name: no-such/encoder}, words: {encoder.name: words}}}
seeds: 2
"""
    (home / "readers.yaml").write_text(text)
    (home / "b.yaml").write_text("name: b\nstudies: {readers: {study: readers.yaml}}\n")
    (part,) = load_bundle(home / "b.yaml").parts
    assert [level.label for level in part.study.factors[0].levels] == ["words"]
    assert part.absent == {"BERT": "BERT is not on this machine (encoder no-such/encoder)."}


def test_changes_are_for_all_parts_or_for_one(home):
    bundle = load_bundle(home / "both.yaml", set={"model.units": 8, "epochs.train.batch_size": "16", "seeds": 3})
    first, second = (part.study for part in bundle.parts)
    assert (first.model.units, second.model.units, second.train.batch_size) == (8, 8, 16)
    assert first.train.batch_size != 16
    assert first.seeds == second.seeds == (0, 1, 2)
    fewer = load_bundle(home / "both.yaml", set={"cells.vary.model.cell": ["gru", "lstm"]})
    assert (
        len(plan_bundle(fewer, **DIGEST)[0].plan.runs) == 14
    )  # claims about what is gone are not comparable, no error


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("data: prices, title", "data: price, title", "studies.cells.data: 'price' is not described: did you mean"),
        ("{part: epochs,", "{part: epoch,", "claims.1.part: no study is called 'epoch': did you mean 'epochs'"),
        ("{part: epochs,", "{", "claims.1.part: name the study that the claim is about"),
        ("order: [lstm, gru, rnn]", "order: [lstm, grü]", "model.cell has no level 'grü'"),
        ("train.epochs: 3}}", "train.epoch: 3}}", "studies.cells: train.epoch: unknown setting: did you mean"),
        ("model.cell: lstm}}", "model.cell: lst}}", "studies.epochs: model.cell"),
        ("cells.yaml", "cell.yaml", "studies.cells: cell.yaml: cannot be read"),
        ("preset: whole", "preset: hole", "unknown preset 'hole'"),
        ("name: both", "name: ../both", "a name is made of letters"),
        ("question: {en", "questions: {en", "questions: unknown setting: did you mean 'question'"),
        ("prices: {changed:", "prices: {change:", "preset quick"),
    ],
)
def test_what_is_wrong_in_the_file_is_told(home, was, becomes, said):
    assert was in BOTH
    (home / "both.yaml").write_text(BOTH.replace(was, becomes), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_bundle(home / "both.yaml")
    assert said in str(error.value)


def test_everything_that_is_wrong_is_told_at_once(home):
    with pytest.raises(SettingsError) as error:
        load_bundle(home / "both.yaml", set={"cells.model.unit": 8, "epochs.train.epoch": 1})
    assert "studies.cells: model.unit" in str(error.value)
    assert "studies.epochs: train.epoch" in str(error.value)
    with pytest.raises(InputError, match="--data names the folder"):
        load_bundle(home / "both.yaml", data=home / "nowhere")
    with pytest.raises(InputError, match="is a file"):
        load_bundle(home / "both.yaml", data=home / "both.yaml")

    def broken(data):
        raise InputError("row 3: not a number")

    with pytest.raises(GatewiseError) as error:
        plan_bundle(load_bundle(home / "both.yaml"), broken)
    assert "cells: row 3" in str(error.value)
    assert "epochs: row 3" in str(error.value)


def test_data_are_found_by_content_when_names_are_others(tmp_path):
    (tmp_path / "x.csv").write_text("Date,Open,Close\n2010-01-04,1,2\n")
    (tmp_path / "y.csv").write_text("when,what\n1,2\n")
    (tmp_path / "README.txt").write_text("read me first" * 99)
    (tmp_path / "small.txt").write_text("a")
    (tmp_path / "large.txt").write_text("a" * 50)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    tables = find_data(SourceSettings(title="closes", names=("G.csv",), columns=("Date", "Close")), tmp_path)
    assert [path.name for path in tables.files] == ["x.csv"]
    assert tables.stand_in == "closes (x.csv)"
    text = find_data(SourceSettings(title="a text", suffix=".txt"), tmp_path)
    assert [path.name for path in text.files] == ["large.txt"]


def test_the_page_has_claims_first_then_parts(home):
    do(home)
    for part in ("cells", "epochs"):
        make_report(home / "out" / "parts" / part)
    page = make_report(home / "out").read_text()
    plain = re.sub(r"<[^>]+>", " ", page)
    assert "Of 1 claims: 1 hold, 0 do not, 0 undecided, 0 not comparable" in plain
    assert page.index('id="claims"') < page.index('id="cells"') < page.index('id="epochs"')
    assert "LSTM is best" in plain
    assert "Small networks" in plain or "small networks" in plain
    links = re.findall(r'href="(parts/[^"]+)"', page)
    assert links == ["parts/cells/page.html", "parts/epochs/page.html"]
    assert all((home / "out" / link).is_file() for link in links)
    assert re.findall(r'<svg[^>]+aria-labelledby="(\w+)', page) == ["cells", "epochs"]
    assert not re.search(r'(src|href)="https?:', page)
    assert len(re.findall(r'id="[^"]+"', page)) == len(set(re.findall(r'id="[^"]+"', page)))
    lines = summary_lines(home / "out")
    assert lines[0].startswith("Of 1 claims: 1 hold")
    assert any("✓ holds" in line and "LSTM is best" in line for line in lines)


def test_the_whole_of_it_is_in_persian_when_asked(home):
    do(home)
    with pytest.raises(InputError, match="--language fa"):  # claims are judged in one language, and kept in it
        make_report(home / "out", language="fa")
    trained = sorted(path.stat().st_mtime_ns for path in (home / "out").rglob("result.json"))
    assert len(trained) == 21 + 14
    out = do(home, language="fa")
    assert sorted(path.stat().st_mtime_ns for path in (home / "out").rglob("result.json")) == trained
    assert out["claims"][0]["verdict"] == "holds"  # the word of the file is the same in every language
    assert "نشان داده شد" in out["claims"][0]["why"]
    page = make_report(home / "out").read_text()
    assert '<html lang="fa" dir="rtl">' in page
    assert "برقرار است" in page
    assert "آیا چنین است؟" in page
    assert summary_lines(home / "out")[0].startswith("از ۱ ادعا: ۱ برقرار")
    part = json.loads((home / "out" / "parts" / "cells" / "study.json").read_text())
    assert part["study"]["language"] == "fa"


def test_the_command_plans_runs_and_prints_json(home, capsys, monkeypatch):
    monkeypatch.setattr("gatewise.studies.bundle.run.plan_study", lambda study, _: plan_study(study, **DIGEST))
    assert gatewise(["study", "both.yaml", "--plan", "--json", "--seeds", "2"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["runs"], [part["runs"] for part in plan["parts"]], plan["claims"]) == (8, [6, 4], 3)
    assert not (home / "studies").exists()
    assert gatewise(["study", "both.yaml", "--plan"]) == 0
    assert "cells" in capsys.readouterr().out
    assert gatewise(["study", "both.yaml", "a", "b"]) == 2
    assert "one folder" in capsys.readouterr().err


def test_the_reference_report_is_listed_and_every_preset_of_it_loads():
    (listed,) = list_bundles()
    assert (listed["name"], listed["presets"]) == ("reference-report", ["quick", "day", "paper"])
    assert names_bundle("reference-report")
    assert not names_bundle("stocks-cells")
    for preset in listed["presets"]:
        bundle = load_bundle("reference-report", preset=preset)
        assert bundle.folder == {"quick": "reference-report"}.get(preset, f"reference-report-{preset}")
        assert len(bundle.parts) == 11
        assert all(part.study is not None and part.stand_in for part in bundle.parts)
        assert {claim.part for claim in bundle.settings.claims} <= {part.name for part in bundle.parts}


def test_the_reference_report_can_be_run_on_what_packages_ship():
    """Its settings are for tweets; the docstrings that stand in have other labels, and are fewer."""
    parts = load_bundle("reference-report").parts
    planned = plan_study(next(part.study for part in parts if part.name == "tweets-encoders"))
    assert planned.study.data.names == {}
    assert len(planned.runs) == 6


def test_what_the_reference_report_says_is_said_in_every_language():
    settings = load_bundle("reference-report").settings
    for claim in settings.claims:
        for one in claim.each():
            assert set(one.claim) == {"en", "fa"}
            assert not one.why or set(one.why) == {"en", "fa"}
    for part in settings.studies.values():
        assert set(part.title) == {"en", "fa"}


def test_progress_of_the_parts_goes_to_the_person(home):
    from gatewise.studies.progress import Lines

    stream = io.StringIO()
    work = partial(run_study, runner="bundle_runner:run", progress=Lines(stream), **DIGEST)
    run_bundle(load_bundle(home / "both.yaml"), home / "out", work, **DIGEST)
    assert "[21/21]" in stream.getvalue()
    assert "[7/7]" in stream.getvalue()  # seven of the second part were there already


def test_the_study_of_studies_of_the_documentation_is_one(home):
    text = (Path(__file__).resolve().parents[3] / "docs" / "studies.md").read_text(encoding="utf-8")
    block = text.split("A study made of studies is a file like any other")[1].split("```yaml\n")[1].split("```")[0]
    (home / "both.yaml").write_text(block, encoding="utf-8")
    (home / "shops.yaml").write_text(CELLS)
    assert names_bundle(home / "both.yaml")
    shops, texts = load_bundle(home / "both.yaml").parts
    assert (shops.study.name, texts.study.name, texts.study.seed_numbers) == ("shops", "texts", (0, 1, 2))
    assert texts.study.task == "generate"
