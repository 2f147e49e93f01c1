"""What constrained decoding leaves to mend in a structured reply before it is parsed."""

# Outside strings these are white space or illegal, inside strings always illegal: a blank is right in both places.
_CONTROLS = dict.fromkeys(range(0x20), " ")


def json_text(reply: str) -> str:
    """The reply with raw control characters as blanks; JSON that was valid keeps its meaning.

    xgrammar (0.2.7 measured) allows a string with maxLength any character but quote, backslash, CR and LF: tabs and other controls
    come through raw, and strict JSON refuses them. See docs/experiments.md.
    """
    return reply.translate(_CONTROLS)
