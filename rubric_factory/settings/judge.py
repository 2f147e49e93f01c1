"""Who grades answers, what a judge must withstand before it may be locked: `[judge]`, `[probes]`, `[lock]`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from rubric_factory.settings import llm
from rubric_factory.settings.base import Section


class GradingSettings(Section):
    """What holds for every judge, whatever stands behind it."""

    max_response_characters: int = Field(default=8000, ge=1, description="longer answers are graded 0 by rule, before any call")
    tries: int = Field(default=3, ge=1, le=9, description="replies asked for before a reply counts as unparseable")
    seed: int = Field(default=0, ge=0, description="first seed of a request; matters at temperature > 0 and for further tries")


GradingMode = Literal[
    "all_criteria", "some_criteria", "one_criterion", "holistic", "direct_likert", "reference_likert", "predefined", "reflection"
]  # fmt: skip


# Modes that rate the whole response: they give no verdicts.
RATING_MODES = frozenset({"holistic", "direct_likert", "reference_likert", "predefined"})


class ModelGradingSettings(GradingSettings):
    """How a language model grades. Mode, criteria_per_call and quotes are part of the judge's identity."""

    mode: GradingMode = Field(
        default="all_criteria",
        description="calls a response takes: one for all criteria, one for some, one each; or, baselines of arXiv 2507.17746, one rating: "
        "holistic (1-10, sees rubric and weights), direct_likert (question alone), reference_likert, predefined (4 items); or reflection: "
        "several analyses, and where they differ one call that says which to keep (arXiv 2604.07506)",
    )
    criteria_per_call: int = Field(default=4, ge=1, description="criteria of a call in the mode some_criteria")
    quotes: Literal["required", "given"] = Field(
        default="required",
        description="required: a level above 0 on a criterion with required elements is void without a quote; given: a quote may be left "
        "out. A quote that is not in the response voids its verdict either way",
    )
    retry_temperature: float = Field(
        default=0.3, ge=0, le=2, description="temperature of further tries, at least: at 0 a model would repeat its unreadable reply"
    )
    analyses: int = Field(default=3, ge=2, le=9, description="analyses of a response in the mode reflection")
    analysis_temperature: float = Field(default=0.7, gt=0, le=2, description="temperature of the analyses in the mode reflection, at least")

    @model_serializer(mode="wrap")
    def _that_counts(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys of reflection in every other mode: what was locked and graded before there were any stays what it was."""
        found: dict[str, Any] = handler(self)
        return found if self.mode == "reflection" else {name: value for name, value in found.items() if not name.startswith("analys")}


class Lexical(Section):
    """The embedded judge: required elements by their words, hardened against stuffing. Demo grade: smoke tests and plumbing."""

    type: Literal["lexical"] = "lexical"
    grading: GradingSettings = GradingSettings()


class Rules(Section):
    """One pure check a criterion, bound by its `rule:NAME` cue: behaviour rubrics only. Demo grade."""

    type: Literal["rules"] = "rules"
    grading: GradingSettings = GradingSettings()


class OpenAICompatibleJudge(llm.OpenAICompatible):
    """A language-model judge behind an OpenAI-compatible server."""

    grading: ModelGradingSettings = ModelGradingSettings()


class VllmJudge(llm.Vllm):
    """A language-model judge in this process."""

    grading: ModelGradingSettings = ModelGradingSettings()


class LocalJudge(llm.Local):
    """A small language-model judge in this process, without a server."""

    grading: ModelGradingSettings = ModelGradingSettings()


class BatchFilesJudge(llm.BatchFiles):
    """A language-model judge behind files."""

    grading: ModelGradingSettings = ModelGradingSettings()


class ScriptedJudge(llm.Scripted):
    """A language-model judge answered by a function. Demo grade."""

    grading: ModelGradingSettings = ModelGradingSettings()


LanguageModelJudgeSettings = OpenAICompatibleJudge | VllmJudge | LocalJudge | BatchFilesJudge | ScriptedJudge
SingleJudgeSettings = Lexical | Rules | LanguageModelJudgeSettings


def _identifying(judge: SingleJudgeSettings) -> tuple[str, ...]:
    """What the identity of a judge is made of, first its name: what stands behind a model, and how often it is asked, is no part."""
    if isinstance(judge, Lexical | Rules):
        return (judge.type,)
    grading, keys = judge.grading, ["quotes"]
    if grading.mode == "some_criteria":
        keys.append("criteria_per_call")
    elif grading.mode == "reflection":
        keys += ["analyses", "analysis_temperature"]
    return (f"{judge.model}@{judge.revision} {grading.mode}", *(str(getattr(grading, key)) for key in keys))


class Ensemble(Section):
    """Several judges that grade every answer; their verdicts are combined criterion by criterion. Each is locked and verified by itself.

    `members`: two to nine of them, a table `[[judge.members]]` each (double brackets: a list) with the keys of a `[judge]` of its own. All
    have the same max_response_characters, no two the same identity, none a mode that rates; vllm members share the GPU's memory.
    --export-requests and --import-responses stand for one model, so an ensemble refuses them: take members of type batch_files.
    """

    type: Literal["ensemble"] = "ensemble"
    members: tuple[Annotated[SingleJudgeSettings, Field(discriminator="type")], ...] = Field(
        min_length=2,
        max_length=9,
        description="the judges, a table [[judge.members]] each",
    )
    combine: Literal["majority", "median"] = Field(
        default="majority",
        description="the combined level. majority: the one that most members give, none where two are given equally often; median: the "
        "middle one, of two middle ones that which earns less",
    )
    min_agreement: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="share of all members that must give exactly the combined level; below it the criterion has no verdict (abstained). "
        "Two of three are 0.666..., which 0.67 would refuse",
    )

    @model_validator(mode="after")
    def _comparable(self) -> "Ensemble":
        if len({member.grading.max_response_characters for member in self.members}) > 1:
            raise ValueError("members differ in max_response_characters: one length rule holds for all of them")
        names = [_identifying(member) for member in self.members]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the ensemble has the judge {twice[0]} twice: it would agree with itself")
        modes = [member.grading.mode for member in self.members if isinstance(member.grading, ModelGradingSettings)]
        rating = next((mode for mode in modes if mode in RATING_MODES), None)
        if rating is not None:
            raise ValueError(f"a member grades in the mode {rating}, which gives no verdicts to combine")
        taken = sum(member.gpu_memory_utilization for member in self.members if isinstance(member, VllmJudge))
        if taken > 1:
            raise ValueError(f"the vllm members take {taken:g} of each GPU together: their gpu_memory_utilization may sum to 1 at most")
        return self


JudgeSettings = Annotated[SingleJudgeSettings | Ensemble, Field(discriminator="type")]


def single_judges(section: SingleJudgeSettings | Ensemble) -> tuple[SingleJudgeSettings, ...]:
    """The judges that a section names: the members of an ensemble, else itself."""
    return section.members if isinstance(section, Ensemble) else (section,)


def calls_a_grading(section: SingleJudgeSettings) -> int:
    """Calls that one answer takes, tries aside: at most its analyses and the choice under reflection, else one (of a mode by criterion:
    one for each part of the rubric, which only the rubric knows)."""
    grading = section.grading
    return grading.analyses + 1 if isinstance(grading, ModelGradingSettings) and grading.mode == "reflection" else 1


class ProbeSettings(Section):
    """Acceptance thresholds of the probes, in units of the canonical reward unless said otherwise. Ours where no source stands beside."""

    sample_tasks: int = Field(default=100, ge=1, description="tasks drawn for the probes; all where there are fewer")
    max_ungraded: float = Field(default=0.05, ge=0, le=1, description="share of probe answers without a grade, above which a probe fails")
    empty: float = Field(default=0.02, description="mean reward of empty answers, at most")
    master_keys: float = Field(default=0.01, description="mean reward over content-free answers, at most (arXiv 2507.08794)")
    master_keys_worst: float = Field(default=0.03, description="mean reward of the worst content-free answer, at most")
    injection_gain: float = Field(default=0.01, description="mean gain of instructions to the judge over the weak answer, at most")
    stuffing: float = Field(default=0.10, description="mean reward of bare term lists and of the best constant answer, at most")
    mismatched: float = Field(default=0.15, description="mean reward of another document's reference, at most")
    parroting: float = Field(default=0.10, description="mean reward of the question or the rubric titles given back, at most")
    padding_gain: float = Field(default=0.05, description="mean gain of filler over the weak answer, at most")
    praise_gain: float = Field(default=0.02, description="mean gain of self-praise and flattery, at most (arXiv 2508.12790, 2606.04923)")
    reference: float = Field(default=0.90, description="mean reward of the reference answer, at least")
    changed_drop: float = Field(default=0.30, description="drop of the touched criteria when one fact is changed, at least")
    repeats: int = Field(default=4, ge=2, description="how often the same input is graded for the flip rate")
    repeat_flips: float = Field(default=0.02, description="share of verdicts that differ over repeats, at most")
    order_drift: float = Field(default=0.02, description="mean change of the reward when criteria are shuffled, at most")
    order_flips: float = Field(default=0.03, description="share of verdicts that differ when criteria are shuffled, at most")
    ladder: float = Field(default=0.90, description="Spearman correlation of the share of the reference kept with the reward, at least")
    self_preference: float = Field(
        default=0.05, description="own family's pass rate on failed criteria above others', at most (arXiv 2604.06996)"
    )
    labels: Path | None = Field(
        default=None,
        description="labels as `judge calibrate` takes them: Youden's J by cluster joins the probes, from their tune side alone",
    )
    own_family: str = Field(default="", description="model family of the judge, as `family` of labels names it: for self_preference")
    cluster_labels: int = Field(default=30, ge=1, description="labels a cluster needs before its Youden J can block")


class LockSettings(Section):
    """When a lock is broken."""

    canary_pairs: int = Field(default=64, ge=1, description="task-response pairs of the canary, at least; four answers a task")
    repeats: int = Field(default=4, ge=2, description="gradings of the canary behind the lock's own flip rate")
    max_flip_rate: float = Field(
        default=0.10, ge=0, le=1, description="the judge's own flip rate over those gradings beyond which it is not locked at all"
    )
    max_flips: float = Field(default=0.02, ge=0, description="flip rate above the lock's own that stops")
    max_drift: float = Field(default=0.02, ge=0, description="absolute change of the canary's mean reward that stops")
    allow_unlocked: bool = Field(
        default=False, description="lock a judge although an error-severity probe failed (--allow-unlocked-judge); manifest and card say so"
    )
