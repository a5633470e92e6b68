"The formats that the project reads: small valid files, and the readers of ours that meet them."
import io, json, pickle, struct, zipfile
from functools import lru_cache
from pathlib import Path
import cv2, h5py, numpy as np, torch, trimesh, yaml
from hypothesis import strategies as st
from PIL import Image
from hostile import ATOMS, ODD, Format, bent, chunked, replaced, zipped
from recon3d_nb.cli.occnet import _cloud, _inherited
from recon3d_nb.cli.osop import _camera
from recon3d_nb.core.config import load_config, read_yaml
from recon3d_nb.core.files import read_json, read_npz, read_pth, read_weights, unpack
from recon3d_nb.core.pickles import read_pickle
from recon3d_nb.data.backgrounds import read_photo
from recon3d_nb.data.binvox import Voxels, read_binvox, write_binvox
from recon3d_nb.data.bop import BopScenes
from recon3d_nb.data.families import from_record, make, record
from recon3d_nb.data.nocs import NocsItem, NocsScenes
from recon3d_nb.data.nocs_files import parse_meta, read_bbox, read_png
from recon3d_nb.data.occnet import OccNetObjects, class_names
from recon3d_nb.data.occnet_files import Content, ObjectFolder, read_picture
from recon3d_nb.data.occnet_hdf5 import ObjectHdf5, write_hdf5
from recon3d_nb.data.sequences import read_pose
from recon3d_nb.data.shapenet import ShapeNetCore, read_split
from recon3d_nb.deepsdf.decoder import read_codes
from recon3d_nb.deepsdf.evaluation import read_chamfer
from recon3d_nb.deepsdf.growth import read_logs
from recon3d_nb.deepsdf.layout import DataSource, Instance, read_instances, read_samples, read_specs
from recon3d_nb.geometry.mesh import load_mesh
from recon3d_nb.learn.records import read_checkpoint, read_history
from recon3d_nb.learn.tree import read_tree, write_tree
from recon3d_nb.learn.weights import read_tensors
from recon3d_nb.metrics.bop import read_depth as read_bop_depth, read_model, read_results
from recon3d_nb.multipose.config import MultiposeCfg, read_settings
from recon3d_nb.nocs.predict import read_depth
from recon3d_nb.nocs.published import read_published
from recon3d_nb.occnet.published import _read as read_occnet

def _bytes(write, name)->bytes:
    "What a function writes to a file of this name."
    import tempfile
    with tempfile.TemporaryDirectory() as tmp: write(Path(tmp)/name); return (Path(tmp)/name).read_bytes()

def picture(kind='PNG', shape=(9, 12, 3), dtype=np.uint8, **how)->bytes:
    out = io.BytesIO(); Image.fromarray(np.random.default_rng(0).integers(0, 250, shape).astype(dtype)).save(out, kind, **how)
    return out.getvalue()

def sound(mesh):
    "What `load_mesh` promises."
    assert len(mesh.vertices) and len(mesh.faces) and np.isfinite(mesh.vertices).all() and 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices), 'load_mesh let a broken mesh through'

def meshes(path): sound(load_mesh(path))
def cloud(path): _cloud(path, 300)

# ---- meshes ------------------------------------------------------------------------------------------------------------

MTL = b'newmtl wood\nKa 1 1 1\nKd .8 .7 .6\nKs 0 0 0\nNs 10\nd 1\nmap_Kd wood.png\nnewmtl red\nKd 1 0 0\n'
OBJ = (b'# a box\nmtllib model.mtl\no box\n' + b''.join(b'v %d %d %d\n' % (x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)) + b'vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvn 0 0 1\nusemtl wood\ng side\ns off\n'
       b'f 1/1 2/2 4/3 3/4\nf 5/1/1 7/2/1 8/3/1 6/4/1\nusemtl red\nf 1//1 5//1 6//1\nf -8 -3 -7\nf 3 4 8 7\nf 1 3 7 5\nf 2 6 8 4\n')
MESH_WORDS = (b'mtllib', b'usemtl', b'map_Kd', b'f 1 2 3', b'f 1/1/1 2/2/2 3/3/3', b'f 1 1000000000 2', b'f -100 1 2', b'f 0 0 0', b'v nan 0 0', b'v 1e999 0 0', b'vt', b'vn', b'l 1 2', b'p 1', b'\\\n', b'newmtl', b'-options', b'OFF', b'solid', b'facet', b'endsolid', b'element vertex 1000000000',
              b'property list uchar int vertex_indices', b'property list int double x', b'end_header', b'property float x', b'property double nx', b'format binary_big_endian 1.0', b'comment TextureFile ../secret.png', b'element face -1', b'element face 1000000000')

@lru_cache
def box(): return trimesh.creation.box((1, 2, 3))

def _coloured():
    m = box().copy(); m.visual.vertex_colors = np.arange(32).reshape(8, 4) % 255
    return m

def _textured():
    m = box().copy()
    m.visual = trimesh.visual.TextureVisuals(uv=np.random.default_rng(0).random((8, 2)), image=Image.open(io.BytesIO(picture())))
    return m

def _ply_ascii():
    return trimesh.exchange.ply.export_ply(box(), encoding='ascii')

def _big_endian():
    head = b'ply\nformat binary_big_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nelement face 2\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\nend_header\n'
    return head + b''.join(struct.pack('>fffB', x, y, .5*x, 9) for x in (0, 1) for y in (0, 1)) + b''.join(struct.pack('>Biii', 3, *f) + struct.pack('>Bffffff', 6, *range(6)) for f in ((0, 1, 2), (2, 1, 3)))

def _glb_parts(data):
    n = int.from_bytes(data[12:16], 'little')
    return json.loads(data[20:20 + n]), data[20 + n:]

def _glb(tree, rest):
    head = json.dumps(tree).encode(); head += b' '*(-len(head) % 4)
    return b'glTF' + struct.pack('<II', 2, 20 + len(head) + len(rest)) + struct.pack('<I', len(head)) + b'JSON' + head + rest

def _glb_tree(draw):
    tree, rest = _glb_parts(draw(st.sampled_from(glbs())))
    return _glb(replaced(draw, tree, most=2), rest)

@lru_cache
def glbs(): return _textured().export(file_type='glb'), trimesh.Scene([_coloured(), trimesh.creation.icosphere(subdivisions=0)]).export(file_type='glb')

def _gltf():
    files = trimesh.Scene([_textured()]).export(file_type='gltf')
    return files['model.gltf'], {k: v for k, v in files.items() if k != 'model.gltf'}

def mesh_formats():
    png, (gltf, parts) = picture(), _gltf()
    stl = trimesh.exchange.stl.export_stl(box())
    yield Format('obj', 'model.obj', (OBJ, box().export(file_type='obj').encode(), b'v 0 0 0\r\nv 1 0 0\r\nv 0 1 0\r\nf 1 2 3\r\n'), (meshes,), MESH_WORDS, beside={'model.mtl': MTL, 'wood.png': png})
    yield Format('mtl', 'model.mtl', (MTL,), (lambda p: meshes(p.with_name('model.obj')),), (*MESH_WORDS, b'map_Ka', b'map_d', b'Kd', b'wood.png'), beside={'model.obj': OBJ, 'wood.png': png})
    yield Format('texture', 'wood.png', (png, picture('JPEG')), (lambda p: meshes(p.with_name('model.obj')),), beside={'model.obj': OBJ, 'model.mtl': MTL}, bend=chunked)
    yield Format('ply', 'model.ply', (_ply_ascii(), _coloured().export(file_type='ply'), _big_endian()), (meshes, cloud, lambda p: DataSource(p.parent).read_surface(Instance('..', '..', '../model'))), MESH_WORDS)
    yield Format('off', 'model.off', (box().export(file_type='off').encode(), b'OFF 4 2 0\n0 0 0\n1 0 0\n0 1 0\n1 1 1\n3 0 1 2\n4 0 1 3 2 255 0 0\n', b'COFF\n3 1 0\n0 0 0 255 0 0 255\n1 0 0 0 255 0 255\n0 1 0 0 0 255 255\n3 0 1 2\n'), (meshes,), MESH_WORDS)
    yield Format('stl', 'model.stl', (stl, trimesh.exchange.stl.export_stl_ascii(trimesh.Trimesh(box().vertices, box().faces[:3], process=False)).encode()), (meshes,), MESH_WORDS)
    yield Format('glb', 'model.glb', glbs(), (meshes,), tree=_glb_tree)
    yield Format('gltf', 'model.gltf', (gltf,), (meshes,), (b'data:application/octet-stream;base64,AAAA', b'"uri"'), lambda draw: json.dumps(replaced(draw, json.loads(gltf), most=2)).encode(), parts)

# ---- arrays ------------------------------------------------------------------------------------------------------------

def _npz(arrays, compress=False)->bytes:
    out = io.BytesIO(); (np.savez_compressed if compress else np.savez)(out, **arrays)
    return out.getvalue()

def occupied(n=40):
    r = np.random.default_rng(0); place = dict(loc=np.zeros(3), scale=np.array(1.))
    return dict(points=dict(points=r.random((n, 3)).astype(np.float16), occupancies=np.packbits(r.random(n) < .5), **place), pointcloud=dict(points=r.random((n, 3)).astype(np.float16), normals=r.random((n, 3)).astype(np.float16), **place),
                cameras={f'{k}_{i}': m for i in range(2) for k, m in (('world_mat', np.eye(4)[:3]), ('camera_mat', np.eye(3)))})

SHAPES = ((), (0,), (1,), (3,), (5,), (0, 3), (1, 3), (2, 0, 3), (3, 3), (4, 4), (7, 4), (40, 3), (2, 3, 3, 3))
TYPES = ('f2', 'f4', '>f8', 'f8', 'i1', 'u1', '>i4', 'i8', 'u8', '?', 'c8', 'S3', 'U2', 'M8[s]', 'm8[ns]', 'V4')
FILLS = (0, 1, -1, 255, np.nan, np.inf, -np.inf, 1e38)

@st.composite
def odd_arrays(draw):
    shape, kind, fill = draw(st.sampled_from(SHAPES)), np.dtype(draw(st.sampled_from(TYPES))), draw(st.sampled_from(FILLS))
    if draw(st.integers(0, 19)) == 0: return np.zeros(shape, [('a', 'f4'), ('b', 'i4')])
    with np.errstate(all='ignore'):
        try: return np.full(shape, fill).astype(kind)
        except (ValueError, TypeError, OverflowError): return np.zeros(shape, kind)

def _npz_tree(arrays):
    def tree(draw):
        made = replaced(draw, arrays, odd_arrays(), 2)
        return _npz({k.replace('\0', '').replace('/', '') or 'x': v for k, v in (made if isinstance(made, dict) else {'pos': made}).items() if k != 'file'}, draw(st.booleans()))
    return tree

def _folder(p): return ObjectFolder(p.parent)

def _hdf5(tree, libver='latest', voxels=True)->bytes:
    def write(path):
        with h5py.File(path, 'w', libver=libver) as f:
            for group, arrays in tree.items():
                if isinstance(arrays, dict):
                    for k, v in arrays.items(): f.create_dataset(f'{group}/{k}', data=v, **(dict(compression='gzip') if np.ndim(v) and np.size(v) > 30 else {}))
                else: f.create_dataset(group, data=arrays)
    return _bytes(write, 'x.h5')

def _object_tree():
    a = occupied(); images = np.random.default_rng(0).integers(0, 255, (2, 5, 5, 3)).astype(np.uint8)
    return dict(points=a['points'], pointcloud=a['pointcloud'], camera=a['cameras'], images=images)

def _hdf5_tree(draw):
    tree = replaced(draw, _object_tree(), odd_arrays(), 2)
    if not isinstance(tree, dict): tree = {'points': tree}
    clean = lambda k: str(k).replace('\0', '').strip('/.') or 'x'
    tree = {clean(k): {clean(n): a for n, a in v.items() if a.dtype.kind not in 'UMm'} if isinstance(v, dict) else v for k, v in tree.items() if isinstance(v, dict) or v.dtype.kind not in 'UMm'}
    try: return _hdf5(tree, draw(st.sampled_from(('latest', 'earliest'))))
    except (ValueError, TypeError, OSError, KeyError): return _hdf5({'points': {'points': np.zeros(3)}})

def whole_hdf5(path):
    o = ObjectHdf5(path)
    for v in o.views: o.image(v); o.camera(v)
    o.points(); o.pointcloud(); o.voxels(); o.content()

def array_formats():
    a, r = occupied(), np.random.default_rng(0)
    sdf = dict(pos=r.random((9, 4)).astype('f4'), neg=-r.random((8, 4)).astype('f4'))
    place = dict(offset=np.zeros(3), scale=np.array(2.))
    zipper = lambda r, d: zipped(r, d)
    yield Format('npz', 'any.npz', (_npz(sdf), _npz(sdf, True), _npz(dict(points=np.ones((5, 3))), True)), (read_npz, read_samples, cloud), tree=_npz_tree(sdf), bend=zipper)
    yield Format('npz-normalisation', 'NormalizationParameters/a/b/c.npz', (_npz(place),), (lambda p: DataSource(p.parents[3]).read_normalisation(Instance('a', 'b', 'c')),), tree=_npz_tree(place), bend=zipper)
    yield Format('npz-points', 'points.npz', (_npz(a['points']), _npz(a['points'], True)), (lambda p: _folder(p).points(),), tree=_npz_tree(a['points']), bend=zipper)
    yield Format('npz-cloud', 'pointcloud.npz', (_npz(a['pointcloud']),), (lambda p: _folder(p).pointcloud(),), tree=_npz_tree(a['pointcloud']), bend=zipper)
    yield Format('npz-cameras', 'img_choy2016/cameras.npz', (_npz(a['cameras']),), (lambda p: ObjectFolder(p.parents[1]).camera(1),), tree=_npz_tree(a['cameras']), bend=zipper)
    npy = lambda x: _bytes(lambda p: np.save(p, x), 'x.npy')
    yield Format('npy', 'depth.npy', (npy(np.ones((4, 5), 'f4')), npy(np.ones((4, 5), '>u2'))), (read_depth,), (b"'shape': (4, 5)", b"'descr': '|O'", b'(1000000000, 1000000000)', b"'fortran_order': True"), lambda draw: npy(draw(odd_arrays())))
    content = Content(a['points'], a['pointcloud'], a['cameras'], {0: np.zeros((5, 5, 3), np.uint8), 1: np.ones((5, 5, 3), np.uint8)}, Voxels(np.eye(4)[..., None].repeat(4, 2) > 0))
    yield Format('hdf5', 'object.h5', (_bytes(lambda p: write_hdf5(p, content), 'x.h5'), _hdf5(_object_tree(), 'earliest'), _bytes(lambda p: write_hdf5(p, content, gzip=1), 'x.h5')),
                 (lambda p: ObjectHdf5(p).points(), lambda p: ObjectHdf5(p).pointcloud(), lambda p: [ObjectHdf5(p).image(v) for v in ObjectHdf5(p).views], lambda p: ObjectHdf5(p).camera(1), lambda p: ObjectHdf5(p).voxels(), lambda p: ObjectHdf5(p).content()), tree=_hdf5_tree)
    grid = r.random((5, 4, 3)) < .4
    yield Format('binvox', 'model.binvox', (_bytes(lambda p: write_binvox(p, Voxels(grid)), 'x.binvox'), _bytes(lambda p: write_binvox(p, Voxels(np.ones((16,)*3, bool))), 'x.binvox')), (read_binvox,), (b'dim 4096 4096 4096', b'data', b'scale inf', b'translate 0 0', b'dim 0 0 0'))

# ---- weights and pickles -----------------------------------------------------------------------------------------------

def _saved(x, **how): return _bytes(lambda p: torch.save(x, p, **how), 'x.pth')
PUBLISHED = dict(gt_class_ids=np.array([1, 3]), gt_RTs=np.eye(4)[None].repeat(2, 0), gt_scales=np.ones((2, 3)), gt_handle_visibility=np.array([1, 0]), gt_bboxes=np.zeros((2, 4), int), pred_bboxes=np.zeros((1, 4), int),
                 pred_class_ids=np.array([1]), pred_scores=np.array([.5], 'f4'), pred_RTs=np.eye(4)[None], pred_scales=np.ones((1, 3)), image_path='data/real/1', notes=[1, (2, 'x', None), {'a': {1, 2}}])

def _safetensors(header, body): head = json.dumps(header).encode(); return len(head).to_bytes(8, 'little') + head + body

def _safe_tree(seeds):
    def tree(draw):
        data = draw(st.sampled_from(seeds)); n = int.from_bytes(data[:8], 'little'); header = json.loads(data[8:8 + n])
        if draw(st.booleans()) and 'about' in header.get('__metadata__', {}): header['__metadata__']['about'] = json.dumps(replaced(draw, json.loads(header['__metadata__']['about'])))
        else: header = replaced(draw, header)
        return _safetensors(header, data[8 + n:])
    return tree

def weight_formats():
    state = {'a.weight': torch.arange(6.).view(2, 3), 'a.bias': torch.ones(2, dtype=torch.float16), 'n': torch.tensor(3)}
    from recon3d_nb.core.files import write_weights
    safe = (_bytes(lambda p: write_weights(p, state, dict(seed=3, cfg=dict(a=[1, 2]))), 'x.safetensors'), _bytes(lambda p: write_tree(p, dict(model=state, steps=[1, torch.ones(2), (None, 'x')]), {}), 'x.safetensors'))
    yield Format('safetensors', 'w.safetensors', safe, (read_weights, read_tensors, read_tree, read_checkpoint), tree=_safe_tree(safe))
    codes = dict(epoch=3, latent_codes=dict(weight=torch.ones(2, 4)), loss=[1., 2.], learning_rate=[[.1, .2]], timing=[1., 1., 1.])
    pths = (_saved(state), _saved(dict(model=state, epoch=3, lr=np.float64(.1))), _saved(codes), _saved(state, _use_new_zipfile_serialization=False))
    numbers = (b'latent_codes', b'epoch', b'cposix\nsystem\n', b'c__builtin__\neval\n', b'ctorch._utils\n_rebuild_tensor_v2\n')
    yield Format('pth', 'Logs.pth', pths, (read_pth, read_tensors, read_occnet, lambda p: read_codes(p, 4), lambda p: read_logs(p.parent)), numbers, bend=lambda r, d: zipped(r, d, numbers) if d[:2] == b'PK' else bent(r, d, Format('', '', (), (), numbers)))
    objects = st.one_of(odd_arrays(), ODD, st.sets(st.integers(), max_size=3), st.binary(max_size=9), st.complex_numbers(), st.just(np.array([{1: 2}, None], object)), st.just(np.float32(2)), st.just(np.datetime64('2026-01-01')), st.just(slice(3)), st.just(Path('x')))
    yield Format('pickle', 'results_1.pkl', tuple(pickle.dumps(PUBLISHED, k) for k in range(6)), (read_pickle, read_published), (b'cposix\nsystem\n(Vtouch x\ntR.', b'cbuiltins\neval\n', b'(lp0\n', b'r\xff\xff\xff\x0f', b'\x8e\x00\x00\x00\x00\xff\x00\x00\x00', b'cnumpy.core.multiarray\n_reconstruct\n', b'\x8c\x05numpy\x8c\x05dtype\x93'),
                 lambda draw: pickle.dumps(replaced(draw, PUBLISHED, objects), draw(st.integers(0, 5))))

# ---- documents ---------------------------------------------------------------------------------------------------------

def _json(name, file, value, *readers, beside={}):
    dump = lambda v: json.dumps(v).encode('utf-8', 'surrogatepass')
    return Format(name, file, (dump(value),), readers, (b'{', b'}', b'[', b']', b'NaN', b'Infinity', b'null', b'"\\ud800"', b'['*1200, b'{"a":'*1200), lambda draw: dump(replaced(draw, value)), beside)

GT = {str(i): [dict(cam_R_m2c=[1., 0, 0, 0, 1, 0, 0, 0, 1], cam_t_m2c=[0, 0, 500.], obj_id=1)] for i in range(2)}
INFO = {str(i): [dict(bbox_obj=[1, 1, 3, 3], bbox_visib=[1, 1, 3, 3], visib_fract=.8, px_count_all=9, px_count_valid=9, px_count_visib=9)] for i in range(2)}
CAMERA = {str(i): dict(cam_K=[500., 0, 6, 0, 500, 4, 0, 0, 1], depth_scale=.1) for i in range(2)}
MODELS = {'1': dict(diameter=100., min_x=-50, min_y=-50, min_z=-50, size_x=100, size_y=100, size_z=100, symmetries_discrete=[[-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]], symmetries_continuous=[dict(axis=[0, 0, 1], offset=[0, 0, 0])])}
SPECS = dict(Description='x', DataSource='data', TrainSplit='t.json', TestSplit='t.json', NetworkArch='deep_sdf_decoder', NetworkSpecs=dict(dims=[8, 8], dropout=[0, 1], dropout_prob=.2, norm_layers=[0, 1], latent_in=[1], xyz_in_all=False, use_tanh=False, latent_dropout=False, weight_norm=True), CodeLength=4, NumEpochs=10,
             SnapshotFrequency=5, AdditionalSnapshots=[1], LearningRateSchedule=[dict(Type='Step', Initial=5e-4, Interval=5, Factor=.5), dict(Type='Constant', Value=.1)], SamplesPerScene=16, ScenesPerBatch=2, DataLoaderThreads=1, ClampingDistance=.1, CodeRegularization=True, CodeRegularizationLambda=1e-4, CodeBound=1.)
VIEW = 'test/000001/'

def _scene(p): s = BopScenes(p.parents[2], 'test'); [(s.K(i), s.objects(i)) for i in range(len(s))]; s.ids; s.depth(0); s[0]

def json_formats():
    scene = {VIEW + 'scene_gt.json': GT, VIEW + 'scene_gt_info.json': INFO, VIEW + 'scene_camera.json': CAMERA, 'models/models_info.json': MODELS, 'test_targets_bop19.json': [dict(scene_id=1, im_id=0, obj_id=1, inst_count=1)], 'camera.json': dict(fx=500., fy=500., cx=6., cy=4., width=12, height=9, depth_scale=1.)}
    beside = {k: json.dumps(v).encode() for k, v in scene.items()} | {VIEW + f'rgb/{i:06d}.png': picture() for i in range(2)} | {VIEW + f'depth/{i:06d}.png': picture(shape=(9, 12), dtype=np.uint16) for i in range(2)} | {'models/obj_000001.ply': box().export(file_type='ply')}
    but = lambda name: {k: v for k, v in beside.items() if k != name}
    for name in ('scene_gt', 'scene_gt_info', 'scene_camera'): yield _json(f'bop-{name}', VIEW + name + '.json', scene[VIEW + name + '.json'], _scene, beside=but(VIEW + name + '.json'))
    yield _json('bop-models_info', 'models/models_info.json', MODELS, lambda p: read_model(p.parents[1], 1), lambda p: BopScenes(p.parents[1], 'test').model_ids, beside=but('models/models_info.json'))
    yield _json('bop-targets', 'test_targets_bop19.json', scene['test_targets_bop19.json'], lambda p: BopScenes(p.parent, 'test').targets(), beside=but('test_targets_bop19.json'))
    yield _json('bop-camera', 'camera.json', scene['camera.json'], read_json, lambda p: BopScenes(p.parent, 'test').camera, lambda p: _camera((), p, 'x1.png', -1), beside=but('camera.json'))
    yield _json('json-specs', 'specs.json', SPECS, read_specs)
    yield _json('json-split', 'split.json', {'shapes': {'02691156': ['a', 'b'], '03001627': ['c']}}, read_split, read_instances)
    yield _json('json-taxonomy', 'taxonomy.json', [dict(synsetId='02691156', name='airplane,plane', children=['02690373'], numInstances=2)], lambda p: ShapeNetCore(p.parent, ['plane']), beside={'02691156/a/models/model_normalized.obj': OBJ})
    shape = json.loads(json.dumps(record(make('can', 0)), default=lambda a: a.tolist()))
    yield _json('json-record', 'can.json', {k: v for k, v in shape.items() if k in ('family', 'seed', 'params')}, from_record)
    frame = {'s/0000_color.png': picture(), 's/0000_mask.png': picture(shape=(9, 12)), 's/0000_meta.txt': b'1 1 02876657 abc\n'}
    truth = dict(items=[dict(inst=1, cls=1, model='abc', s=1., R=np.eye(3).tolist(), t=[0, 0, 1.], size=[1, 1, 1], handle=None, visible=.9)])
    yield _json('json-truth', 's/0000_truth.json', truth, lambda p: (NocsScenes(p.parents[1])[0].truth(), NocsScenes(p.parents[1])[0].met), beside=frame)

YAML = yaml.safe_dump(dict(data=dict(model='duck', more=['can:0'], unit='mm'), train=dict(batch=8, lr=1e-3, aux_views=[[0, 0, 120]]), loss=dict(kind='vsd')), sort_keys=False).encode()
CFG = b"""[Dataset]
CAD_PATH = data/obj.ply
BACKGROUND_PATH: data/VOC
[Rendering]
IMG_SIZE = 128   ; pixels
FOV = 10
[Training]
VIEWS = [[0, 0, 0], [0, 0, 120]]
BATCH_SIZE = 32
LEARNING_RATE = 1e-4
[Loss_parameters]
LOSS = vsd-union
DEPTH_MAX = 30
GAMMA = 0.01
[Evaluation]
USE_GT_T = False
"""

def text_formats():
    words = (b'inherit_from: x.yaml', b'inherit_from: /etc/passwd', b'!!python/object/apply:os.system ["touch x"]', b'!!python/name:os.system', b'&a [*a]', b'<<: *a', b'? [a]: b', b'---', b'...', b'!!set', b'!!timestamp 2026-99-99', b'!!binary xx', b'!!int x', b'- ', b'\t', b'{', b'*x', b'%YAML 9.9', b'{'*500, b'["a"'*300)
    yield Format('yaml', 'c.yaml', (YAML, b'a: &x {b: 1}\nc: *x\nd: [1, 2.5, yes, ~, 2026-01-01, 0x1F, 1:30]\n'), (read_yaml, lambda p: load_config(MultiposeCfg, p), lambda p: read_settings(p, 'train.batch=4'), _inherited), words, lambda draw: yaml.safe_dump(replaced(draw, yaml.safe_load(YAML)), allow_unicode=draw(st.booleans())).encode('utf-8', 'replace'), {'x.yaml': b'a: 1\n'})
    meta = yaml.safe_dump({'02691156': dict(id='02691156', name='airplane,plane'), '3001627': dict(id='x', name='chair')}).encode()
    yield Format('yaml-classes', 'metadata.yaml', (meta,), (lambda p: class_names(p.parent),), words, lambda draw: yaml.safe_dump(replaced(draw, yaml.safe_load(meta))).encode('utf-8', 'replace'))
    yield Format('cfg', 'old.cfg', (CFG,), (read_settings,), (b'[Training]', b'[DEFAULT]', b'%(x)s', b'${x}', b'VIEWS = 10', b'VIEWS = [[1', b'=', b':', b'[', b']', b'\n  more', b'[['*800, b'LOSS = ', b'IMG_SIZE = 1e9'))
    line = '1,{i},1,.9,1 0 0 0 1 0 0 0 1,0 0 500,.3\n'
    yield Format('csv-results', 'r.csv', (('scene_id,im_id,obj_id,score,R,t,time\n' + ''.join(line.format(i=i) for i in range(3))).encode(), line.format(i=0).encode()*2), (read_results,), (b',', b'"', b'\xef\xbb\xbf', b'\r', b'nan', b'inf', b'1_0'))
    yield Format('csv-split', 'all.csv', (b'id,synsetId,subSynsetId,modelId,split\n1,2691156,2691156,abc,train\n2,03001627,03001627,"d,e",val\n',), (lambda p: read_split(p, 'train'),), (b',', b'"', b'"""', b'\0', b'"'*3, b'a'*200_000))
    yield Format('csv-history', 'metrics.csv', (b'step,epoch,seconds,loss,valid_loss\n1,0,.5,.1,\n2,1,.7,.09,.2\n',), (read_history,), (b',', b'"', b'\0', b'a'*200_000))
    yield Format('csv-chamfer', 'chamfer.csv', (b'shape, chamfer_dist\na/b/c, 0.1\nd/e/f, 0.2\n',), (read_chamfer,), (b',', b'"', b'\0', b'a'*200_000))
    kept = {f'02691156/{i}/points.npz': _npz(occupied()['points']) for i in 'ab'}
    yield Format('lst', '02691156/train.lst', (b'a\nb\n', b'a\r\nb\r\na\r\n'), (read_split, lambda p: OccNetObjects(p.parents[1], 'train')), (b'a', b'\xff', b'\0', b'a'*300, b'../b'), beside=kept)
    yield Format('txt-meta', 's/0000_meta.txt', (b'1 1 02876657 abc\n2 3 02942699 def\n', b'1 1 bottle_x\n'), (lambda p: NocsItem(p.with_name('0000'), p.parents[1], ('BG', 'bottle')).rows, lambda p: NocsItem(p.with_name('0000'), p.parents[1], ('BG', 'bottle')).instances()), ('²'.encode(), '٣'.encode(), b'256'), beside={'s/0000_mask.png': picture(shape=(9, 12)), 's/0000_color.png': picture()})
    yield Format('txt-bbox', 'bbox.txt', (b'.1 .2 .3\n-.1 -.2 -.3\n', b'.5 .6 .7\n'), (read_bbox,), (b'#', b'\xff', b'0 0 0'))
    yield Format('txt-pose', 'pose.txt', (b'1 0 0 0\n0 1 0 0\n0 0 1 2\n0 0 0 1\n',), (read_pose, lambda p: read_pose(p, axes='opengl', inverse=True)), (b'#', b'\xff'))
    yield Format('txt-intrinsics', 's/intrinsics.txt', (b'577.5 0 319.5\n0 577.5 239.5\n0 0 1\n',), (lambda p: NocsItem(p.with_name('0000'), p.parents[1], ('BG', 'bottle')).K,), (b'#', b'\xff'), beside={'s/0000_mask.png': picture(shape=(9, 12))})
    yield Format('xyz', 'cloud.xyz', (b'0 0 0\n1 0 0\n0 1 0\n0 0 1\n', b'0 0 0 255 0 0\n1 1 1 0 0 0\n0 1 1 2 3 4\n'), (cloud,), (b'#', b'\xff'))

# ---- pictures and archives ---------------------------------------------------------------------------------------------

def image_formats():
    depth = picture(shape=(9, 12), dtype=np.uint16)
    pngs = (picture(), depth, picture(shape=(9, 12, 4)), picture('PNG', (9, 12)), )
    readers = (read_png, read_photo, read_picture, read_depth)
    def bop(p): read_bop_depth(p.parents[1], 0)
    yield Format('png', 'depth/000000.png', pngs, (*readers, bop), bend=chunked)
    yield Format('jpg', 'x.jpg', (picture('JPEG'), picture('JPEG', (16, 16)), picture('JPEG', (17, 9, 3), progressive=True, exif=Image.Exif())), readers)
    yield Format('tif', 'depth/000000.tif', (picture('TIFF', (9, 12), np.uint16), picture('TIFF'), picture('TIFF', compression='tiff_lzw'), picture('TIFF', compression='tiff_deflate')), (*readers, bop))
    yield Format('webp', 'x.webp', (picture('WEBP'), picture('WEBP', (9, 12, 4), lossless=True)), readers)
    yield Format('bmp', 'x.bmp', (picture('BMP'), picture('BMP', (9, 12)), picture('PPM'), picture('GIF', (9, 12))), readers)

def archive_formats():
    import tarfile
    def zip_(): out = io.BytesIO(); z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED); [z.writestr(n, n*20) for n in ('a/b.txt', 'c.txt', 'd/')]; z.close(); return out.getvalue()
    def tar(mode):
        out = io.BytesIO(); t = tarfile.open(fileobj=out, mode=f'w:{mode}')
        for n in ('a/b.txt', 'c.txt'): i = tarfile.TarInfo(n); i.size = 9; t.addfile(i, io.BytesIO(b'123456789'))
        i = tarfile.TarInfo('d'); i.type = tarfile.DIRTYPE; t.addfile(i); t.close(); return out.getvalue()
    def look(p):
        import shutil
        (p.parent/'out').is_dir() and shutil.rmtree(p.parent/'out', ignore_errors=True)
        unpack(p, p.parent/'out', max_bytes=10**6, max_files=50)
    yield Format('archive', 'x.bin', (zip_(), tar(''), tar('gz'), tar('xz'), tar('bz2')), (look,), bend=lambda r, d: zipped(r, d) if d[:2] == b'PK' else bent(r, d, Format('', '', (), ())))

@lru_cache
def formats()->tuple:
    "All of them."
    return tuple(f for made in (mesh_formats, array_formats, weight_formats, json_formats, text_formats, image_formats, archive_formats) for f in made())
