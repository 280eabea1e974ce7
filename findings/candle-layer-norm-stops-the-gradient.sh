#!/usr/bin/env bash
# candle-nn 0.11.1: a LayerNorm lets no gradient through, not to what is below it and not to its own weights.
#
# Guess: `LayerNorm::forward` can be trained through, as in every other library; were it only for inference, `backward` would
# return an error.
# Seen: on a contiguous input it calls `ops::layer_norm`, an operation without a gradient, and the graph ends there. `backward`
# succeeds, and there is no gradient for weight, bias or anything below. `Optimizer::step` passes over tensors without one, so a
# network trains its last layer, its loss falls, and the rest stays as it was made. On an input that is not contiguous, the same
# layer passes gradients on. RMSNorm is of the same kind, but has `forward_diff`; so is `softmax_last_dim`, beside `softmax`.
# Cure: write the norm out (mean, variance, division, gain, bias), or make the layer with `LayerNorm::new_no_bias` and add a bias
# behind it.
#
# Exits 0 while this holds and 1 if it has changed. Needs Rust 1.94 and crates.io, and some minutes to build candle; works in a
# temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "norm"
version = "0.0.0"
edition = "2024"
[dependencies]
candle-core = { version = "=0.11.1", default-features = false }
candle-nn = { version = "=0.11.1", default-features = false }
[profile.dev]
debug = false
TOML
mkdir src
cat > src/main.rs <<'RUST'
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{LayerNorm, Module};

/// Which of input, weight and bias have a gradient.
fn gradients(layer: impl Fn(Tensor, Tensor) -> LayerNorm, transposed: bool) -> Result<[bool; 3]> {
    let x = Var::from_tensor(&Tensor::new(&[[1.0_f32, 2.0, 4.0], [3.0, 1.0, 0.0], [5.0, 2.0, 7.0]], &Device::Cpu)?)?;
    let weight = Var::ones(3, DType::F32, &Device::Cpu)?;
    let bias = Var::zeros(3, DType::F32, &Device::Cpu)?;
    let input = if transposed { x.as_tensor().t()? } else { x.as_tensor().clone() };
    let output = layer(weight.as_tensor().clone(), bias.as_tensor().clone()).forward(&input)?;
    let store = output.sqr()?.sum_all()?.backward()?;
    Ok([&x, &weight, &bias].map(|var| store.get(var.as_tensor()).is_some()))
}

fn main() -> Result<()> {
    let whole = |weight, bias| LayerNorm::new(weight, bias, 1e-5);
    let bare = |weight, _| LayerNorm::new_no_bias(weight, 1e-5);
    println!("contiguous {:?}", gradients(whole, false)?);
    println!("transposed {:?}", gradients(whole, true)?);
    println!("no_bias {:?}", gradients(bare, false)?);
    Ok(())
}
RUST
CARGO_TARGET_DIR=$folder/target cargo run --quiet > seen
cat > expected <<'TEXT'
contiguous [false, false, false]
transposed [true, true, true]
no_bias [true, true, false]
TEXT
cat seen
diff expected seen || exit 1
