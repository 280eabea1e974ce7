#!/usr/bin/env bash
# lz4_flex 0.14.2: a frame that is cut off between two blocks reads as one that is complete.
#
# Guess: `FrameDecoder` returns an error of the kind `UnexpectedEof` where a frame ends before its end mark, wherever that is, as
# the decoders of gzip, bzip2, xz and zstd do.
# Seen: an end of the input where the header of a block should be, or within these four bytes, is `Ok(0)`, the end of a good frame,
# even where the frame's own header has the size of its content. Elsewhere it is the error. So a download that stopped at 64 KiB,
# 256 KiB or another multiple of the block loses its tail in silence. The tool `lz4 -t` finds it. `Ok(0)` also ends each of several
# frames, so that reading on tells nothing either: behind a whole frame it is the same. Cure: a decoder over the C library (crate
# `lz4`), `lz4 -t` first, or look at the input oneself: a whole frame ends in four zero bytes and its checksum.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust, crates.io and lz4; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "cut"
version = "0.0.0"
edition = "2021"
[dependencies]
lz4_flex = "=0.14.2"
TOML
mkdir src
cat > src/main.rs <<'RUST'
use lz4_flex::frame::FrameDecoder;
use std::io::Read;

fn main() {
    let frame = std::fs::read("whole.lz4").unwrap();
    // The header of the frame, then blocks, each behind its length.
    let header = 15;
    let block = u32::from_le_bytes(frame[header..header + 4].try_into().unwrap()) & 0x7fff_ffff;
    let first = header + 4 + block as usize;
    for (name, end) in [("whole", frame.len()), ("in a block", first - 1), ("between blocks", first), ("in a length", first + 3)] {
        std::fs::write("cut.lz4", &frame[..end]).unwrap();
        let tool = std::process::Command::new("lz4").args(["-tq", "cut.lz4"]).output().unwrap().status.success();
        let mut text = Vec::new();
        let read = FrameDecoder::new(&frame[..end]).read_to_end(&mut text);
        println!("{name}: lz4 -t {tool}, lz4_flex {:?}", read.map_err(|error| error.kind()));
    }
}
RUST
seq 1 30000 > whole
lz4 -qf -B4 --content-size whole whole.lz4
CARGO_TARGET_DIR=$folder/target cargo run --quiet > seen
cat > expected <<'TEXT'
whole: lz4 -t true, lz4_flex Ok(168894)
in a block: lz4 -t false, lz4_flex Err(UnexpectedEof)
between blocks: lz4 -t false, lz4_flex Ok(65536)
in a length: lz4 -t false, lz4_flex Ok(65536)
TEXT
cat seen
diff expected seen || exit 1
