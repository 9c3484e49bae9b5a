"""The page in a real browser: Debian's Chromium without a window, driven through its own driver."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipebench.report.html.page import Made, render
from pipebench.results import Record
from tests.comparing import run_records, save
from tests.reporting import HOSTILE, contrast, core_runs, cut_runs, gathered, whole_run

webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="apt-get install chromium chromium-driver fonts-dejavu-core"
    ),
]

Make = Callable[..., Record]
Browser = Any
"""Selenium's driver."""

WIDE, PHONE = (1200, 900), (360, 740)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Keeps a log of what the page asks the network for, and of its console."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp("browser")
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def whole(make_record: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that has every section."""
    folder = tmp_path_factory.mktemp("whole")
    path = save(folder / "r.jsonl", whole_run(make_record))
    return write(folder, path, *core_runs(make_record, folder), *cut_runs(make_record, folder))


@pytest.fixture(scope="module")
def hostile(make_record: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose names try to be something else, and are long."""
    folder = tmp_path_factory.mktemp("hostile")
    speeds = {name: 100.0 + n for n, name in enumerate([*HOSTILE, "x" * 300, "long:" + "a=1," * 90])}
    settings = {name: name for name in HOSTILE}
    return write(folder, save(folder / "r.jsonl", run_records(make_record, speeds, 2, settings=settings)))


def write(folder: Path, *results: Path) -> Path:
    made = Made(when="2026-01-02 03:04 UTC", version="0", mark="pipebench report")
    path = folder / "page.html"
    path.write_text(render(gathered(*results), made), encoding="utf-8")
    return path


def show(browser: Browser, page: Path, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
    """Opens the page at that size of its own, whatever a window's frame takes."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": scheme})
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())


def run(browser: Browser, script: str, *arguments: object) -> Any:
    return browser.execute_script(script, *arguments)


def requests(browser: Browser) -> list[str]:
    """The addresses that the page has asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


@pytest.mark.parametrize("name", ["whole", "hostile"])
def test_it_asks_for_nothing_and_complains_of_nothing(
    name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(name)
    show(browser, page)
    assert requests(browser) == [page.as_uri()]
    assert browser.get_log("browser") == []


def test_its_policy_lets_no_request_out(browser: Browser, whole: Path) -> None:
    show(browser, whole)
    script = "return fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'blocked')"
    assert run(browser, script) == "blocked"
    told = [entry["message"] for entry in browser.get_log("browser")]
    assert any("Content Security Policy" in message for message in told)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("name", ["whole", "hostile"])
def test_nothing_is_wider_than_the_screen(
    name: str, size: tuple[int, int], dark: bool, browser: Browser, request: pytest.FixtureRequest
) -> None:
    show(browser, request.getfixturevalue(name), size, dark=dark)
    run(browser, "document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert run(browser, "return innerWidth") == size[0]
    assert run(browser, "return document.documentElement.scrollWidth") <= size[0]
    beyond = """return [...document.querySelectorAll("main *")].filter((one) => !one.closest(".wide > *")
        && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 200))"""
    assert run(browser, beyond) == []


def test_dark_is_dark_and_light_is_light(browser: Browser, whole: Path) -> None:
    for dark, ground in ((False, "rgb(255, 255, 255)"), (True, "rgb(21, 23, 28)")):
        show(browser, whole, dark=dark)
        assert run(browser, "return getComputedStyle(document.body).backgroundColor") == ground


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_on_its_ground(dark: bool, browser: Browser, whole: Path) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5:1."""
    show(browser, whole, dark=dark)
    pairs = run(browser, _PAIRS)
    assert len(pairs) > 3
    for text, ground in pairs:
        assert contrast(as_hex(text), as_hex(ground)) >= 4.5, (text, ground)


_PAIRS = """
const ground = (one) => {
  for (; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (colour !== "rgba(0, 0, 0, 0)") return colour;
  }
};
const found = new Set();
for (const one of document.querySelectorAll("body *:not(svg *)"))
  if ([...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    found.add(getComputedStyle(one).color + "|" + ground(one));
for (const one of document.querySelectorAll("svg text"))
  found.add(getComputedStyle(one).fill + "|" + ground(one));
return [...found].map((pair) => pair.split("|"));
"""


def as_hex(colour: str) -> str:
    parts = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return "#" + "".join(f"{int(part):02x}" for part in parts[:3])


def test_hostile_names_are_seen_as_they_are(browser: Browser, hostile: Path) -> None:
    show(browser, hostile)
    assert run(browser, "return window.pwned") is None
    names = run(
        browser, "return [...document.querySelectorAll('#throughput .name')].map((n) => n.textContent)"
    )
    for name in HOSTILE:
        assert name.replace("\u202e", "?").replace("\u200f", "?") in names
    assert run(browser, "return document.scripts.length") == 1
    assert run(browser, "return document.querySelectorAll('h1').length") == 1
    bad = "return [...document.links].map((a) => a.getAttribute('href')).filter((h) => !h.startsWith('#'))"
    assert run(browser, bad) == []


def test_rows_are_sorted_by_the_keyboard(browser: Browser, whole: Path) -> None:
    show(browser, whole)
    tab_to(browser, "#all-trials th:nth-child(8) button")
    for direction in ("ascending", "descending"):
        press(browser, "ENTER")
        assert sort_state(browser) == direction
        rates = run(browser, _RATES)
        known = [rate for rate in rates if rate is not None]
        assert known == sorted(known, reverse=direction == "descending")
        assert rates == [*known, *[None] * (len(rates) - len(known))]
        assert len(known) > 50


_RATES = """return [...document.querySelectorAll("#all-trials tbody tr")].map((row) => {
    const value = row.cells[7].dataset.v; return value === undefined ? null : Number(value); })"""


def sort_state(browser: Browser) -> str:
    return str(run(browser, "return document.activeElement.closest('th').getAttribute('aria-sort')"))


def test_texts_are_sorted_too(browser: Browser, whole: Path) -> None:
    show(browser, whole)
    tab_to(browser, "#all-trials th:nth-child(3) button")
    press(browser, "SPACE")
    names = run(
        browser,
        "return [...document.querySelectorAll('#all-trials tbody tr')].map((r) => r.cells[2].textContent)",
    )
    assert names == sorted(names)


def test_rows_are_filtered_by_the_keyboard(browser: Browser, whole: Path) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By

    show(browser, whole)
    tab_to(browser, "#filter")
    field = browser.switch_to.active_element
    field.send_keys("EMULATE:90 b")
    shown = run(browser, _SHOWN)
    assert shown
    assert all("emulate:90" in text for text in shown)
    assert browser.find_element(By.ID, "found").text.startswith(f"{len(shown)} of ")
    field.send_keys(" nothing-like-it")
    assert run(browser, _SHOWN) == []
    assert browser.find_element(By.ID, "found").text.startswith("0 of ")
    field.send_keys(Keys.CONTROL, "a", Keys.DELETE)
    assert len(run(browser, _SHOWN)) > 100


_SHOWN = """return [...document.querySelectorAll("#all-trials tbody tr")].filter((row) => row.offsetHeight)
    .map((row) => row.innerText.toLowerCase())"""


def tab_to(browser: Browser, selector: str) -> None:
    """Goes there from the section's heading with the tabulator alone."""
    run(browser, "document.querySelector('#trials').tabIndex = -1; document.querySelector('#trials').focus()")
    for _ in range(60):
        press(browser, "TAB")
        if run(browser, "return document.activeElement.matches(arguments[0])", selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


def press(browser: Browser, key: str) -> None:
    from selenium.webdriver import ActionChains, Keys

    ActionChains(browser).send_keys(getattr(Keys, key)).perform()


def test_the_focus_is_seen_and_the_first_stop_skips_to_the_verdict(browser: Browser, whole: Path) -> None:
    show(browser, whole)
    press(browser, "TAB")
    assert run(browser, "return document.activeElement.getAttribute('href')") == "#verdict"
    assert run(browser, "return document.activeElement.getBoundingClientRect().left") >= 0
    assert run(browser, "return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_figure_leads_to_its_record_and_opens_it(browser: Browser, whole: Path) -> None:
    from selenium.webdriver.common.by import By

    show(browser, whole)
    link = browser.find_element(By.CSS_SELECTOR, "#throughput .who")
    target = link.get_attribute("href").rpartition("#")[2]
    press_on(browser, link)
    comes(browser, "return document.getElementById(arguments[0]).open", target)
    dot = browser.find_element(By.CSS_SELECTOR, "#scaling .plot a")
    press_on(browser, dot)
    comes(browser, "return location.hash === arguments[0].getAttribute('href')", dot)


def comes(browser: Browser, script: str, *arguments: object) -> None:
    """Waits until the script says so: browsers tell of a new address later."""
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda _: run(browser, script, *arguments))


def press_on(browser: Browser, link: Any) -> None:
    run(browser, "arguments[0].focus()", link)
    press(browser, "ENTER")


def test_everything_has_a_name_for_those_who_do_not_see(browser: Browser, whole: Path) -> None:
    show(browser, whole)
    nameless = """return [...document.querySelectorAll("a, button, input, [role]")]
        .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 200))"""
    assert run(browser, nameless) == []
    assert run(browser, "return document.documentElement.lang") == "en"


def test_without_scripts_it_can_be_read(browser: Browser, whole: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, whole)
        text = browser.page_source
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "<button" not in text
    assert 'class="tools" hidden' in text


def test_it_is_printed_in_light_colours_without_tools(browser: Browser, whole: Path, tmp_path: Path) -> None:
    show(browser, whole, dark=True)
    pdf = base64.b64decode(browser.print_page())
    assert pdf.startswith(b"%PDF")
    scheme = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": scheme})
    assert run(browser, "return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("nav", ".tools"):
        assert run(browser, "return document.querySelector(arguments[0]).offsetHeight", hidden) == 0
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
