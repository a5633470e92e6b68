"""Hostile input: whatever a file holds, a reader of ours gives a value or raises an error of the project.

`make test` reads 200 inputs of each family of formats, `make fuzz` 5,000; HOSTILE_INPUTS and HOSTILE_SEED say otherwise. See hostile.py for what an input is, and for the limits.
"""
import io, os, pickle, tarfile, time, zipfile
from pathlib import Path
import numpy as np
import pytest
import hostile
from hostile import keep, run
from recon3d_nb.core.errors import BadFile, ReconError

INPUTS, SEED = int(os.environ.get('HOSTILE_INPUTS', 200)), int(os.environ.get('HOSTILE_SEED', 0))
NAMES = ('obj mtl texture ply off stl glb gltf npz npz-normalisation npz-points npz-cloud npz-cameras npy hdf5 binvox safetensors pth pickle bop-scene_gt bop-scene_gt_info bop-scene_camera bop-models_info bop-targets bop-camera '
         'json-specs json-split json-taxonomy json-record json-truth yaml yaml-classes cfg csv-results csv-split csv-history csv-chamfer lst txt-meta txt-bbox txt-pose txt-intrinsics xyz png jpg tif webp bmp archive').split()

@pytest.fixture(scope='module')
def results(request, tmp_path_factory):
    "All formats that are asked for, read at once, in as many processes as there are cores."
    from hostile_formats import formats
    from recon3d_nb.core.compute import core_count
    asked = {i.callspec.params['name'] for i in request.session.items if hasattr(i, 'callspec') and 'name' in i.callspec.params}
    say = (lambda r: print(f'{r.name:18s} {r.inputs:6d} inputs: {r.read:6d} read, {r.refused:6d} refused, {len(r.failures)} failures, {r.cpu:6.1f} CPU-s', flush=True)) if INPUTS > 200 else lambda r: None
    return run([f for f in formats() if f.name in asked], INPUTS, seed=SEED, workers=core_count(), scratch=tmp_path_factory.mktemp('hostile'), say=say)

def test_every_format_is_named():
    from hostile_formats import formats
    assert [f.name for f in formats()] == NAMES

def test_whole_files_are_read(tmp_path):
    "The files that are bent can be read, each by one of its readers at least, as long as nobody bends them."
    from hostile_formats import formats
    for fmt in formats():
        for k, data in enumerate(fmt.seeds):
            folder = tmp_path/f'{fmt.name}-{k}'; hostile.lay(fmt, folder, data)
            good, error = hostile.attempt(fmt, folder/fmt.file)
            assert error is None and good, (fmt.name, k, error)

@pytest.mark.parametrize('name', NAMES)
def test_bent_files(name, results, root):
    from hostile_formats import formats
    got, fmt = results[name], next(f for f in formats() if f.name == name)
    assert not got.failures, '\n'.join(keep(fmt, f, root/'_hostile') for f in got.failures)
    assert got.inputs >= 10, got

# ---- the engine itself -------------------------------------------------------------------------------------------------

def _hang(path):
    while path.read_bytes() != b'': pass

def _crash(path):
    import ctypes
    if path.read_bytes()[:1] != b'a': ctypes.string_at(0)

def _hoard(path): return bytearray(2*hostile.MEMORY)
def _leave(path): (path.parents[1]/'outside.txt').write_text('x')
def _call(path): os.system('true')
def _wrong(path): raise KeyError('x')

@pytest.mark.parametrize('reader, said', [(_hang, 'hangs for more than'), (_crash, 'kills the interpreter: SIGSEGV'), (_hoard, 'MemoryError'), (_leave, 'Outside'), (_call, 'Outside'), (_wrong, 'KeyError')])
def test_the_watch_sees(reader, said, tmp_path, monkeypatch):
    "A reader that hangs, crashes, hoards, leaves its folder, runs a program, or raises what is not ours is found."
    monkeypatch.setattr(hostile, 'SECONDS', .3)
    fmt = hostile.Format('x', 'x.bin', (b'abc',), (reader,))
    got = run([fmt], 2, workers=1, scratch=tmp_path)['x']
    assert any(said in f.what for f in got.failures), got.failures
    keep(fmt, got.failures[0], tmp_path/'kept')
    assert [p.read_bytes() for p in (tmp_path/'kept').rglob('*-x.bin')] == [got.failures[0].data]

def test_same_seed_same_inputs():
    from hostile_formats import formats
    for name in ('obj', 'npz', 'json-specs', 'pickle'):
        fmt, runs = next(f for f in formats() if f.name == name), []
        for seed in (0, 0, 1): got = []; hostile.inputs(fmt, 0, 30, seed, lambda i, data: got.append((i, data))); runs.append(got)
        assert len(runs[0]) == 30 and runs[0] == runs[1] != runs[2], name

# ---- what is refused by name -------------------------------------------------------------------------------------------

def in_fork(call, megabytes=300)->str:
    "What a call says in a process that may take so much memory and ten seconds of the processor: 'read', 'refused: ...', or the error that is not ours."
    import resource
    r, w = os.pipe(); pid = os.fork()
    if not pid:
        limit = hostile.taken() + megabytes*2**20; resource.setrlimit(resource.RLIMIT_AS, (limit, limit)); resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 10,)*2)
        try: call(); said = 'read'
        except ReconError as e: said = f'refused: {e}'
        except BaseException as e: said = f'{type(e).__name__}: {e}'
        os.write(w, said.encode()[:4000]); os._exit(0)
    os.close(w)
    with open(r, 'rb') as f: said = f.read().decode()
    return said if os.waitpid(pid, 0)[1] == 0 else 'killed'

class Payload:
    "Unpickled the usual way, it writes a file."
    def __init__(self, path): self.path = path
    def __reduce__(self): return (open, (str(self.path), 'w'))

def test_payloads_never_run(tmp_path):
    import torch
    from recon3d_nb.core.files import read_npy, read_npz, read_pth
    from recon3d_nb.core.pickles import read_pickle
    from recon3d_nb.learn.weights import read_tensors
    from recon3d_nb.nocs.predict import read_depth
    from recon3d_nb.nocs.published import read_published
    from recon3d_nb.occnet.published import _read
    owned, boxed = tmp_path/'owned', np.array([Payload(tmp_path/'owned'), None], object)
    np.savez(tmp_path/'a.npz', points=boxed); np.save(tmp_path/'a.npy', boxed)
    torch.save({'model': Payload(owned)}, tmp_path/'a.pth'); torch.save({'model': Payload(owned)}, tmp_path/'old.pth', _use_new_zipfile_serialization=False)
    (tmp_path/'bare.pth').write_bytes(pickle.dumps(Payload(owned)))
    for k in range(6): (tmp_path/f'{k}.pkl').write_bytes(pickle.dumps({'gt_RTs': Payload(owned)}, k))
    (tmp_path/'os.pkl').write_bytes(f'cposix\nsystem\n(Vtouch {owned}\ntR.'.encode()); (tmp_path/'hidden.pkl').write_bytes(pickle.dumps(boxed))
    reads = [(read_npz, 'a.npz'), (read_npy, 'a.npy'), (read_depth, 'a.npy'), *((f, n) for f in (read_pth, read_tensors, _read) for n in ('a.pth', 'old.pth', 'bare.pth')), *((f, p.name) for f in (read_pickle, read_published) for p in tmp_path.glob('*.pkl'))]
    for read, name in reads:
        with pytest.raises(ReconError): read(tmp_path/name)
        assert not owned.exists(), (read, name)
    pickle.loads((tmp_path/'2.pkl').read_bytes())
    assert owned.exists(), 'the payload would have worked'

def _tar(path, name, kind=tarfile.REGTYPE, link='', data=b'x', mode='w'):
    with tarfile.open(path, mode) as t:
        i = tarfile.TarInfo(name); i.type, i.linkname, i.size = kind, link, len(data) if kind == tarfile.REGTYPE else 0; t.addfile(i, io.BytesIO(data))
    return path

def _zip(path, *entries, attr=0):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
        for n, d in entries: i = zipfile.ZipInfo(n); i.external_attr, i.compress_type = attr << 16, zipfile.ZIP_DEFLATED; z.writestr(i, d)
    return path

def test_archives_stay_in_their_folder(tmp_path):
    from recon3d_nb.core.files import unpack
    made = {f'{k}-{i}': f for i, name in enumerate(('../up', '/tmp/up', 'a/../../up', '..\\up', 'C:\\up', '\\\\host\\up')) for k, f in (('zip', lambda p, n=name: _zip(p, (n, 'x'))), ('tar', lambda p, n=name: _tar(p, n)))}
    made |= {f'kind-{k}': lambda p, k=k: _tar(p, 'x', k, '/etc/passwd') for k in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)}
    made |= {'zip-link': lambda p: _zip(p, ('x', '/etc'), attr=0o120777), 'twice': lambda p: _zip(p, ('x', 'a'), ('x', 'b'))}
    for name, make in made.items():
        with pytest.raises(ReconError): unpack(make(tmp_path/'archive'), tmp_path/'in'/'out')
        assert sorted(p.name for p in tmp_path.iterdir()) == ['archive', 'in'] and not list((tmp_path/'in').iterdir()) and not Path('/tmp/up').exists(), name

def test_archives_that_swell(tmp_path):
    from recon3d_nb.core.files import unpack
    zeros = bytes(3*10**6)
    for archive in (_zip(tmp_path/'a.zip', ('x', zeros)), _tar(tmp_path/'a.tar.gz', 'x', data=zeros, mode='w:gz'), _tar(tmp_path/'a.tar.xz', 'x', data=zeros, mode='w:xz'), _tar(tmp_path/'a.tar.bz2', 'x', data=zeros, mode='w:bz2')):
        assert archive.stat().st_size < 20_000
        with pytest.raises(BadFile, match='unpacks to more than'): unpack(archive, tmp_path/'out', max_bytes=10**6)
        assert not (tmp_path/'out').exists()
    with pytest.raises(BadFile, match='unpacks to more than'): unpack(_zip(tmp_path/'many.zip', *((f'{i}', '') for i in range(20))), tmp_path/'out', max_files=10)

def test_meshes_stay_in_their_folder(tmp_path):
    import warnings, hostile_formats as h
    from recon3d_nb.geometry.mesh import load_mesh
    inner = tmp_path/'in'; inner.mkdir(); secret = tmp_path/'secret.png'; secret.write_bytes(h.picture()); (tmp_path/'secret.mtl').write_bytes(h.MTL.replace(b'wood.png', b'../secret.png')); (inner/'link.png').symlink_to(secret)
    opened = []
    hostile.observe(lambda event, args: opened.append(os.path.realpath(os.fsdecode(args[0]))) if event == 'open' and isinstance(args[0], (str, bytes)) else None)
    for name in ('../secret.png', str(secret), '..\\secret.png', 'x/../../secret.png', 'link.png', f'file://{secret}', 'http://127.0.0.1:9/secret.png', '../secret.mtl'):
        (inner/'model.mtl').write_bytes(h.MTL.replace(b'wood.png', name.encode())); (inner/'model.obj').write_bytes(h.OBJ.replace(b'model.mtl', name.encode()) if name.endswith('.mtl') else h.OBJ)
        glb, rest = h._glb_parts(h.glbs()[0])
        (inner/'buffer.glb').write_bytes(h._glb({**glb, 'buffers': [{**glb['buffers'][0], 'uri': name}]}, b'')); (inner/'image.glb').write_bytes(h._glb({**glb, 'images': [{'uri': name}]}, rest))
        for file in ('model.obj', 'buffer.glb', 'image.glb'):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                try: load_mesh(inner/file)
                except ReconError as e: str(e)
    hostile.observe(None)
    outside = [p for p in opened if p.startswith(str(tmp_path)) and not p.startswith(str(inner))]
    assert not outside and any(p.startswith(str(inner)) for p in opened), outside

def _png(w, h, packed=b''):
    import struct, zlib
    chunk = lambda kind, body: struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0)) + chunk(b'IDAT', packed or zlib.compress(bytes(10**6))) + chunk(b'IEND', b'')

CLAIMS = {    # small files that say they are large
    'vertices.ply': b'ply\nformat binary_little_endian 1.0\nelement vertex 1000000000\nproperty double x\nproperty double y\nproperty double z\nelement face 1000000000\nproperty list uchar int vertex_indices\nend_header\n' + bytes(99),
    'ascii.ply': b'ply\nformat ascii 1.0\nelement vertex 1000000000\nproperty float x\nproperty float y\nproperty float z\nelement face 1000000000\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n',
    'list.ply': b'ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty list uint double x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n' + b'\xff'*99,
    'faces.stl': bytes(80) + (4_000_000_000).to_bytes(4, 'little') + bytes(50), 'faces.off': b'OFF 1000000000 1000000000 0\n0 0 0\n', 'index.obj': b'v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 2000000000\n',
    'wide.png': _png(10**6, 10**6), 'tall.png': _png(30_000, 30_000), 'cells.binvox': b'#binvox 1\ndim 4096 4096 4096\ntranslate 0 0 0\nscale 1\ndata\n\x01\xff',
}

@pytest.mark.parametrize('name', CLAIMS)
def test_claims_of_size_get_no_memory(name, tmp_path):
    import hostile_formats as h
    path = tmp_path/name; path.write_bytes(CLAIMS[name])
    reads = {'png': (h.read_png, h.read_photo, h.read_picture, h.read_depth), 'binvox': (h.read_binvox,)}.get(name.rpartition('.')[2], (h.load_mesh,))
    for read in reads: assert in_fork(lambda: read(path)).startswith('refused'), (read, in_fork(lambda: read(path)))

def test_large_pictures(tmp_path):
    "A valid picture of more than 32 million pixels is refused by its size; one just under it takes less memory than is stated."
    import hostile_formats as h
    from PIL import Image
    from recon3d_nb.core.files import MAX_PIXELS
    Image.new('1', (8000, MAX_PIXELS//8000 + 1)).save(tmp_path/'more.png')
    for read in (h.read_png, h.read_photo, h.read_picture, h.read_depth): assert '8000 x 4001' in (said := in_fork(lambda: read(tmp_path/'more.png'))) and said.startswith('refused'), (read, said)
    Image.new('F', (8000, MAX_PIXELS//8000)).save(tmp_path/'numbers.tif', compression='tiff_deflate')
    assert in_fork(lambda: h.read_photo(tmp_path/'numbers.tif'), hostile.MEMORY >> 20) == 'read'

def test_arrays_that_swell(tmp_path):
    "A gigabyte of zeros in a megabyte, in npz, .pth and HDF5; against a bound, or more than a file of its size can say."
    import h5py, hostile_formats as h
    head = io.BytesIO(); np.lib.format.write_array_header_1_0(head, dict(descr='<f8', fortran_order=False, shape=(10**12,)))
    claim, zeros = _zip(tmp_path/'claim.npz', ('pos.npy', head.getvalue() + bytes(99)), ('neg.npy', b'')), _zip(tmp_path/'zeros.npz', ('pos.npy', bytes(40*10**6)))
    swell = _zip(tmp_path/'swell.pth', ('archive/data.pkl', b'x'), ('archive/version', b'3'), ('archive/data/0', bytes(40*10**6)))
    with h5py.File(tmp_path/'sparse.h5', 'w') as f: f.create_dataset('points/points', (10**6, 10**6), 'f8', chunks=(64, 64), compression='gzip'); f.create_dataset('points/occupancies', data=np.ones(4, np.uint8))
    for call in (lambda: h.read_npz(claim), lambda: h.read_samples(claim), lambda: h.read_npz(zeros, max_bytes=10**6), lambda: h.read_pth(swell), lambda: h.ObjectHdf5(tmp_path/'sparse.h5').points()): assert in_fork(call).startswith('refused'), in_fork(call)

def test_yaml_makes_plain_values_only(tmp_path):
    import hostile_formats as h
    owned = tmp_path/'owned'
    for text in (f'!!python/object/apply:os.system ["touch {owned}"]', '!!python/name:os.system', f'a: !!python/object/new:os.system ["touch {owned}"]', '!!python/module:os', 'a: &a [*a]', '\n'.join(['a0: &a0 [x, x]', *(f'a{i}: &a{i} [{", ".join([f"*a{i-1}"]*9)}]' for i in range(1, 12))])):
        (tmp_path/'metadata.yaml').write_text(text)
        for read in (h.read_yaml, lambda p: h.load_config(h.MultiposeCfg, p), h._inherited, lambda p: h.class_names(p.parent)): assert in_fork(lambda: read(tmp_path/'metadata.yaml')).startswith('refused'), text
    assert not owned.exists()
