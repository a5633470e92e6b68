"The package as settings.ini describes it; this file only reads."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

ini = ConfigParser(delimiters=['='])
ini.read('settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

extras = {key.removesuffix('_requirements'): cfg[key].split()
          for key in cfg if key.endswith('_requirements') and key != 'build_requirements'}
extras['all'] = sorted({req for reqs in extras.values() for req in reqs})
minor_versions = range(int(cfg['min_python'].split('.')[1]), int(cfg['max_python'].split('.')[1]) + 1)

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords=cfg['keywords'].split(),
    classifiers=['Development Status :: 3 - Alpha', 'Intended Audience :: Science/Research', 'Natural Language :: English',
                 *(f'Programming Language :: Python :: 3.{minor}' for minor in minor_versions)],
    python_requires=f'>={cfg["min_python"]}',
    packages=find_packages(include=[cfg['lib_name'], cfg['lib_name'] + '.*']),
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(),
                  'nbdev': [f'{cfg["lib_name"]}={cfg["lib_name"]}._modidx:d']},
    zip_safe=False,
)
