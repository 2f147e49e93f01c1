"""A process that cuts: one JSON job a line in, one JSON answer a line out; its end of input is its end.

Started as `python -m rubric_factory.passages.worker`. First line: the settings of `[passages]`.
"""

import json
import os
import sys
import threading
import time

from rubric_factory.errors import FactoryError
from rubric_factory.passages.cut import Cutter, Job
from rubric_factory.settings.passages import PassageSettings

PARENT_SECONDS = 0.25


def _end_with(parent: int) -> None:
    """End this process soon after its parent, in the middle of a job too: nobody would take its answer."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


def main() -> None:
    """Answer jobs until the input ends. A FactoryError is an answer; anything else ends the process, and shows on stderr."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    cutter = Cutter(PassageSettings.model_validate_json(sys.stdin.readline()))
    for line in sys.stdin:
        try:
            answer: dict[str, object] = {"documents": cutter.cut(Job(**json.loads(line)))}
        except FactoryError as error:
            answer = {"got": error.got, "error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
