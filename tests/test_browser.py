"""The pages in headless Chromium: no script runs, nothing is asked of any network, no console message, nothing wider than the screen."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest
from conftest import BROWSERS
from factory import make_context, pass_contracts
from hostile import HOSTILE, LONG
from run_folder import make_run
from test_audit_page import PROBE, hostile_corpus

from rubric_factory.reports.audit_page import audit_page
from rubric_factory.reports.run_page import run_page
from rubric_factory.stages.stage import stage

pytestmark = pytest.mark.browser
WIDTHS = (1280, 400)
# What a page must not do, in one object: read after it has loaded and every folded part of it was opened.
PROBE_PAGE = """(() => {
  document.querySelectorAll('details').forEach(each => { each.open = true; });
  const root = document.documentElement;
  const wide = [...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll, .passage, svg')
    && each.getBoundingClientRect().right > window.innerWidth + 1);
  return {
    pwned: typeof window.pwned, title: document.title, width: window.innerWidth, overflow: root.scrollWidth - window.innerWidth,
    wide: wide.slice(0, 3).map(each => each.outerHTML.slice(0, 200)), sections: document.querySelectorAll('section').length,
    scripts: document.scripts.length, height: root.scrollHeight,
  };
})()"""


class Tab:
    """One tab over the DevTools protocol: commands, and the events seen so far."""

    def __init__(self, socket):
        self._socket, self._number, self.events = socket, 0, []

    async def ask(self, method, **parameters):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=60)
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    async def wait(self, method):
        while not any(event["method"] == method for event in self.events):
            self.events.append(await self._socket.receive_json(timeout=60))


class Browser:
    """Headless Chromium of its own profile."""

    def __init__(self, folder):
        self._folder = folder
        program = next(path for path in map(shutil.which, BROWSERS) if path)
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-extensions")
        command = [program, *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def port(self):
        path = self._folder / "DevToolsActivePort"
        for _ in range(600):
            if path.exists() and path.read_text().strip():
                return path.read_text().splitlines()[0]
            await asyncio.sleep(0.1)
        raise AssertionError("the browser did not open its port")

    async def _look(self, page, width):
        address = f"http://127.0.0.1:{await self.port()}/json/new?about:blank"
        async with aiohttp.ClientSession() as session:
            async with session.put(address) as reply:
                target = await reply.json()
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Network", "Log", "Runtime"):
                    await tab.ask(f"{domain}.enable")
                size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
                await tab.ask("Emulation.setDeviceMetricsOverride", **size)
                await tab.ask("Page.navigate", url=page.as_uri())
                await tab.wait("Page.loadEventFired")
                answer = await tab.ask("Runtime.evaluate", expression=PROBE_PAGE, returnByValue=True)
                await tab.ask("Runtime.evaluate", expression="new Promise(done => setTimeout(done, 300))", awaitPromise=True)
                return answer["result"]["value"], tab.events

    def look(self, page, width):
        """(findings of PROBE_PAGE, addresses asked for beside the page's own, console and log messages)."""
        found, events = asyncio.run(self._look(page, width))
        addresses = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        talk = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening")
        messages = [json.dumps(event["params"])[:500] for event in events if event["method"] in talk]
        return found, [url for url in addresses if url not in (page.as_uri(), "data:,")], messages


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    context = make_context(root / "workspace")
    hostile_corpus().fold(context.workspace)
    stage(context)
    pass_contracts(context)
    folder = context.workspace.staging / "unit"
    worst = [{"task_id": "t", "value": 1.0, "response": HOSTILE}]
    lock = {
        "identity": HOSTILE,
        "pairs": [],
        "allowed": [HOSTILE],
        "probes": [{"name": HOSTILE[:300], **PROBE, "worst": worst, "note": LONG}],
    }
    (folder / "judge.lock.json").write_text(json.dumps(lock))
    (root / "audit.html").write_text(audit_page(folder)[0], encoding="utf-8")
    run = make_run(root / "run", hostile=HOSTILE + LONG)
    (root / "run.html").write_text(run_page(run), encoding="utf-8")
    return root


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["audit.html", "run.html"])
def test_hostile_pages_do_nothing_and_fit(browser, pages, name, width):
    found, addresses, messages = browser.look(pages / name, width)
    assert found["pwned"] == "undefined" and found["title"] != "pwned" and found["scripts"] == 0
    assert addresses == [] and messages == []
    assert found["width"] == width and found["overflow"] <= 0 and found["wide"] == []
    assert found["sections"] >= 5 and found["height"] > 1000, "the page is really there"


def test_the_watch_would_see_a_page_that_does_all_that(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>x</title><main><script>window.pwned=1;document.title='pwned';console.error('here')</script>"
        "<img src='http://127.0.0.1:9/a.png'><div style='width:3000px'>wide</div></main>"
    )
    found, addresses, messages = browser.look(page, 400)
    assert found["pwned"] == "number" and found["title"] == "pwned" and found["overflow"] > 0 and found["wide"]
    assert addresses == ["http://127.0.0.1:9/a.png"] and any("here" in message for message in messages)


def test_the_policy_alone_stops_a_script_that_got_through(browser, pages, tmp_path):
    page = tmp_path / "through.html"
    text = (pages / "run.html").read_text(encoding="utf-8")
    page.write_text(text.replace("<main>", "<main><script>window.pwned=1</script><img src='http://127.0.0.1:9/a.png'>"), encoding="utf-8")
    found, addresses, messages = browser.look(page, 1280)
    assert found["pwned"] == "undefined" and found["scripts"] == 1 and len(messages) >= 2
    assert addresses == [] or all("127.0.0.1:9" in url for url in addresses)


def test_pages_are_files_of_their_own(pages):
    for name in ("audit.html", "run.html"):
        assert 10_000 < Path(pages / name).stat().st_size < 2_000_000
