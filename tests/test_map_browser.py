"""The map's page in a real browser: Debian's Chromium without a window, driven through its own driver."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipebench.report.map_html import render
from tests.test_chokepoint_map import made

webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="apt-get install chromium chromium-driver"),
]
HOSTILE = "</script><script>document.title='run'</script>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp("browser")
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,1000",
        f"--user-data-dir={folder}",
    ):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    path = tmp_path / "map.html"
    path.write_text(render([made(), made(contestant=HOSTILE, own=1000.0, disturbed=1)]))
    browser.get(path.as_uri())
    return browser


def find(page: Any, selector: str) -> list[Any]:
    found: list[Any] = page.find_elements("css selector", selector)
    return found


def cell(page: Any, about: str) -> Any:
    return next(b for b in find(page, "td button") if b.get_attribute("aria-label").startswith(about))


def test_nothing_fails_and_names_are_text(page: Any) -> None:
    assert page.get_log("browser") == []
    assert page.title == "Chokepoint map"
    assert [heading.text for heading in find(page, "h2")] == ["dali", HOSTILE]
    assert "not validated on hardware" in page.find_element("tag name", "body").text


def test_a_disturbed_block_is_told_of_the_loader_that_it_disturbed(page: Any) -> None:
    told = [section.text for section in find(page, "section")]
    beside = "blocks that other processes disturbed: 1, kept"
    assert [beside in text for text in told] == [False, True]


def test_a_cell_tells_its_rates_and_sources(page: Any) -> None:
    cell(page, "resnet50 on H100").click()
    told = find(page, "#detail")[0].text
    for part in ("tuned (H100-SXM5-80GB)", "7162", "27.9 %", "mlcommons", "the loader's work on its cores"):
        assert part in told
    assert "not validated on hardware" in told


def test_a_tier_is_chosen(page: Any) -> None:
    from selenium.webdriver.support.select import Select

    assert cell(page, "resnet50 on H100").text == "28-100 %\nloader CPU"
    Select(find(page, "#tier")[0]).select_by_value("tuned")
    assert cell(page, "resnet50 on H100").text == "28 %\nloader CPU"
    assert cell(page, "alexnet on H100").text == "-"


def test_greyed_models_say_why_and_can_be_hidden(page: Any) -> None:
    rows = {row.text.split("\n")[0]: row.text for row in find(page, "th[scope=row]")}
    assert rows["llama2-70b"].endswith("takes text, and the dataset holds image")
    assert rows["resnet50"] == "resnet50"
    grey = cell(page, "llama2-70b on GB300")
    assert grey.get_attribute("title") == "takes text, and the dataset holds image"
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", grey)
    grey.click()
    assert "takes text" in find(page, "#detail")[0].text
    find(page, "#greyed")[0].click()
    assert not grey.is_displayed()
    assert cell(page, "resnet50 on H100").is_displayed()


def test_a_phone_scrolls_the_table_and_not_the_page(page: Any) -> None:
    page.set_window_size(400, 800)
    width = page.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.set_window_size(1200, 900)
    assert width <= 0
