#!/usr/bin/env bash
# object_store 0.14.2: `parse_url_opts` with the variables of the environment takes those of other programs, too.
#
# Guess: its documentation names `std::env::vars` as a common source of options, so variables count as they do for the stores' own
# `from_env`: only those that begin with `AWS_` (`GOOGLE_`, `AZURE_`).
# Seen: the bare names of options are options as well. A REGION of another program is the region of the bucket, beside an AWS_REGION
# the later of the two in the environment wins, and a TIMEOUT that is no duration by object_store's rules is an error, which does not
# name the variable. `from_env` takes none of them.
# Cure: hand over those variables alone whose names begin as `from_env` asks.
#
# Exits 0 while this holds and 1 if it has changed. Needs a recent Rust and crates.io, and some minutes to build; works in a temporary
# folder, and sends nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "variables"
version = "0.0.0"
edition = "2024"
[dependencies]
object_store = { version = "=0.14.2", features = ["aws"] }
url = "=2.5.8"
[profile.dev]
debug = false
TOML
mkdir src
cat > src/main.rs <<'RUST'
use object_store::aws::AmazonS3Builder;
use std::fmt::Debug;

/// The region that a store says it has.
fn region(store: &dyn Debug) -> String {
    let text = format!("{store:?}");
    let behind = text.split(" region: \"").nth(1).unwrap();
    behind.split('"').next().unwrap().to_owned()
}

fn main() {
    let url = url::Url::parse("s3://bucket/below").unwrap();
    match object_store::parse_url_opts(&url, std::env::vars()) {
        Ok((store, _)) => println!("by parse_url_opts: {}", region(&store)),
        Err(error) => println!("by parse_url_opts: {error}"),
    }
    println!("by from_env: {}", region(&AmazonS3Builder::from_env().with_url(url).build().unwrap()));
}
RUST
export CARGO_TARGET_DIR=$folder/target
cargo build --quiet
program=$folder/target/debug/variables
{
    cargo tree --quiet --prefix none --depth 1 | grep -E '^object_store '
    for variables in "AWS_REGION=here" "REGION=nowhere" "AWS_REGION=here REGION=nowhere" "REGION=nowhere AWS_REGION=here" "TIMEOUT=5"; do
        echo "# $variables"
        # shellcheck disable=SC2086 # several of them
        env -i $variables "$program"
    done
} > seen
cat > expected <<'TEXT'
object_store v0.14.2
# AWS_REGION=here
by parse_url_opts: here
by from_env: here
# REGION=nowhere
by parse_url_opts: nowhere
by from_env: us-east-1
# AWS_REGION=here REGION=nowhere
by parse_url_opts: nowhere
by from_env: here
# REGION=nowhere AWS_REGION=here
by parse_url_opts: here
by from_env: here
# TIMEOUT=5
by parse_url_opts: Generic Config error: failed to parse "5" as Duration
by from_env: us-east-1
TEXT
cat seen
diff expected seen || exit 1
