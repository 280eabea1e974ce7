//! Snapshots of a tracker, in memory: their bytes and their time, and those of parts of them.

use crate::{name, robust, table, tracker};
use evenkeel::{merge_snapshots, split_snapshot};
use std::hint::black_box;
use std::time::Instant;

const SERIES: usize = 2 << 20;
const PARTS: usize = 16;

/// Bytes of a series, and nanoseconds that each of them takes.
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    pub(crate) bytes: f64,
    pub(crate) written: f64,
    pub(crate) read: f64,
    pub(crate) divided: f64,
}

/// The least nanoseconds a series of some turns, and what the last of them returned.
fn best<O>(mut what: impl FnMut() -> O) -> (f64, O) {
    let mut turn = || {
        let start = Instant::now();
        let out = black_box(what());
        (start.elapsed().as_secs_f64() * 1e9 / SERIES as f64, out)
    };
    (0..4).fold(turn(), |(least, _), _| {
        let (nanoseconds, out) = turn();
        (least.min(nanoseconds), out)
    })
}

/// The table of snapshots.
pub(crate) fn saved() -> Saved {
    let mut tracker = tracker(robust(), SERIES);
    for number in 0..SERIES {
        tracker.update_at(name(number).as_str(), 0, 10.0).unwrap();
    }
    let (written, bytes) = best(|| {
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        bytes
    });
    let (read, ()) = best(|| tracker.read_snapshot(&bytes).unwrap());
    let (split, parts) = best(|| split_snapshot(&bytes, PARTS).unwrap());
    let (merged, whole) = best(|| merge_snapshots(&parts, b"").unwrap());
    assert_eq!(whole.len(), bytes.len());
    let each = bytes.len() as f64 / SERIES as f64;
    let of = format!("of a series, with a name of {}", name(0).len());
    let split_into = format!("split into {PARTS}, ns");
    table(&[&of, "bytes", "write, ns", "read, ns", &split_into, "merge, ns"]);
    println!(
        "| `RobustMean`, {} Mi series | {each:.0} | {written:.0} | {read:.0} | {split:.0} | {merged:.0} |",
        SERIES >> 20
    );
    Saved { bytes: each, written, read, divided: split + merged }
}
