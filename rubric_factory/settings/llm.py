"""Language-model backends shared by author and judge sections."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from rubric_factory.settings.base import Section

# Names that another commit answers to tomorrow.
MOVING = frozenset({"main", "master", "latest", "head"})


def _fixed(value: str) -> str:
    if not value.strip() or value.strip().lower() in MOVING:
        raise ValueError("a name that never moves: the commit of the weights (a model card shows it under Files), a tag or a date")
    return value


Revision = Annotated[str, AfterValidator(_fixed)]


class Sampling(Section):
    """Sampling of one request; part of the ledger key."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=4096, ge=1)


class LanguageModelSection(Section):
    """What names a model. No defaults: model and revision change what a dataset means."""

    model: str = Field(description="name or path of the model, as the backend knows it")
    revision: Revision = Field(description="revision of the weights (commit, tag or date, no branch): part of every identity")
    sampling: Sampling = Sampling()
    give_up_after: int = Field(default=3, ge=1, description="failed runs after which a request is a dead letter and not sent again")


def _plain_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address is http://HOST[:PORT]/PATH or https://..., without query or fragment")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address holds a user name or password: secrets come from the environment variable that api_key_env names")
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_plain_address)]


class Endpoint(Section):
    """One server of several that serve the same model: `endpoints = [{ url = "http://gpu1:8000/v1", weight = 2.0 }, ...]`."""

    url: Address = Field(description="for example http://gpu1:8000/v1")
    weight: float = Field(default=1.0, gt=0, le=100, description="its share of work: scales concurrency and both limits per minute")
    api_key_env: str = Field(default="", description="environment variable that holds its key; empty: the section's")


class OpenAICompatible(LanguageModelSection):
    """Any server that speaks POST /v1/chat/completions, or several of them. Proxies: HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured."""

    type: Literal["openai_compatible"] = "openai_compatible"
    base_url: Address | None = Field(default=None, description="the server, for example http://localhost:8000/v1; or else `endpoints`")
    endpoints: tuple[Endpoint, ...] = Field(
        default=(), max_length=1024, description="several servers of the same model, instead of base_url"
    )
    api_key_env: str = Field(default="OPENAI_API_KEY", description="environment variable that holds the key, if the server wants one")
    concurrency: int = Field(
        default=32, ge=1, le=4096, description="requests under way at once at each server, at most; fewer where it slows"
    )
    timeout_seconds: float = Field(default=300.0, gt=0, description="wall time of one request")
    retries: int = Field(default=4, ge=0, description="further tries after a transport error, a timeout, 429 or 5xx")
    requests_per_minute: float | None = Field(default=None, gt=0, description="requests sent to each server, at most; empty: no limit")
    tokens_per_minute: float | None = Field(default=None, gt=0, description="tokens, of prompt and reply, at each server, at most")
    outage_seconds: float = Field(default=3600.0, ge=0, description="how long to wait, paused, for servers that stopped answering")
    response_format: bool = Field(default=True, description="send the reply's JSON schema (false: a server that refuses the parameter)")

    @model_validator(mode="after")
    def _addressed(self) -> "OpenAICompatible":
        if (self.base_url is None) == (not self.endpoints):
            raise ValueError("name either base_url or endpoints")
        if len({endpoint.url for endpoint in self.endpoints}) < len(self.endpoints):
            raise ValueError("endpoints names the same url twice: give it one entry and a weight")
        return self

    @property
    def servers(self) -> tuple[Endpoint, ...]:
        """The endpoints, whichever way they are written."""
        return self.endpoints or (Endpoint(url=self.base_url or ""),)


class Vllm(LanguageModelSection):
    """vLLM in this process: needs the extra [vllm]."""

    type: Literal["vllm"] = "vllm"
    max_model_len: int | None = Field(default=None, description="context length; empty: the model's own")
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs that hold one copy of the model together")
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1, description="share of a GPU's memory that vLLM takes")
    prefix_caching: bool = Field(default=True, description="compute the part that prompts share once")
    structured_outputs: Literal["guidance", "xgrammar"] = Field(
        default="guidance",
        description="what holds replies to their schema; xgrammar (0.2.7) lets a bounded string hold neither quote nor backslash",
    )


class Local(LanguageModelSection):
    """transformers in this process, one GPU or a CPU, for small models and people without a server: needs the extra [local]."""

    type: Literal["local"] = "local"
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the GPU where there is one")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(default="auto", description="auto: bfloat16 on a GPU, float32 on a CPU")
    batch: int = Field(
        default=8,
        ge=1,
        le=256,
        description="replies written together; a smaller batch takes less memory. A batch that is not full costs as much as a full one",
    )
    max_model_len: int | None = Field(default=None, ge=1, description="tokens of prompt and reply together; empty: the model's own limit")
    download: bool = Field(default=False, description="fetch a model that is no folder and not in the Hugging Face cache from the Hub")


class BatchFiles(LanguageModelSection):
    """Requests out as OpenAI-batch JSONL, answers in: for air-gapped clusters and hosted batch services."""

    type: Literal["batch_files"] = "batch_files"
    requests_dir: Path = Field(description="folder the request shards are written to; relative to the configuration file")
    responses_dir: Path = Field(description="folder the answers are read from, every *.jsonl in it; relative to the configuration file")
    shard_requests: int = Field(default=5000, ge=1, description="requests per file")


class Scripted(LanguageModelSection):
    """Answers from a Python function 'package.module:function' (Request -> text): tests and rehearsals. A fake, and named as one."""

    type: Literal["scripted"] = "scripted"
    function: str = Field(pattern=r"^[\w.]+:\w+$")


Backend = OpenAICompatible | Vllm | Local | BatchFiles | Scripted
