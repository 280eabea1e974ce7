//! Scale: what one process holds and takes, measured, and what so many series come to, on paper.
//!
//! `cargo bench --bench scale` prints the tables of `docs/SCALE.md`; `memory`, `speed` and `snapshots` pick a part, and the paper
//! needs all three. It wants six gigabytes and some minutes, and Linux for the memory.

#[path = "../common/mod.rs"]
mod common;
mod held;
mod paper;
mod saved;
mod taken;

use common::turns::wanted;
use evenkeel::{CleanedEma, Decay, Idle, Overflow, RobustMean, Scored, Timed, Tracker};
use std::time::Duration;

/// A table, after a line that is empty, as Markdown wants it.
fn table(head: &[&str]) {
    println!("\n| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
}

/// Names as long as those of an agent on many machines.
fn name(number: usize) -> String {
    format!("cpu,cpu=cpu{},host=server{:08} usage_user", number % 8, number / 8)
}

/// How long the decay of everything here that is in time.
fn decay() -> Decay {
    Decay::half_life_time(Duration::from_secs(600)).unwrap()
}

fn robust() -> RobustMean {
    RobustMean::new(decay())
}

fn cleaned() -> CleanedEma {
    CleanedEma::new(decay())
}

/// A tracker as a pipeline has it, whose series come and go.
fn tracker<R: Scored + Timed>(rule: R, most: usize) -> Tracker<String, R> {
    let idle = Idle::Time(Duration::from_secs(86_400));
    Tracker::new(rule).unwrap().max_idle(idle).max_series(most, Overflow::Evict)
}

fn main() {
    let memory = wanted(&["memory"]).then(held::held);
    let speed = wanted(&["speed"]).then(taken::taken);
    let snapshots = wanted(&["snapshots"]).then(saved::saved);
    if let (Some(held), Some(taken), Some(saved)) = (memory.flatten(), speed, snapshots) {
        paper::paper(&paper::Constants { held, taken, saved, name: name(0).len() });
    }
}
