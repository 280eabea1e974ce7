#!/usr/bin/env bash
# pulp 0.22.3: the types that stand for a register are aligned like one of their lanes.
#
# Guess: `f32x16`, which pulp loads into a register of 64 bytes, is aligned to 64 bytes, as `__m512` of the standard library is.
# Seen: it is aligned to 4, `f64x8` to 8, and `Simd::f32s` of the AVX-512 token is that same type. So an array of them on the
# stack may begin anywhere, every store into it may lie across two cache lines, and whether it does changes from run to run with
# the address of the stack: a kernel that noted two vectors in such an array took 1.6 times as long in unlucky runs. Cure: wrap the
# array in a type with `#[repr(align(64))]`.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust and crates.io; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "alignment"
version = "0.0.0"
edition = "2021"
[dependencies]
pulp = { version = "=0.22.3", default-features = false, features = ["std", "x86-v3", "x86-v4"] }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use std::mem::{align_of, size_of};

fn main() {
    println!("f32x16 {} of {}", align_of::<pulp::f32x16>(), size_of::<pulp::f32x16>());
    println!("f64x8 {} of {}", align_of::<pulp::f64x8>(), size_of::<pulp::f64x8>());
    println!("f32x8 {} of {}", align_of::<pulp::f32x8>(), size_of::<pulp::f32x8>());
    #[cfg(target_arch = "x86_64")]
    println!("__m512 {}", align_of::<std::arch::x86_64::__m512>());
}
RUST
cargo run --quiet > seen
cat > expected <<'TEXT'
f32x16 4 of 64
f64x8 8 of 64
f32x8 4 of 32
TEXT
[ "$(uname -m)" != x86_64 ] || echo "__m512 64" >> expected
echo "pulp 0.22.3, alignment and size in bytes:"
cat seen
diff expected seen || exit 1
