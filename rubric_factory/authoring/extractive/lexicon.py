"""Word lists of the extractive author: English function words, verbs it can inflect, nouns that say nothing by themselves."""


def word_set(text: str) -> frozenset[str]:
    """The words of a blank-separated list."""
    return frozenset(text.split())


DETERMINERS = word_set("the a an each every all any some most many both several no few multiple various another")
PREPOSITIONS = word_set(
    "in on at by for with from to of as into onto over under after before between during without within through via about against "
    "per than like upon across along among around behind beyond despite except inside outside since until toward towards"
)
# A clause that opens so has no subject that a question could name.
PRONOUNS = word_set(
    "it this that these those they he she we you i there here such one ones other others another either neither none both some many "
    "most what which who whom whose its their his her our your my them him us me itself themselves everything anything nothing "
    "everyone anyone someone something everybody nobody same latter former few several all"
)
# Pronouns that a standalone question must not hold.
UNRESOLVED = word_set("it its itself this that's these those they them their theirs themselves he she his her we us our ours i my me such")
BE = word_set("is are was were")
MODALS = word_set("can could will would should may might must cannot shall")
HAVE = word_set("has have had")
AUXILIARIES = BE | MODALS | word_set("does do did")
RELATIVES = word_set("that which who whom whose where when if unless because whether while whereas although though how why what so but nor")
CONJUNCTIONS = word_set("and or nor but yet so")
ADVERBS = word_set(
    "also always only usually generally typically often normally currently simply just now still then already therefore thus hence never "
    "mainly mostly sometimes automatically directly explicitly implicitly actually really quite very basically essentially frequently "
    "commonly internally initially primarily further instead however furthermore moreover additionally immediately rather merely"
)
STOPWORDS = (
    DETERMINERS
    | PREPOSITIONS
    | PRONOUNS
    | AUXILIARIES
    | HAVE
    | RELATIVES
    | CONJUNCTIONS
    | ADVERBS
    | word_set(
        "be been being not more less much very too well even however e.g i.e etc own other than out up down off again once same two-fold "
        "able let lets get gets got make makes made using used use uses done doing having given need needs needed want wants way ways "
        "thing things case cases fact kind kinds sort sorts lot lots bit example examples following follows above below similar different "
        "possible necessary available important certain particular good better best new old simple easy hard useful desired appropriate "
        "corresponding respective entire whole first second third last next previous additional extra general specific usual common "
        "somehow together order regarding including depending instance approach preferred rest etc end ends sense account "
        "main actual current existing exactly approximately least will would must shall provided called known respectively"
    )
)
# Heads that mean nothing outside their paragraph when only "the" stands before them.
GENERIC_HEADS = word_set(
    "function method option options value values argument arguments parameter parameters result results problem class command commands "
    "file files user users object objects type types program algorithm model models data example code case process system procedure "
    "approach difference reason idea point points question answer output input number list set name names first second third form rest "
    "remainder purpose effect behavior behaviour following author authors test tests plot figure table default syntax format structure "
    "implementation operation field flag string node step steps way variable variables matrix vector element elements item items line "
    "lines caller call text page pages term entry property size length space group member members pair solution estimate estimates "
    "rule rules description sequence pattern expression equation formula limit error message condition goal intent advantage drawback "
    "disadvantage distribution probability parameterization section paper document vignette changes change version attribute environment "
    "macro thumb"
)
# Nouns that carry nothing without what follows: "the point where ...", "a sequence of ...".
HOLLOW_NOUNS = word_set(
    "point number sequence set list amount part place value object means contents variety multitude range series collection total group "
    "pair choice size level area version form name copy component function argument"
)
# Words that no criterion may ask for alone: 'goes', 'at any time', 'the name can be specified'.
LIGHT_WORDS = word_set(
    "goes going go went work works time times name specified place places sure find finds found take takes taken run runs said "
    "change changes increase increases higher bigger larger lower greater easier easy convenient unable described things begins starts "
    "becomes become result results possibility air check right wrong look looks care come comes seen present happen happens feasible "
    "expected respect sake question likely issue performed considered regarded able quite evolving wide kind"
)
# Nouns that may be a detail, but not the core of an answer.
VAGUE_NOUNS = HOLLOW_NOUNS | word_set(
    "names parts numbers description values implementation parameter parameters multitude possibilities purpose purposes option method "
    "methods tool part reason situations scale large small amounts top way many user users mode individual recent"
)
# Plurals without an s.
IRREGULAR_PLURALS = word_set("women men people children data media criteria phenomena mice feet schemata formulae vertices indices")
# Adjectives that do not tell one generic thing from another.
PLAIN_ADJECTIVES = word_set(
    "optional mandatory required default combined exact minimal suitable new given returned main final whole full basic"
)
# Words that point at something outside the sentence.
DEICTIC = word_set(
    "above below following previous previously preceding aforementioned latter former here hereafter aforesaid figure fig "
    "appendix footnote herein tutorial vignette these those this"
)
NUMBER_WORDS = word_set("two three four five six seven eight nine ten eleven twelve sixteen twenty hundred thousand")
UNITS = word_set(
    "% percent byte bytes bit bits kb mb gb tb kib mib gib ms ns us s second seconds minute minutes hour hours day days week weeks month "
    "months year years pt mm cm km inch inches dpi hz khz mhz ghz em ex pixel pixels px characters character lines line columns column "
    "pages page words word spaces space times points"
)

PLURAL_LIKE_SINGULAR = ("ss", "us", "is", "'s", "’s")


def plural(noun: str) -> bool:
    """Whether a noun looks like a regular plural."""
    word = noun.lower().strip(".,;:()\"'")
    return len(word) > 3 and word.endswith("s") and not word.endswith(PLURAL_LIKE_SINGULAR)


def bare(token: str) -> str:
    """Token without surrounding punctuation, lower-cased."""
    return token.lower().strip(".,;:!?()[]\"'“”‘’")


def stem(word: str) -> str:
    """Crude stem, enough to see that 'labels' and 'label' or 'computed' and 'computes' are one word."""
    word = word.lower()
    for suffix in ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)].rstrip("y")
    return word
