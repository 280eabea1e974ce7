//! The memory of a series, by the operating system.

use crate::common::memory::memory;
use crate::{cleaned, name, robust, table, tracker};
use evenkeel::{Bank, Decay, RobustMean, Scored, Timed, TimedBank, Tracker};
use std::hint::black_box;

const SERIES: usize = 2 << 20;
/// How often a growing tracker is looked at.
const EACH: usize = 64 << 10;

/// Bytes a series of a tracker: at least, and just after it has grown.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Held {
    /// What is taken as series are added up to twice as many as half of them, in which time a table that doubles grows
    /// once. It stays, as what has been freed would be taken again by what is measured next.
    fn of<S>(subject: S, mut add: impl FnMut(&mut S, usize)) -> Option<Self> {
        let (before, _) = memory()?;
        let mut subject = subject;
        let mut held = Self { least: f64::INFINITY, most: 0.0 };
        for number in 0..SERIES {
            add(&mut subject, number);
            if number >= SERIES / 2 && (number + 1) % EACH == 0 {
                let each = (memory()?.0 - before) / (number + 1) as f64;
                held = Self { least: held.least.min(each), most: held.most.max(each) };
            }
        }
        std::mem::forget(black_box(subject));
        Some(held)
    }

    fn named<R: Scored + Timed>(rule: R) -> Option<Self> {
        Self::of(tracker(rule, usize::MAX), |tracker, number| {
            black_box(tracker.update_at(name(number).as_str(), 0, 10.0).unwrap());
        })
    }

    fn print(self, of: &str) -> Self {
        let most = self.most;
        println!("| {of} | {:.0} to {most:.0} | {:.1} |", self.least, 1e3 / most);
        self
    }
}

fn print(bytes: usize, of: &str) {
    println!("| {of} | {bytes} | {:.1} |", 1e3 / bytes as f64);
}

/// The table of memory; returns what a named series of `RobustMean` takes in a tracker with limits.
pub(crate) fn held() -> Option<Held> {
    table(&["what", "bytes a series", "millions in a GB"]);
    let counted = RobustMean::new(Decay::half_life(60.0).unwrap());
    print(Bank::<_, f32>::new(counted, 1 << 10).unwrap().bytes() >> 10, "`Bank`, `RobustMean`, `f32`");
    print(Bank::<_, f64>::new(counted, 1 << 10).unwrap().bytes() >> 10, "`Bank`, `RobustMean`, `f64`");
    print(TimedBank::<_, f64>::new(robust(), 1 << 10).unwrap().bytes() >> 10, "`TimedBank`, `RobustMean`, `f64`");
    print(TimedBank::<_, f64>::new(cleaned(), 1 << 10).unwrap().bytes() >> 10, "`TimedBank`, `CleanedEma`, `f64`");
    let numbered = Held::of(Tracker::<u64>::new(counted).unwrap(), |tracker, number| {
        black_box(tracker.update(&(number as u64), 10.0).unwrap());
    });
    numbered?.print("`Tracker<u64>`, `RobustMean`");
    Held::named(cleaned())?.print(&format!("`Tracker<String>`, names of {}, in time, `CleanedEma`", name(0).len()));
    Some(Held::named(robust())?.print("the same, `RobustMean`"))
}
