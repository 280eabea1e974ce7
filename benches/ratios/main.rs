//! Ratios that mean something: engine, memory limit and competitor timed in turns, in one run, and compared.
//!
//! `cargo bench --bench ratios`, or `-- row RobustMean f32 16Mi` and the like for a part: all that have every word. A
//! machine's clock, cache and memory change from second to second, and criterion times one thing after the other. Here
//! everything that is compared runs in short turns, over and over, and the best turn of each counts: what else the
//! machine does can only add. These are the numbers that the documentation quotes.

#[path = "../common/mod.rs"]
mod common;
mod layers;
mod named;
mod reported;
mod time;

use common::competitor::{Loops, Plain};
use common::data::{Rows, samples};
use common::probe::{Number, Probe, read_four, read_only};
use common::turns::{turns, wanted};
use evenkeel::{
    Backend, Bank, CleanedEma, Decay, Ema, Estimator, LearningRate, Numerator, Real, RelaxedNumerator, RobustMean,
    Threads,
};
use layers::{layers, many_layers, moments, small_layers};
use named::tracker;
use reported::reported;
use std::cell::RefCell;
use std::hint::black_box;
use time::time;

const ALPHA: f64 = 0.05;

fn bank<R: Estimator, T: Real>(rule: R, backend: Backend, rows: &mut Rows<T>, channels: usize) -> Bank<R, T> {
    let bank = Bank::<R, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
    let mut bank = bank.with_threads(Threads::One);
    for _ in 0..WARM_UP {
        bank.update(rows.next()).unwrap();
    }
    bank
}

/// Updates until every channel is of full age.
const WARM_UP: usize = 60;

/// One rule row by row on every backend, beside the memory limit and the plain loop.
fn rows<R: Estimator, T: Real + Number + Loops, P: Plain<T>>(
    name: &str,
    rule: &R,
    outliers: f64,
    written: usize,
    read: usize,
) {
    for (size, channels) in [("1Ki", 1 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20)] {
        let share = format!("{:.0}%", outliers * 100.0);
        if !wanted(&["row", name, T::NAME, size, &share]) {
            continue;
        }
        let mut feed = Rows::<T>::new(channels, outliers, 7);
        let backends: Vec<Backend> = Backend::available().collect();
        let mut banks: Vec<_> = backends.iter().map(|&b| bank(rule.clone(), b, &mut feed, channels)).collect();
        let mut probe = Probe::<T>::new(channels, written, read);
        let bytes = probe.bytes();
        print!("{name:<10} {} {:>3.0}% {size:>5} {bytes:>3} B", T::NAME, outliers * 100.0);

        let feed = RefCell::new(feed);
        for (bank, backend) in banks.iter_mut().zip(backends) {
            let (mut plain, mut clip) = (P::new(channels, ALPHA), T::Clip::new(channels, ALPHA));
            (0..WARM_UP).for_each(|_| plain.update(backend, feed.borrow_mut().next()));
            (0..WARM_UP).for_each(|_| clip.update(backend, feed.borrow_mut().next()));
            let [engine, limit, plain, clip] = turns(
                channels,
                [
                    &mut || bank.update(feed.borrow_mut().next()).unwrap(),
                    &mut || probe.pass(feed.borrow_mut().next()),
                    &mut || plain.update(backend, feed.borrow_mut().next()),
                    &mut || clip.update(backend, feed.borrow_mut().next()),
                ],
            );
            let (of_limit, of_plain, of_clip) = (limit / engine, plain / engine, engine / clip);
            print!(" | {backend:?} {engine:.3} ns, {of_limit:.2} of limit, {of_plain:.1} x plain, {of_clip:.1} clips");
        }
        println!();
    }
}

/// A block that no cache holds, beside the same rows one by one and a read-only pass. It comes again in each turn, too
/// long to be learnt: 64 Mi samples.
fn blocks<R: Estimator, T: Real + Number>(name: &str, rule: &R, outliers: f64) {
    if !wanted(&["block", name, T::NAME, &format!("{:.0}%", outliers * 100.0)]) {
        return;
    }
    let (rows, channels) = (64, 1 << 20);
    let block: Vec<T> = (0..rows).flat_map(|row| samples::<T>(channels, outliers, row)).collect();
    let mut bank = Bank::<R, T>::new(rule.clone(), channels).unwrap().with_threads(Threads::One);
    bank.update_rows(&block).unwrap();
    let mut other = bank.clone();
    let [blocked, row_by_row, one, four] = turns(
        block.len(),
        [
            &mut || bank.update_rows(&block).unwrap(),
            &mut || block.chunks_exact(channels).for_each(|row| other.update(row).unwrap()),
            &mut || {
                black_box(read_only(&block));
            },
            &mut || {
                black_box(read_four(&block));
            },
        ],
    );
    println!(
        "{name:<10} {} {:>3.0}% 64x1Mi block {blocked:.3} ns, {:.2} x row by row, {:.2} of a read-only pass",
        T::NAME,
        outliers * 100.0,
        row_by_row / blocked,
        one.min(four) / blocked
    );
}

/// Series that each lie in a slice of their own, beside the same samples as a block of rows; they come again in each
/// turn, 8 Mi samples. And one series alone, of other samples in each turn.
fn series<R: Estimator, T: Real + Number>(name: &str, rule: &R, outliers: f64) {
    if !wanted(&["series", name, T::NAME, &format!("{:.0}%", outliers * 100.0)]) {
        return;
    }
    let (rows, channels) = (4096, 2048);
    let columns: Vec<Vec<T>> = (0..channels).map(|channel| samples::<T>(rows, outliers, channel)).collect();
    let block: Vec<T> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let make = || Bank::<R, T>::new(rule.clone(), columns.len()).unwrap().with_threads(Threads::One);
    let (mut by_series, mut by_rows, mut alone, mut observed) = (make(), make(), make(), make());
    let [turned, rows, one, four] = turns(
        block.len(),
        [
            &mut || by_series.update_series(&columns).unwrap(),
            &mut || by_rows.update_rows(&block).unwrap(),
            &mut || {
                black_box(read_only(&block));
            },
            &mut || {
                black_box(read_four(&block));
            },
        ],
    );
    let read = one.min(four);
    let length = 1 << 20;
    let feed = RefCell::new(Rows::<T>::new(length, outliers, 3));
    let [one, watched] = turns(
        length,
        [&mut || alone.update_channel(0, feed.borrow_mut().next()).unwrap(), &mut || {
            for &sample in feed.borrow_mut().next() {
                black_box(observed.observe(0, sample).unwrap());
            }
        }],
    );
    println!(
        "{name:<10} {} {:>3.0}% 2048 series of 4096: series {turned:.3} ns, {:.2} x a block of rows, {:.2} of a read-only pass; one of 1Mi: alone {one:.2} ns, {:.1} x as long as one of many, observed {watched:.2} ns",
        T::NAME,
        outliers * 100.0,
        turned / rows,
        read / turned,
        one / turned
    );
}

fn lane<T: Real + Number + Loops>() {
    let decay = Decay::alpha(ALPHA).unwrap();
    for outliers in [0.0, 0.05] {
        rows::<_, T, T::RobustMean>("RobustMean", &RobustMean::new(decay), outliers, 3, 0);
        blocks::<_, T>("RobustMean", &RobustMean::new(decay), outliers);
        series::<_, T>("RobustMean", &RobustMean::new(decay), outliers);
        rows::<_, T, T::CleanedEma>("CleanedEma", &CleanedEma::new(decay), outliers, 4, 2);
        blocks::<_, T>("CleanedEma", &CleanedEma::new(decay), outliers);
        series::<_, T>("CleanedEma", &CleanedEma::new(decay), outliers);
    }
    // Fast enough to forget its start in the warm-up.
    rows::<_, T, T::Ema>("Ema", &Ema::new(Decay::alpha(0.6).unwrap()), 0.0, 1, 1);
    blocks::<_, T>("Ema", &Ema::new(Decay::alpha(0.6).unwrap()), 0.0);
    series::<_, T>("Ema", &Ema::new(Decay::alpha(0.6).unwrap()), 0.0);
    reported::<_, T>("RobustMean", &RobustMean::new(decay));
    reported::<_, T>("CleanedEma", &CleanedEma::new(decay));
    reported::<_, T>("Ema", &Ema::new(decay));
    moments::<T>();
    layers::<_, T>("Numerator", &Numerator::new(1e-3).unwrap(), 3);
    layers::<_, T>("RelaxedNumerator", &RelaxedNumerator::new(1e-3).unwrap(), 1);
    layers::<_, T>("LearningRate", &LearningRate::new(1e-3).unwrap(), 4);
}

fn main() {
    println!(
        "nanoseconds per channel-update, one thread; the limit moves the same bytes, the plain loop does the same work"
    );
    small_layers();
    many_layers("Numerator", &Numerator::new(1e-3).unwrap());
    many_layers("LearningRate", &LearningRate::new(1e-3).unwrap());
    lane::<f32>();
    lane::<f64>();
    time::<_, f32>("RobustMean", RobustMean::new);
    time::<_, f64>("RobustMean", RobustMean::new);
    time::<_, f32>("CleanedEma", CleanedEma::new);
    time::<_, f64>("CleanedEma", CleanedEma::new);
    tracker();
}
