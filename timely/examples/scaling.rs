//! Samples a second of `track` at one worker and at two, beside the same dataflow whose operator only counts, in turns.
//!
//!     cargo run --release --example scaling

use evenkeel::{Decay, RobustMean, SnapshotKey, Tracker};
use evenkeel_timely::{Sample, track};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Probe;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::{Config, ExchangeData};

const SERIES: u64 = 10_000;
const PER_EPOCH: u64 = 20_000;
const EPOCHS: u64 = 50;
const TURNS: usize = 7;

/// The time of a run, from the first sample to the last estimate.
fn run<K>(workers: usize, counts_only: bool, key: fn(u64) -> K) -> Duration
where
    K: SnapshotKey + ExchangeData + Clone,
{
    let guards = timely::execute(Config::process(workers), move |worker| {
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        worker.dataflow::<u64, _, _>(|scope| {
            let samples = input.to_stream(scope);
            if counts_only {
                let by_key = Exchange::new(|(key, ..): &Sample<K>| key.stable_hash());
                let counted = samples.unary(by_key, "count", |_, _| {
                    let mut counts = HashMap::<K, u64>::new();
                    move |input, output| {
                        input.for_each_stamp(|stamp, batches| {
                            let mut session = output.session(&stamp);
                            for (key, time, sample) in batches.flat_map(|batch| batch.drain(..)) {
                                let count = match counts.get_mut(&key) {
                                    Some(count) => count,
                                    None => counts.entry(key.clone()).or_default(),
                                };
                                *count += 1;
                                session.give((key, time, sample, *count));
                            }
                        });
                    }
                });
                counted.container::<Vec<_>>().probe_with(&probe);
            } else {
                let decay = Decay::half_life_time(Duration::from_secs(60)).unwrap();
                let tracker = Tracker::<K>::new(RobustMean::new(decay)).unwrap();
                track(samples, tracker, None).unwrap().0.probe_with(&probe);
            }
        });
        let (index, peers) = (worker.index() as u64, worker.peers() as u64);
        let mut random = fastrand::Rng::with_seed(index);
        let epochs: Vec<Vec<Sample<K>>> = (0..EPOCHS)
            .map(|epoch| {
                let second = i64::try_from(epoch).unwrap() * 1_000_000_000;
                let sample = |_| (key(random.u64(0..SERIES)), second, 10.0 + random.f64());
                (0..PER_EPOCH / peers).map(sample).collect()
            })
            .collect();
        let start = Instant::now();
        for (epoch, mut samples) in (1..).zip(epochs) {
            input.send_batch(&mut samples);
            input.advance_to(epoch);
            worker.step_while(|| probe.less_than(&(epoch - 1)));
        }
        worker.step_while(|| probe.less_than(&EPOCHS));
        start.elapsed()
    });
    guards.unwrap().join().into_iter().map(Result::unwrap).max().unwrap()
}

/// The line of a kind of key.
fn compare<K>(keys: &str, key: fn(u64) -> K)
where
    K: SnapshotKey + ExchangeData + Clone,
{
    let mut best = [Duration::MAX; 4];
    for _ in 0..TURNS {
        for (best, (workers, counts_only)) in best.iter_mut().zip([(1, false), (2, false), (1, true), (2, true)]) {
            *best = (*best).min(run(workers, counts_only, key));
        }
    }
    let rate = best.map(|time| (PER_EPOCH * EPOCHS) as f64 / time.as_secs_f64() / 1e6);
    let [one, two, counting, counting_two] = rate;
    println!(
        "| {keys} | {one:.1} | {two:.1}, {:.2} times | {counting:.1} | {counting_two:.1} | {:.2} | {:.2} |",
        two / one,
        one / counting,
        two / counting_two
    );
}

fn main() {
    println!("Million samples a second, {SERIES} series, the best of {TURNS} turns.");
    println!("| keys | track, one worker | two | counting, one worker | two | track beside counting, one | two |");
    println!("|---|---|---|---|---|---|---|");
    compare("numbers", |number| number);
    compare("names", |number| format!("cpu,cpu=cpu{},host=server{:06} usage_user", number % 8, number / 8));
}
