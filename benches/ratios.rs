//! Ratios that mean something: engine, memory limit and competitor timed in turns, in one run, and compared.
//!
//! `cargo bench --bench ratios`, or `-- row RobustMean f32 16Mi` and the like for a part: all that have every word. A
//! machine's clock, cache and memory change from second to second, and criterion times one thing after the other. Here
//! everything that is compared runs in short turns, over and over, and the best turn of each counts: what else the
//! machine does can only add. These are the numbers that the documentation quotes.

mod common;

use common::competitor::{Loops, Plain};
use common::data::{Noise, Rows, samples};
use common::probe::{Number, Probe, read_four, read_only};
use evenkeel::{
    Backend, Bank, CleanedEma, Decay, Ema, Estimator, Idle, Layer, LayerRule, LayerUpdate, LearningRate, Numerator,
    Outputs, Overflow, Real, RelaxedNumerator, RobustMean, Threads, Timed, Tracker, update_layers,
};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

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

/// Whether the command line asks for this: each of its words is one of these.
fn wanted(words: &[&str]) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    filters.all(|filter| words.contains(&filter.as_str()))
}

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

/// Places for what is reported of each sample.
struct Reported<T> {
    numbers: [Vec<T>; 3],
    outliers: Vec<bool>,
}

impl<T: Real> Reported<T> {
    fn new(samples: usize) -> Self {
        Self { numbers: [(); 3].map(|()| vec![T::default(); samples]), outliers: vec![false; samples] }
    }

    /// The locations alone, or everything.
    fn some(&mut self, all: bool) -> Outputs<'_, T> {
        let [locations, scales, scores] = &mut self.numbers;
        Outputs {
            locations: Some(locations),
            scales: all.then_some(scales),
            scores: all.then_some(scores),
            outliers: all.then_some(&mut self.outliers),
        }
    }

    /// Writes as many bytes as are reported, from samples and marks that are there.
    fn copied(&mut self, all: bool, from: (&[T], &[bool])) {
        for numbers in &mut self.numbers[..if all { 3 } else { 1 }] {
            black_box(&mut *numbers).copy_from_slice(from.0);
        }
        if all {
            black_box(&mut self.outliers).copy_from_slice(from.1);
        }
    }
}

/// What is reported of every sample, beside the update alone and a copy of as many bytes: 10,000 rows of 1,000 channels as
/// a block, as series, and one series of as many samples.
fn reported<R: Estimator, T: Real + Number>(name: &str, rule: &R) {
    if !wanted(&["reported", name, T::NAME]) {
        return;
    }
    let (rows, channels) = (10_000, 1000);
    let columns: Vec<Vec<T>> = (0..channels).map(|channel| samples::<T>(rows, 0.01, channel)).collect();
    let block: Vec<T> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let bank = |channels| Bank::<R, T>::new(rule.clone(), channels).unwrap().with_threads(Threads::One);
    let marks = vec![true; block.len()];
    let places = RefCell::new(Reported::<T>::new(block.len()));
    let by_series = RefCell::new((0..channels).map(|_| Reported::<T>::new(rows)).collect::<Vec<_>>());
    for all in [false, true] {
        let what = if all { "all four" } else { "locations" };
        let mut banks: [_; 2] = std::array::from_fn(|_| bank(columns.len()));
        let [update, into] = &mut banks;
        let [plain, copy, written] = turns(
            block.len(),
            [
                &mut || update.update_rows(&block).unwrap(),
                &mut || places.borrow_mut().copied(all, (&block, &marks)),
                &mut || into.update_rows_into(&block, places.borrow_mut().some(all)).unwrap(),
            ],
        );
        let line = |shape: &str, plain: f64, copy: f64, written: f64| {
            println!(
                "reported {name:<10} {} {what:<9} {shape:<12} {written:.3} ns, {:.2} x update ({plain:.3}) and copy ({copy:.3})",
                T::NAME,
                written / (plain + copy)
            );
        };
        line("rows", plain, copy, written);
        let [plain, copy, written] = turns(
            block.len(),
            [
                &mut || update.update_series(&columns).unwrap(),
                &mut || {
                    for (places, column) in by_series.borrow_mut().iter_mut().zip(&columns) {
                        places.copied(all, (column, &marks[..rows]));
                    }
                },
                &mut || {
                    let mut places = by_series.borrow_mut();
                    let mut outputs: Vec<_> = places.iter_mut().map(|places| places.some(all)).collect();
                    into.update_series_into(&columns, &mut outputs).unwrap();
                },
            ],
        );
        line("series", plain, copy, written);
        let length = 1 << 20;
        let feed = RefCell::new(Rows::<T>::new(length, 0.01, 3));
        let (mut update, mut into) = (bank(1), bank(1));
        let mut one = Reported::<T>::new(length);
        let copied = RefCell::new(Reported::<T>::new(length));
        let [plain, copy, written] = turns(
            length,
            [
                &mut || update.update_channel(0, feed.borrow_mut().next()).unwrap(),
                &mut || copied.borrow_mut().copied(all, (&block[..length], &marks[..length])),
                &mut || into.update_channel_into(0, feed.borrow_mut().next(), one.some(all)).unwrap(),
            ],
        );
        line("one series", plain, copy, written);
    }
}

/// One rule of weights and gradients on one thread, beside the memory limit.
fn layers<R: LayerRule, T: Real + Number>(name: &str, rule: &R, written: usize) {
    for (size, weights) in [("64Ki", 64 << 10), ("1Mi", 1 << 20), ("16Mi", 16 << 20), ("64Mi", 64 << 20)] {
        if !wanted(&["layer", name, T::NAME, size]) {
            continue;
        }
        // Two columns of 64 Mi f64 weights more would not fit a small machine.
        if weights * size_of::<T>() > 256 << 20 {
            continue;
        }
        let w: Vec<T> = samples(weights, 0.0, 11).into_iter().map(|w: T| T::from_f64(w.to_f64() / 20.0)).collect();
        let feed = RefCell::new(Rows::<T>::new(weights, 0.01, 12));
        let mut probe = Probe::<T>::new(weights, written, 1);
        let (bytes, lane) = (probe.bytes(), T::NAME);
        print!("{name:<16} {lane} {size:>5} {bytes:>3} B ");
        for backend in Backend::available() {
            let layer = Layer::<R, T>::new(rule.clone(), weights).unwrap().with_backend(backend).unwrap();
            let mut layer = layer.with_threads(Threads::One);
            let [engine, limit] = turns(
                weights,
                [
                    &mut || {
                        black_box(layer.update(&w, feed.borrow_mut().next()).unwrap());
                    },
                    &mut || probe.pass(feed.borrow_mut().next()),
                ],
            );
            print!(" | {backend:?} {engine:.3} ns, {:.2} of limit", limit / engine);
        }
        println!();
    }
}

/// Many small layers in one call, beside one call for each, on all threads.
fn small_layers() {
    if !wanted(&["layer", "small"]) {
        return;
    }
    let (count, weights) = (200, 4 << 10);
    let rule = Numerator::new(1e-3).unwrap();
    let make = || (0..count).map(|_| Layer::<Numerator, f32>::new(rule, weights).unwrap()).collect::<Vec<_>>();
    let (mut together, mut alone) = (make(), make());
    let w = samples::<f32>(weights * count, 0.0, 13);
    let feed = RefCell::new(Rows::<f32>::new(weights * count, 0.0, 14));
    let [one_call, calls] = turns(
        weights * count,
        [
            &mut || {
                let mut feed = feed.borrow_mut();
                let data = w.chunks(weights).zip(feed.next().chunks(weights));
                let updates = together.iter_mut().zip(data).map(|(layer, (w, g))| layer.with(w, g).unwrap());
                let mut updates: Vec<_> = updates.collect();
                update_layers(&mut updates, Threads::Auto);
                black_box(updates.iter().map(LayerUpdate::mean).sum::<f32>());
            },
            &mut || {
                let mut feed = feed.borrow_mut();
                let data = w.chunks(weights).zip(feed.next().chunks(weights));
                for (layer, (w, g)) in alone.iter_mut().zip(data) {
                    black_box(layer.update(w, g).unwrap());
                }
            },
        ],
    );
    println!(
        "{count} layers of {weights} weights, Numerator f32: one call {one_call:.3} ns, {:.2} x one by one",
        calls / one_call
    );
}

/// One bank on all threads beside the same on one, called from outside the pool and from inside, and the memory limit
/// of all threads; then many small banks.
fn threads() {
    let rule = RobustMean::new(Decay::alpha(ALPHA).unwrap());
    let pool = rayon::current_num_threads();
    let sizes = [("4Ki", 4 << 10), ("16Ki", 16 << 10), ("32Ki", 32 << 10), ("64Ki", 64 << 10), ("128Ki", 128 << 10)];
    for (size, channels) in sizes.into_iter().chain([("1Mi", 1 << 20), ("16Mi", 16 << 20)]) {
        if !wanted(&["threads", size]) {
            continue;
        }
        let mut feed = Rows::<f32>::new(channels, 0.0, 7);
        let mut banks: [_; 3] = std::array::from_fn(|_| bank(rule, Backend::best(), &mut feed, channels));
        let [one, outside, inside] = &mut banks;
        for bank in [&mut *outside, &mut *inside] {
            *bank = bank.clone().with_threads(Threads::Auto);
        }
        let mut probes: Vec<_> = (0..pool).map(|_| Probe::<f32>::new(channels / pool, 3, 0)).collect();
        // Several updates in one turn, as entering the pool is what is to be seen.
        let calls = if channels >= 1 << 20 { 2 } else { 16 };
        let feed = RefCell::new(feed);
        let [one, outside, inside, limit] = turns(
            channels * calls,
            [
                &mut || (0..calls).for_each(|_| one.update(feed.borrow_mut().next()).unwrap()),
                &mut || (0..calls).for_each(|_| outside.update(feed.borrow_mut().next()).unwrap()),
                &mut || {
                    let feed = &mut *feed.borrow_mut();
                    rayon::scope(|_| (0..calls).for_each(|_| inside.update(feed.next()).unwrap()));
                },
                &mut || {
                    for _ in 0..calls {
                        let mut feed = feed.borrow_mut();
                        let row = feed.next();
                        probes.par_iter_mut().for_each(|probe| probe.pass(&row[..channels / pool]));
                    }
                },
            ],
        );
        println!(
            "RobustMean f32 {size:>5} on {pool} threads: one {one:.3} ns, from outside {:.2} x, from inside {:.2} x, {:.2} of the limit of {pool}",
            one / outside,
            one / inside,
            limit / outside
        );
    }
    if !wanted(&["threads", "many"]) {
        return;
    }
    let (count, channels) = (200, 4 << 10);
    let feed = RefCell::new(Rows::<f32>::new(count * channels, 0.0, 8));
    let make = || (0..count).map(|_| Bank::<RobustMean, f32>::new(rule, channels).unwrap()).collect::<Vec<_>>();
    let (mut alone, mut together) = (make(), make());
    let [alone, together] = turns(
        count * channels,
        [
            &mut || {
                let mut feed = feed.borrow_mut();
                let rows = feed.next().chunks(channels);
                alone.iter_mut().zip(rows).for_each(|(bank, row)| bank.update(row).unwrap());
            },
            &mut || {
                let mut feed = feed.borrow_mut();
                let rows = feed.next().par_chunks(channels);
                together.par_iter_mut().zip(rows).for_each(|(bank, row)| bank.update(row).unwrap());
            },
        ],
    );
    println!(
        "{count} banks of {channels} on {pool} threads: one by one {alone:.3} ns, together {:.2} x",
        alone / together
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
    layers::<_, T>("Numerator", &Numerator::new(1e-3).unwrap(), 3);
    layers::<_, T>("RelaxedNumerator", &RelaxedNumerator::new(1e-3).unwrap(), 1);
    layers::<_, T>("LearningRate", &LearningRate::new(1e-3).unwrap(), 4);
}

/// Rows whose decay is in time, at equal distances and at distances that jitter, beside the same rows of a decay in
/// samples; and rows with a tenth of the samples missing, at random, beside those without.
fn time<R: Timed, T: Real>(name: &str, new: impl Fn(Decay) -> R) {
    for (size, channels) in [("1Ki", 1 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20)] {
        if !wanted(&["time", name, T::NAME, size]) {
            continue;
        }
        let second = Duration::from_secs(1);
        let half_life = 13.5; // about the gain of the other parts
        let rule = new(Decay::half_life(half_life).unwrap());
        let in_time = new(Decay::half_life_time(second.mul_f64(half_life)).unwrap());
        let mut feed = Rows::<T>::new(channels, 0.0, 7);
        let mut counted = bank(rule, Backend::best(), &mut feed, channels);
        let new = || Bank::<R, T>::new(in_time.clone(), channels).unwrap().with_threads(Threads::One);
        let (mut equal, mut jitter, mut gaps) = (new(), new(), new());
        let mut incomplete = Rows::<T>::with_missing(channels, 0.1, 8);
        for _ in 0..WARM_UP {
            let row = feed.next();
            equal.update_after(second, row).unwrap();
            jitter.update_after(second, row).unwrap();
            gaps.update_after(second, incomplete.next()).unwrap();
        }
        let feed = RefCell::new(feed);
        let mut noise = Noise::new(9);
        let [counted, equal, jitter, gaps] = turns(
            channels,
            [
                &mut || counted.update(feed.borrow_mut().next()).unwrap(),
                &mut || equal.update_after(second, feed.borrow_mut().next()).unwrap(),
                &mut || {
                    let distance = second.mul_f64(0.9 + 0.2 * noise.uniform());
                    jitter.update_after(distance, feed.borrow_mut().next()).unwrap();
                },
                &mut || gaps.update_after(second, incomplete.next()).unwrap(),
            ],
        );
        println!(
            "time {name:<10} {} {size:>5} | equal {:.2}, jitter {:.2} times a decay in samples, a tenth missing {:.2} times equal",
            T::NAME,
            equal / counted,
            jitter / counted,
            gaps / equal
        );
    }
}

/// A sample for each of many names, in one of many random orders: two million names in all, so that no order is learnt.
struct Named<'a> {
    orders: Vec<Vec<&'a str>>,
    rows: Rows<f64>,
    noise: Noise,
}

impl<'a> Named<'a> {
    fn new(names: &'a [String]) -> Self {
        let mut noise = Noise::new(5);
        let mut order: Vec<&str> = names.iter().map(String::as_str).collect();
        let orders = (0..(2 << 20) / names.len()).map(|_| {
            (1..order.len()).for_each(|last| order.swap(last, noise.below(last + 1)));
            order.clone()
        });
        Self { orders: orders.collect(), rows: Rows::new(names.len(), 0.0, 6), noise }
    }

    fn next(&mut self) -> impl Iterator<Item = (&'a str, f64)> {
        let order = &self.orders[self.noise.below(self.orders.len())];
        order.iter().copied().zip(self.rows.next().iter().copied())
    }
}

/// A sample of a named series, in `f64`, beside finding its name in a hash map and nothing else; in time at equal
/// distances, as from an agent that stamps its rounds, and at distances that are all different.
fn tracker() {
    for (size, series) in [("1Ki", 1 << 10), ("64Ki", 64 << 10), ("1Mi", 1 << 20)] {
        if !wanted(&["tracker", size]) {
            continue;
        }
        let name = |number: usize| format!("cpu,cpu=cpu{},host=server{:06} usage_user", number % 8, number / 8);
        let names: Vec<String> = (0..series).map(name).collect();
        let counted = RobustMean::new(Decay::half_life(60.0).unwrap());
        let in_time = RobustMean::new(Decay::half_life_time(Duration::from_secs(600)).unwrap());
        let mut plain = Tracker::<String>::new(counted).unwrap();
        let limits = Idle::Time(Duration::from_secs(86_400));
        let new = || Tracker::<String>::new(in_time).unwrap().max_idle(limits).max_series(series, Overflow::Evict);
        let (mut equal, mut jitter) = (new(), new());
        let mut map: HashMap<&str, f64> = names.iter().map(|name| (name.as_str(), 0.0)).collect();
        let feed = RefCell::new(Named::new(&names));
        let (mut round, mut now) = (0, 0);
        let [looked_up, plain, equal, jitter] = turns(
            series,
            [
                &mut || {
                    for (name, sample) in feed.borrow_mut().next() {
                        *map.get_mut(name).unwrap() += sample;
                    }
                },
                &mut || {
                    for (name, sample) in feed.borrow_mut().next() {
                        plain.update(name, sample).unwrap();
                    }
                },
                &mut || {
                    round += 10_000_000_000;
                    for (name, sample) in feed.borrow_mut().next() {
                        equal.update_at(name, round, sample).unwrap();
                    }
                },
                &mut || {
                    now += 10_000_000_000;
                    for ((name, sample), later) in feed.borrow_mut().next().zip(0..) {
                        jitter.update_at(name, now + later, sample).unwrap();
                    }
                },
            ],
        );
        println!(
            "tracker    f64 {size:>5} | {plain:.0} ns, {:.1} x a look-up; in time, with limits, equal distances {equal:.0} ns, {:.1} x, jitter {jitter:.0} ns, {:.1} x",
            plain / looked_up,
            equal / looked_up,
            jitter / looked_up
        );
    }
}

fn main() {
    println!(
        "nanoseconds per channel-update, one thread; the limit moves the same bytes, the plain loop does the same work"
    );
    small_layers();
    threads();
    lane::<f32>();
    lane::<f64>();
    time::<_, f32>("RobustMean", RobustMean::new);
    time::<_, f64>("RobustMean", RobustMean::new);
    time::<_, f32>("CleanedEma", CleanedEma::new);
    time::<_, f64>("CleanedEma", CleanedEma::new);
    tracker();
}
