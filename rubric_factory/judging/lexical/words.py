"""Word lists of the lexical judge: function words, negators, number words, units. Its own; nothing else reads them."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS = _set(
    "a an the this that these those such some any each every all both either neither no not nor and or but so yet if then than as while "
    "when where whereas because since although though unless until of to in on at by for from with without within into onto upon over "
    "under above below between among across through during before after about against per via is are was were be been being am has have "
    "had having do does did doing can could may might must shall should will would cannot it its they them their he she his her we our us "
    "you your i my me who whom whose which what how why there here also only very more most less least much many few other another same "
    "one ones up down out off again once own just even still too well rather else thus hence therefore however"
)
# An article wants a noun phrase: after it, none of these closed-class words can stand.
ARTICLES = _set("a an the")
NEVER_AFTER_ARTICLE = _set(
    "a an the this that these those and or but nor of to in on at by for from with without into is are was were be been has have had do "
    "does did can could may might must shall should will would cannot if "
    "because since although though unless until when where which who it its "
    "they them their he she we you i than as"
)
# No sentence ends with these.
NEVER_LAST = _set("a an the and or but nor of is are was were than because if although unless my your our their every")
NEGATORS = _set("not no never neither nor none cannot without nothing nobody nowhere hardly")
_TWO_TO_TWELVE = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_TWO_TO_TWELVE, start=2)} | {
    "zero": "0",
    "hundred": "100",
    "thousand": "1000",
}
# Spellings of one unit, taken for one only right after a number.
_UNITS = {
    "percent": "% percent percentage pct",
    "degree": "° degree degrees deg",
    "millimetre": "mm millimetre millimetres millimeter millimeters",
    "centimetre": "cm centimetre centimetres centimeter centimeters",
    "metre": "m metre metres meter meters",
    "kilometre": "km kilometre kilometres kilometer kilometers",
    "inch": "inch inches",
    "nanosecond": "ns nanosecond nanoseconds",
    "microsecond": "us µs μs microsecond microseconds",
    "millisecond": "ms msec millisecond milliseconds",
    "second": "s sec secs second seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
    "year": "yr yrs year years",
    "bit": "bit bits",
    "byte": "byte bytes",
    "kilobyte": "kb kilobyte kilobytes",
    "kibibyte": "kib kibibyte kibibytes",
    "megabyte": "mb megabyte megabytes",
    "mebibyte": "mib mebibyte mebibytes",
    "gigabyte": "gb gigabyte gigabytes",
    "gibibyte": "gib gibibyte gibibytes",
    "terabyte": "tb terabyte terabytes",
    "hertz": "hz hertz",
    "kilohertz": "khz kilohertz",
    "megahertz": "mhz megahertz",
    "gigahertz": "ghz gigahertz",
    "gram": "g gram grams gramme grammes",
    "milligram": "mg milligram milligrams",
    "kilogram": "kg kilogram kilograms",
    "litre": "l litre litres liter liters",
    "millilitre": "ml millilitre millilitres milliliter milliliters",
    "volt": "v volt volts",
    "millivolt": "mv millivolt millivolts",
    "ampere": "amp amps ampere amperes",
    "milliampere": "ma milliamp milliamps milliampere milliamperes",
    "watt": "w watt watts",
    "kilowatt": "kw kilowatt kilowatts",
    "megawatt": "mw megawatt megawatts",
    "joule": "j joule joules",
    "pascal": "pa pascal pascals",
    "kilopascal": "kpa kilopascal kilopascals",
    "megapascal": "mpa megapascal megapascals",
    "bar": "bar bars",
    "kelvin": "k kelvin kelvins",
    "mole": "mol mole moles",
    "pixel": "px pixel pixels",
    "point": "pt point points",
}
UNITS = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings.split()}
