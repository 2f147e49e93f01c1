"""Arrow schemas of what is asked and graded: tasks, what authors and gates noted, scores and verdicts."""

import pyarrow as pa

_S, _I = pa.string(), pa.int64()

MESSAGE = pa.struct([("role", _S), ("content", _S)])
CRITERION = pa.struct(
    [
        ("criterion_id", _S),
        ("criterion_key", _S),
        ("title", _S),
        ("description", _S),
        ("category", _S),
        ("weight", _I),
        ("required_elements", pa.list_(_S)),
        ("scoring_guide", pa.list_(pa.struct([("level", _I), ("meaning", _S)]))),
        ("verification_cues", pa.list_(_S)),
        ("evidence", pa.list_(pa.struct([("start", _I), ("end", _I), ("quote", _S)]))),
    ]
)

TASKS = pa.schema(
    [
        ("task_id", _S),
        ("task_key", _S),
        ("passage_id", _S),
        ("document_id", _S),
        ("document_key", _S),
        ("prompt", pa.list_(MESSAGE)),
        ("question", _S),
        ("question_type", _S),
        ("reference_answer", _S),
        ("rubric", pa.list_(CRITERION)),
        ("author", _S),
        ("evidence_grade", _S),
    ]
)
# One row per passage and author identity that has been asked, so that a re-run asks only the rest.
AUTHORED = pa.schema([("passage_id", _S), ("author", _S), ("tasks", _I)])
# One row per slot of a passage that a language-model author tried: what it says besides the task, and what repair did.
_NOTED = ("task_key", "passage_id", "mode", "difficulty", "weak_answer", "first_refusal")
TASK_NOTES = pa.schema([*((name, _S) for name in _NOTED), ("repair_rounds", _I)])
# One row per task and gate; figure is what the gate measured.
GATE_RESULTS = pa.schema(
    [("task_id", _S), ("gate", _S), ("severity", _S), ("passed", pa.bool_()), ("figure", pa.float64()), ("detail", _S)]
)

_F = pa.float64()
QUALITY = pa.struct([(name, _F) for name in ("reference_score", "weak_score", "mismatch_score", "spread", "difficulty")])
# One row per task that a judge graded; graded_as names judge, settings and thresholds. spread: best above worst of a
# solver's answers; difficulty: 1 - their mean score. Both are null without a solver.
SCORES = pa.schema([("task_id", _S), ("judge", _S), ("graded_as", _S), *[(field.name, field.type) for field in QUALITY]])
# One row per criterion of a task whose reference and weak answer were graded: the credit in [0, 1] that each got, how much of the margin
# between them the criterion makes (null for the only positive one), and whether it tells any two of the answers apart.
NECESSITY = pa.schema(
    [
        ("task_id", _S),
        ("criterion_key", _S),
        ("category", _S),
        ("weight", _I),
        ("reference_share", _F),
        ("weak_share", _F),
        ("margin_change", _F),
        ("separates", pa.bool_()),
    ]
)
# The criterion_key of a rating of the whole response, by a judge that gives no verdicts.
RATING = "rating"
# One row per criterion of a judged response; criteria: rows that the response has when none is missing (null in older files).
# raw (the judge's reply) and the tokens stand in the first row of each response only. agreement and votes: of an ensemble alone (null in
# older files too); a vote is what one member found, its raw and tokens in the first row of each response.
VOTE = pa.struct(
    [
        ("judge", _S),
        ("level", _I),
        ("failure", _S),
        ("reason", _S),
        ("raw", _S),
        ("prompt_tokens", _I),
        ("completion_tokens", _I),
    ]
)
VERDICTS = pa.schema(
    [
        ("task_id", _S),
        ("response_id", _S),
        ("criterion_key", _S),
        ("level", _I),
        ("max_level", _I),
        ("weight", _I),
        ("category", _S),
        ("failure", _S),
        ("reason", _S),
        ("judge", _S),
        ("raw", _S),
        ("prompt_tokens", _I),
        ("completion_tokens", _I),
        ("criteria", _I),
        ("agreement", _F),
        ("votes", pa.list_(VOTE)),
    ]
)
