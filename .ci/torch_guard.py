"""Stops before a torch that would bring CUDA packages (several GB) is downloaded: torch_guard.py REQUIREMENT [INDEX] [ALLOW]."""

import json
import re
import subprocess
import sys

from pip._vendor.packaging.requirements import Requirement

CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def cuda_packages(requires: list[str]) -> list[str]:
    """Names among the requirements that belong to CUDA and apply to this machine."""
    wanted = [Requirement(line) for line in requires]
    names = [r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [name for name in names if re.match(r"(nvidia|cuda|triton|pytorch-triton)", name)]


def main(requirement: str, index: str = "", allow: str = "") -> int:
    """0 to go on, 2 with a hint to stop."""
    if allow:
        return 0
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--dry-run", "--no-deps", "--report", "-"]
    done = subprocess.run([*command, requirement, *(["--index-url", index] if index else [])], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"error: pip finds no {requirement}\n{done.stderr.strip()}", file=sys.stderr)
        return 2
    installs = json.loads(done.stdout)["install"]
    found = cuda_packages([line for entry in installs for line in entry["metadata"].get("requires_dist", [])])
    if not found:
        return 0
    print(
        f"error: {requirement} from this index would bring {len(found)} CUDA packages, several GB ({', '.join(found[:3])}, ...);\n"
        f"fix: make TORCH_INDEX={CPU_INDEX} ...   (for the CPU build)\n"
        "     make ALLOW_CUDA=1 ...   (if that is what you want)",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
