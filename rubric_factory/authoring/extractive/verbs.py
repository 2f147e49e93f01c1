"""Verbs the extractive author can inflect, by the question their object answers."""

from rubric_factory.authoring.extractive.lexicon import word_set

# Verbs whose object answers "what does S <verb>?". Base forms; inflection below.
FUNCTION_VERBS = word_set(
    "return provide compute contain represent specify define determine control describe include accept create generate store hold "
    "produce display print perform implement use require need support handle enable allow offer execute replace remove add convert "
    "evaluate calculate estimate modify insert read write set give show list invoke call assume consider expect extend "
    "override inherit wrap load manage mark measure select sort split start stop tell test track update yield search place combine "
    "expose change adjust ignore append assign build check choose collect delete disable draw encode fit format indicate initialize "
    "initialise install interpolate link map maximize minimize minimise merge parse permit process receive record release render report "
    "restore resume save scale send serve simulate solve suppress transform verify introduce illustrate reduce increase avoid "
    "simplify guarantee exploit adopt reset rename redefine typeset distinguish optimize bind advertise commit schedule coalesce skip "
    "equal follow achieve acquire activate affect aggregate allocate analyze analyse arrange attach broadcast cancel clear "
    "close compile complete compress concern configure connect consume copy correct count decrease deliver deploy derive destroy "
    "detect develop discard divide drop duplicate eliminate embed emit encourage establish examine exceed exclude expand export extract "
    "fetch fill filter find fix flag flush free govern group hide identify import impose inform inspect integrate intercept involve "
    "keep launch leave limit locate lock log maintain match mimic mirror model monitor move multiply name number obtain open order "
    "output possess predict prefer preserve propagate protect reach recommend recompute redirect regulate reject reload "
    "reproduce reserve resize resolve respect restrict retain retrieve reveal reverse rotate round run satisfy separate share shift "
    "shrink substitute suggest summarize supply surround suspend switch synchronize terminate throw transfer translate treat trigger "
    "truncate unify upload validate vectorize violate declare facilitate"
)
MEANING_VERBS = word_set("mean denote represent describe indicate signify")
CONSEQUENCE_VERBS = word_set("cause prevent ensure imply guarantee trigger make reduce improve")
# verb + preposition taken together, and the family of the question
PREPOSITIONAL = {
    "refer to": "definition",
    "stand for": "definition",
    "correspond to": "definition",
    "consist of": "composition",
    "comprise": "composition",
    "belong to": "composition",
    "depend on": "dependency",
    "rely on": "dependency",
    "result in": "consequence",
    "lead to": "consequence",
    "default to": "default",
    "apply to": "function",
    "operate on": "function",
    "begin with": "function",
    "start with": "function",
    "end with": "function",
    "focus on": "function",
    "return to": "function",
    "expand to": "function",
    "evaluate to": "function",
    "point to": "function",
    "deal with": "function",
    "work with": "function",
    "come with": "composition",
    "conform to": "constraint",
    "differ in": "comparison",
    "vary with": "dependency",
}
_HEADS = word_set(
    "refer stand correspond consist comprise belong depend rely result lead default apply operate begin end focus point deal come"
)
VERBS = (
    FUNCTION_VERBS
    | MEANING_VERBS
    | CONSEQUENCE_VERBS
    | _HEADS
    | word_set(
        "have differ exist happen occur work become remain appear seem lie fail tend vary grow fall go do look conform reflect expire "
        "crash overflow finish arrive disappear rise"
    )
)
# Verbs whose object alone says nothing: 'takes the form', 'plays a role', 'is'.
LIGHT_VERBS = word_set(
    "be become remain appear seem look take give put make play have let come go get keep do last cost belong leave raise carry"
)
# Third persons and base forms that are as often nouns: verbs only where a determiner or a number follows.
_NOUNS = word_set(
    "use call set list map link test mark point result format type need change record report start end display name number model group "
    "order output share shift flag filter copy count cover drop fill fix force load lock log move process release round run switch work "
    "export import mirror place limit match support return read write increase measure search track update control store form estimate "
    "split sort wrap value check build supply stop look display print fit scale bind trigger yield default pass"
)


def third_person(base: str) -> str:
    """Third person singular of a verb: return -> returns, apply -> applies, match -> matches."""
    if base in ("have", "do", "go"):
        return {"have": "has", "do": "does", "go": "goes"}[base]
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s")


def base_of(third: str) -> str:
    """Base form of a third person singular that the lexicon does not hold: 'lifts' -> 'lift', 'relies' -> 'rely', 'passes' -> 'pass'."""
    if third.endswith("ies") and len(third) > 4:
        return third[:-3] + "y"
    return third[:-2] if third.endswith(("sses", "ches", "shes", "xes", "zzes", "oes")) else third[:-1]


THIRD_PERSON = {third_person(base): base for base in sorted(VERBS)}
NOUN_LIKE = _NOUNS | {third_person(base) for base in _NOUNS}
IMPERATIVES = VERBS | word_set("note see consider let please remember recall suppose try put be thanks click press type enter")
