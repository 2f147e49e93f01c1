"""Which settings belong to a version, and the number that follows from what changed.

The fingerprints themselves are computed from files and live in dataset_files, where readers find them.
"""

from pathlib import Path
from typing import Any

from rubric_factory.dataset_version import semantic
from rubric_factory.records import DatasetVersion

# Raised when a column keeps its name and type but changes its meaning: makes the next version a MAJOR one.
FORMAT = 2
FIRST = "1.0.0"
# Sections that come after publishing, and keys that say how a run was carried out, not what was made: not published, not hashed.
_AFTERWARDS = frozenset({"training", "evaluation", "serve", "prices"})
_HOW = frozenset({"base_url", "endpoints", "api_key_env", "workers", "concurrency", "timeout_seconds", "retries", "stop_after"})
_HOW |= frozenset({"requests_per_minute", "tokens_per_minute", "outage_seconds", "prefix_caching"})
_HOW |= frozenset({"tensor_parallel_size", "gpu_memory_utilization", "shard_documents", "shard_requests", "recycle_documents"})


def public_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Resolved settings that make a dataset, without paths and addresses: what is published as settings.json, and hashed.

    settings: `Settings.model_dump()` (Python mode, so that a path is a Path).
    """
    public: dict[str, Any] = _public({key: value for key, value in settings.items() if key not in _AFTERWARDS})
    return public


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _public(part) for key, part in value.items() if not isinstance(part, Path) and key not in _HOW}
    if isinstance(value, list | tuple):
        return [_public(part) for part in value if not isinstance(part, Path)]
    return value


def next_version(parent: DatasetVersion | None, *, schema_fingerprint: str, content_fingerprint: str, card_fingerprint: str) -> str | None:
    """Number of the version to publish after parent, None where nothing changed.

    MAJOR: schema or meaning (FORMAT). MINOR: content. PATCH: card and metadata only. The first is 1.0.0.
    """
    if parent is None:
        return FIRST
    major, minor, patch = semantic(parent.version)
    if parent.manifest["schema_fingerprint"] != schema_fingerprint or parent.manifest.get("format") != FORMAT:
        return f"{major + 1}.0.0"
    if parent.content_fingerprint != content_fingerprint:
        return f"{major}.{minor + 1}.0"
    if parent.card_fingerprint != card_fingerprint:
        return f"{major}.{minor}.{patch + 1}"
    return None
