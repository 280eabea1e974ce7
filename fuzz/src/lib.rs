//! What each fuzz target checks. The targets themselves are one line each: the checks live here, so that `cargo test`
//! replays the seeds on a stable compiler and without a fuzzer.
//!
//! Every check takes any bytes whatever, makes parameters and samples of them (`draw`, `rules`), and compares the library
//! on every backend of the machine with the plain loops of `tests/oracle`, which share no code with it. The program's readers
//! are compared with a plain reading of the same text (`readers`, `telemetry`).

#[path = "../../tests/support/checksums.rs"]
mod checksums;
pub mod cleaned_ema;
mod clock;
pub mod collectd;
pub mod csv;
pub mod dialects;
pub mod documents;
mod draw;
pub mod ema;
pub mod expiry;
pub mod finite;
pub mod graphite;
pub mod heavy_tailed;
pub mod influx;
mod json;
pub mod ndjson;
pub mod numerator;
pub mod operations;
#[path = "../../tests/oracle/mod.rs"]
mod oracle;
pub mod prometheus;
#[allow(dead_code)] // a part of it is used here
#[path = "../../tests/support/random.rs"]
mod random;
mod readers;
pub mod robust_mean;
mod rules;
pub mod snapshot;
pub mod statsd;
mod telemetry;
pub mod times;
pub mod tracker;

/// Calls a check with the lane type that the first byte names.
macro_rules! for_the_drawn_type {
    ($check:ident, $draw:expr) => {
        if $draw.flag() { $check::<f32>(&mut $draw) } else { $check::<f64>(&mut $draw) }
    };
}
use for_the_drawn_type;

/// Asserts that all bits are the same, and reports the first that are not.
#[track_caller]
fn assert_words<T: oracle::Float>(found: &[T], expected: &[T], what: impl Fn() -> String) {
    assert_eq!(found.len(), expected.len(), "{}", what());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            found.to_word() == expected.to_word(),
            "{found:?} ({:#x}), not {expected:?} ({:#x}); number {index}, {}",
            found.to_word(),
            expected.to_word(),
            what()
        );
    }
}

#[cfg(test)]
mod seeds {
    use std::{fs, path::Path};

    fn replay(target: &str, check: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let files = fs::read_dir(&folder).expect("there are seeds").map(|file| file.expect("a file").path());
        let mut count = 0;
        for file in files {
            eprintln!("{}", file.display());
            check(&fs::read(&file).expect("readable"));
            count += 1;
        }
        assert!(count > 0, "no seeds in {}", folder.display());
    }

    macro_rules! replayed {
        ($($target:ident),*) => {
            $(#[test] fn $target() { replay(stringify!($target), crate::$target::check); })*
        };
    }
    replayed!(
        robust_mean,
        cleaned_ema,
        ema,
        numerator,
        heavy_tailed,
        finite,
        operations,
        tracker,
        expiry,
        snapshot,
        csv,
        dialects,
        times,
        ndjson,
        documents,
        influx,
        prometheus,
        graphite,
        statsd,
        collectd
    );
}
