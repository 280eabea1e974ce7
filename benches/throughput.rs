//! Time and bytes per channel-update, beside the memory limit and the honest competitor, in the same run.
//!
//! `cargo bench --bench throughput`, or with a filter such as `-- row/RobustMean/f32/16Mi`. Groups are named
//! `sweep/rule/lane/channels`; criterion's elements per second are channel-updates, and the bytes are in the names:
//!
//! * `engine`: the library, one thread, best backend;
//! * `probe`: a pass that moves the bytes of a steady row update and does next to nothing with them;
//! * `plain loop`: the same update as a loop over separate slices that the compiler vectorises;
//! * `read-only` (blocks): one pass over the samples;
//! * `row by row` (blocks): the same rows by the row sweep.
//!
//! The group `threads` is what `Threads::AUTO_BYTES` was chosen by.

mod common;

use common::competitor::{Loops, Plain};
use common::data::{Rows, samples};
use common::probe::{Number, Probe, read_only};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::{Bank, Decay, Ema, Real, RobustMean, Rule, Threads};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

const ALPHA: f64 = 0.01;
/// Enough updates for full age under `ALPHA`, and for `Ema` to forget its start.
const WARM_UP: usize = 4200;
const SIZES: [(&str, usize); 4] = [("2Ki", 2 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20)];

/// A bank whose channels are all of full age. Every channel has seen the same series, which is enough for that.
fn warm<R: Rule, T: Real>(rule: R, channels: usize) -> Bank<R, T> {
    let mut bank = Bank::new(rule, channels).unwrap();
    let history = samples::<T>(WARM_UP, 0.0, 1);
    let block: Vec<T> = history.iter().flat_map(|&x| std::iter::repeat_n(x, channels.min(1 << 12))).collect();
    if channels <= 1 << 12 {
        bank.update_rows(&block).unwrap();
    } else {
        for &x in &history[..WARM_UP.min(300)] {
            bank.update(&vec![x; channels]).unwrap();
        }
    }
    bank.with_threads(Threads::One)
}

fn group<'a>(c: &'a mut Criterion, name: &str, updates: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(updates as u64));
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(700));
    group
}

/// Row and block of one rule in one lane type. `written` and `read` are the columns that a steady update writes and reads.
fn rule<R: Rule, T: Real + Number, P: Plain<T>>(c: &mut Criterion, rule: &R, name: &str, written: usize, read: usize) {
    for (size, channels) in SIZES {
        let mut group = group(c, &format!("row/{name}/{}/{size}", T::NAME), channels);
        let mut rows = Rows::<T>::new(channels, 0.0, 7);
        let mut probe = Probe::<T>::new(channels, written, read);
        let bytes = probe.bytes();
        let mut bank = warm::<R, T>(rule.clone(), channels);
        group.bench_function(format!("engine {bytes} B"), |b| b.iter(|| bank.update(rows.next()).unwrap()));
        drop(bank);
        group.bench_function(format!("probe {bytes} B"), |b| b.iter(|| probe.pass(rows.next())));
        drop(probe);
        let mut plain = P::new(channels, ALPHA);
        for _ in 0..150 {
            plain.update(rows.next());
        }
        group.bench_function("plain loop", |b| b.iter(|| plain.update(rows.next())));
        group.finish();
    }
    for (size, channels) in SIZES {
        let rows = ((64 << 20) / channels).clamp(4, 64);
        let mut group = group(c, &format!("block/{name}/{}/{rows}x{size}", T::NAME), channels * rows);
        let block: Vec<T> = (0..rows as u64).flat_map(|row| samples::<T>(channels, 0.0, row)).collect();
        let mut bank = warm::<R, T>(rule.clone(), channels);
        group.bench_function("engine", |b| b.iter(|| bank.update_rows(&block).unwrap()));
        group.bench_function("row by row", |b| {
            b.iter(|| block.chunks_exact(channels).for_each(|row| bank.update(row).unwrap()));
        });
        group.bench_function(format!("read-only {} B", size_of::<T>()), |b| b.iter(|| black_box(read_only(&block))));
        group.finish();
    }
}

fn lanes<T: Real + Number + Loops>(c: &mut Criterion) {
    let decay = Decay::alpha(ALPHA).unwrap();
    rule::<_, T, T::Ema>(c, &Ema::new(decay), "Ema", 1, 1);
    rule::<_, T, T::RobustMean>(c, &RobustMean::new(decay), "RobustMean", 2, 1);
}

/// One thread against all of them, from sizes where sharing loses to sizes where it wins.
fn threads(c: &mut Criterion) {
    for channels in [16 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20] {
        let mut group = group(c, &format!("threads/RobustMean/f32/{}Ki", channels >> 10), channels);
        let mut rows = Rows::<f32>::new(channels, 0.0, 7);
        let bank = warm::<_, f32>(RobustMean::new(Decay::alpha(ALPHA).unwrap()), channels);
        let parts = Threads::Parts(NonZeroUsize::new(16 << 10).unwrap());
        for (name, threads) in [("one", Threads::One), ("shared", parts), ("auto", Threads::Auto)] {
            let mut bank = bank.clone().with_threads(threads);
            group.bench_function(name, |b| b.iter(|| bank.update(rows.next()).unwrap()));
        }
        group.finish();
    }
}

/// The competitor computes what the engine computes, or it is no competitor.
fn same_work() {
    let mut rows = Rows::<f32>::new(1000, 0.05, 3);
    let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(Decay::alpha(ALPHA).unwrap()), 1000).unwrap();
    let mut plain = common::competitor::single::RobustMean::new(1000, ALPHA);
    for _ in 0..500 {
        let row = rows.next();
        bank.update(row).unwrap();
        plain.update(row);
    }
    assert_eq!(bank.locations(), plain.location);
    assert_eq!(bank.scales(), plain.scale);
}

fn all(c: &mut Criterion) {
    same_work();
    lanes::<f32>(c);
    lanes::<f64>(c);
    threads(c);
}

criterion_group!(benches, all);
criterion_main!(benches);
