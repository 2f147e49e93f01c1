"""Content ids, and the check that every record makes on construction."""

import hashlib
import json
from typing import Any


def content_id(*parts: Any) -> str:
    """sha256 hex digest over the canonical JSON of the parts. Any JSON-serialisable values; order matters."""
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def require(condition: bool, record: str, message: str) -> None:
    """Errors: ValueError that names the record, unless the condition holds."""
    if not condition:
        raise ValueError(f"{record}: {message}")
