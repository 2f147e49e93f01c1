"""All sections composed, and loaded from TOML and environment with errors a person can act on."""

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rubric_factory.errors import ConfigurationError
from rubric_factory.settings.author import AuthorSettings, WithheldSectionMode
from rubric_factory.settings.caps import CapSettings
from rubric_factory.settings.evaluate import EvaluateSettings
from rubric_factory.settings.extract import ExtractSettings
from rubric_factory.settings.gates import GateSettings
from rubric_factory.settings.judge import JudgeSettings, LockSettings, ProbeSettings
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.settings.prices import PriceSettings
from rubric_factory.settings.publish import PublishSettings
from rubric_factory.settings.serve import ServeSettings
from rubric_factory.settings.sources import Source
from rubric_factory.settings.training import TrainingSettings

PREFIX = "RUBRIC_FACTORY_"
KEYS = "`rubric-factory doctor --keys`"  # works where there is no docs/configuration.md


class Settings(BaseSettings):
    """The whole of pipeline.toml. name and seed have no default: they change what a dataset means."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", description="name of the dataset")
    seed: int = Field(description="seed of every draw: splits, samples, the author's requests")
    workspace: Path = Field(default=Path("workspace"), description="folder of everything that is made; relative to where the command runs")
    sources: tuple[Source, ...] = Field(default=(), description="where documents come from")
    extract: ExtractSettings = ExtractSettings()
    passages: PassageSettings = PassageSettings()
    author: AuthorSettings
    gates: GateSettings = GateSettings()
    judge: JudgeSettings | None = Field(default=None, description="who grades answers; absent: the commands that grade refuse to run")
    probes: ProbeSettings = ProbeSettings()
    lock: LockSettings = LockSettings()
    publish: PublishSettings = PublishSettings()
    prices: PriceSettings = PriceSettings()
    caps: CapSettings = CapSettings()
    training: TrainingSettings | None = Field(default=None, description="the policy and its training; absent: `train` refuses to run")
    evaluation: EvaluateSettings = EvaluateSettings()
    serve: ServeSettings = ServeSettings()

    @model_validator(mode="after")
    def _withheld_where_asked_for(self) -> "Settings":
        withholding = isinstance(getattr(self.author, "mode", None), WithheldSectionMode)
        if withholding and not self.passages.withheld_sections:
            raise ValueError("the author's mode withheld_section needs withheld_sections = true in [passages]")
        if self.passages.withheld_sections and not withholding:
            raise ValueError('withheld_sections in [passages] needs a language-model author with [author.mode] type = "withheld_section"')
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; nothing else is read."""
        return env_settings, init_settings

    def digest(self, *sections: str) -> str:
        """sha256 over the canonical JSON of the named sections (all, if none is named): what a result depends on."""
        dumped = self.model_dump_json(include=set(sections) or None)
        return hashlib.sha256(dumped.encode()).hexdigest()


def refuse_unknown_variables() -> None:
    """Errors: ConfigurationError for a RUBRIC_FACTORY_* variable that names no key."""
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX):
            continue
        head = variable[len(PREFIX) :].split("__")[0].lower()
        if head not in Settings.model_fields:
            known = ", ".join(PREFIX + name.upper() for name in Settings.model_fields)
            raise ConfigurationError(f"unknown environment variable {variable}", expected=f"one of {known}", fix=f"unset {variable}")


def _message(error: ValidationError) -> tuple[str, str]:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "(top level)"
    if first["type"] == "extra_forbidden":
        return f"unknown key {where}", f"only the keys that {KEYS} lists"
    if first["type"] == "missing":
        return f"missing key {where}", "a value: it has no default because it changes what a dataset means"
    got = "" if isinstance(first["input"], dict) else f" (got {first['input']!r})"
    return f"bad value of {where}{got}", first["msg"]


def read_toml(path: Path) -> dict[str, Any]:
    """Parsed TOML file. Errors: ConfigurationError for a missing, unreadable or malformed file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"no configuration file at {path}", expected="a TOML file", fix="name one with --config FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read {path}: {error}", expected="a readable UTF-8 TOML file", fix="check path and permissions"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}", expected="valid TOML", fix="mend the line named") from None


def load_settings(path: Path, overrides: dict[str, Any] | None = None) -> Settings:
    """Settings from the file, then environment, then overrides (top-level keys, values of the right type).

    Paths of sources, benchmarks, labels and batch files become absolute, relative to the file.
    Errors: ConfigurationError for a missing file, an unknown key or RUBRIC_FACTORY_* variable, or a bad value.
    """
    refuse_unknown_variables()
    raw = read_toml(path)
    for source in raw.get("sources", []):
        for key in ("path", "licence_table"):
            if isinstance(source, dict) and isinstance(source.get(key), str):
                source[key] = str((path.parent / source[key]).resolve())
    benchmarks = raw.get("passages", {}).get("decontaminate", {}) if isinstance(raw.get("passages"), dict) else {}
    if isinstance(benchmarks, dict) and isinstance(benchmarks.get("files"), list):
        benchmarks["files"] = [str((path.parent / str(name)).resolve()) for name in benchmarks["files"]]
    author, judge = raw.get("author"), raw.get("judge")
    merge = author.get("merge") if isinstance(author, dict) else None
    inner = [merge.get("authors") if isinstance(merge, dict) else None, judge.get("members") if isinstance(judge, dict) else None]
    for model in (author, judge, *(one for found in inner if isinstance(found, list) for one in found)):
        for key in ("requests_dir", "responses_dir"):
            if isinstance(model, dict) and isinstance(model.get(key), str):
                model[key] = str((path.parent / model[key]).resolve())
    probes = raw.get("probes", {})
    if isinstance(probes, dict) and isinstance(probes.get("labels"), str):
        probes["labels"] = str((path.parent / probes["labels"]).resolve())
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        got, expected = _message(error)
        raise ConfigurationError(f"{got} in {path}", expected=expected, fix=f"{KEYS} lists every key") from None
    return settings.model_copy(update=overrides)  # not validated anew: pydantic-settings would let the environment win
