#!/usr/bin/env bash
# candle-nn 0.11.1: a variable that a `VarMap` has under two names is stepped twice by each of its optimisers.
#
# Guess: as in PyTorch, whose `parameters()` gives a tied weight once, `VarMap::all_vars` gives a variable once, or the optimiser
# knows by its id that it has it already; one step moves it once.
# Seen: `all_vars` gives it once for each name and `SGD` and `AdamW` step it each time by the whole gradient, which is already the
# sum over both uses: it moves twice as far, and `AdamW` has two pairs of moments for it.
# Cure: leave out variables whose `as_tensor().id()` has been seen before the optimiser is made.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust and crates.io; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "tied"
version = "0.0.0"
edition = "2021"
[dependencies]
candle-core = { version = "=0.11.1", default-features = false }
candle-nn = { version = "=0.11.1", default-features = false }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, VarMap, SGD};

/// How far one step moves a weight of this many names: one of SGD, one of AdamW.
fn moved(names: &[&str]) -> Result<[f32; 2]> {
    let mut moved = [0.0; 2];
    for (index, moved) in moved.iter_mut().enumerate() {
        let weight = Var::from_tensor(&Tensor::new(&[1.0_f32], &Device::Cpu)?)?;
        let map = VarMap::new();
        for name in names {
            map.data().lock().unwrap().insert(name.to_string(), weight.clone());
        }
        // Used twice, as an embedding and as a head: the gradient is 2.
        let loss = (weight.as_tensor() + weight.as_tensor())?.sum_all()?;
        if index == 0 {
            SGD::new(map.all_vars(), 0.125)?.backward_step(&loss)?;
        } else {
            let params = ParamsAdamW { lr: 0.125, weight_decay: 0.0, ..Default::default() };
            AdamW::new(map.all_vars(), params)?.backward_step(&loss)?;
        }
        *moved = 1.0 - weight.to_vec1::<f32>()?[0];
    }
    Ok(moved)
}

fn main() -> Result<()> {
    println!("one name: {:.3?}", moved(&["embedding"])?);
    println!("two names: {:.3?}", moved(&["embedding", "head"])?);
    Ok(())
}
RUST
CARGO_TARGET_DIR=$folder/target cargo run --quiet > seen
cat > expected <<'TEXT'
one name: [0.250, 0.125]
two names: [0.500, 0.250]
TEXT
cat seen
diff expected seen || exit 1
