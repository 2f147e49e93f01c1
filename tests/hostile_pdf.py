"""PDFs that attack their reader, each made here: `documents()` gives name → bytes, `EXPECTED` what must come of them."""

import io
import itertools
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pypdf import PdfReader, PdfWriter

REAL = Path(__file__).parent / "data" / "documents" / "r-cran-lme4_lib_R_site-library_lme4_doc_Theory.pdf"
PROSE = "The pump is stopped before the valve of the tank is closed, and it is started again when the valve has been opened. "
NAMES = ("pump", "valve", "tank", "gauge", "motor", "relay", "filter", "piston", "rotor", "sensor")
SENTENCES = [f"({PROSE[:57]} {number} times by the {name}.) Tj 0 -12 Td" for number in range(4) for name in NAMES]
CONTENT = ("BT /F1 10 Tf 60 700 Td " + " ".join(SENTENCES) + " ET").encode()
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
Objects = dict[int, bytes]


def assemble(objects: Objects, trailer: bytes = b"", xref: bool = True, size: int = 0) -> bytes:
    """A file of numbered objects; 1 is the catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    if xref:
        out += b"xref\n0 1\n0000000000 65535 f \n" + b"".join(b"%d 1\n%010d 00000 n \n" % item for item in places.items())
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (size or max(objects) + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(data: bytes, entries: bytes = b"", length: int | None = None) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data) if length is None else length, data)


def one_page(content: bytes = b"", entries: bytes = b"", **more: bytes) -> Objects:
    """Catalogue, page tree, page, content (4) and font (5). entries: of the content stream; more: of page, catalog, resources; font."""
    resources = b"/Font << /F1 5 0 R >> " + more.get("resources", b"")
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << %s >> %s >>"
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % more.get("catalog", b""),
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page % (resources, more.get("page", b"")),
        4: stream(content or CONTENT, entries),
        5: more.get("font", FONT),
    }


def nested(depth: int) -> Objects:
    """A page tree of one branch."""
    objects = one_page()
    for level in range(depth):
        objects[100 + level] = b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (101 + level if level < depth - 1 else 3)
    objects[2] = b"<< /Type /Pages /Kids [100 0 R] /Count 1 >>"
    return objects


def deflated(piece: bytes, count: int) -> bytes:
    """A long stream of one piece, deflated without ever standing in memory."""
    packer = zlib.compressobj(9)
    block = piece * 10_000
    return b"".join(packer.compress(block) for _ in range(count // 10_000)) + packer.flush()


def lzw(blocks: int) -> bytes:
    """LZW of blanks, some 7 MB a block: every code is the longest run so far and one more."""
    bits: list[str] = []
    for _ in range(blocks):
        for number, code in enumerate([256, 32, *range(258, 4094)]):
            width = 9 if number < 255 else 10 if number < 767 else 11 if number < 1791 else 12
            bits.append(f"{code:0{width}b}")
    joined = "".join([*bits, f"{257:012b}"])
    joined += "0" * (-len(joined) % 8)
    return int(joined, 2).to_bytes(len(joined) // 8, "big")


def laughs(depth: int) -> Objects:
    """Forms that draw the next one ten times each."""
    objects = one_page(CONTENT + b" /X Do", resources=b"/XObject << /X 100 0 R >>")
    for level in range(depth):
        entries = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> /XObject << /X %d 0 R >> >>"
        objects[100 + level] = stream(b"/X Do " * 10, entries % (101 + level))
    objects[100 + depth] = stream(b"BT /F1 9 Tf (ha) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 612 792]")
    return objects


def mapped(target: Callable[[int], int]) -> bytes:
    """A page whose font says that each of its codes is another character."""
    pairs = "\n".join(f"<{code:02X}> <{target(code):04X}>" for code in range(32, 127))
    cmap = f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 95 beginbfchar\n{pairs}\nendbfchar endcmap end end"
    objects = one_page(font=b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>")
    return assemble({**objects, 6: stream(cmap.encode())})


def written(**encryption: object) -> bytes:
    """An honest page, encrypted."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(assemble(one_page()))))
    writer.encrypt(**encryption)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def rot(code: int) -> int:
    """What a font's subset without a map shows: other letters."""
    letters = "zqxjkvbpygfwmucldrhsnioate"
    return ord(letters[(code - 97) % 26]) if chr(code).isalpha() else code


def trees() -> dict[str, bytes]:
    """Structures that do not end, or claim what they are not."""
    outline = one_page(catalog=b"/Outlines 6 0 R")
    outline |= {6: b"<< /First 7 0 R /Last 7 0 R >>", 7: b"<< /Title (again) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Dest [3 0 R /Fit] >>"}
    many = one_page(catalog=b"/Outlines 6 0 R") | {6: b"<< /First 1000 0 R >>"}
    many |= {1000 + n: b"<< /Title (Entry %d) /Next %d 0 R /Dest [3 0 R /Fit] >>" % (n, 1001 + n) for n in range(20_000)}
    plain = assemble(one_page())
    looped = plain.replace(b"/Root 1 0 R", b"/Prev %d /Root 1 0 R" % plain.index(b"xref"))
    return {
        "deep_page_tree": assemble(nested(5_000)),
        "cyclic_page_tree": assemble(one_page() | {2: b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>"}),
        "cyclic_parents": assemble(one_page() | {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 2 0 R >>"}),
        "cyclic_outline": assemble(outline),
        "long_outline": assemble(many),
        "xref_loop": looped,
        "million_pages": assemble(one_page() | {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1000000 >>"}),
        "billion_pages": assemble(one_page() | {2: b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"}),
        "minus_one_page": assemble(one_page() | {2: b"<< /Type /Pages /Kids [3 0 R] /Count -1 >>"}),
        "one_page_often": assemble(one_page() | {2: b"<< /Type /Pages /Kids [%s] /Count 100 >>" % (b"3 0 R " * 100)}),
        "no_pages": assemble(one_page() | {2: b"<< /Type /Pages /Kids [] /Count 0 >>"}),
        "no_root": assemble(one_page()).replace(b"/Root 1 0 R", b"/Toot 1 0 R"),
        "no_xref": assemble(one_page(), xref=False),
        "wrong_startxref": plain.replace(b"startxref\n", b"startxref\n99999"),
        "huge_object_number": assemble(one_page(), size=2_000_000_000),
        "huge_object_stream": assemble(
            one_page() | {9: stream(zlib.compress(b"1 0 " * 99), b"/Type /ObjStm /N 99999999 /First 8 /Filter /FlateDecode")}
        ),
        "deep_array": assemble(one_page(page=b"/Deep " + b"[" * 100_000 + b"]" * 100_000)),
        "deep_dictionary": assemble(one_page(page=b"/Deep " + b"<</D" * 50_000 + b" 1 " + b">>" * 50_000)),
        "many_contents": assemble(one_page() | {3: one_page()[3].replace(b"4 0 R", b"[" + b"4 0 R " * 100 + b"]")}),
        "many_annotations": assemble(one_page(page=b"/Annots [" + b"<< /Subtype /Text /Contents (x) >> " * 20_000 + b"]")),
        "header_only": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "late_header": b"\n" * 900 + plain,
    }


def bombs() -> dict[str, bytes]:
    """Little that becomes much."""
    blanks, saves = deflated(b" ", 100_000_000), deflated(b"q ", 10_000_000)
    twice = zlib.compress(blanks)
    return {
        "flate_bomb": assemble(one_page(CONTENT) | {4: stream(blanks, b"/Filter /FlateDecode")}),
        "nested_flate_bomb": assemble(one_page() | {4: stream(twice, b"/Filter [/FlateDecode /FlateDecode]")}),
        "saved_states_bomb": assemble(one_page() | {4: stream(saves, b"/Filter /FlateDecode")}),
        "lzw_bomb": assemble(one_page() | {4: stream(lzw(20), b"/Filter /LZWDecode")}),
        "run_length_bomb": assemble(one_page() | {4: stream(b"\x81 " * 800_000, b"/Filter /RunLengthDecode")}),
        "hundred_filters": assemble(one_page() | {4: stream(b"20" * 5_000, b"/Filter [" + b"/ASCIIHexDecode " * 100 + b"]")}),
        "predictor_bomb": assemble(
            one_page()
            | {4: stream(deflated(b"\x02 ", 20_000), b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 >>")}
        ),
        "laughing_forms": assemble(laughs(9)),
        "form_of_itself": assemble(
            laughs(1) | {101: stream(b"/X Do", b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 100 0 R >> >>")}
        ),
        "tiny_texts": assemble(one_page(b" ".join(b"BT /F1 4 Tf %d %d Td (a%d) Tj ET" % (n % 600, n % 780, n) for n in range(20_000)))),
        "one_long_text": assemble(one_page(b"BT /F1 10 Tf 60 700 Td (" + PROSE.encode() * 20_000 + b") Tj ET")),
        "one_word": assemble(one_page(b"BT /F1 10 Tf 60 700 Td (" + b"w" * 2_000_000 + b") Tj ET")),
        "many_hyphens": assemble(one_page(b"BT /F1 10 Tf 60 700 Td " + b"(over-) Tj 0 -1 Td " * 20_000 + b"ET")),
        "large_name": assemble(one_page(font=b"<< /Type /Font /Subtype /Type1 /BaseFont /" + b"N" * 1_000_000 + b" >>")),
    }


def drawings() -> dict[str, bytes]:
    """Places and sizes that are none, actions, attachments, images."""
    numbers = (b"nan", b"1e39", b"-1e39", b"99999999999999999999", b"1.#INF", b"--5")
    image = b"/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter %s"
    pictured = one_page(b"/I Do", resources=b"/XObject << /I 6 0 R >>")
    glyph = b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [9] "
    glyph += b"/Encoding << /Differences [97 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /F1 5 0 R >> >> >>"
    script = b"/OpenAction << /S /JavaScript /JS (while\\(true\\)app.alert\\('x'\\)) >>"
    attached = one_page(catalog=b"/Names << /EmbeddedFiles << /Names [(a.exe) << /F (a.exe) /EF << /F 6 0 R >> >>] >> >>")
    return {
        "giant_page": assemble(one_page(page=b"/MediaBox [0 0 999999999 999999999]")),
        "page_of_no_size": assemble(one_page(page=b"/MediaBox [0 0 0 0]")),
        "no_numbers": assemble(one_page(page=b"/MediaBox [nan inf -inf 1e400]")),
        "text_at_no_place": assemble(
            one_page(
                b"".join(
                    b"BT /F1 10 Tf 1 0 0 1 %s %s Tm (%s) Tj ET " % (n, m, PROSE.encode()) for n, m in itertools.product(numbers, numbers)
                )
            )
        ),
        "type_of_no_size": assemble(
            one_page(b"".join(b"BT /F1 %s Tf 60 700 Td (%s) Tj ET " % (n, PROSE.encode()) for n in (*numbers, b"0", b"-3")))
        ),
        "javascript": assemble(one_page(catalog=script)),
        "launch": assemble(one_page(catalog=b"/OpenAction << /S /Launch /F (/bin/sh) >>")),
        "attachment": assemble(attached | {6: stream(b"MZ" * 5_000, b"/Type /EmbeddedFile")}),
        "image_only": assemble(pictured | {6: stream(b"\x00" * 999, image % b"/ASCIIHexDecode")}),
        "broken_jbig2": assemble(pictured | {6: stream(b"\x97JB2" * 99, image % b"/JBIG2Decode")}),
        "broken_jpx": assemble(pictured | {6: stream(b"\x00\x00\x00\x0cjP  " * 99, image % b"/JPXDecode")}),
        "glyph_of_itself": assemble(one_page(font=glyph) | {6: stream(b"9 0 d0 BT /F1 9 Tf (a) Tj ET")}),
        "pattern": assemble(
            one_page(b"/Pattern cs /P scn 0 0 600 700 re f " + CONTENT, resources=b"/Pattern << /P 6 0 R >>")
            | {
                6: stream(
                    b"/P scn",
                    b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0 /YStep 0 /Resources << /Pattern << /P 6 0 R >> >>",
                )
            }
        ),
    }


def texts() -> dict[str, bytes]:
    """Text that is none, and text behind a password."""
    noise = bytes(33 + (n * 7919) % 15 for n in range(4_000)).replace(b"(", b"!").replace(b")", b"#").replace(b"\\", b"/")
    title = assemble(one_page(), b"/Info << /Title (%s) /Author (\x1b[2J\xff) /CreationDate (D:99999999) >>" % (b"T\x00\x1b" * 99_999))
    return {
        "all_private_use": mapped(lambda code: 0xE000 + code),
        "lone_surrogates": mapped(lambda code: 0xD800 + code),
        "right_to_left_marks": mapped(lambda code: 0x202E if code == 32 else code),
        "other_letters": mapped(rot),
        "no_letters": assemble(one_page(b"BT /F1 10 Tf 60 700 Td (" + noise + b") Tj ET")),
        "no_such_font": assemble(
            one_page(font=b"<< /Type /Font /Subtype /TrueType /BaseFont /X /FontDescriptor << /FontFile2 4 0 R >> >>")
        ),
        "cyclic_cmap": assemble(
            one_page(font=b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding 6 0 R /DescendantFonts [5 0 R] >>")
            | {6: stream(b"<0000> <FFFF> begincidrange", b"/Type /CMap /UseCMap 6 0 R")}
        ),
        "long_facts": title,
        "wrong_length": assemble(one_page() | {4: stream(CONTENT, length=7)}),
        "length_too_large": assemble(one_page() | {4: stream(CONTENT, length=2_000_000_000)}),
        "length_below_zero": assemble(one_page() | {4: stream(CONTENT, length=-5)}),
        "password_rc4": written(user_password="u", owner_password="o", algorithm="RC4-128"),
        "password_aes": written(user_password="u", owner_password="o", algorithm="AES-256"),
        "no_password_rc4": written(user_password="", owner_password="o", algorithm="RC4-40"),
        "no_password_aes": written(user_password="", owner_password="o", algorithm="AES-128"),
    }


@cache
def documents() -> dict[str, bytes]:
    """All of them by name."""
    real = REAL.read_bytes()
    cut = {f"cut_at_{percent}": real[: len(real) * percent // 100] for percent in (1, 25, 50, 90, 99)}
    flipped = {
        f"noise_{step}": bytes(byte ^ (0xFF if place % step == step - 1 else 0) for place, byte in enumerate(real)) for step in (50, 5_000)
    }
    return {**trees(), **bombs(), **drawings(), **texts(), **cut, **flipped}


EXPECTED = {
    "cyclic_page_tree": "unparseable",
    "deep_page_tree": "unparseable",
    "no_pages": "unparseable",
    "header_only": "unparseable",
    "flate_bomb": "ocr_needed",
    "saved_states_bomb": "out_of_memory",
    "laughing_forms": "out_of_memory",
    "form_of_itself": "out_of_memory",
    "image_only": "ocr_needed",
    "all_private_use": "gibberish",
    "other_letters": "gibberish",
    "no_letters": "gibberish",
    "password_rc4": "encrypted",
    "password_aes": "encrypted",
    "cut_at_1": "unparseable",
    "cut_at_50": "unparseable",
} | dict.fromkeys(
    (
        *("cyclic_outline", "long_outline", "xref_loop", "million_pages", "billion_pages", "no_xref", "wrong_startxref", "late_header"),
        *("huge_object_number", "huge_object_stream", "deep_array", "deep_dictionary", "many_annotations", "one_long_text"),
        *("giant_page", "no_numbers", "text_at_no_place", "javascript", "launch", "attachment", "long_facts"),
        *("wrong_length", "length_too_large", "length_below_zero", "no_password_rc4", "no_password_aes", "noise_5000"),
    ),
    "kept",
)
