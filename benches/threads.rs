//! Threads: rows of a wide bank on 1 to N of them, beside the memory limit of as many.
//!
//! `cargo bench --bench threads` goes up to the number of cores, `-- 16` up to sixteen threads, and sizes pick some of the
//! widths: `-- 1Mi 16Mi`. It says how many times as fast as one thread a number of threads is, and which share it has of their
//! limit, a pass that moves the same bytes. The limit is the faster of two: in the chunks that the engine cuts, handed out by
//! the same pool, and in one stretch for each thread. Everything runs in turns, as in `ratios`.

mod common;

use common::data::Rows;
use common::probe::Probe;
use common::turns::{take_turns, turns};
use evenkeel::{Bank, Decay, RobustMean, Threads};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;

/// Channels of a chunk of `RobustMean` in `f32`, as `Threads::Auto` cuts them: 320 KiB of four columns and the samples.
const CHUNK: usize = 16 << 10;
const SIZES: [(&str, usize); 5] =
    [("64Ki", 64 << 10), ("128Ki", 128 << 10), ("1Mi", 1 << 20), ("4Mi", 4 << 20), ("16Mi", 16 << 20)];
/// Updates until every channel is of full age.
const WARM_UP: usize = 60;

fn rule() -> RobustMean {
    RobustMean::new(Decay::alpha(0.05).unwrap())
}

/// The memory limit of all channels, in probes of a chunk each.
struct Limit(Vec<Probe<f32>>);

impl Limit {
    fn new(channels: usize) -> Self {
        Self((0..channels / CHUNK).map(|_| Probe::new(CHUNK, 3, 0)).collect())
    }

    /// A pass in which the threads take chunk by chunk.
    fn in_chunks(&mut self, row: &[f32]) {
        let chunks = self.0.par_iter_mut().zip(row.par_chunks(CHUNK));
        chunks.with_max_len(1).for_each(|(probe, samples)| probe.pass(samples));
    }

    /// A pass in which every thread has a stretch of its own.
    fn in_stretches(&mut self, row: &[f32], threads: usize) {
        let each = self.0.len().div_ceil(threads);
        let stretches = self.0.par_chunks_mut(each).zip(row.par_chunks(each * CHUNK));
        stretches.with_max_len(1).for_each(|(probes, row)| {
            probes.iter_mut().zip(row.chunks(CHUNK)).for_each(|(probe, samples)| probe.pass(samples));
        });
    }
}

/// A bank, the rows to come, and the limit of both.
struct Wide {
    /// Always there, but for the moment in which its threads are set.
    bank: Option<Bank<RobustMean, f32>>,
    feed: Rows<f32>,
    limit: Limit,
    /// Rows in one turn: several, as entering a pool is no part of what is to be seen.
    calls: usize,
}

impl Wide {
    fn new(channels: usize) -> Self {
        let mut feed = Rows::<f32>::new(channels, 0.0, 7);
        let mut bank = Bank::new(rule(), channels).unwrap().with_threads(Threads::One);
        (0..WARM_UP).for_each(|_| bank.update(feed.next()).unwrap());
        let calls = if channels >= 1 << 20 { 2 } else { 16 };
        Self { bank: Some(bank), feed, limit: Limit::new(channels), calls }
    }

    fn rows(&mut self, threads: Threads) {
        self.bank = self.bank.take().map(|bank| bank.with_threads(threads));
        let bank = self.bank.as_mut().unwrap();
        (0..self.calls).for_each(|_| bank.update(self.feed.next()).unwrap());
    }

    fn in_chunks(&mut self) {
        (0..self.calls).for_each(|_| self.limit.in_chunks(self.feed.next()));
    }

    fn in_stretches(&mut self, threads: usize) {
        (0..self.calls).for_each(|_| self.limit.in_stretches(self.feed.next(), threads));
    }
}

/// One bank on one thread, on each number of threads from inside their pool, and from outside of rayon's own.
fn wide(size: &str, channels: usize, pools: &[ThreadPool]) {
    let wide = RefCell::new(Wide::new(channels));
    let wide = &wide;
    let mut contestants: Vec<Box<dyn FnMut()>> =
        vec![Box::new(|| wide.borrow_mut().rows(Threads::One)), Box::new(|| wide.borrow_mut().rows(Threads::Auto))];
    for pool in pools {
        let threads = pool.current_num_threads();
        let engine = if threads == 1 { Threads::One } else { Threads::Auto };
        let inside = move |turn: &(dyn Fn(&mut Wide) + Sync)| {
            let wide = &mut *wide.borrow_mut();
            pool.install(|| turn(wide));
        };
        contestants.push(Box::new(move || inside(&|wide| wide.rows(engine))));
        contestants.push(Box::new(move || inside(&Wide::in_chunks)));
        contestants.push(Box::new(move || inside(&|wide| wide.in_stretches(threads))));
    }
    let mut best = vec![0.0; contestants.len()];
    let updates = channels * wide.borrow().calls;
    let mut contestants: Vec<&mut dyn FnMut()> = contestants.iter_mut().map(|turn| &mut **turn as _).collect();
    take_turns(updates, &mut contestants, &mut best);
    let (one, outside) = (best[0], best[1]);
    println!(
        "RobustMean f32 {size:>5}: one thread {one:.3} ns; {} threads of rayon's own pool, called from outside, {:.2} times as fast",
        rayon::current_num_threads(),
        one / outside
    );
    for (pool, turn) in pools.iter().zip(best[2..].chunks_exact(3)) {
        let (engine, limit) = (turn[0], turn[1].min(turn[2]));
        println!(
            "    {:>3} threads {engine:.3} ns, {:.2} times as fast, {:.2} of their limit, which is {limit:.3} ns",
            pool.current_num_threads(),
            one / engine,
            limit / engine
        );
    }
}

/// Many small banks, one by one and together.
fn many() {
    let (count, channels) = (200, 4 << 10);
    let feed = RefCell::new(Rows::<f32>::new(count * channels, 0.0, 8));
    let make = || (0..count).map(|_| Bank::<RobustMean, f32>::new(rule(), channels).unwrap()).collect::<Vec<_>>();
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
    let threads = rayon::current_num_threads();
    println!(
        "{count} banks of {channels} on {threads} threads: one by one {alone:.3} ns, together {:.2} times as fast",
        alone / together
    );
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (counts, sizes): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word.parse::<usize>().is_ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = counts.iter().filter_map(|count| count.parse().ok()).max().unwrap_or(cores);
    let pools: Vec<_> = (1..=most).map(|count| ThreadPoolBuilder::new().num_threads(count).build().unwrap()).collect();
    println!("nanoseconds per channel-update on {cores} cores; a share of the limit is of as many threads");
    for (size, channels) in SIZES {
        if sizes.is_empty() || sizes.iter().any(|word| word == size) {
            wide(size, channels, &pools);
        }
    }
    if sizes.is_empty() || sizes.iter().any(|word| word == "many") {
        many();
    }
}
