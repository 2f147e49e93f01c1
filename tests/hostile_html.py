"""HTML and text made to hurt a parser or to smuggle text past a reader: name -> bytes, and what must come of each.

SECRET stands for text that no reader of the page sees: it must not come out.
"""

PROSE = "The valve is closed when the pressure in the tank exceeds the limit that is set by the operator. " * 8
BODY = f"<main><h1>Valve</h1><p>{PROSE}</p>"
KEPT = "kept"


def _page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>Valve</title>{head}</head><body>{body}</body></html>".encode()


def _rows(count: int, cells: str) -> str:
    return "<table>" + f"<tr>{cells}</tr>" * count + "</table>"


_ENTITIES = "<!DOCTYPE html [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};'>" for n in range(1, 40)) + "]>"

# name -> (bytes, what must come of it: 'kept', or the reason of the refusal)
CASES: dict[str, tuple[bytes, str]] = {
    "nested_divs_2000": (_page("<div>" * 2000 + BODY + "</div>" * 2000), KEPT),
    "nested_divs_100000": (_page("<div>" * 100_000 + BODY), "unparseable"),
    "nested_inline_50000": (_page(BODY + "<b><i>" * 25_000 + "deep"), "unparseable"),
    "nested_lists_900": (_page(BODY + "<ul><li>x" * 900), KEPT),
    "nested_tables_600": (_page(BODY + "<table><tr><td>a<td>b<tr><td>" * 600), KEPT),
    "nested_hidden_1500": (_page(BODY + "<div style='display:none'>" * 1500 + "SECRET"), KEPT),
    "unclosed_tags_100000": (_page(BODY + "<p><b>x" * 600 + "<p>y" * 100_000), KEPT),
    "table_20000_rows": (_page(BODY + _rows(20_000, "<td>1<td>two<td>three")), KEPT),
    "table_one_wide_row": (_page(BODY + "<table><tr>" + "<td>x" * 20_000 + "<tr><td>y<td>z</table>"), KEPT),
    "table_ragged_wide_and_long": (_page(BODY + "<table><tr>" + "<td>x" * 3000 + "<tr><td>y" * 3000 + "</table>"), KEPT),
    "table_huge_spans": (_page(BODY + _rows(200, "<td colspan=99999999 rowspan=65534>x<td rowspan=9999>y")), KEPT),
    "entity_bomb": ((_ENTITIES + f"<html><body>{BODY}<p>&a39;</p></body></html>").encode(), KEPT),
    "entities_500000": (_page(BODY + "<p>" + "&amp;" * 500_000), KEPT),
    "entities_of_nothing": (_page(BODY + "<p>" + "&#0;&#xD800;&#x110000;&#99999999999;&bogus;&" * 20_000), KEPT),
    "attributes_50000": (_page(BODY + "<p " + " ".join(f"a{n}='x'" for n in range(50_000)) + ">y"), "unparseable"),
    "attributes_4000": (_page(BODY + "<p " + " ".join(f"a{n}='x'" for n in range(4000)) + ">y"), KEPT),
    "attribute_of_5_mb": (_page(BODY + f"<p class='{'nav- ' * 1_000_000}'>y"), KEPT),
    "style_of_1_mb": (_page(BODY + f"<p style='{'left:' * 200_000}'>y"), KEPT),
    "style_near_misses": (_page(BODY + f"<p style='{'height:1px;' * 50_000}'>y"), KEPT),
    "meta_20000": (_page(BODY, "<meta name='author' content='x y'>" * 20_000), KEPT),
    "json_ld_deep": (_page(BODY, "<script type='application/ld+json'>" + "[" * 90_000 + "</script>"), KEPT),
    "script_unclosed": (_page(BODY + "<script>SECRET " * 3), KEPT),
    "comment_unclosed": (_page(BODY + "<p>more</p><!-- SECRET <p>SECRET"), KEPT),
    "script_from_entities": (_page(BODY + "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"), KEPT),
    "cdata_and_pis": (_page(BODY + "<?php SECRET ?><p>ok</p>"), KEPT),
    "hidden_half": (_page(BODY + "<p hidden>SECRET</p><p style='font-size:0'>SECRET</p><font color=#fff>SECRET</font>" * 300), KEPT),
    "all_hidden": (_page(f"<div style='display:none'>{PROSE}</div>"), "empty"),
    "zero_width_in_every_word": (_page(BODY + "<p>" + "t\u200bh\u2060e\u00ad \u202evalve\u202c\U000e0041 " * 2000), KEPT),
    "combining_marks_100000": (_page(BODY + "<p>a" + "\u0301\u0323" * 50_000), "content_lost"),
    "private_use_only": (_page("<main><p>" + "\ue000\ue001 " * 5000 + "</main>"), "empty"),
    "links_only_50000": (_page("".join(f"<a href='{n}'>go there</a>" for n in range(50_000))), "navigation"),
    "frames": (b"<html><frameset cols='50%,50%'><frame src='a'><frame src='b'></frameset></html>", "empty"),
    "nul_bytes_late": (_page(BODY + "<p>x" + " " * 70_000 + "\x00" * 1000 + "y"), KEPT),
    "latin_1_declared_utf_8": (_page(BODY).replace(b"valve", "välve".encode("latin-1")), KEPT),
    "unknown_charset": (_page(BODY).replace(b"utf-8", b"x-klingon").replace(b"valve", b"v\xe4lve"), KEPT),
    "charset_is_a_codec_of_bytes": (_page(BODY).replace(b"utf-8", b"base64").replace(b"valve", b"v\xe4lve"), KEPT),
    "charset_is_a_transform": (_page(BODY).replace(b"utf-8", b"rot13").replace(b"valve", b"v\xe4lve"), KEPT),
    "svg_and_mathml_soup": (_page(BODY + "<svg><math><svg><p>" * 300 + "<annotation encoding='application/x-tex'>" * 300), KEPT),
    "line_of_8_mb": (_page(BODY + "<p>" + "word " * 1_600_000), KEPT),
    "pre_of_300000_spans": (_page(BODY + "<pre>" + "<span class=k>x</span> " * 100_000 + "</pre>" + f"<p>{PROSE * 60}</p>"), KEPT),
    "breaks_200000": (_page(BODY + "x<br>" * 200_000), KEPT),
    "not_closed_anything": (b"<html><body><p>" + PROSE.encode() + b"<div><table><tr><td", KEPT),
    "text_form_feeds_100000": (PROSE.encode() + b"\f" * 100_000 + PROSE.encode(), KEPT),
    "text_unclosed_fences_50000": (PROSE.encode() + b"\n\n````x\n" * 50_000, KEPT),
    "text_fences_growing": (PROSE.encode() + b"".join(b"\n" + b"`" * n + b"\nx\n" for n in range(900, 3, -1)), KEPT),
    "text_front_matter_unclosed": (b"---\n" + b"a: b\n" * 100_000 + PROSE.encode(), KEPT),
    "text_comments_unclosed": (PROSE.encode() + b" <!-- x" * 100_000, KEPT),
    "rest_borders_100000": (b"====\nValve\n====\n\n" + PROSE.encode() + b"\n\n== ==\nx\n\n" * 100_000, KEPT),
    "rest_directives_in_directives": (
        b"====\nValve\n====\n\n"
        + PROSE.encode()
        + b"\n\n"
        + b"".join(b"  " * n + b".. note::\n\n" for n in range(300))
        + b"  " * 300
        + b"x\n",
        KEPT,
    ),
    "rest_backticks_200000": (b"====\nValve\n====\n\n" + PROSE.encode() + b"\n\n" + b"`a <" * 200_000, KEPT),
    "rest_include_and_raw": (
        b"====\nValve\n====\n\n" + PROSE.encode() + b"\n\n.. include:: /etc/passwd\n\n.. raw:: html\n\n   <script>SECRET</script>\n",
        KEPT,
    ),
    "text_numbers_100000": (PROSE.encode() + b"".join(b"\n\n%d. Valve\n\nx" % n for n in range(100_000)), KEPT),
}

HOSTILE_HTML: dict[str, bytes] = {name: data for name, (data, _) in CASES.items()}
