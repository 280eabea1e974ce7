//! A million series in a tracker: what each costs in memory, measured by the operating system.
//!
//! `cargo run --release --example million`

#[path = "../benches/common/memory.rs"]
mod memory;

use evenkeel::{Decay, Overflow, RobustMean, Tracker};
use memory::memory;
use std::hint::black_box;

const SERIES: usize = 1_000_000;

fn name(number: usize) -> String {
    format!("host{:06},service=api,metric=cpu{:03}", number / 1000, number % 1000)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some((before, _)) = memory() else {
        return Err("this needs /proc/self/status, which Linux has".into());
    };
    let rule = RobustMean::new(Decay::half_life(60.0)?);
    let mut tracker = Tracker::<String>::new(rule)?.max_series(SERIES, Overflow::Evict);
    for number in 0..SERIES {
        tracker.update(name(number).as_str(), 1.0)?;
    }
    let (now, most) = memory().ok_or("no memory to be told")?;
    println!("{SERIES} series with names of {} bytes", name(0).len());
    println!("{:.0} bytes a series, {:.0} at most while they grew", (now - before) / 1e6, (most - before) / 1e6);
    println!("{} bytes of it in the bank, with its room to grow", tracker.bank().bytes() / SERIES);
    for number in SERIES..3 * SERIES {
        tracker.update(name(number).as_str(), 1.0)?;
    }
    let (later, _) = memory().ok_or("no memory to be told")?;
    println!("{:.0} bytes a series after two million others have come and gone", (later - before) / 1e6);
    black_box(tracker);
    Ok(())
}
