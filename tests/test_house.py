"The project as a whole: what no single notebook can test."
import json, re, subprocess, sys, zipfile
from configparser import ConfigParser
from pathlib import Path
import pytest

def settings(root):
    ini = ConfigParser(delimiters=['='], interpolation=None)
    ini.read(root/'settings.ini', encoding='utf-8')
    return dict(ini['DEFAULT'])

def pins(root):
    "Every `name==version` of settings.ini."
    texts = [v for k, v in settings(root).items() if k.endswith('requirements')]
    return {re.sub(r'\[.*\]', '', name).lower(): version for text in texts for name, version in re.findall(r'(\S+)==(\S+)', text)}

def test_every_dependency_is_pinned(root):
    for key, text in settings(root).items():
        if key.endswith('requirements'): assert all('==' in word for word in text.split()), key

def test_lock_agrees_with_settings(root):
    locked = dict(re.findall(r'^([\w.-]+)==([^ ;\\]+)', (root/'requirements.lock').read_text(), re.M))
    wanted = {name: version for name, version in pins(root).items() if name != 'uv'}
    stale = {name: (version, locked.get(name)) for name, version in wanted.items() if locked.get(name) != version}
    assert not stale, f'settings.ini and requirements.lock differ: {stale}. Run `make lock`.'

def modules(root):
    "Every exported module."
    return ['.'.join(p.relative_to(root).with_suffix('').parts) for p in sorted((root/'recon3d_nb').rglob('*.py')) if not p.name.startswith('_')]

def test_import_is_quick_and_light(root):
    code = "import sys, time; t = time.perf_counter(); import recon3d_nb; print(time.perf_counter() - t, 'torch' in sys.modules, recon3d_nb.__version__)"
    seconds, torch, version = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd='/', check=True).stdout.split()
    assert float(seconds) < 1 and torch == 'False' and version == settings(root)['version']

LOOK = """
import builtins, dis, importlib, inspect, json, sys, types
def codes(c):
    yield c
    for k in c.co_consts:
        if isinstance(k, types.CodeType): yield from codes(k)
missing, undefined, written = [], [], []
for m in sys.argv[1:]:
    mod = importlib.import_module(m)
    missing += [f'{m}.{n}' for n in mod.__all__ if not hasattr(mod, n)]
    with open(mod.__file__, encoding='utf-8') as f: top = compile(f.read(), mod.__file__, 'exec')
    undefined += [f'{m}.{c.co_name}: {i.argval}' for c in codes(top) for i in dis.get_instructions(c) if i.opname == 'LOAD_GLOBAL' and not hasattr(mod, i.argval) and not hasattr(builtins, i.argval)]
    for f in (getattr(mod, n, None) for n in mod.__all__):
        if not callable(f) or not getattr(f, '__module__', '').startswith('recon3d_nb'): continue
        try: params = inspect.signature(f).parameters.values()
        except ValueError: continue                   # compiled: it has no signature
        written += [f'{m}.{f.__name__}: {p}' for p in params if not isinstance(p.default, type) and (hasattr(p.default, 'shape') or isinstance(p.default, (list, dict, set)))]
print(json.dumps([missing, undefined, written]))
"""

@pytest.fixture(scope='module')
def looked_at(request):
    "What is wrong with the modules: names they do not have, globals that nobody defines, defaults that can be written into. One process imports them all, once."
    root = request.config.rootpath
    done = subprocess.run([sys.executable, '-c', LOOK, *modules(root)], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

def test_every_module_imports_and_exports_what_it_says(looked_at): assert not looked_at[0]

def test_every_global_is_defined(looked_at):
    "A name that only a test cell imports is missing in the exported module; its functions would fail when they are called."
    assert not looked_at[1]

def test_defaults_are_plain_values(looked_at):
    "An array as a default can be written into by a caller, and the API tables cannot show it."
    assert not looked_at[2]

def test_help_lists_every_command(root):
    text = subprocess.run(['make', 'help'], cwd=root, capture_output=True, text=True, check=True).stdout
    phony = re.search(r'^\.PHONY: (.*)$', (root/'Makefile').read_text(), re.M)[1].split()
    assert set(re.findall(r'make (\S+)', text)) == set(phony)

def test_setting_up_twice_does_nothing(root):
    "In a project that is set up, make finds nothing to do; a change of the lock makes it work again."
    ready = lambda *more: subprocess.run(['make', '--question', 'setup', *more], cwd=root).returncode
    if (root/'.venv'/'.ready').exists(): assert ready() == 0
    assert ready('--what-if=requirements.lock') == 1

def test_wheel_holds_the_whole_package(root, tmp_path):
    for name in ('settings.ini', 'setup.py', 'README.md', 'LICENSE'): (tmp_path/name).write_bytes((root/name).read_bytes())
    subprocess.run(['cp', '-r', root/'recon3d_nb', tmp_path/'recon3d_nb'], check=True)
    done = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-build-isolation', '--wheel-dir', tmp_path/'out', tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next((tmp_path/'out').glob('*.whl'))) as wheel: inside = set(wheel.namelist())
    ours = {p.relative_to(root).as_posix() for p in (root/'recon3d_nb').rglob('*.py')}
    assert ours <= inside, ours - inside
    meta = next(n for n in inside if n.endswith('METADATA'))
    with zipfile.ZipFile(next((tmp_path/'out').glob('*.whl'))) as wheel: text = wheel.read(meta).decode()
    assert 'License-Expression: Apache-2.0' in text or 'License: Apache-2.0' in text
    for extra in ('data', 'lab', 'dev', 'docs', 'all'): assert f'Provides-Extra: {extra}' in text

def test_no_path_of_one_machine(root):
    "Neither source nor saved outputs name a home folder or a temporary one."
    bad, where = re.compile(r'(?<![\w.])/(?:root|home/\w+|work|Users/\w+)/'), []
    files = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=root, capture_output=True, text=True).stdout.split('\n')
    for name in filter(None, files):
        path = root/name
        if path.suffix in ('.ipynb', '.py', '.md', '.ini', '.yml', '.yaml', '.sh', '') and path.is_file() and path.name != 'test_house.py':
            where += [f'{name}: {m[0]}' for m in bad.finditer(re.sub(r'"image/png": "[^"]*"', '', path.read_text(encoding='utf-8', errors='ignore')))]
    assert not where, where[:10]

def test_notebooks_are_small(root):
    large = {p.name: p.stat().st_size for p in (root/'nbs').rglob('*.ipynb') if p.stat().st_size > 2_000_000}
    assert not large
