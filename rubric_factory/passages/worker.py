"""A process that cuts: one JSON job a line in, one JSON answer a line out; its end of input is its end.

Started as `python -m rubric_factory.passages.worker`. First line: the settings of `[passages]`.
"""

import json
import sys

from rubric_factory.errors import FactoryError
from rubric_factory.passages.cut import Cutter, Job
from rubric_factory.settings.passages import PassageSettings


def main() -> None:
    """Answer jobs until the input ends. A FactoryError is an answer; anything else ends the process, and shows on stderr."""
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
