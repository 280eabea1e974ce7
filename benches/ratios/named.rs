//! Named series beside a hash map.

use crate::common::data::{Noise, Rows};
use crate::common::turns::{turns, wanted};
use evenkeel::{Decay, Idle, Overflow, RobustMean, Tracker};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

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
pub(crate) fn tracker() {
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
