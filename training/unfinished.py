"""A policy that is being made and may be stopped: its state, in one file beside the place it will have, until it is done."""

import io
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from rubric_factory.workspace import atomic_path

SECONDS = 5.0  # between writes: what a kill costs at most, and far longer than a write of the small policy takes


def _identity(folder: Path) -> dict[str, Any]:
    """What a state may be continued as: the policy (its name is a digest of settings, seed and texts), by the same arithmetic."""
    import transformers

    return {
        "policy": folder.name,
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
    }


class Unfinished:
    """State of one stage that makes `folder`: finished steps, weights, optimisers, losses so far.

    No random state: what a step draws depends on seed and step alone, so a continued stage ends in the weights of an undisturbed one.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder.with_name(f".{folder.name}.unfinished.pt")
        self._identity = _identity(folder)
        self._since = time.monotonic()

    def restore(self, model: Any, optimisers: list[torch.optim.Optimizer]) -> tuple[int, list[float]]:
        """Put the state into model and optimisers; (steps finished, losses). (0, []) where there is none, or that of something else."""
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return 0, []
        except (RuntimeError, EOFError, pickle.UnpicklingError):  # damaged: it is worth some minutes, not an error
            return 0, []
        if state["identity"] != self._identity:
            return 0, []
        model.load_state_dict(state["model"])
        for optimiser, own in zip(optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(own)
        return state["step"], state["losses"]

    def keep(self, step: int, model: Any, optimisers: list[torch.optim.Optimizer], losses: list[float]) -> None:
        """Write the state after `step` steps, if it is time. Errors: WorkspaceError for a full or read-only disk."""
        if time.monotonic() - self._since < SECONDS:
            return
        whole = io.BytesIO()
        state = {
            "identity": self._identity,
            "step": step,
            "model": model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in optimisers],
            "losses": losses,
        }
        torch.save(state, whole)
        with atomic_path(self.path) as part:
            part.write_bytes(whole.getbuffer())
        self._since = time.monotonic()

    def remove(self) -> None:
        """The policy is there: its state is of no more value."""
        self.path.unlink(missing_ok=True)
