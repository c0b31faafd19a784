# Set-up and everyday commands. `make demo` runs the main job, `make test` the tests; both make what they need first.
PYTHON ?= python3
VENV := .venv
CANARY := .venv-canary
BIN := $(VENV)/bin
ARGS ?=
# What viewers' browsers read faces with. Where npm's registry can't be reached, all else goes on.
BROWSER_FILES = models fetch --browser || echo "Without these files, browsers read no faces here."

.PHONY: help demo test quick nightly soak mutants canary lint docs pictures package system clean
help:
	@echo "make demo [ARGS='--seconds 20 ...']   run the main job on this machine (--help in ARGS tells more)"
	@echo "make test [ARGS='tests/relay ...']    run the tests (installs Chromium, OBS, Xvfb with apt where it may)"
	@echo "make test TRAIN=1                     also install torch and test the training code"
	@echo "make quick [ARGS='-x ...']            the quick tests of relay and agent, about a minute: while you change code"
	@echo "make nightly [ARGS='tests/e2e ...']   what takes too long for that: every layout, theme and size, and OBS's browser engines"
	@echo "make soak [ARGS='--minutes 10 ...']   an hour of churn on a relay, and whether memory and descriptors stay flat"
	@echo "make mutants [ARGS='relay.core.peaks*'] small changes to what decides, and which of them no test notices"
	@echo "make canary [ARGS='tests/relay ...']  tests of relay and agent with the newest aiohttp, msgspec and numpy there are"
	@echo "make lint                             ruff, format check, strict types; the pages' too where Node.js is"
	@echo "make package                          the program with all that it needs, for machines without Python, into dist/"
	@echo "make docs                             write the generated pages of docs/"
	@echo "make pictures                         photograph the pages, OBS and the agent's window for README and docs (five minutes)"

demo: $(VENV)/demo.done
	@ARGS="$(ARGS)" sh ./system-packages.sh demo
	@$(BIN)/moodcast models fetch
	@$(BIN)/moodcast $(BROWSER_FILES)
	@$(BIN)/moodcast demo $(ARGS)

# Many tests wait for a clock or a program: four processes are busy on two cores. Tests that are named in ARGS run in one,
# where -s and --pdb work.
test: $(VENV)/dev.done $(if $(TRAIN),$(VENV)/train.done)
	@sh ./system-packages.sh test
	@$(BIN)/moodcast models fetch
	@$(BIN)/moodcast $(BROWSER_FILES)
	@$(BIN)/python -m pytest $(if $(filter tests%,$(ARGS)),,-n 4 --dist worksteal) $(ARGS)

# Without servers, browsers, OBS and networks, and with few examples for each property.
quick: $(VENV)/dev.done
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --hypothesis-profile quick -m "not slow and not browser and not obs and not torch" \
		--ignore tests/e2e --ignore tests/models $(ARGS)

# All cases of what `make test` tries one of: layouts, themes and sizes, and the engines of OBS's browser sources; and
# properties on more examples.
nightly: $(VENV)/dev.done
	@sh ./system-packages.sh test
	@sh ./engines.sh
	@$(BIN)/moodcast models fetch
	@$(BIN)/moodcast $(BROWSER_FILES)
	@$(BIN)/python -m pytest -m "nightly or hypothesis" --hypothesis-profile thorough $(if $(filter tests%,$(ARGS)),,-n 2 --dist worksteal) $(ARGS)

# docs/soak.md. `make pictures SOAK=runs/soak.json` makes its picture.
soak: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.soak --out runs/soak.json $(ARGS)

# Which of the changes no test notices; `.venv/bin/mutmut show NAME` shows one. What was tried before and did not change
# is not tried again.
mutants: $(VENV)/mutation.done
	@$(BIN)/mutmut run --max-children 2 $(ARGS)
	@$(BIN)/mutmut results

# In an environment of its own, beyond the bounds of pyproject.toml, which pip then complains about. No early releases of
# aiohttp: its 4.0.0a1 is older than its 3.
canary:
	@PYTHON="$(PYTHON)" sh ./system-packages.sh python
	@echo "Installing the newest aiohttp, msgspec and numpy into $(CANARY) (600 MB the first time) ..."
	@$(PYTHON) -m venv $(CANARY)
	@$(CANARY)/bin/python -m pip install --quiet --editable '.[dev]'
	@$(CANARY)/bin/python -m pip install --quiet --upgrade --only-binary :all: aiohttp
	@$(CANARY)/bin/python -m pip install --quiet --upgrade --only-binary :all: --pre msgspec numpy
	@$(CANARY)/bin/python -m pip list --format freeze | grep -E '^(aiohttp|msgspec|numpy)=='
	@$(CANARY)/bin/moodcast models fetch
	@$(CANARY)/bin/python -m pytest -q $(or $(ARGS),tests/relay tests/agent)

lint: $(VENV)/dev.done
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@sh ./lint-pages.sh

docs: $(VENV)/dev.done
	@$(BIN)/python -m docs.generate

# With their own programs, so that a page that changed is shown as it is now. PORTRAITS names a folder of pictures, a face
# each, without which the drawing of styles stays as it is; ACROSS names the figures of `moodcast models micro across`,
# MICRO_RUN a run of micro-attention, KEY_FRAMES that of benchmarks.key_frames, RATES that of `moodcast models micro rates`.
# FUSED names the figures of `moodcast models fuse`.
# SOAK names what a soak has seen (`make soak`).
# FILMS names the long clips of docs/micro.md's test of spotting, and SPOTTER the run that it is of.
pictures: $(VENV)/dev.done
	@sh ./system-packages.sh test
	@$(BIN)/moodcast models fetch
	@$(BIN)/moodcast $(BROWSER_FILES)
	@$(BIN)/python -m benchmarks.photographs docs/images
	@$(BIN)/python -m benchmarks.obs_screenshot docs/images/broadcast.png
	@$(BIN)/python -m benchmarks.window_screens docs/images/window.png --teaching docs/images/teaching.png
	@$(BIN)/python -m benchmarks.micro_picture docs/images/micro-synth.webp
	@$(BIN)/python -m benchmarks.action_units_picture docs/images/action-units.webp
	@$(BIN)/python -m benchmarks.speaking_picture docs/images/speaking.webp
	@[ -z "$(MICRO_RUN)" ] || $(BIN)/python -m benchmarks.attention_picture --run "$(MICRO_RUN)" --out docs/images/micro-attention.webp
	@$(BIN)/python -m benchmarks.flow --picture docs/images/flow.webp
	@[ -z "$(ACROSS)" ] || $(BIN)/python -m benchmarks.across_picture "$(ACROSS)" --out docs/images/micro-across.webp
	@[ -z "$(KEY_FRAMES)" ] || $(BIN)/python -m benchmarks.key_frames_picture "$(KEY_FRAMES)" --out docs/images/micro-key-frames.webp
	@[ -z "$(RATES)" ] || $(BIN)/python -m benchmarks.rates_picture "$(RATES)" --out docs/images/micro-rates.webp
	@[ -z "$(PORTRAITS)" ] || $(BIN)/python -m benchmarks.style_picture --portraits "$(PORTRAITS)" --out docs/images/styles.webp
	@[ -z "$(FUSED)" ] || $(BIN)/python -m benchmarks.fuse_picture "$(FUSED)" --out docs/images/late-fusion.webp
	@[ -z "$(SOAK)" ] || $(BIN)/python -m benchmarks.soak_picture "$(SOAK)" --out docs/images/soak.webp
	@[ -z "$(SPOTTER)" ] || $(BIN)/python -m benchmarks.spot_picture "$(FILMS)" 063_00182.mp4 --network "$(SPOTTER)" --out docs/images/spotting.webp

# docs/packaging.md. The smaller OpenCV of deploy/small-opencv.sh is taken where it is there.
package: $(VENV)/dev.done
	@$(BIN)/moodcast models fetch
	@$(BIN)/moodcast $(BROWSER_FILES)
	@echo "Building dist/moodcast for this kind of system (half a minute) ..."
	@PYTHONPATH=build/opencv $(BIN)/python -m PyInstaller --noconfirm --log-level ERROR --distpath dist --workpath build/package deploy/moodcast.spec
	@echo "dist/moodcast/moodcast is the program; all of dist/moodcast goes with it, the licences in _internal/THIRD-PARTY.txt too."

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh ./system-packages.sh python
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: pyproject.toml $(BIN)/python
	@echo "Installing the relay, the agent and the demo into $(VENV) (about 400 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[agent,demo]'
	@touch $@

$(VENV)/dev.done: pyproject.toml $(BIN)/python
	@echo "Installing the tests' and checkers' packages into $(VENV) (about 600 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/mutation.done: pyproject.toml $(VENV)/dev.done
	@echo "Installing mutmut into $(VENV) (10 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[mutation]'
	@touch $@

# Where pip would take the CUDA build of torch, set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds.
$(VENV)/train.done: pyproject.toml $(BIN)/python
	@echo "Installing torch and the ONNX exporter into $(VENV) (about 900 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[train]'
	@touch $@

clean:
	rm -rf $(VENV) $(CANARY) .engines node_modules mutants build dist *.egg-info
