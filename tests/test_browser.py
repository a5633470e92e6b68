"JupyterLab and the built site in a real Chromium; screenshots go to _browser/."
import os, shutil, socket, subprocess, sys, time, urllib.request
import pytest

pytestmark = pytest.mark.browser

def free_port():
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); return s.getsockname()[1]

def shot(page, root, name):
    (root/'_browser').mkdir(exist_ok=True)
    page.screenshot(path=root/'_browser'/f'{name}.png')

@pytest.fixture(scope='module')
def lab(tmp_path_factory, request):
    "JupyterLab on a copy of the project; gives the address of a notebook."
    root, copy = request.config.rootpath, tmp_path_factory.mktemp('lab')
    for name in ('nbs', 'recon3d_nb'): shutil.copytree(root/name, copy/name, ignore=shutil.ignore_patterns('.ipynb_checkpoints', '__pycache__'))
    shutil.copy(root/'settings.ini', copy)
    port, token = free_port(), 'a-token-for-this-test'
    args = ['lab', '--no-browser', '--ip=127.0.0.1', f'--port={port}', f'--IdentityProvider.token={token}', '--LabApp.expose_app_in_browser=True', '--allow-root']
    server = subprocess.Popen([sys.executable, '-m', 'jupyter', *args], cwd=copy, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {'JUPYTER_PLATFORM_DIRS': '1'})
    for _ in range(120):
        try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api', timeout=2); break
        except OSError: time.sleep(.5)
    yield lambda path: f'http://127.0.0.1:{port}/lab/tree/{path}?token={token}'
    server.terminate(); server.wait(20)

def listen(page):
    "Collect what the console reports as an error, and exceptions in the page."
    errors = []
    page.on('console', lambda m: m.type == 'error' and errors.append(m.text))
    page.on('pageerror', lambda e: errors.append(str(e)))
    return errors

def test_lab_opens_and_runs_the_tour(lab, chromium, root):
    page = chromium.new_page(viewport={'width': 1500, 'height': 1000})
    errors = listen(page)
    page.goto(lab('nbs/tour/01_five_minutes.ipynb'), timeout=90_000)
    page.wait_for_selector('.jp-Notebook .jp-MarkdownOutput h1', timeout=90_000)
    page.wait_for_function("() => window.jupyterapp.commands.hasCommand('notebook:run-all-cells')", timeout=60_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=90_000)
    ran = page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    shot(page, root, 'lab_tour')
    assert ran is not False
    counts = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.filter(c => c.cell_type === 'code').map(c => [c.execution_count, c.outputs.map(o => o.output_type)])")
    assert counts and all(n is not None for n, _ in counts), 'a cell did not run'
    assert not any('error' in kinds for _, kinds in counts), 'a cell failed'
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(window.jupyterapp.shell.currentWidget.content.widgets.findIndex(w => w.model.sharedModel.source.includes('Mesh3d')))")
    page.wait_for_selector('.js-plotly-plot', timeout=60_000)
    page.wait_for_timeout(1500)
    shot(page, root, 'lab_plot')
    assert page.locator('.js-plotly-plot').first.bounding_box()['height'] > 200
    assert not [e for e in errors if 'favicon' not in e], errors

@pytest.fixture
def site(root, chromium):
    "A page that sees the built site and no network."
    if not (root/'_docs'/'index.html').is_file(): pytest.fail('_docs/ is not built: run `make docs`')
    page = chromium.new_page(viewport={'width': 1400, 'height': 900})
    page.remote = []
    page.route('**/*', lambda r: r.continue_() if r.request.url.startswith(('file:', 'data:', 'blob:')) else (page.remote.append(r.request.url), r.abort()))
    yield page
    page.close()

def test_site_works_without_a_network(site, root):
    errors = listen(site)
    for name in ('index.html', 'geometry/camera.html', 'tour/five_minutes.html', 'data/families.html'):
        site.goto((root/'_docs'/name).as_uri())
        site.wait_for_timeout(800)
        shot(site, root, 'site_' + name.replace('/', '_').removesuffix('.html'))
        assert len(site.inner_text('body')) > 500, name
        assert site.evaluate('() => document.documentElement.scrollWidth <= window.innerWidth + 1'), f'{name} is wider than the window'
    site.goto((root/'_docs'/'geometry/camera.html').as_uri())
    site.wait_for_selector('.katex')
    assert site.locator('.katex').count() > 2 and site.locator('.katex-error').count() == 0
    broken = site.evaluate("async () => { const bad = []; for (const i of document.images) { i.loading = 'eager'; try { await i.decode() } catch { bad.push(i.src.slice(0, 80)) } } return bad }")
    assert not broken, broken
    assert not site.remote and not errors, (site.remote, errors)

def test_plots_are_alive_on_the_site(site, root):
    site.goto((root/'_docs'/'tour/five_minutes.html').as_uri())
    site.locator('.plotly-live').first.scroll_into_view_if_needed()
    site.wait_for_selector('.plotly-live .main-svg', timeout=30_000)
    before = site.locator('.plotly-live').first.screenshot()
    box = site.locator('.plotly-live').first.bounding_box()
    site.mouse.move(box['x'] + box['width']/2, box['y'] + box['height']/2); site.mouse.down()
    site.mouse.move(box['x'] + box['width']/2 + 120, box['y'] + box['height']/2 + 30, steps=6); site.mouse.up()
    site.wait_for_timeout(800)
    assert site.locator('.plotly-live').first.screenshot() != before, 'dragging the plot changed nothing'
