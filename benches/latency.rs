//! The latency of one `update`, at best and at worst: p50, p99 and p99.9 by an HDR histogram.
//!
//! `cargo bench --bench latency`. Times are those of the machine it runs on; what travels is the ratio of the
//! percentiles to the median. Every update is timed by itself, so the cost of reading the clock, printed first, is in
//! each.

mod common;

use common::data::Rows;
use evenkeel::{Bank, Decay, Ema, Estimator, RobustMean};
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::Instant;

/// Nanoseconds of each of `count` calls.
fn measure(count: usize, mut call: impl FnMut()) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for _ in 0..count / 10 {
        call();
    }
    for _ in 0..count {
        let start = Instant::now();
        call();
        histogram.saturating_record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    histogram
}

fn print(name: &str, histogram: &Histogram<u64>) {
    let at = |q| histogram.value_at_quantile(q);
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    let worst = p999 as f64 / p50 as f64;
    println!("{name:<36} {p50:>9} {p99:>9} {p999:>9}   {worst:>6.2}");
}

fn bank<R: Estimator>(name: &str, rule: R, channels: usize, outliers: f64, count: usize) {
    let mut rows = Rows::<f32>::new(channels, outliers, 5);
    let mut bank = Bank::<R, f32>::new(rule, channels).unwrap();
    let histogram = measure(count, || bank.update(rows.next()).unwrap());
    print(&format!("{name} {channels} channels, {:.0}% outliers", outliers * 100.0), &histogram);
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let scale = if quick { 100 } else { 1 };
    println!("{:<36} {:>9} {:>9} {:>9}   {:>6}", "nanoseconds per update, f32", "p50", "p99", "p99.9", "p99.9/p50");
    print(
        "the clock alone",
        &measure(100_000 / scale, || {
            black_box(Instant::now());
        }),
    );
    let decay = Decay::alpha(0.01).unwrap();
    for (channels, count) in [(1 << 10, 400_000), (64 << 10, 20_000)] {
        bank("Ema", Ema::new(decay), channels, 0.0, count / scale);
        for outliers in [0.0, 0.05] {
            bank("RobustMean", RobustMean::new(decay), channels, outliers, count / scale);
        }
    }
}
