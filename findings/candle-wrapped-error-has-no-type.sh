#!/usr/bin/env bash
# candle-core 0.11.1: an error that is wrapped in candle's cannot be taken out again, nor be reached as its source.
#
# Guess: `candle_core::Error::wrap(error)`, the way for an implementation of `Module` or `Optimizer`, whose methods return candle's
# error, to return its own, holds it as `anyhow` does: by `downcast_ref`, or by `source()`, the caller asks which it was.
# Seen: the variant is `Wrapped(Box<dyn Display + Send + Sync>)`. `source()` is `None`, the box has no `downcast`, and where
# RUST_BACKTRACE is set even the text is followed by a trace, so that it cannot be compared. An error of the standard library's kind
# `std::io::Error` comes through whole (`Error::Io`), with what it holds.
# Cure: methods of one's own, beside those of the trait, that return one's own error; or `Error::Io(std::io::Error::other(error))`,
# which `get_ref()` and `downcast_ref()` open.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust and crates.io; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "wrapped"
version = "0.0.0"
edition = "2021"
[dependencies]
candle-core = { version = "=0.11.1", default-features = false }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use candle_core::Error;
use std::error::Error as _;

#[derive(Debug)]
struct Own;
impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an error of its own")
    }
}
impl std::error::Error for Own {}

/// Compiles only while a wrapped error is no more than what can be displayed.
fn inside(error: Error) -> Option<Box<dyn std::fmt::Display + Send + Sync>> {
    match error {
        Error::Wrapped(inside) => Some(inside),
        Error::WithBacktrace { inner, .. } => inside(*inner),
        _ => None,
    }
}

fn main() {
    let wrapped = Error::wrap(Own);
    println!("source {}, lines of text {}", wrapped.source().is_some(), wrapped.to_string().lines().count().min(2));
    println!("inside: {}", inside(wrapped).unwrap());
    let through = Error::from(std::io::Error::other(Own));
    let Error::Io(io) = &through else { panic!("another variant") };
    println!("as io: {}", io.get_ref().unwrap().downcast_ref::<Own>().is_some());
}
RUST
CARGO_TARGET_DIR=$folder/target cargo build --quiet
for trace in 0 1; do RUST_BACKTRACE=$trace ./target/debug/wrapped; done > seen
cat > expected <<'TEXT'
source false, lines of text 1
inside: an error of its own
as io: true
source false, lines of text 2
inside: an error of its own
as io: true
TEXT
cat seen
diff expected seen || exit 1
