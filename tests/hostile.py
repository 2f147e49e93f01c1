"""Text that attacks a page or its reader, and a parser that lists what a browser would act on."""

from html.parser import HTMLParser

HOSTILE = (
    "</td></style></title></textarea><script>document.title='pwned';window.pwned=1</script>"
    "<img src=x onerror=\"window.pwned=1\"><svg onload='window.pwned=1'><a href='javascript:window.pwned=1'>go</a>"
    "<iframe src='https://evil.example/'></iframe><link rel=stylesheet href='https://evil.example/x.css'>"
    '" onmouseover="window.pwned=1" x="{{ 7 * 7 }} {% raw %} $\\frac{1}{0}$ <!-- --> ]]> '
    "\u202egnp.exe\u202c z\u200be\u00adr\u2060o \u2066iso\u2069 \U000e0041tag\u061c \x00nul \x1b[31mred \u2028line &lt;b&gt; &#x3c;"
)
# Every code point of it that must be shown as <U+XXXX>.
HIDDEN = [ch for ch in HOSTILE if ch in "\u202e\u202c\u200b\u00ad\u2060\u2066\u2069\U000e0041\u061c\x00\x1b\u2028"]
LONG = "W" * 60_000


class Inventory(HTMLParser):
    """tags, attributes as (tag, name, value), and the text outside style."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self._style = [], [], [], False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._style = tag == "style"

    def handle_endtag(self, tag):
        self._style = False

    def handle_data(self, data):
        if not self._style:
            self.text.append(data)


def assert_inert(page):
    """No element that acts, no handler, no address but anchors of the page itself, one stylesheet, the policy in place."""
    found = Inventory(page)
    assert not {"script", "img", "iframe", "object", "embed", "form", "input", "audio", "video", "base"} & set(found.tags)
    assert found.tags.count("style") == 1 == found.tags.count("main")
    assert [name for _, name, _ in found.attributes if name.startswith("on")] == []
    for tag, name, value in found.attributes:
        if name in ("href", "xlink:href", "src", "action", "srcset", "data", "poster", "background"):
            assert value.startswith("#") or (tag, value) == ("link", "data:,"), (tag, name, value)
        if name == "style":
            assert "url(" not in value.replace("url(#", ""), value
    policies = [value for tag, name, value in found.attributes if (tag, name) == ("meta", "content") and "default-src" in value]
    assert policies and policies[0].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    text = "".join(found.text)
    assert not set(HIDDEN) & set(page), "a hidden character is in the page as it is"
    return text
