//! Ratios that mean something: engine, memory limit and competitor timed in turns, in one run, and compared.
//!
//! `cargo bench --bench ratios`, or `-- block` or `-- row` for one half. A machine's clock, cache and memory change from second to second, and criterion times one
//! thing after the other. Here everything that is compared runs in short turns, over and over, and the best turn of each
//! counts: what else the machine does can only add. These are the numbers that the documentation quotes.

mod common;

use common::competitor::{Loops, Plain};
use common::data::{Rows, samples};
use common::probe::{Number, Probe, read_only};
use evenkeel::{Backend, Bank, Decay, Ema, Real, RobustMean, Rule, Threads};
use std::hint::black_box;
use std::time::Instant;

const ALPHA: f64 = 0.05;

/// Nanoseconds per update of each contestant: the best of many short turns.
fn turns<const N: usize>(updates: usize, mut contestants: [&mut dyn FnMut(); N]) -> [f64; N] {
    let calls = (1 << 20) / updates.min(1 << 20);
    let rounds = if updates > 1 << 20 { 12 } else { 60 };
    let mut best = [f64::INFINITY; N];
    for _ in 0..rounds {
        for (contestant, best) in contestants.iter_mut().zip(&mut best) {
            let start = Instant::now();
            for _ in 0..calls {
                contestant();
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / (calls * updates) as f64);
        }
    }
    best
}

/// Whether the command line asks for this half, or for nothing in particular.
fn wanted(half: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| filter == half)
}

fn bank<R: Rule, T: Real>(rule: R, backend: Backend, rows: &mut Rows<T>, channels: usize) -> Bank<R, T> {
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
fn rows<R: Rule, T: Real + Number, P: Plain<T>>(name: &str, rule: &R, outliers: f64, written: usize, read: usize) {
    if !wanted("row") {
        return;
    }
    for (size, channels) in [("1Ki", 1 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20)] {
        let mut feed = Rows::<T>::new(channels, outliers, 7);
        let backends: Vec<Backend> = Backend::available().collect();
        let mut banks: Vec<_> = backends.iter().map(|&b| bank(rule.clone(), b, &mut feed, channels)).collect();
        let mut probe = Probe::<T>::new(channels, written, read);
        let mut plain = P::new(channels, ALPHA);
        (0..WARM_UP).for_each(|_| plain.update(feed.next()));
        let bytes = probe.bytes();

        let feed = std::cell::RefCell::new(feed);
        let [limit, competitor] = turns(
            channels,
            [&mut || probe.pass(feed.borrow_mut().next()), &mut || plain.update(feed.borrow_mut().next())],
        );
        drop(plain);
        let lane = T::NAME;
        print!(
            "{name:<10} {lane} {:>3.0}% {size:>5} {bytes:>3} B  limit {limit:.3} plain {competitor:.3}",
            outliers * 100.0
        );
        for (bank, backend) in banks.iter_mut().zip(backends) {
            let [engine, limit] = turns(
                channels,
                [&mut || bank.update(feed.borrow_mut().next()).unwrap(), &mut || probe.pass(feed.borrow_mut().next())],
            );
            let (of_limit, of_plain) = (limit / engine, competitor / engine);
            print!(" | {backend:?} {engine:.3} ns, {of_limit:.2} of limit, {of_plain:.1} x plain");
        }
        println!();
    }
}

/// A block that no cache holds, beside the same rows one by one and a read-only pass.
fn blocks<R: Rule, T: Real + Number>(name: &str, rule: &R, outliers: f64) {
    if !wanted("block") {
        return;
    }
    let (rows, channels) = (64, 1 << 20);
    let block: Vec<T> = (0..rows).flat_map(|row| samples::<T>(channels, outliers, row)).collect();
    let mut bank = Bank::<R, T>::new(rule.clone(), channels).unwrap().with_threads(Threads::One);
    bank.update_rows(&block).unwrap();
    let mut other = bank.clone();
    let [blocked, row_by_row, read] = turns(
        block.len(),
        [
            &mut || bank.update_rows(&block).unwrap(),
            &mut || block.chunks_exact(channels).for_each(|row| other.update(row).unwrap()),
            &mut || {
                black_box(read_only(&block));
            },
        ],
    );
    println!(
        "{name:<10} {} {:>3.0}% 64x1Mi block {blocked:.3} ns, {:.2} x row by row, {:.2} of a read-only pass",
        T::NAME,
        outliers * 100.0,
        row_by_row / blocked,
        read / blocked
    );
}

fn lane<T: Real + Number + Loops>() {
    let decay = Decay::alpha(ALPHA).unwrap();
    for outliers in [0.0, 0.05] {
        rows::<_, T, T::RobustMean>("RobustMean", &RobustMean::new(decay), outliers, 3, 0);
        blocks::<_, T>("RobustMean", &RobustMean::new(decay), outliers);
    }
    // Fast enough to forget its start in the warm-up.
    rows::<_, T, T::Ema>("Ema", &Ema::new(Decay::alpha(0.6).unwrap()), 0.0, 1, 1);
    blocks::<_, T>("Ema", &Ema::new(Decay::alpha(0.6).unwrap()), 0.0);
}

fn main() {
    println!(
        "nanoseconds per channel-update, one thread; the limit moves the same bytes, the plain loop does the same work"
    );
    lane::<f32>();
    lane::<f64>();
}
