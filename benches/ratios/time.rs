//! Rows whose decay is in time.

use crate::common::data::{Noise, Rows};
use crate::common::turns::{turns, wanted};
use crate::{WARM_UP, bank};
use evenkeel::{Backend, Bank, Decay, Real, Threads, Timed};
use std::cell::RefCell;
use std::time::Duration;

/// Rows whose decay is in time, at equal distances and at distances that jitter, beside the same rows of a decay in
/// samples; and rows with a tenth of the samples missing, at random, beside those without.
pub(crate) fn time<R: Timed, T: Real>(name: &str, new: impl Fn(Decay) -> R) {
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
