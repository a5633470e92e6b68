"""Bent files, and processes that read them and may die: what `test_hostile.py` runs.

A format has a few small valid files, words that its parser listens to, and the readers of ours that meet it. An input is one of those files with a few
bytes, numbers, words or lines changed, or a document with a few of its nodes replaced (Hypothesis). Each is read in a forked process under a watchdog and a
limit of memory; what a reader may do is give a value or raise an error of the project. All is fixed by the seed.
"""
import gc, io, json, mmap, os, random, re, resource, signal, struct, sys, time, traceback, warnings, zipfile, zlib
from pathlib import Path
from typing import Callable, NamedTuple
from hypothesis import HealthCheck, Phase, given, seed as fix_seed, settings, strategies as st
from recon3d_nb.core.errors import ReconError

SECONDS, WAIT = 5., 300.   # a read that takes longer hangs: seconds of the processor, which a busy machine does not stretch; and of the clock
MEMORY = 2**30            # bytes above those of the warm process, enforced by the system
CHUNK = 500               # inputs of one process

class Format(NamedTuple):
    "A kind of file and who reads it."
    name:str
    file:str                    # its name, which readers go by
    seeds:tuple                 # valid files, bytes
    readers:tuple               # functions of a path
    words:tuple=()              # texts its parser knows, bytes
    tree:Callable|None=None     # draw -> bytes: a structured input
    beside:dict={}              # name -> bytes: files next to it
    bend:Callable|None=None     # (Random, bytes) -> bytes that pass the container's own checks (CRC, sizes)

    @property
    def family(self)->str:
        "The format in the usual sense, of which this is one use: what is asked for is a number of inputs of each family."
        kind = self.name.partition('-')[0]; return FAMILIES.get(kind, kind)

FAMILIES = dict(mtl='obj', texture='obj', gltf='glb', bop='json', lst='txt', xyz='txt', jpg='png', tif='png', webp='png', bmp='png')

class Failure(NamedTuple):
    "An input that a reader could not deal with."
    what:str          # the error in a line, or how the process ended
    text:str          # where it came from
    data:bytes

class Result(NamedTuple):
    "What came of a format's inputs."
    name:str
    inputs:int
    read:int          # by one of its readers at least
    refused:int       # by all of them
    cpu:float         # seconds
    failures:tuple    # one Failure a kind

# ---- bending -----------------------------------------------------------------------------------------------------------

INTS = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 10**12, 2**63 - 1, 2**64 - 1)
NUMBERS = tuple(map(str.encode, ('0', '-1', '1', '-0', '1e309', '-1e309', 'nan', 'inf', '1e-320', '0x10', '1_0', '999999999', '4294967296', '1000000000000', '99999999999999999999', '1'*400, '.', '-', '1.5.2', '1/2', '٣')))
PATHS = tuple(map(str.encode, ('../secret.txt', '../../../../etc/passwd', '/etc/passwd', 'C:\\boot.ini', '\\\\host\\share', 'file:///etc/passwd', 'http://127.0.0.1:9/x', '.', '..', '/dev/zero', '/dev/stdin', 'a/../../secret.txt', 'model.obj', 'con', '%2e%2e/secret.txt')))

def _byte(r, d): d[r.randrange(len(d))] = r.randrange(256)
def _bit(r, d): d[r.randrange(len(d))] ^= 1 << r.randrange(8)
def _cut(r, d): del d[r.randrange(len(d)):]
def _drop(r, d): i = r.randrange(len(d)); del d[i:i + r.choice((1, 2, 4, 8, 64, 512))]
def _add(r, d): i = r.randrange(len(d) + 1); d[i:i] = r.randbytes(r.choice((1, 2, 4, 16, 200)))
def _again(r, d): i = r.randrange(len(d)); part = d[i:i + r.choice((1, 4, 20, 100, 1000))]; d[i:i] = part*r.choice((1, 2, 3, 50))
def _int(r, d):
    n, v = r.choice((1, 2, 4, 4, 8)), r.choice(INTS); i = r.randrange(max(len(d) - n, 1))
    d[i:i + n] = (v % 256**n).to_bytes(n, r.choice(('little', 'big')))
def _float(r, d): i = r.randrange(max(len(d) - 4, 1)); d[i:i + 4] = struct.pack(r.choice('<>') + 'f', r.choice((float('nan'), float('inf'), -1e38, 1e38, 1e-45, 0.)))

def _number(r, d):
    found = list(re.finditer(rb'-?\d+\.?\d*(e[-+]?\d+)?', d))
    if found: m = r.choice(found); d[m.start():m.end()] = r.choice(NUMBERS)
def _word(r, d, words): i = r.randrange(len(d) + 1); d[i:i] = r.choice(words)
def _swap_word(r, d, words):
    found = list(re.finditer(rb'[^\s,:"{}\[\]=]+', d))
    if found: m = r.choice(found); d[m.start():m.end()] = r.choice(words)
def _line(r, d):
    lines = d.split(b'\n'); i, j = r.randrange(len(lines)), r.randrange(len(lines))
    kind = r.randrange(4)
    if kind == 0: lines[i], lines[j] = lines[j], lines[i]
    elif kind == 1: del lines[i]
    elif kind == 2: lines[i:i] = [lines[j]]*r.choice((1, 2, 100))
    else: lines[i] = b''.join(lines[i:i + 2])
    d[:] = b'\n'.join(lines)

PLAIN = (_byte, _bit, _bit, _cut, _drop, _add, _again, _int, _int, _int, _float)

def bent(r:random.Random, data:bytes, fmt:Format)->bytes:
    "Some bytes of a file changed."
    d, text, words = bytearray(data), b'\0' not in data, (*fmt.words, *NUMBERS, *PATHS)
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        if not d: break
        way = r.choice((*PLAIN, *(_number, _number, _number, _line, _line, 'word', 'swap', 'swap')) if text else (*PLAIN, *(('swap',) if fmt.words else ())))
        if way == 'word': _word(r, d, words)
        elif way == 'swap': _swap_word(r, d, words)
        else: way(r, d)
        del d[2**20:]
    return bytes(d)

# ---- documents with nodes replaced -------------------------------------------------------------------------------------

WORDS = ('', ' ', 'nan', 'NaN', '-1', '0', '1e400', 'null', 'true', '../up', '/etc/passwd', '__class__', 'ü', '\0', '\ud800'.encode('utf-8', 'ignore').decode(), 'a'*300, '1'*400)
ATOMS = st.one_of(st.none(), st.booleans(), st.sampled_from((0, 1, -1, 2**31, 2**63, 2**64, -2**70, 10**9, 10**30)), st.floats(), st.sampled_from(WORDS), st.text(max_size=8))
ODD = st.one_of(ATOMS, st.lists(ATOMS, max_size=3), st.dictionaries(st.text(max_size=5), ATOMS, max_size=2), st.sampled_from(([], {}, [[]], [[[1.]]], {'': {}}, [{}])))

def _places(tree, at=()):
    yield at
    if isinstance(tree, (dict, list)):
        for k in tree if isinstance(tree, dict) else range(len(tree)): yield from _places(tree[k], (*at, k))

def replaced(draw, tree, odd=ODD, most=3):
    "A copy of a document in which a few nodes are other things, or gone."
    tree = json.loads(json.dumps(tree)) if odd is ODD else _copied(tree)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.sampled_from(list(_places(tree))))
        if not at: return _copied(draw(odd)) if draw(st.integers(0, 9)) == 0 else tree
        node = tree
        for k in at[:-1]: node = node[k]
        kind = draw(st.integers(0, 5))
        if kind == 0: del node[at[-1]]
        elif kind == 1 and isinstance(node, dict): node[draw(st.sampled_from((*WORDS, *map(str, node))))] = node.pop(at[-1])
        elif kind == 1: node.append(node[at[-1]])
        else: node[at[-1]] = _copied(draw(odd))
    return tree

def _copied(t): return {k: _copied(v) for k, v in t.items()} if isinstance(t, dict) else [_copied(v) for v in t] if isinstance(t, list) else t

# ---- one process -------------------------------------------------------------------------------------------------------

def inputs(fmt:Format, chunk:int, n:int, seed:int, take:Callable):
    "Hand n inputs to `take(i, bytes)`: bent bytes, and a third of them documents with nodes replaced where the format has a tree."
    structured = n // 3 if fmt.tree else 0
    for i in range(n - structured):
        r = random.Random(f'{fmt.name} {seed} {chunk} {i}')
        data = r.choice(fmt.seeds)
        take(i, fmt.bend(r, data) if fmt.bend and r.random() < .6 else bent(r, data, fmt))
    if structured:
        count = iter(range(n - structured, n))
        @fix_seed(hash((seed, chunk)))
        @settings(max_examples=structured, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=False)
        @given(st.data())
        def each(data):
            made = fmt.tree(data.draw)
            if (i := next(count, None)) is not None: take(i, made)
        each()

READING = [False]

def watch_outside(folder:Path):
    "Refuse what a reader has no business with: other folders, programs, the network."
    roots = tuple(str(Path(p).resolve()) for p in (folder, sys.prefix, sys.base_prefix, Path(__file__).parents[1], '/dev/null', '/proc/self', '/usr', '/sys'))
    def look(event, args):
        if not READING[0]: return
        if event == 'open' and isinstance(args[0], (str, bytes)) and (args[1] or os.path.isabs(args[0])):      # else its place is told by a handle
            name, writes = os.path.realpath(os.fsdecode(args[0])), bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if not name.startswith(roots[:1] if writes else roots) and not (writes and name == '/dev/null'): raise Outside(f'{event} {name}')
        elif event in ('os.system', 'subprocess.Popen', 'socket.connect', 'socket.getaddrinfo', 'os.exec', 'os.posix_spawn', 'urllib.Request') or event in ('os.remove', 'os.rename', 'shutil.rmtree') and os.path.isabs(args[0]) and not os.path.realpath(os.fsdecode(args[0])).startswith(roots[0]): raise Outside(f'{event} {args!r}')
    sys.addaudithook(look)

class Outside(BaseException): "A reader left its folder."

WATCHER = []

def observe(look):
    "Call look(event, args) for what the interpreter does from now on; None: no more. Hooks cannot be taken away, so there is one for all."
    if not WATCHER: WATCHER.append(None); sys.addaudithook(lambda event, args: WATCHER[0] and WATCHER[0](event, args))
    WATCHER[0] = look

def lay(fmt, folder:Path, data:bytes):
    "Write an input and the files beside it."
    for name, d in {**fmt.beside, fmt.file: data}.items(): (folder/name).parent.mkdir(parents=True, exist_ok=True); (folder/name).write_bytes(d)

def taken()->int:
    "Bytes of address space of this process."
    return int(Path('/proc/self/statm').read_text().split()[0])*resource.getpagesize()

def attempt(fmt:Format, path:Path, seconds:float=0.):
    "Read a file with all readers of its format: how many could, and the error of one that failed in another way than ours; seconds of the processor for each, 0: no limit."
    good = 0
    for read in fmt.readers:
        READING[0] = True; signal.setitimer(signal.ITIMER_PROF, seconds)
        try: read(path); good += 1
        except ReconError as e: str(e)
        except (Exception, Outside) as e: return good, e
        finally: READING[0] = False; signal.setitimer(signal.ITIMER_PROF, 0)
    return good, None

def said(e:BaseException)->tuple:
    "An error in a line that is the same for the same fault, and in full."
    ours = [f for f in traceback.extract_tb(e.__traceback__) if 'recon3d_nb' in f.filename]
    at = f'{Path(ours[-1].filename).parent.name}/{Path(ours[-1].filename).name}:{ours[-1].name}' if ours else '?'
    return f'{type(e).__name__} in {at}', ''.join(traceback.format_exception(e))[-3000:]

def _work(fmt, chunk, n, seed, skip, folder, shared, out):
    "What a fork does: read the inputs of a chunk from `skip` on, and note the failures."
    nothing = os.open(os.devnull, os.O_RDWR)
    for k in (0, 1, 2): os.dup2(nothing, k)
    import cv2, faulthandler, torch
    faulthandler.disable(); cv2.setNumThreads(0); torch.set_num_threads(1); warnings.simplefilter('ignore'); signal.signal(signal.SIGPROF, signal.SIG_DFL)
    path, seen = folder/fmt.file, {}; lay(fmt, folder, b'')
    resource.setrlimit(resource.RLIMIT_AS, (taken() + MEMORY,)*2); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); resource.setrlimit(resource.RLIMIT_FSIZE, (2**28,)*2)
    watch_outside(folder)
    counts = [0, 0]
    def take(i, data):
        if i < skip: return
        path.write_bytes(data)
        struct.pack_into('<q', shared, 0, i)
        good, error = attempt(fmt, path, SECONDS)
        counts[not good] += 1
        struct.pack_into('<qq', shared, 8, *counts)
        if error is not None:
            line, text = said(error)
            if line not in seen or len(data) < len(seen[line][1]): seen[line] = text, data; out.write_text(json.dumps({k: (t, d.hex()) for k, (t, d) in seen.items()}))
    inputs(fmt, chunk, n, seed, take)

# ---- many processes ----------------------------------------------------------------------------------------------------

class _Job:
    "A chunk of a format, in a process that is begun again behind the input that killed it."
    def __init__(self, fmt, chunk, n, seed, scratch):
        self.fmt, self.chunk, self.n, self.seed, self.folder = fmt, chunk, n, seed, scratch/f'{fmt.name}-{chunk}'
        self.shared, self.skip, self.tries, self.read, self.refused, self.cpu, self.failures = mmap.mmap(-1, 24), 0, 0, 0, 0, 0., {}

    def start(self):
        self.out = self.folder.with_name(f'{self.folder.name}.{self.tries}.json'); self.tries += 1
        struct.pack_into('<qqq', self.shared, 0, -1, 0, 0); self.at = -1, time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try: _work(self.fmt, self.chunk, self.n, self.seed, self.skip, self.folder, self.shared, self.out); code = 0
            except BaseException: self.out.with_suffix('.txt').write_text(traceback.format_exc()); raise
            finally: os._exit(code)

    def hangs(self)->bool:
        "Whether it has stood at one input for too long by the clock."
        i = struct.unpack_from('<q', self.shared)[0]
        if i != self.at[0]: self.at = i, time.monotonic()
        return time.monotonic() - self.at[1] > WAIT

    def ended(self, status, used)->bool:
        "Gather what the process left; True where inputs are left."
        i, read, refused = struct.unpack('<qqq', self.shared)
        self.read += read; self.refused += refused; self.cpu += used.ru_utime + used.ru_stime
        if self.out.is_file():
            for line, (text, data) in json.loads(self.out.read_text()).items(): self._note(line, text, bytes.fromhex(data))
        code = os.waitstatus_to_exitcode(status)
        if code == 0: return False
        if code > 0 or i < 0: raise RuntimeError(f'{self.fmt.name}: the process that reads could not work, {code}: {self.out.with_suffix(".txt").read_text() if self.out.with_suffix(".txt").is_file() else ""}')
        how = f'hangs for more than {SECONDS:.0f} s' if code in (-signal.SIGKILL, -signal.SIGPROF) else f'kills the interpreter: {signal.Signals(-code).name}'
        self._note(how, how, (self.folder/self.fmt.file).read_bytes()); self.skip = i + 1
        return self.skip < self.n and self.tries < 20

    def _note(self, line, text, data):
        if line not in self.failures or len(data) < len(self.failures[line].data): self.failures[line] = Failure(line, text, data)

def _warm_up():
    "Do once what each fork would do anew: Hypothesis reads its tables, and memory is set aside so that forks share it."
    @settings(max_examples=2, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def drawn(data): data.draw(ODD); data.draw(st.text())
    drawn(); gc.collect(); gc.freeze()

def run(formats, n:int, *, seed:int=0, workers:int=2, scratch:Path, say=lambda result: None)->dict:
    "Read n inputs of each family of formats, shared among its uses; name -> Result."
    _warm_up()
    many = {f.name: -(-n // sum(g.family == f.family for g in formats)) for f in formats}
    todo = [_Job(f, c, min(CHUNK, many[f.name] - c*CHUNK), seed, Path(scratch)) for f in formats for c in range(-(-many[f.name] // CHUNK))]
    left, jobs, running, results = {f.name: -(-many[f.name] // CHUNK) for f in formats}, {f.name: [] for f in formats}, {}, {}
    for j in todo: jobs[j.fmt.name].append(j)
    while todo or running:
        while todo and len(running) < workers: job = todo.pop(0); job.start(); running[job.pid] = job
        for pid, job in list(running.items()):
            done, status, used = os.wait4(pid, os.WNOHANG)
            if not done:
                if job.hangs(): os.kill(pid, signal.SIGKILL)
                continue
            del running[pid]
            if job.ended(status, used): todo.insert(0, job); continue
            name = job.fmt.name; left[name] -= 1
            if left[name]: continue
            found = {}
            for f in (f for j in jobs[name] for f in j.failures.values()):
                if f.what not in found or len(f.data) < len(found[f.what].data): found[f.what] = f
            total = lambda key: sum(getattr(j, key) for j in jobs[name])
            results[name] = Result(name, total('read') + total('refused'), total('read'), total('refused'), total('cpu'), tuple(found.values())); say(results[name])
        time.sleep(.005)
    return results

def keep(fmt:Format, failure:Failure, folder:Path)->str:
    "Write a failing input where it can be found, and say how it is read again."
    name = f"{zlib.crc32(failure.what.encode()):08x}-{Path(fmt.file).name}"; path = Path(folder)/fmt.name/name
    path.parent.mkdir(parents=True, exist_ok=True); path.write_bytes(failure.data); path.with_name(name + '.txt').write_text(failure.text)
    return f'{failure.what}\n  kept in {path} ({len(failure.data)} bytes); again: python tests/hostile.py {fmt.name} {path}\n' + '\n'.join(failure.text.strip().splitlines()[-12:])

# ---- the container's own checks ----------------------------------------------------------------------------------------

def zipped(r, data, fmt_words=()):
    "One member of a zip bent, and packed again with the right sums."
    members = [(i, z.read(i)) for z in [zipfile.ZipFile(io.BytesIO(data))] for i in z.infolist()]
    at, out = r.randrange(len(members)), io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for k, (i, content) in enumerate(members):
            if k == at and r.random() < .1: continue
            name = i.filename if k != at or r.random() < .9 else r.choice(('x.npy', '../x.npy', i.filename + 'x'))
            z.writestr(zipfile.ZipInfo(name), bent(r, content[:200], Format('', '', (), (), fmt_words)) + content[200:] if k == at and r.random() < .7 else bent(r, content, Format('', '', (), (), fmt_words)) if k == at and content else content, r.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return out.getvalue()

def chunked(r, data):
    "One chunk of a PNG bent, its sum made right."
    if data[:4] != b'\x89PNG': return bent(r, data, Format('', '', (), ()))
    at, parts = 8, []
    while at + 12 <= len(data): n = int.from_bytes(data[at:at + 4]); parts.append((data[at + 4:at + 8], data[at + 8:at + 8 + n])); at += 12 + n
    k = r.randrange(len(parts)) if r.random() < .5 else 0
    kind, body = parts[k]; parts[k] = (kind if r.random() < .9 else r.choice((b'IDAT', b'PLTE', b'tRNS', b'eXIf', b'zTXt', b'iCCP', b'acTL')), bent(r, body or b'\0', Format('', '', (), ())))
    return data[:8] + b''.join(len(b).to_bytes(4) + k + b + zlib.crc32(k + b).to_bytes(4) for k, b in parts)

if __name__ == '__main__':
    import tempfile
    from hostile_formats import formats
    fmt, folder = next(f for f in formats() if f.name == sys.argv[1]), Path(tempfile.mkdtemp())
    lay(fmt, folder, Path(sys.argv[2]).read_bytes())
    for read in fmt.readers:
        try: print('gave', str(read(folder/fmt.file))[:200])
        except ReconError as e: print('refused:', e)
