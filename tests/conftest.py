"What the suites share: the repository, and a Chromium where there is one."
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]

def pytest_configure(config):
    config.addinivalue_line('markers', 'browser: needs a Chromium; run by `make test-browser`')

@pytest.fixture
def root()->Path: return ROOT

@pytest.fixture(scope='session')
def chromium():
    "A headless Chromium; the test is skipped, and says why, where there is none."
    pytest.importorskip('playwright.sync_api', reason='Playwright is not installed: make setup')
    from playwright.sync_api import sync_playwright
    from recon3d_nb.cli.doctor import find_browser
    path = find_browser()
    if path is None: pytest.skip('no Chromium found: apt-get install chromium')
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=['--no-sandbox', '--enable-unsafe-swiftshader'])
        yield browser
        browser.close()
