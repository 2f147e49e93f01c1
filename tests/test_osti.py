"""The OSTI source against a local server that speaks the documented API, well and badly."""

import json
from functools import partial
from pathlib import Path

import pytest
from fetch_server import LOOPBACK, FetchServer, Records, cut, die_at, document, in_turn, quick_folder, redirect, status
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.errors import SourceError
from rubric_factory.progress import Progress
from rubric_factory.settings.remote_sources import OstiSource
from rubric_factory.sources import acquire, osti
from rubric_factory.sources.fetch_index import FetchIndex, Listing
from rubric_factory.sources.osti import Osti, advance
from rubric_factory.sources.osti_records import BadPage, Page, read_page
from rubric_factory.workspace import Workspace

QUIET = Progress(quiet=True)
PDF = b"%PDF-1.4 report "


@pytest.fixture(scope="module")
def running():
    server = FetchServer()
    yield server
    server.close()


@pytest.fixture
def server(running):
    running.paths.clear()
    running.forget()
    return running


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Retries do not wait."""
    for module in (acquire, osti):
        monkeypatch.setattr(module, "Fetcher", partial(module.Fetcher, first_wait=0.001))


def record(server, number, **changes):
    """A record as the API gives it; its full text is served."""
    path = f"/servlets/purl/{number}"
    server.paths.setdefault(path, document(PDF + str(number).encode(), "application/pdf"))
    return {
        "osti_id": str(number),
        "title": f"Report {number}",
        "authors": ["Doe, Jane [Laboratory, Town (United States)] (ORCID:0000000012345678)", "Roe, Richard"],
        "publication_date": "2024-03-15T00:00:00Z",
        "doi": f"https://doi.org/10.2172/{number}",
        "report_number": f"LAB-{number}",
        "subjects": ["36 MATERIALS SCIENCE", "creep"],
        "product_type": "Technical Report",
        "links": [{"rel": "citation", "href": f"https://www.osti.gov/biblio/{number}"}, {"rel": "fulltext", "href": server.url(path)}],
        **changes,
    }


def serve(server, records, **options):
    api = server.paths["/api/v1/records"] = Records(records, **options)
    return api


def source(server, tmp_path, **options):
    chosen = {"network": LOOPBACK, "rows": 4, "listing_days": 0, **options}
    made = OstiSource(name="osti", base_url=server.url("/api/v1/records"), **chosen)
    return Osti(made, Workspace(tmp_path / "workspace"), max_bytes=10_000)


def outcome(reader):
    return {e.source_uri: Path(e.path).read_bytes() if e.path else e.problem[0] for e in reader.entries()}


def had(numbers):
    return {str(number): PDF + str(number).encode() for number in numbers}


@pytest.mark.parametrize("link", [True, False], ids=["Link header", "X-Total-Count alone"])
def test_every_page_is_listed_and_every_report_fetched_with_its_metadata(server, tmp_path, link):
    api = serve(server, [record(server, n) for n in range(1, 11)], link=link)
    reader = source(server, tmp_path, query="creep rupture")
    assert list(reader.entries()) == [] and not server.asked
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 11)) and api.pages == [1, 2, 3]
    entry = next(e for e in reader.entries() if e.source_uri == "7")
    assert entry.document_key == "osti/7"
    known = entry.metadata
    assert (known.title, known.authors, known.date) == ("Report 7", "Doe, Jane; Roe, Richard", "2024-03-15")
    assert (known.doi, known.report_number, known.subjects) == ("10.2172/7", "LAB-7", "36 MATERIALS SCIENCE; creep")
    query = next(path for _, path, _ in server.requests if path.startswith("/api"))
    assert query == "/api/v1/records?q=creep+rupture&product_type=Technical+Report&has_fulltext=true&rows=4&page=1"
    assert [e.document_key for e in reader.entries()] == sorted(e.document_key for e in reader.entries())


def test_records_that_are_no_documents_are_rejections_with_reasons(server, tmp_path):
    server.paths |= {
        "/html": document(b"<!DOCTYPE html><html>log in</html>", "application/pdf"),
        "/big": document(PDF + b"x" * 20_000),
        "/moved": redirect("/servlets/purl/1"),
        "/inside": redirect("http://169.254.169.254/latest/meta-data/"),
        "/gone": status(404),
    }
    records = [record(server, 1), record(server, 2, links=[]), record(server, 3, links=None), {"title": "no id"}, "no record"]
    for number, path in enumerate(("/html", "/big", "/moved", "/inside", "/gone"), start=10):
        records.append(record(server, number, links=[{"rel": "fulltext", "href": server.url(path)}]))
    records.append(record(server, 20, links=[{"rel": "fulltext", "href": "ftp://example.org/x.pdf"}]))
    records.append(record(server, 21, osti_id="../../etc/passwd"))
    serve(server, records)
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    found = outcome(reader)
    bad = [name for name in found if name.startswith("record-")]
    assert len(bad) == 3 and {found.pop(name) for name in bad} == {"bad_record"}
    assert found == {
        **had([1]),
        "2": "no_full_text",
        "3": "no_full_text",
        "10": "not_pdf",
        "11": "too_large",
        "12": PDF + b"1",
        "13": "non_global_address",
        "14": "http_status",
        "20": "bad_url",
    }


def test_faults_that_pass_cost_nothing(server, tmp_path):
    api = Records([record(server, n) for n in range(1, 9)])
    server.paths["/api/v1/records"] = in_turn(
        status(500), status(429, Retry_After="0"), cut(1000, b"[{"), document(b"[{", "application/json"), api
    )
    server.paths["/servlets/purl/3"] = in_turn(status(503), cut(1000, PDF), document(PDF + b"3"))
    reader = source(server, tmp_path, network=LOOPBACK.model_copy(update={"retries": 3}))
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 9))


def test_a_search_that_stops_half_way_is_continued_there(server, tmp_path):
    api = Records([record(server, n) for n in range(1, 11)])

    async def broken(asked_server, request):
        return await (status(500) if request.query["page"] == "2" else api)(asked_server, request)

    server.paths["/api/v1/records"] = broken
    reader = source(server, tmp_path)
    shown = tmp_path / "progress"
    reader.acquire(Progress(folder=shown, quiet=True))
    assert outcome(reader) == had(range(1, 5)), "what was listed is used"
    assert "the next ingest continues there" in (shown / "list osti.json").read_text()
    server.forget()
    server.paths["/api/v1/records"], api.pages = api, []
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 11)) and api.pages == [2, 3]
    assert not {f"/servlets/purl/{n}" for n in range(1, 5)} & set(server.asked), "a full text that is had is not asked for again"


def test_killed_between_pages_it_lists_no_page_twice(server, tmp_path, monkeypatch):
    api = serve(server, [record(server, n) for n in range(1, 11)])
    original, stores = FetchIndex.list_page, []

    def dying(self, *arguments):
        original(self, *arguments)
        stores.append(arguments)
        if len(stores) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(FetchIndex, "list_page", dying)
    reader = source(server, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        reader.acquire(QUIET)
    reader.acquire(QUIET)
    assert sorted(api.pages) == [1, 2, 3] and outcome(reader) == had(range(1, 11))


@pytest.fixture
def quick_path():
    with quick_folder() as folder:
        yield folder


def test_every_fsync_rename_and_statement_of_a_search_as_a_crash_point(server, quick_path):
    serve(server, [record(server, n) for n in range(1, 4)])
    point, code = 0, 9
    while code != 0:
        point += 1
        reader = source(server, quick_path / str(point), rows=2)
        code = die_at(point, reader)
        assert code in (0, 9)
        complete = [uri for uri, found in outcome(reader).items() if isinstance(found, bytes)]
        server.forget()
        reader.acquire(QUIET)
        assert outcome(reader) == had(range(1, 4))
        assert not {f"/servlets/purl/{number}" for number in complete} & set(server.asked), "nothing complete is asked for again"
    assert point > 40


def test_a_finished_search_is_run_again_only_when_it_is_old_and_finds_what_is_new(server, tmp_path):
    api = serve(server, [record(server, n) for n in range(1, 7)])
    reader = source(server, tmp_path, listing_days=1)
    reader.acquire(QUIET)
    server.forget()
    reader.acquire(QUIET)
    assert not server.asked, "nothing is due"
    api.records.append(record(server, 7))
    api.records[0] = record(server, 1, title="Report 1, revised")
    del api.records[1]
    again = source(server, tmp_path, listing_days=0)
    again.acquire(QUIET)
    assert outcome(again) == had([1, 3, 4, 5, 6, 7]), "what the search no longer names is gone"
    assert {path for path in server.documents_asked() if "purl" in path} == {"/servlets/purl/7"}
    assert next(again.entries()).metadata.title == "Report 1, revised"


def test_pages_that_shift_while_they_are_listed_lose_no_record(server, tmp_path):
    """A record comes to the front after page 1: page 2 repeats one, and the last is pushed out of reach without a second look."""
    api = Records([record(server, n) for n in range(1, 9)])
    shifted = False

    async def shifting(asked_server, request):
        nonlocal shifted
        if request.query["page"] == "2" and not shifted:
            shifted = True
            api.records.insert(0, record(server, 99))
            api.records.append(api.records.pop(4))
        return await api(asked_server, request)

    server.paths["/api/v1/records"] = shifting
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    assert outcome(reader) == had([*range(1, 9), 99])


def test_a_record_withdrawn_while_the_search_is_listed_hides_no_other(server, tmp_path):
    """The last page moves up by one, its first record onto a page already asked for. The second look has it, behind six idle pages."""
    api = Records([record(server, n) for n in range(1, 31)])
    withdrawn = False

    async def withdrawing(asked_server, request):
        nonlocal withdrawn
        if request.query["page"] == "8" and not withdrawn:
            withdrawn = True
            del api.records[0]
        return await api(asked_server, request)

    server.paths["/api/v1/records"] = withdrawing
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    assert outcome(reader).keys() >= had(range(2, 31)).keys()
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(2, 31)), "and the next search drops the one withdrawn"


def test_duplicated_records_and_a_total_that_is_never_reached_end(server, tmp_path):
    records = [record(server, n) for n in (1, 2, 2, 1, 3, 3, 3)]
    api = serve(server, records, total=1000)
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    assert outcome(reader) == had([1, 2, 3]) and len(api.pages) <= 4
    api.records = [record(server, 1)]
    reader.acquire(QUIET)
    assert outcome(reader) == had([1, 2, 3]), "a search that saw less than the server counts removes nothing"


def test_a_server_that_goes_round_in_circles_is_left(server, tmp_path):
    page = json.dumps([record(server, 1), record(server, 2)]).encode()
    server.paths["/api/v1/records"] = document(page, "application/json", Link='<x>; rel="next"')
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    assert outcome(reader) == had([1, 2]) and server.asked["/api/v1/records"] < 12


def test_an_empty_answer_does_not_empty_the_corpus(server, tmp_path):
    api = serve(server, [record(server, n) for n in range(1, 4)])
    reader = source(server, tmp_path)
    reader.acquire(QUIET)
    api.records = []
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 4))


def test_another_query_is_another_search(server, tmp_path):
    api = serve(server, [record(server, n) for n in range(1, 4)])
    source(server, tmp_path, query="old").acquire(QUIET)
    api.records = [record(server, n) for n in (3, 4)]
    changed = source(server, tmp_path, query="new")
    assert list(changed.entries()) == []
    changed.acquire(QUIET)
    assert outcome(changed) == had([3, 4])
    assert server.asked["/servlets/purl/3"] == 1


def test_max_documents_bounds_the_listing_and_stays_with_what_it_took(server, tmp_path):
    api = serve(server, [record(server, n) for n in range(1, 11)])
    reader = source(server, tmp_path, max_documents=6)
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 7)) and api.pages == [1, 2]
    api.records.reverse()
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 7))


def test_a_limit_asks_for_one_page_and_so_many_reports(server, tmp_path):
    api = serve(server, [record(server, n) for n in range(1, 10)])
    reader = source(server, tmp_path)
    reader.acquire(QUIET, 2)
    assert api.pages == [1] and sorted(path for path in server.documents_asked() if "purl" in path) == [
        "/servlets/purl/1",
        "/servlets/purl/2",
    ]
    reader.acquire(QUIET)
    assert outcome(reader) == had(range(1, 10)) and api.pages == [1, 2, 3]
    assert max(server.documents_asked().values()) <= 3 and server.asked["/servlets/purl/1"] == 1


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (status(500), "server_busy: HTTP 500"),
        (status(400), "http_status: HTTP 400"),
        (document(b"<html>", "text/html"), "no JSON"),
        (document(b'{"error": "x"}', "application/json"), "a JSON dict"),
        (document(b"[" * 100_000, "application/json"), "no JSON"),
    ],
)
def test_a_search_without_any_answer_is_one_line(server, tmp_path, behaviour, said):
    server.paths["/api/v1/records"] = behaviour
    with pytest.raises(SourceError) as caught:
        source(server, tmp_path).acquire(QUIET)
    assert said in str(caught.value) and "page 1 of the search" in str(caught.value) and "\n" not in str(caught.value)


def test_no_network_is_one_line(tmp_path):
    made = OstiSource(name="osti", base_url="http://127.0.0.1:9/api/v1/records", network=LOOPBACK)
    with pytest.raises(SourceError, match="expected a network"):
        Osti(made, Workspace(tmp_path), max_bytes=1000).acquire(QUIET)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["osti_id", "title", "links", "authors", "rel", "href"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=5))
def test_whatever_a_page_holds_each_record_is_one_item(records):
    page = read_page(json.dumps(records).encode(), {"X-Total-Count": "5"})
    assert len(page.items) == len(records) and page.total == 5 and page.more is None
    assert all(item.url or item.problem for item in page.items)
    assert all(item.item.replace("-", "").isalnum() for item in page.items)


@given(st.binary(max_size=50))
def test_bytes_that_are_no_page_are_refused_as_such(body):
    try:
        read_page(body, {})
    except BadPage:
        return
    assert isinstance(json.loads(body), list)


@pytest.mark.parametrize(
    ("link", "more"), [('<x>; rel="next"', True), ("<x>; rel=next", True), ('<x>; rel="last"', False), ('<next>; rel="prev"', False)]
)
def test_link_header(link, more):
    assert read_page(b"[]", {"Link": link}).more is more


@given(st.lists(st.integers(0, 4), min_size=0, max_size=30), st.integers(-1, 40), st.sampled_from([True, None]))
def test_a_listing_always_ends(sizes, total, more):
    """Whatever sizes pages have, whoever counts the total: at most two looks, and idle pages do not go on for ever."""
    listing, seen, pages = Listing("q", 5.0), 0, 0
    while not listing.complete:
        pages += 1
        number = listing.next_page - 1
        size = sizes[number] if number < len(sizes) else 0
        page = Page(items=tuple(range(size)), total=total, more=more)
        after = max(seen, sum(sizes[: number + 1]))
        listing, seen = advance(listing, page, seen, after), after
        assert pages <= 2 * (len(sizes) + 2)
    assert listing.valid_from in (0.0, 5.0)
    assert listing.valid_from == 0.0 or seen >= total
