//! The error of every estimator on every channel of a series.

use crate::contestants::{self, NAMES};
use crate::random::Random;
use crate::series::{Sample, Series};
use crate::{ALPHA, SEED};

/// The extent of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) channels: usize,
    /// Samples of a channel that come before anything is measured.
    pub(crate) start: usize,
    /// Samples of a channel after each of which every estimate is measured.
    pub(crate) measured: usize,
}

/// The errors of one estimator on each channel.
#[derive(Clone, Default)]
pub(crate) struct Errors {
    /// Mean squared error, in units of a plain average's on noise of the series' variance.
    pub(crate) squared: Vec<f64>,
    /// The share of the estimates that were further than one sigma from the truth.
    pub(crate) far: Vec<f64>,
}

/// Channels that are run together, so few that their state stays in the cache.
const TOGETHER: usize = 64;

/// The errors of each of [`NAMES`]. Channel by channel, all estimators and all series draw from the same random
/// numbers.
pub(crate) fn measure(series: &Series, size: Size) -> [Errors; NAMES.len()] {
    let mut all: [Errors; NAMES.len()] = Default::default();
    for first in (0..size.channels).step_by(TOGETHER) {
        let count = TOGETHER.min(size.channels - first);
        let mut randoms: Vec<Random> = (first..first + count).map(seeded).collect();
        let mut channels: Vec<_> = randoms.iter_mut().map(|random| series.channel(random)).collect();
        let mut contestants = contestants::all(count, series.resolution);
        let mut sums = vec![[(0.0, 0.0); TOGETHER]; NAMES.len()];
        let (mut row, mut truths, mut locations) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        for t in 0..size.start + size.measured {
            for (i, (channel, random)) in channels.iter_mut().zip(&mut randoms).enumerate() {
                Sample { value: row[i], truth: truths[i] } = channel(t, random);
            }
            for (contestant, sums) in contestants.iter_mut().zip(&mut sums) {
                contestant.update(&row, &mut locations);
                if t < size.start {
                    continue;
                }
                for ((squared, far), (location, truth)) in sums.iter_mut().zip(locations.iter().zip(&truths)) {
                    let error = (location - truth) * (location - truth);
                    *squared += error;
                    *far += if error > series.variance { 1.0 } else { 0.0 };
                }
            }
        }
        let unit = series.variance * ALPHA / (2.0 - ALPHA);
        for (errors, sums) in all.iter_mut().zip(sums) {
            let measured = size.measured as f64;
            errors.squared.extend(sums[..count].iter().map(|(squared, _)| squared / (measured * unit)));
            errors.far.extend(sums[..count].iter().map(|(_, far)| far / measured));
        }
    }
    all
}

/// The random numbers of a channel.
fn seeded(channel: usize) -> Random {
    Random::new(Random::new(SEED + channel as u64).word())
}
