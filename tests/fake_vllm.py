"""What rubric_factory/llm/vllm.py uses of vLLM, answered by a function: the room's own code is tested where vLLM is not installed."""

import sys
from types import ModuleType, SimpleNamespace


class VLLMValidationError(Exception):
    pass


class VLLMServerError(Exception):
    pass


def install(monkeypatch, answer):
    """Put a `vllm` in place whose engine calls answer(messages, sampling) -> (text, finish_reason). Returns the engines made."""
    engines = []

    class LLM:
        def __init__(self, **keywords):
            self.keywords, self.queue, self.count = keywords, [], 0
            self.llm_engine = SimpleNamespace(abort_request=lambda ids, internal: self.queue.clear())
            engines.append(self)

        def enqueue_chat(self, messages, sampling, use_tqdm):
            self.count += 1
            if len(messages[-1]["content"]) > 100_000:
                raise VLLMValidationError("the prompt is longer than the context")
            self.queue.append((messages, sampling))
            return [str(self.count)]

        def wait_for_completion(self, use_tqdm):
            outputs = [self.output(*answer(messages, sampling)) for messages, sampling in self.queue]
            self.queue = []
            return outputs

        def output(self, text, finish):
            one = SimpleNamespace(text=text, finish_reason=finish, token_ids=[0] * 5)
            return SimpleNamespace(outputs=[one], prompt_token_ids=[0] * 3, num_cached_tokens=2)

    modules = {
        "vllm": {"LLM": LLM, "SamplingParams": SimpleNamespace},
        "vllm.platforms": {"current_platform": SimpleNamespace(is_cpu=lambda: False)},
        "vllm.exceptions": {"VLLMValidationError": VLLMValidationError, "VLLMServerError": VLLMServerError},
        "vllm.sampling_params": {"StructuredOutputsParams": SimpleNamespace},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return engines
