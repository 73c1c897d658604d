# From a fresh clone, `make train` is enough: it finds a Python, builds .venv with
# the exact versions of constraints.txt, and trains. `make help` lists the rest.
#
#   make train CONFIG=mnist_laptop ARGS="..."    another preset, more options
#   make test ARGS="-k meta"                     some of the tests
#   make bench SIZE=sweep                        another benchmark

CONFIG ?= digits
SIZE   ?= small
ARGS   ?=

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip install -q --disable-pip-version-check -c constraints.txt
STAMP := $(VENV)/.installed
PEERS := .venv-peers

.DEFAULT_GOAL := help
.PHONY: help venv train test fuzz bench clean

help: ## list the targets
	@echo 'usage: make TARGET [CONFIG=preset] [SIZE=size] [ARGS="more options"]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' Makefile

venv: $(STAMP) ## make .venv and install gtn_tf and its dependencies in it

train: venv ## train the preset CONFIG (digits), or resume its run
	$(PY) -m gtn_tf.cli train --config configs/$(CONFIG).yaml \
		--run-dir runs/$(CONFIG) --resume $(ARGS)

test: venv ## run the tests
	$(PY) -m pytest tests $(ARGS)

fuzz: venv ## feed every reader damaged files, a minute each
	$(PY) tests/fuzz.py $(ARGS)

bench: venv $(PEERS)/.installed ## time gtn_tf and its peers at SIZE (small)
	$(PY) benchmarks $(SIZE) $(ARGS)

clean: ## remove build leftovers (.venv, .venv-peers and runs stay)
	rm -rf build dist *.egg-info .pytest_cache .hypothesis .ruff_cache
	find benchmarks configs gtn_tf tests -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/.partial is there while an install is under way. One that was interrupted
# leaves it behind, and the next run then starts from an empty .venv, since pip
# cannot tell a half-unpacked package from an installed one. The stamp comes last.
# The build uses the pinned setuptools too, hence --no-build-isolation; what it has
# to say about editable installs in general is no news to the user.
$(STAMP): setup.py constraints.txt
	@sh -uc "$$MAKE_VENV"
	@touch $(VENV)/.partial
	@echo "Installing gtn_tf and its dependencies in $(VENV)" \
		"(the first time about 0.7 GB to download, some minutes) ..."
	@$(PIP) pip setuptools wheel
	@PYTHONWARNINGS='ignore:Editable installation' \
		$(PIP) --no-build-isolation -e '.[test]'
	@rm $(VENV)/.partial
	@touch $@
	@echo "Installed: $(VENV) is ready."

# What gtn_tf is compared with has an environment of its own, made anew when
# benchmarks/peers.txt changes. Of .venv it needs only the Python.
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
define MAKE_VENV
fits='import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))'
runs() { "$$@" </dev/null >/dev/null 2>&1; }

if [ ! -e $(VENV)/.partial ] && runs $(PY) -c "$$fits" && runs $(PY) -m pip --version
then exit 0
fi

IFS=:
for name in python3.11 python3.10 python3.9 python3 python; do
  for dir in $$PATH; do
    runs "$$dir/$$name" -c "$$fits" || continue
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

cat >&2 <<'END'
gtn_tf needs Python 3.9, 3.10 or 3.11 (TensorFlow 2.15 has no newer), with its venv
module and pip. None was found on PATH. One of these gets it; then run make again:
  apt     sudo apt install python3.11 python3.11-venv    (or 3.10, 3.9)
  pyenv   pyenv install 3.11 && pyenv local 3.11
  uv      uv venv --seed --python 3.11 $(VENV)
  conda   conda create -n gtn python=3.11 && conda activate gtn
END
exit 1
endef
export MAKE_VENV
