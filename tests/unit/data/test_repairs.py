import numpy as np
import pytest

from data_samples import write
from gatewise.data.series import read_series
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings

HOLES = "ds,y,x\n2020-01-01,1,1\n2020-01-02,2,1\n2020-01-05,5,4\n2020-01-06,6,1\n2020-01-07,7,1\n2020-01-08,8,1\n"
BLANKS = "ds,y\n2020-01-01,1\n2020-01-02,\n2020-01-03,NA\n2020-01-04,7\n"
TWICE = "ds,y\n2020-01-01,1\n2020-01-02,2\n2020-01-02,4\n2020-01-02,9\n2020-01-03,3\n"


def read(path, text, **settings):
    return read_series(ForecastDataSettings(files=(write(path / "a.csv", text),), **settings))


def test_gaps_are_named_or_filled(tmp_path):
    with pytest.raises(DataError, match=r"series 'a' lacks 2020-01-03 after row 3 \(2 missing stamps.*1d"):
        read(tmp_path, HOLES)
    filled = read(tmp_path, HOLES, gaps="interpolate", past_covariates="x")
    assert filled.target[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert filled.past[:4, 0].tolist() == [1, 1, 2, 3]
    assert filled.times[2] == np.datetime64("2020-01-03")
    assert any("2 missing dates were added" in note for note in filled.notes)
    assert read(tmp_path, HOLES, gaps="ffill").target[:, 0].tolist() == [1, 2, 2, 2, 5, 6, 7, 8]
    assert len(read(tmp_path, HOLES, frequency="irregular").times) == 6


def test_every_series_is_checked_for_gaps(tmp_path):
    rows = [f"{name},2020-01-{day:02d},{day}" for name in "ab" for day in range(1, 21) if (name, day) != ("b", 9)]
    with pytest.raises(DataError, match="series 'b' lacks 2020-01-09"):
        read(tmp_path, "unique_id,ds,y\n" + "\n".join(rows))


def test_missing_values_by_policy(tmp_path):
    with pytest.raises(DataError, match=r"row 3, column 'y'.*2 missing in all"):
        read(tmp_path, BLANKS)
    assert read(tmp_path, BLANKS, missing="ffill").target[:, 0].tolist() == [1, 1, 1, 7]
    assert read(tmp_path, BLANKS, missing="interpolate").target[:, 0].tolist() == [1, 3, 5, 7]
    dropped = read(tmp_path, BLANKS, missing="drop", frequency="irregular")
    assert dropped.target[:, 0].tolist() == [1, 7]


def test_a_missing_end_cannot_be_filled(tmp_path):
    text = "ds,y\n2020-01-01,\n2020-01-02,2\n"
    with pytest.raises(DataError, match=r"row 2.*at an end of series 'a'"):
        read(tmp_path, text, missing="ffill")
    two = "unique_id,ds,y\na,2020-01-01,1\na,2020-01-02,\nb,2020-01-01,5\nb,2020-01-02,6\n"
    with pytest.raises(DataError, match=r"row 3.*at an end of series 'a'"):
        read(tmp_path, two, missing="interpolate")
    with pytest.raises(DataError, match=r"row 3.*at an end of series 'a'"):
        read(tmp_path, "ds,y\n2020-01-01,1\n2020-01-02,\n", missing="interpolate")


@pytest.mark.parametrize(("policy", "value"), [("first", 2), ("last", 9), ("mean", 5)])
def test_duplicates_by_policy(tmp_path, policy, value):
    assert read(tmp_path, TWICE, duplicates=policy).target[:, 0].tolist() == [1, value, 3]


def test_duplicates_name_both_rows_and_the_id_that_may_be_meant(tmp_path):
    with pytest.raises(DataError, match=r"2020-01-02 twice, in row 3 and row 4 \(2 repetitions"):
        read(tmp_path, TWICE)
    long = "shop,ds,y\n" + "".join(f"{s},2020-01-{d:02d},{d}\n" for s in ("n", "m") for d in range(1, 9))
    with pytest.raises(DataError, match="id_column: shop"):
        read(tmp_path, long)


def test_a_column_of_numbers_does_not_name_the_series(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "ds,open,y\n2020-01-01,5,1\n2020-01-02,5,2\n2020-01-02,6,3\n")
    assert "id_column" not in str(caught.value)
