# From a fresh clone, `make train` is enough: it finds a Python, builds .venv with
# the exact versions that constraints/ has for it, and trains. `make help` lists the rest.
#
#   make venv PYTHON=python3.12                  .venv with another Python
#   make train CONFIG=mnist_laptop ARGS="..."    another preset, more options
#   make test ARGS="-k meta"                     some of the tests
#   make bench SIZE=sweep                        another benchmark
#   make bench SIZE=ranking                      how fast architectures are ranked
#   make bench OTHER=path/to/python              gtn_tf also on another TensorFlow

CONFIG ?= digits_real_start
SIZE   ?= small
ARGS   ?=
PYTHON ?=
OTHER  ?=
VENV   ?= .venv

PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip install -q --disable-pip-version-check
STAMP := $(VENV)/.installed
PEERS := .venv-peers

.DEFAULT_GOAL := help
.PHONY: help venv train test test-all test-other lint fuzz bench docs clean always

help: ## list the targets
	@echo 'usage: make TARGET [CONFIG=preset] [SIZE=size] [ARGS="more options"]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile

venv: $(STAMP) ## make .venv and install gtn_tf and its dependencies in it

train: venv ## train the preset CONFIG (digits_real_start), or resume
	$(PY) -m gtn_tf.cli train --config configs/$(CONFIG).yaml \
		--run-dir runs/$(CONFIG) --resume $(ARGS)

test: venv ## run the tests
	$(PY) -m pytest tests -m "not slow" $(ARGS)

test-all: venv ## run also the slow ones: more cases of what `test` tests
	$(PY) -m pytest tests $(ARGS)

# Without such a Python it says so and succeeds, so that it can be run on any machine.
test-other: venv ## run a quick part on the other TensorFlow, if its Python is found
	@sh -uc "$$TEST_OTHER"

lint: venv ## check style (ruff) and types (mypy)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(PY) -m mypy

fuzz: venv ## feed every reader damaged files, a minute each
	$(PY) tests/fuzz.py $(ARGS)

bench: venv $(PEERS)/.installed ## time gtn_tf and its peers at SIZE (small)
	$(PY) benchmarks $(SIZE) $(if $(OTHER),--other $(OTHER)) $(ARGS)

docs: $(VENV)/.docs-installed ## build the documentation as a site in site/
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict $(ARGS)

clean: ## remove build leftovers (.venv, .venv-peers and runs stay)
	rm -rf build dist site *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find benchmarks configs gtn_tf tests -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/.partial is there while an install is under way. One that was interrupted
# leaves it behind, and the next run then starts from an empty .venv, since pip
# cannot tell a half-unpacked package from an installed one. The stamp comes last.
# The build uses the pinned setuptools too, hence --no-build-isolation; what it has
# to say about editable installs in general is no news to the user.
$(STAMP): setup.py $(wildcard constraints/*.txt) $(if $(PYTHON),always)
	@sh -uc "$$MAKE_VENV"
	@touch $(VENV)/.partial
	@echo "Installing gtn_tf and its dependencies in $(VENV)" \
		"(the first time about 0.7 GB to download, some minutes) ..."
	@stack=$$($(PY) -c "$$STACK") && \
	$(PIP) -c constraints/$$stack.txt pip setuptools wheel && \
	PYTHONWARNINGS='ignore:Editable installation' \
		$(PIP) -c constraints/$$stack.txt --no-build-isolation -e '.[test,lint]'
	@rm $(VENV)/.partial
	@touch $@
	@echo "Installed: $(VENV) is ready."

# Only the documentation needs these packages, hence they are not part of `venv`.
$(VENV)/.docs-installed: $(STAMP)
	@echo "Installing MkDocs in $(VENV) ..."
	@stack=$$($(PY) -c "$$STACK") && \
	PYTHONWARNINGS='ignore:Editable installation' \
		$(PIP) -c constraints/$$stack.txt --no-build-isolation -e '.[docs]'
	@touch $@

# gtn_tf's peers have their own environment, made again when benchmarks/peers.txt
# changes. It only uses the Python of .venv.
$(PEERS)/.installed: benchmarks/peers.txt | venv
	@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and \
		"The peers of the benchmark need a $(VENV) with Python 3.11.")'
	@echo "Installing the peers of the benchmark in $(PEERS) (some minutes) ..."
	@rm -rf $(PEERS)
	@$(PY) -m venv $(PEERS)
	@echo '*' > $(PEERS)/.gitignore
	@$(PEERS)/bin/python -m pip install -q --disable-pip-version-check \
		-r benchmarks/peers.txt
	@touch $@

# A usable .venv is kept, also one made by hand. Otherwise every directory of PATH
# is tried, not only the first that has the name, and every candidate is run: it
# may be a version manager's shim with nothing behind it, another version than its
# name says, or a Python whose venv module is packaged separately and missing.
# TensorFlow 2.21 has no wheel for macOS on Intel, Addons none for Linux on ARM.
define MAKE_VENV
fits='
import platform, sys
machine = sys.platform, platform.machine()
oldest = 12 if machine == ("linux", "aarch64") else 9
newest = 11 if machine == ("darwin", "x86_64") else 13
sys.exit(not (3, oldest) <= sys.version_info[:2] <= (3, newest))'
version='import sys; print("%d.%d" % sys.version_info[:2])'
runs() { "$$@" </dev/null >/dev/null 2>&1; }

kept=
if [ ! -e $(VENV)/.partial ] && runs $(PY) -c "$$fits" && runs $(PY) -m pip --version
then
  [ -z "$$PYTHON" ] && exit 0
  kept=$$($(PY) -c "$$version")
fi

IFS=:
for name in $${PYTHON:-python3.13:python3.12:python3.11:python3.10:python3.9:python3:python}
do
  case $$name in
    */*) dirs=$${name%/*} name=$${name##*/} ;;
    *) dirs=$$PATH ;;
  esac
  for dir in $$dirs; do
    runs "$$dir/$$name" -c "$$fits" || continue
    [ "$$kept" = "$$("$$dir/$$name" -c "$$version")" ] && exit 0
    echo "Making $(VENV) with $$dir/$$name ..."
    rm -rf $(VENV)
    mkdir $(VENV) && touch $(VENV)/.partial || exit 1
    if runs "$$dir/$$name" -m venv $(VENV) && runs $(PY) -m pip --version
    then exit 0
    fi
    echo "  it cannot make a virtual environment with pip; looking further"
    rm -rf $(VENV)
  done
done

[ -z "$$PYTHON" ] || echo "PYTHON=$$PYTHON cannot be used:" >&2
cat >&2 <<'END'
gtn_tf needs Python 3.9 to 3.13 (3.12 or 3.13 for Linux on ARM, 3.9 to 3.11 for macOS on
Intel), with its venv module and pip. None was found on PATH. One of these gets it; then
run make again:
  apt     sudo apt install python3.13 python3.13-venv    (or 3.12, 3.11, 3.10, 3.9)
  pyenv   pyenv install 3.13 && pyenv local 3.13
  uv      uv venv --seed --python 3.13 $(VENV)
  conda   conda create -n gtn python=3.13 && conda activate gtn
END
exit 1
endef
export MAKE_VENV

# Versions that pyenv has but does not show are good enough, too.
define TEST_OTHER
case $$($(PY) -c "$$STACK") in
  *2.15) names="python3.13 python3.12" ;;
  *) names="python3.11 python3.10 python3.9" ;;
esac
for name in $$names; do
  for python in $$name $$HOME/.pyenv/versions/$${name#python}*/bin/$$name; do
    "$$python" -c "" 2>/dev/null || continue
    $(MAKE) --no-print-directory venv VENV=.venv-other PYTHON="$$python" || exit 1
    export GTN_TF_OTHER_PYTHON="$(CURDIR)/$(PY)"
    exec .venv-other/bin/python -m pytest tests/test_stacks.py \
      tests/layers tests/teaching/test_hostile_models.py $(ARGS)
  done
done
echo "The other TensorFlow is not tested: none of $$names was found."
endef
export TEST_OTHER

# The name of the constraints file for a Python.
define STACK
import sys
print("tensorflow-2.15" if sys.version_info < (3, 12) else "tensorflow-2.21")
endef
export STACK
export PYTHON
