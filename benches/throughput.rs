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
//! The groups `guards` are a batch of losses, and the norms of the gradients of a model.
//!
//! The group `threads` is what `Threads::AUTO_BYTES` was chosen by.

mod common;

use common::competitor::{Loops, Plain, single};
use common::data::Rows;
use common::probe::{Number, Probe, read_only};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::{
    Backend, Bank, CleanedEma, Decay, Ema, Estimator, GradientGuard, GradientGuards, LossGuard, Real, RobustMean,
    Threads,
};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Short memories, so that a warm-up of this many updates reaches full age and makes `Ema` forget its start.
const ROBUST_ALPHA: f64 = 0.05;
const EMA_ALPHA: f64 = 0.3;
const WARM_UP: usize = 80;
const SIZES: [(&str, usize); 4] = [("2Ki", 2 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20)];

/// A bank whose channels are all of full age, on one thread.
fn warm<R: Estimator, T: Real>(rule: &R, channels: usize) -> Bank<R, T> {
    let mut rows = Rows::<T>::new(channels, 0.0, 1);
    let mut bank = Bank::new(rule.clone(), channels).unwrap();
    (0..WARM_UP).for_each(|_| bank.update(rows.next()).unwrap());
    bank.with_threads(Threads::One)
}

fn group<'a>(c: &'a mut Criterion, name: &str, updates: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(updates as u64));
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(700));
    group
}

/// Row and block of one rule in `f32` or `f64`. `written` and `read` are the columns that a steady update writes and
/// only reads. What a benchmark needs is made when it runs, so that one that the filter leaves out costs nothing.
fn rule<R: Estimator, T: Real + Number, P: Plain<T>>(
    c: &mut Criterion,
    (rule, name, alpha): (&R, &str, f64),
    (written, read): (usize, usize),
) {
    for (size, channels) in SIZES {
        let mut group = group(c, &format!("row/{name}/{}/{size}", T::NAME), channels);
        let bytes = (2 * written + read + 1) * size_of::<T>();
        group.bench_function(format!("engine {bytes} B"), |b| {
            let (mut bank, mut rows) = (warm::<R, T>(rule, channels), Rows::new(channels, 0.0, 7));
            b.iter(|| bank.update(rows.next()).unwrap());
        });
        group.bench_function(format!("probe {bytes} B"), |b| {
            let (mut probe, mut rows) = (Probe::<T>::new(channels, written, read), Rows::new(channels, 0.0, 7));
            assert_eq!(probe.bytes(), bytes);
            b.iter(|| probe.pass(rows.next()));
        });
        group.bench_function("plain loop", |b| {
            let (mut plain, mut rows) = (P::new(channels, alpha), Rows::new(channels, 0.0, 7));
            (0..WARM_UP).for_each(|_| plain.update(Backend::best(), rows.next()));
            b.iter(|| plain.update(Backend::best(), rows.next()));
        });
        group.finish();
    }
    for (size, channels) in SIZES {
        let rows = ((64 << 20) / channels).clamp(4, 64);
        let blocks = || Rows::<T>::new(channels * rows, 0.0, 7);
        let mut group = group(c, &format!("block/{name}/{}/{rows}x{size}", T::NAME), channels * rows);
        group.bench_function("engine", |b| {
            let (mut bank, mut blocks) = (warm::<R, T>(rule, channels), blocks());
            b.iter(|| bank.update_rows(blocks.next()).unwrap());
        });
        group.bench_function("row by row", |b| {
            let (mut bank, mut blocks) = (warm::<R, T>(rule, channels), blocks());
            b.iter(|| blocks.next().chunks_exact(channels).for_each(|row| bank.update(row).unwrap()));
        });
        group.bench_function(format!("read-only {} B", size_of::<T>()), |b| {
            let mut blocks = blocks();
            b.iter(|| black_box(read_only(blocks.next())));
        });
        group.finish();
    }
}

fn lanes<T: Real + Number + Loops>(c: &mut Criterion) {
    let (ema, robust) = (Decay::alpha(EMA_ALPHA).unwrap(), Decay::alpha(ROBUST_ALPHA).unwrap());
    rule::<_, T, T::Ema>(c, (&Ema::new(ema), "Ema", EMA_ALPHA), (1, 1));
    rule::<_, T, T::RobustMean>(c, (&RobustMean::new(robust), "RobustMean", ROBUST_ALPHA), (3, 0));
    rule::<_, T, T::CleanedEma>(c, (&CleanedEma::new(robust), "CleanedEma", ROBUST_ALPHA), (4, 2));
}

/// One thread against all of them, from sizes where sharing loses to sizes where it wins.
fn threads(c: &mut Criterion) {
    for channels in [16 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20] {
        let mut group = group(c, &format!("threads/RobustMean/f32/{}Ki", channels >> 10), channels);
        let robust = RobustMean::new(Decay::alpha(ROBUST_ALPHA).unwrap());
        let parts = Threads::Parts(NonZeroUsize::new(16 << 10).unwrap());
        for (name, threads) in [("one", Threads::One), ("shared", parts), ("auto", Threads::Auto)] {
            group.bench_function(name, |b| {
                let mut bank = warm::<_, f32>(&robust, channels).with_threads(threads);
                let mut rows = Rows::new(channels, 0.0, 7);
                b.iter(|| bank.update(rows.next()).unwrap());
            });
        }
        group.finish();
    }
}

/// The competitors compute what the engine computes, or they are no competitors.
fn same_work() {
    let decay = Decay::alpha(ROBUST_ALPHA).unwrap();
    for backend in Backend::available() {
        // A level that moves re-opens them.
        let mut rows = Rows::<f32>::new(1000, 0.05, 3);
        let mut robust = Bank::<_, f32>::new(RobustMean::new(decay), 1000).unwrap().with_backend(backend).unwrap();
        let mut cleaned = Bank::<_, f32>::new(CleanedEma::new(decay), 1000).unwrap().with_backend(backend).unwrap();
        let mut plain_robust = single::RobustMean::new(1000, ROBUST_ALPHA);
        let mut plain_cleaned = single::CleanedEma::new(1000, ROBUST_ALPHA);
        for number in 0..600 {
            let level = if number % 200 < 150 { 0.0 } else { 50.0 };
            let row: Vec<f32> = rows.next().iter().map(|sample| sample + level).collect();
            robust.update(&row).unwrap();
            cleaned.update(&row).unwrap();
            plain_robust.update(backend, &row);
            plain_cleaned.update(backend, &row);
            assert_eq!(robust.locations(), plain_robust.columns.location, "{backend:?}, row {number}");
            assert!(robust.scales().eq(plain_robust.columns.scale.iter().copied()), "{backend:?}, row {number}");
            assert_eq!(cleaned.locations(), plain_cleaned.average, "{backend:?}, row {number}");
            assert!(cleaned.scales().eq(plain_cleaned.judge.scale.iter().copied()), "{backend:?}, row {number}");
        }
    }
}

/// A batch of losses, and the norms of a model's gradients, a few of them gross.
fn guards(c: &mut Criterion) {
    const BATCH: usize = 256;
    const TENSORS: usize = 200;
    let decay = Decay::half_life(50.0).unwrap();
    let mut losses = Rows::<f32>::new(BATCH, 0.02, 7);
    let mut norms = Rows::<f64>::new(TENSORS, 0.02, 7);

    let mut group = group(c, &format!("guards/losses/{BATCH}"), BATCH);
    group.bench_function("LossGuard", |b| {
        let mut guard = LossGuard::new(Decay::half_life(50.0 * BATCH as f64).unwrap()).unwrap().squared();
        let mut weights = [0.0; BATCH];
        b.iter(|| guard.weigh(black_box(losses.next()), &mut weights).unwrap());
    });
    group.finish();

    let mut group = self::group(c, &format!("guards/norms/{TENSORS}"), TENSORS);
    group.bench_function("GradientGuards", |b| {
        let mut guards = GradientGuards::new(decay, TENSORS).unwrap();
        let mut factors = [0.0; TENSORS];
        b.iter(|| guards.observe(black_box(norms.next()), &mut factors).unwrap());
    });
    group.bench_function("a GradientGuard each", |b| {
        let mut guards: Vec<_> = (0..TENSORS).map(|_| GradientGuard::new(decay).unwrap()).collect();
        b.iter(|| guards.iter_mut().zip(norms.next()).map(|(guard, &norm)| guard.observe(norm)).sum::<f64>());
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    same_work();
    lanes::<f32>(c);
    lanes::<f64>(c);
    threads(c);
    guards(c);
}

criterion_group!(benches, all);
criterion_main!(benches);
