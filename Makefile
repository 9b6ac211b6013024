# Every target is a step of build/bootstrap.py (Python standard library), which does only what is not done yet.
#   make run ARGS="--no-browser --port 8799"     options for `slm-playground serve`
#   make bench ARGS="--rounds 5"                options of tests/bench/peers/bench.mjs
#   make run MODEL=HuggingFaceTB/SmolLM2-360M-Instruct   another model: a Hugging Face id, a GGUF file or a folder
#   PYTHON=python3.12                            another Python than python3
PYTHON ?= python3
BOOTSTRAP = @$(PYTHON) build/bootstrap.py

.PHONY: help run test check bench build app setup screenshots clean distclean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

run: ## set up what is missing, serve the playground, open the browser
	$(BOOTSTRAP) run --model "$(MODEL)" -- $(ARGS)

test: ## set up what is missing (Chromium too), run every test
	$(BOOTSTRAP) test

check: ## formatters, linters, type checkers; changes nothing
	$(BOOTSTRAP) check

bench: ## us and the peers side by side in Chromium: table and .data/bench/bench.json
	$(BOOTSTRAP) bench -- $(ARGS)

build: ## the web page and /slm.js into web/dist
	$(BOOTSTRAP) build

app: ## the desktop app as a folder and an archive, into .data/app
	$(BOOTSTRAP) app

setup: ## everything that `make test` installs and makes, without running it
	$(BOOTSTRAP) setup

screenshots: ## the pictures in docs/screens, of every page in its states; ARGS="chat models" takes some again
	$(BOOTSTRAP) screenshots $(if $(ARGS),-- $(ARGS))

clean: ## remove what was installed and built, keep .data (models, downloads)
	$(BOOTSTRAP) clean

distclean: ## remove .data too
	$(BOOTSTRAP) distclean
