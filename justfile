# `just` lists what there is. Each recipe is one line: the work is in scripts/ and cargo.

[private]
default:
    @just --list --unsorted

# run every test
test:
    @scripts/test

# what the continuous integration runs
ci:
    @bash .ci/run

# govern a real agent, from permit to verified record
demo *arguments:
    @scripts/demo {{ arguments }}

# run the daemon in the foreground on a stack
dev *arguments:
    @bash -c 'source scripts/environment && exec cargo run --quiet --package faramesh-cli -- dev "$@"' dev {{ arguments }}

# run the fuzz targets, 20 seconds each
fuzz *arguments:
    @scripts/fuzz {{ arguments }}

# measure; prints one line of JSON per figure
bench *arguments:
    @scripts/bench {{ arguments }}

# check the dependency law, sizes, names and words; builds nothing
tidy:
    @bash -c 'source scripts/environment && exec cargo xtask tidy'

# write the references and the cookbook from the definitions and the corpus
gen *arguments:
    @bash -c 'source scripts/environment && exec cargo xtask gen "$@"' gen {{ arguments }}

# rewrite the sources in the house's form
fmt:
    @cargo fmt --all

# every lint, warnings denied
lint:
    @bash -c 'source scripts/environment && exec cargo clippy --all-targets -- -D warnings'

# the documentation of the crates
doc:
    @bash -c 'source scripts/environment && exec cargo doc --no-deps --document-private-items'
