#!/usr/bin/env bash
# burn 0.22.1: of two parameters with one ParamId, as tied weights are, one stands still and the other learns from its gradient.
#
# Guess: `Param::clone` keeps the id, so a module that holds a weight and its clone has one weight under two names, which an
# optimiser steps once; or it steps both, and they stay equal.
# Seen: only the first is stepped, the clone stays at its first value for ever, and from the second step on they are two weights
# with one id. `GradientsParams::from_grads` registers by id and replaces what is there: the gradient of the clone takes the place
# of the gradient of the first, which is then moved by what belongs to the clone. No error, no warning, and the loss may well fall.
# Cure: hold the weight once, and use it in both places.
#
# Exits 0 while this holds and 1 if it has changed. Needs Rust 1.95 and crates.io, and some minutes to build burn; works in a
# temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "tied"
version = "0.0.0"
edition = "2024"
[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std", "optim", "flex"] }
[profile.dev]
debug = false
TOML
mkdir src
cat > src/main.rs <<'RUST'
use burn::module::{Module, Param};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};

#[derive(Module, Debug)]
struct Tied {
    embedding: Param<Tensor<1>>,
    head: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Once {
    weight: Param<Tensor<1>>,
}

fn value(param: &Param<Tensor<1>>) -> f32 {
    param.val().into_scalar()
}

fn main() {
    let device = Device::flex().autodiff();
    let weight = || Param::from_tensor(Tensor::<1>::from_floats([0.0], &device));
    // The gradient of the one use is 1, that of the other 10.
    let loss = |one: &Param<Tensor<1>>, other: &Param<Tensor<1>>| one.val() + other.val() * 10.0;

    let embedding = weight();
    let mut tied = Tied { head: embedding.clone(), embedding };
    println!("one id: {}", tied.embedding.id == tied.head.id);
    let mut optimiser = SgdConfig::new().init();
    for _ in 0..3 {
        let gradients = loss(&tied.embedding, &tied.head).backward();
        let gradients = GradientsParams::from_grads(gradients, &tied);
        tied = optimiser.step(1.0, tied, gradients);
        println!("tied: {} and {}", value(&tied.embedding), value(&tied.head));
    }

    let mut once = Once { weight: weight() };
    let mut optimiser = SgdConfig::new().init();
    for _ in 0..3 {
        let gradients = loss(&once.weight, &once.weight).backward();
        let gradients = GradientsParams::from_grads(gradients, &once);
        once = optimiser.step(1.0, once, gradients);
        println!("held once: {}", value(&once.weight));
    }
}
RUST
CARGO_TARGET_DIR=$folder/target cargo run --quiet > seen
cat > expected <<'TEXT'
one id: true
tied: -11 and 0
tied: -21 and 0
tied: -31 and 0
held once: -11
held once: -22
held once: -33
TEXT
cat seen
diff expected seen || exit 1
