# Two commands do everything: `make lab` and `make test`. `make help` lists the others.
# Needed: Python 3.11 or 3.12, and make. Everything else goes into $(VENV).

VENV   ?= .venv
PORT   ?= 8888
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
READY  := $(VENV)/.ready
TOUR   := nbs/tour/01_five_minutes.ipynb
PAGES  := $(shell find nbs -name '*.ipynb' -not -name '.*' -not -path '*/.*') $(wildcard nbs/*.yml nbs/*.css nbs/assets/*)

# The first Python that starts and is new enough, and not too new for the pinned packages.
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
            $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { command -v $$p; break; }; done)

export UV_PYTHON_DOWNLOADS := never
export JUPYTER_PLATFORM_DIRS := 1

.DEFAULT_GOAL := help
.PHONY: help setup lab demo test test-slow test-browser fuzz bench docs docs-serve run new tidy lock clean distclean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

# ---- setting up ------------------------------------------------------------------------------------------------------

setup: $(READY)  ## create the environment in .venv and install the locked packages

$(UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and was not found. Install one, or name it: make setup PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check $$(sed -n 's/^build_requirements = //p' settings.ini)

# pybullet is here for its meshes. It has no wheel for Python 3.12, where building it takes a compiler and minutes; the meshes in the wheel for 3.11 are the same.
$(READY): settings.ini requirements.lock setup.py | $(UV)
	@echo "Installing the locked packages (6 GB on disk; about a minute, and longer where the network is slow)"
	@if $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then echo pybullet; fi > $(VENV)/.elsewhere
	@if [ -s $(VENV)/.elsewhere ]; then $(UV) pip install --python $(PY) --quiet --no-deps --only-binary :all: --python-version 3.11 \
	  --target "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("platlib"))')" "$$(sed -n 's/^\(pybullet==[0-9.]*\).*/\1/p' requirements.lock)"; fi
	@$(UV) pip install --python $(PY) --compile-bytecode --requirement requirements.lock $$(test ! -s $(VENV)/.elsewhere || echo --excludes $(VENV)/.elsewhere)
	@$(UV) pip install --python $(PY) --no-deps --no-build-isolation --quiet --editable .
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

# ---- using ------------------------------------------------------------------------------------------------------------

lab: $(READY)  ## open JupyterLab on the tour (PORT=8888)
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then screen=; else screen=--no-browser; echo "No screen here: open the address printed below."; fi; \
	if [ "$$(id -u)" = 0 ]; then root=--allow-root; else root=; fi; \
	exec $(VENV)/bin/jupyter lab --LabApp.default_url=/lab/tree/$(TOUR) --ip=127.0.0.1 --port=$(PORT) $$screen $$root

demo: $(READY)  ## run the tour without a browser and write it as a page, _demo/index.html
	@$(PY) -m recon3d_nb.dev.demo

# ---- testing ----------------------------------------------------------------------------------------------------------

test: $(READY)  ## notebooks clean, export in step, every notebook run, every suite
	@$(PY) -m recon3d_nb.dev.test

test-slow: $(READY)  ## the same, with the cells marked slow
	@$(PY) -m recon3d_nb.dev.test --flags slow

test-browser: $(READY)  ## JupyterLab and the site in a real Chromium
	@$(PY) -m pytest -q -rs -m browser tests

fuzz: $(READY)  ## 5,000 hostile files of each format through our readers (INPUTS=… SEED=…)
	@HOSTILE_INPUTS=$(or $(INPUTS),5000) HOSTILE_SEED=$(or $(SEED),0) $(PY) -m pytest -q -s tests/test_hostile.py

bench: $(READY)  ## how fast, beside a plain way of doing it: one table
	@$(PY) -m recon3d_nb.dev.bench

# ---- the site ---------------------------------------------------------------------------------------------------------

docs: _docs/.ready  ## build the site into _docs/ (needs no network)

_docs/.ready: $(READY) $(PAGES)
	@$(PY) -m recon3d_nb.dev.site build
	@touch $@

docs-serve: docs  ## show the site on 127.0.0.1:8000
	@$(PY) -m recon3d_nb.dev.site serve

# ---- writing ----------------------------------------------------------------------------------------------------------

run: $(READY)  ## execute a notebook and save its outputs cleanly: make run NB=nbs/x/y.ipynb
	@test -n "$(NB)" || { echo "Say which: make run NB=nbs/core/00_errors.ipynb"; exit 1; }
	@$(PY) -m recon3d_nb.dev.run $(NB)

new: $(READY)  ## start a notebook: make new ROOM=geometry/foo
	@test -n "$(ROOM)" || { echo "Say which: make new ROOM=geometry/foo"; exit 1; }
	@$(PY) -m recon3d_nb.dev.new $(ROOM)

tidy: $(READY)  ## clean all notebooks, export them, write the README
	@$(VENV)/bin/nbdev_clean
	@$(VENV)/bin/nbdev_export
	@$(PY) -m recon3d_nb.dev.front

# uv keeps what it read from setup.py, and does not look whether settings.ini has changed: hence --refresh.
lock: | $(UV)  ## settle requirements.lock anew from settings.ini
	@$(UV) pip compile setup.py --refresh --all-extras --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
	    --custom-compile-command 'make lock' --output-file requirements.lock

clean:  ## remove what the commands made, but not the environment
	@rm -rf _docs _proc _demo _browser _hostile build dist *.egg-info .pytest_cache .hypothesis
	@find nbs recon3d_nb tests -name __pycache__ -o -name .ipynb_checkpoints 2>/dev/null | xargs rm -rf

distclean: clean  ## remove the environment too
	@rm -rf $(VENV)
