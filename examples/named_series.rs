//! What names cost: a batch of samples by text, by the codes of a dictionary and by channel; one sample at a time beside the
//! look-up of a hash map; and series that begin.
//!
//! `cargo run --release --example named_series`

use evenkeel::{Decay, Dictionary, Outputs, RobustMean, TimedBank, Tracker};
use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 4096;

fn name(number: usize) -> String {
    format!("host{:06},service=api,metric=cpu{:03}", number / 1000, number % 1000)
}

/// Nanoseconds a sample, the best of many turns that are taken one after the other.
fn turns(samples: usize, work: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; work.len()];
    for _ in 0..9 {
        for (work, best) in work.iter_mut().zip(&mut best) {
            let start = Instant::now();
            work();
            *best = best.min(start.elapsed().as_nanos() as f64 / samples as f64);
        }
    }
    best
}

fn main() -> Result<(), Box<dyn Error>> {
    let rule = RobustMean::new(Decay::half_life(60.0)?);
    for series in [200, 10_000, 200_000] {
        let names: Vec<String> = (0..series).map(name).collect();
        let mut random = 1_u64;
        let total = (4 * series).max(100 * BATCH);
        let codes: Vec<u32> = (0..total)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u32::try_from((random >> 33) % series as u64).unwrap_or(0)
            })
            .collect();
        let channels: Vec<usize> = codes.iter().map(|&code| code as usize).collect();
        let samples: Vec<f64> = (0..total).map(|at| (at * 7919 % 1000) as f64).collect();
        let mut tracker = Tracker::<String>::new(rule)?;
        for name in &names {
            tracker.update(name.as_str(), 1.0)?;
        }
        let (mut by_code, mut single) = (tracker.clone(), tracker.clone());
        let mut bank = TimedBank::<RobustMean>::new(rule, series)?;
        let map: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
        let mut dictionary = Dictionary::new(names.clone());
        let [mut first, mut second, mut third] = [(); 3].map(|()| vec![0.0; BATCH]);
        let times = vec![0; BATCH];
        let batches = || (0..total / BATCH).map(|batch| batch * BATCH..(batch + 1) * BATCH);
        let best = turns(
            total / BATCH * BATCH,
            &mut [
                &mut || {
                    for range in batches() {
                        let batch = codes[range.clone()].iter().zip(&samples[range]);
                        let batch = batch.map(|(&code, &sample)| (names[code as usize].as_str(), sample));
                        let mut at = 0;
                        let _ = tracker.update_batch_with(batch, |_, _, seen| {
                            first[at] = seen.map_or(f64::NAN, |seen| seen.location);
                            at += 1;
                        });
                    }
                },
                &mut || {
                    for range in batches() {
                        let outputs = Outputs { locations: Some(&mut second), ..Outputs::default() };
                        let _ = by_code.update_coded(&mut dictionary, &codes[range.clone()], &samples[range], outputs);
                    }
                },
                &mut || {
                    for range in batches() {
                        let outputs = Outputs { locations: Some(&mut third), ..Outputs::default() };
                        let _ = bank.observe_all_at(&channels[range.clone()], &times, &samples[range], outputs);
                    }
                },
                &mut || {
                    for (&code, &sample) in codes.iter().zip(&samples) {
                        let _ = black_box(single.update(names[code as usize].as_str(), sample));
                    }
                },
                &mut || {
                    for &code in &codes {
                        black_box(map.get(names[code as usize].as_str()));
                    }
                },
            ],
        );
        let [text, code, channel, one, look_up] = best[..] else { continue };
        println!(
            "{series} series, ns a sample: batch by text {text:.1}, by code {code:.1}, by channel {channel:.1}; one by one {one:.1}, look-up in a HashMap {look_up:.1}"
        );
    }
    let names: Vec<String> = (0..1_000_000).map(name).collect();
    for _ in 0..3 {
        let mut tracker = Tracker::<String>::new(rule)?;
        let start = Instant::now();
        for name in &names {
            tracker.update(name.as_str(), 1.0)?;
        }
        let ours = start.elapsed();
        let mut map = HashMap::new();
        let start = Instant::now();
        for name in &names {
            *map.entry(name.clone()).or_insert(0.0) += 1.0;
        }
        let theirs = start.elapsed();
        println!("a million new series: {ours:.0?}; as many entries of a HashMap: {theirs:.0?}");
        black_box((tracker, map));
    }
    Ok(())
}
