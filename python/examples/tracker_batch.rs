//! Prints the seconds that `Tracker::update_batch` takes for a million samples of ten thousand keys: what `benches/speed.py`
//! compares the package with.

use evenkeel::{Decay, Resolution, RobustMean, Tracker};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let names: Vec<String> = (0..10_000).map(|n| format!("host{n:05}.example.com")).collect();
    let batch: Vec<(&str, f64)> = (0..1_000_000)
        .map(|_| (names[(random() % 10_000) as usize].as_str(), 40.0 + (random() % 1000) as f64 / 250.0))
        .collect();
    let mut tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(60.0)?).resolution(Resolution::Learn)?)?;
    let begin = Instant::now();
    tracker.update_batch(batch.iter().copied())?;
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(tracker.len(), 10_000);
    println!("{seconds}");
    Ok(())
}
