"""Settings: strict, frozen, and every mistake is one line that names it."""

import pytest
from pydantic import ValidationError

from rubric_factory.errors import ConfigurationError
from rubric_factory.settings import load_settings

GOOD = """
name = "demo"
seed = 7
[[sources]]
type = "folder"
name = "docs"
path = "papers"
[author]
type = "extractive"
"""


MODEL = 'type = "openai_compatible"\nbase_url = "http://localhost:9/v1"\nmodel = "m"\nrevision = "r"\n'


@pytest.fixture
def write(tmp_path):
    def write(text=GOOD):
        path = tmp_path / "pipeline.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_source_paths_are_relative_to_the_file(write, tmp_path, monkeypatch):
    path = write()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_settings(path).sources[0].path == tmp_path / "papers"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("seed = 7", "sede = 7\nseed = 7"), "unknown key sede"),
        (("seed = 7", ""), "missing key seed"),
        (('name = "demo"', ""), "missing key name"),
        (('type = "extractive"', 'type = "oracle"'), "bad value of author"),
        (('type = "extractive"', 'type = "extractive"\nkey = 1'), "unknown key author.extractive.key"),
        (('path = "papers"', 'path = "papers"\npaht = 1'), "unknown key sources.0.folder.paht"),
        (("seed = 7", 'seed = "many"'), "bad value of seed (got 'many')"),
        (('name = "demo"', 'name = "Demo Set"'), "bad value of name (got 'Demo Set')"),
        (("[author]", "[passages]\nmin_words = 0\n[author]"), "bad value of passages.min_words (got 0)"),
        (("[author]", "[publish]\ntest_share = 0.95\n[author]"), "validation_share + test_share"),
        (("seed = 7", "seed = "), "is not TOML"),
        (("[author]", "[passages]\nwithheld_sections = true\n[author]"), '[author.mode] type = "withheld_section"'),
        (('type = "extractive"', f"{MODEL}[passages]\nwithheld_sections = true"), '[author.mode] type = "withheld_section"'),
    ],
)
def test_a_mistake_is_one_line_that_names_it(write, change, named):
    path = write(GOOD.replace(*change))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    assert named in str(caught.value)
    assert "expected" in str(caught.value) and "fix:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no configuration file at .*nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_settings(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_settings(tmp_path / "latin.toml")


def test_environment_beats_file_and_the_command_line_beats_both(write, monkeypatch, tmp_path):
    path = write()
    monkeypatch.setenv("RUBRIC_FACTORY_SEED", "11")
    monkeypatch.setenv("RUBRIC_FACTORY_PASSAGES__MIN_WORDS", "99")
    monkeypatch.setenv("RUBRIC_FACTORY_WORKSPACE", "from-environment")
    settings = load_settings(path)
    assert (settings.seed, settings.passages.min_words, str(settings.workspace)) == (11, 99, "from-environment")
    assert load_settings(path, {"workspace": tmp_path / "given"}).workspace == tmp_path / "given"


@pytest.mark.parametrize("variable", ["RUBRIC_FACTORY_SEDE", "RUBRIC_FACTORY_PASSAGES__MINWORDS"])
def test_an_unknown_variable_is_an_error_that_names_it(write, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write())
    assert variable.removeprefix("RUBRIC_FACTORY_").lower().replace("__", ".") in str(caught.value).lower().replace("__", ".")


def test_settings_are_frozen(write):
    settings = load_settings(write())
    with pytest.raises(ValidationError):
        settings.seed = 8


def test_the_digest_depends_on_the_named_sections_alone(write):
    one = load_settings(write())
    other = load_settings(write(GOOD + "[passages]\nmin_words = 61\n"))
    assert one.digest("extract") == other.digest("extract")
    assert one.digest("passages") != other.digest("passages")
    assert one.digest() != other.digest()


def test_no_key_is_stored_in_settings(write):
    text = GOOD.replace(
        'type = "extractive"', 'type = "openai_compatible"\nbase_url = "http://x/v1"\nmodel = "m"\nrevision = "r"\napi_key = "s"'
    )
    with pytest.raises(ConfigurationError, match=r"unknown key author\.openai_compatible\.api_key"):
        load_settings(write(text))
