#!/usr/bin/env bash
# burn 0.22.1: `Config::load` returns other bits than `Config::save` wrote, unless somebody else turns on a feature of serde_json.
#
# Guess: `#[derive(Config)]` writes an `f64` as the shortest decimal that means it, as serde_json does, and `load` reads the `f64`
# which that decimal means: a run that goes on from its saved configuration has the same parameters to the bit.
# Seen: the file is right, and its number may come back as a neighbour: of the decays of a thousand half-lives, 453. burn-core takes
# serde_json without its feature `float_roundtrip`, and then its parser may be off by a unit in the last place. Numbers of few
# digits, such as 0.999 and 3e-4, come back as they are: what is hit is what was computed, or drawn in a search.
# Cure: serde_json with `float_roundtrip` among one's own dependencies; features are united, so burn-core reads with it, too.
#
# Exits 0 while this holds and 1 if it has changed. Needs Rust 1.95 and crates.io, and some minutes to build burn; works in a
# temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "bits"
version = "0.0.0"
edition = "2024"
[features]
cured = ["serde_json/float_roundtrip"]
[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std"] }
serde_json = { version = "=1.0.151", default-features = false }
[profile.dev]
debug = false
TOML
mkdir src
cat > src/main.rs <<'RUST'
use burn::config::Config;

#[derive(Config, Debug)]
struct Parameters {
    decay: f64,
}

/// The distance of what comes back from what was saved, in units in the last place.
fn saved_and_loaded(decay: f64) -> i64 {
    Parameters::new(decay).save("parameters.json").unwrap();
    let file = std::fs::read_to_string("parameters.json").unwrap();
    assert_eq!(file.split([':', '}']).nth(1).unwrap().trim().parse(), Ok(decay), "the file is right");
    let loaded = Parameters::load("parameters.json").unwrap().decay;
    loaded.to_bits() as i64 - decay.to_bits() as i64
}

fn main() {
    println!("0.9509281081147991: {} units off", saved_and_loaded(0.9509281081147991));
    let short = [0.9, 0.999, 0.9999, 1e-8, 3e-4, 0.05, 1e-10];
    println!("short ones: {} of {} are off", short.iter().filter(|x| saved_and_loaded(**x) != 0).count(), short.len());
    // Decays of a half-life of 1 to 1000 samples, which have all their digits.
    let off = (1..=1000).filter(|n| saved_and_loaded(0.5_f64.powf(1.0 / f64::from(*n))) != 0).count();
    println!("computed ones: {off} of 1000 are off");
}
RUST
export CARGO_TARGET_DIR=$folder/target
for features in "" cured; do
    cargo build --quiet --features "$features"
    cargo tree --quiet --prefix none --features "$features" | grep -E '^(burn-core|serde_json) ' | sed 's/ (\*)//' | sort -u
    ./target/debug/bits
done > seen
cat > expected <<'TEXT'
burn-core v0.22.1
serde_json v1.0.151
0.9509281081147991: 1 units off
short ones: 0 of 7 are off
computed ones: 453 of 1000 are off
burn-core v0.22.1
serde_json v1.0.151
0.9509281081147991: 0 units off
short ones: 0 of 7 are off
computed ones: 0 of 1000 are off
TEXT
cat seen
diff expected seen || exit 1
