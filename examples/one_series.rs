//! A series at a time, as a stream engine has it: its state is bytes in a store, and for each sample it is restored, updated
//! and saved. Beside it the same samples by channel, and the copy of the bytes alone.
//!
//! `cargo run --release --example one_series`

use evenkeel::{CleanedEma, Decay, OneSeries, RobustMean, Scored, Timed, TimedBank};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SERIES: usize = 1000;
const ROUNDS: usize = 200;

/// Nanoseconds a sample: the best of several turns, which are taken one after the other so that all see the same machine.
fn best(mut turns: [&mut dyn FnMut(); 3]) -> [f64; 3] {
    let mut best = [f64::INFINITY; 3];
    for _ in 0..15 {
        for (turn, best) in turns.iter_mut().zip(&mut best) {
            let start = Instant::now();
            turn();
            *best = best.min(start.elapsed().as_nanos() as f64 / (SERIES * ROUNDS) as f64);
        }
    }
    best
}

fn measure<R: Scored + Timed + Copy>(what: &str, rule: R) -> Result<(), Box<dyn Error>> {
    let mut one = OneSeries::<R>::new(rule)?;
    let mut bank = TimedBank::<R>::new(rule, SERIES)?;
    let mut store = vec![Vec::new(); SERIES];
    for bytes in &mut store {
        one.save(bytes);
    }
    let mut spare = store.clone();
    let bytes = store[0].len();
    let sample = |round: usize, series: usize| ((round * 7919 + series * 104_729) % 1000) as f64;
    let (mut now, mut also) = (0, 0);
    let mut failed = None;
    let [restored, by_channel, copied] = best([
        &mut || {
            for round in 0..ROUNDS {
                now += 1_000_000_000;
                for (series, bytes) in store.iter_mut().enumerate() {
                    let seen = one.restore(bytes).map(|()| one.update_at(now, sample(round, series)));
                    failed = failed.take().or(seen.err());
                    bytes.clear();
                    one.save(bytes);
                }
            }
        },
        &mut || {
            for round in 0..ROUNDS {
                also += 1_000_000_000;
                for series in 0..SERIES {
                    let _ = black_box(bank.observe_at(series, also, sample(round, series)));
                }
            }
        },
        &mut || {
            let mut state = Vec::new();
            for _ in 0..ROUNDS {
                for bytes in &mut spare {
                    state.clone_from(black_box(bytes));
                    bytes.clear();
                    bytes.extend_from_slice(black_box(&state));
                }
            }
        },
    ]);
    if let Some(error) = failed {
        return Err(error.into());
    }
    let rest = format!("update by channel {by_channel:.1} ns; copy of the bytes there and back {copied:.1} ns");
    println!("{what}: {bytes} bytes; restore + update + save {restored:.1} ns; {rest}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let in_time = Decay::half_life_time(Duration::from_secs(60))?;
    let in_samples = Decay::half_life(60.0)?;
    measure("RobustMean in samples", RobustMean::new(in_samples))?;
    measure("RobustMean in time", RobustMean::new(in_time))?;
    measure("CleanedEma in samples", CleanedEma::new(in_samples))?;
    measure("CleanedEma in time", CleanedEma::new(in_time))?;
    Ok(())
}
