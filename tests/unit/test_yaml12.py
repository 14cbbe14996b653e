import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import SettingsError
from gatewise.yaml12 import load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e4", 1e4),
        (".5", 0.5),
        ("5.", 5.0),
        ("1E+3", 1e3),
        ("-2.5e-3", -2.5e-3),
        ("+.5", 0.5),
        ("-.inf", -math.inf),
        ("12", 12),
        ("-3", -3),
        ("012", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_a_scalar_of_the_core_schema_has_its_value(text, value):
    found = parse_yaml(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "off", "y", "1:30", "2020-01-01", "1_000", "0b11", "1e", "e4", "."]
)
def test_what_only_yaml_1_1_converts_stays_text(text):
    assert parse_yaml(f"key: {text}") == {"key": text}


def test_nan_is_a_number():
    assert math.isnan(parse_yaml("key: .nan")["key"])


def test_a_repeated_key_is_refused_with_both_places():
    with pytest.raises(SettingsError, match=r"page: line 3, column 3: the key 'b' stands already in line 2"):
        parse_yaml("a:\n  b: 1\n  b: 2\n", where="page")


def test_a_syntax_error_names_file_line_and_column(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("a: 1\nb: [1, 2\nc: 3\n")
    with pytest.raises(SettingsError, match=r"study\.yaml: line 3, column \d+: "):
        load_yaml(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", "but found another document"),
        ("? [a, b]\n: 1", "a key must be plain text"),
        ("a: &x [*x]", "an alias that contains itself"),
        ("[" * 60 + "]" * 60, "nested deeper than 50 levels"),
        ("a: \x00", "character 4 is not allowed"),
        ("a: *b", "found undefined alias"),
        ("a: !!set {b}", "could not determine a constructor"),
        ("a: !!int many", "line 1, column 4: 'many' is not a value of int"),
        ("a: !!bool maybe", "'maybe' is not a value of bool"),
        ("a: " + "9" * 5000, "'99999999999999999999...' is not a value of int"),
    ],
)
def test_what_cannot_be_plain_data_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_yaml(text)


def test_aliases_cannot_blow_a_page_up():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(SettingsError, match="aliases are written out"):
        parse_yaml("\n".join(lines))


def test_an_alias_used_twice_is_fine():
    assert parse_yaml("a: &x {k: 1}\nb: *x") == {"a": {"k": 1}, "b": {"k": 1}}


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.yaml: cannot be read \(No such file"):
        load_yaml(tmp_path / "gone.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(SettingsError, match=r"latin\.yaml: line 2 is not UTF-8"):
        load_yaml(tmp_path / "latin.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(SettingsError, match="too large for a settings file"):
        load_yaml(tmp_path / "big.yaml")


def test_other_users_of_pyyaml_keep_their_own_rules():
    assert yaml.safe_load("a: no") == {"a": False}


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_any_text_is_a_tree_or_a_clear_error(text):
    try:
        parse_yaml(text)
    except SettingsError as error:
        problem = str(error)
        assert problem.startswith("text: ")
