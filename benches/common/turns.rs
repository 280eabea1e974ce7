//! Turns: what is compared runs in short ones, over and over, and the best of each counts.

use std::time::Instant;

/// Nanoseconds per update of each contestant: the best of many short turns.
pub fn turns<const N: usize>(updates: usize, mut contestants: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    take_turns(updates, &mut contestants, &mut best);
    best
}

/// Nanoseconds per update of each of any number of contestants, into `best`.
pub fn take_turns(updates: usize, contestants: &mut [&mut dyn FnMut()], best: &mut [f64]) {
    let calls = (1 << 20) / updates.min(1 << 20);
    let rounds = if updates > 1 << 20 { 12 } else { 60 };
    best.fill(f64::INFINITY);
    for _ in 0..rounds {
        for (contestant, best) in contestants.iter_mut().zip(&mut *best) {
            let start = Instant::now();
            for _ in 0..calls {
                contestant();
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / (calls * updates) as f64);
        }
    }
}

/// Whether the command line asks for this: each of its words is one of these.
pub fn wanted(words: &[&str]) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    filters.all(|filter| words.contains(&filter.as_str()))
}
