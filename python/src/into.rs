//! What every sample yields, one sample after the other.

use evenkeel::{Bank, CleanedEma, Ema, Observation, Real, RobustMean, TimedBank, UpdateError};
use std::time::Duration;

/// Places for what a pass reports of every sample; what is not asked for is not computed.
#[derive(Debug, Default)]
pub(crate) struct Outputs<'a, T> {
    pub(crate) locations: Option<&'a mut [T]>,
    pub(crate) scales: Option<&'a mut [T]>,
    pub(crate) scores: Option<&'a mut [T]>,
    pub(crate) outliers: Option<&'a mut [bool]>,
}

impl<T: Real> Outputs<'_, T> {
    fn put(&mut self, at: usize, location: T, scale: T, score: T, outlier: bool) {
        if let Some(places) = &mut self.locations {
            places[at] = location;
        }
        if let Some(places) = &mut self.scales {
            places[at] = scale;
        }
        if let Some(places) = &mut self.scores {
            places[at] = score;
        }
        if let Some(places) = &mut self.outliers {
            places[at] = outlier;
        }
    }
}

pub(crate) trait One<T: Real> {
    fn one(&mut self, channel: usize, elapsed: Option<Duration>, sample: T) -> Result<Observation<T>, UpdateError>;
}

macro_rules! one {
    ($($rule:ty, |$bank:ident, $channel:ident, $elapsed:ident, $sample:ident| $after:expr;)*) => {
        $(impl<T: Real> One<T> for Bank<$rule, T> {
            fn one(&mut self, $channel: usize, $elapsed: Option<Duration>, $sample: T) -> Result<Observation<T>, UpdateError> {
                let $bank = self;
                match $elapsed {
                    None => $bank.observe($channel, $sample),
                    Some($elapsed) => $after,
                }
            }
        })*
    };
}
one! {
    RobustMean, |bank, channel, elapsed, sample| bank.observe_after(channel, elapsed, sample);
    CleanedEma, |bank, channel, elapsed, sample| bank.observe_after(channel, elapsed, sample);
    Ema, |_bank, _channel, _elapsed, _sample| Err(UpdateError::NotInTime);
}

pub(crate) trait Into_<T: Real>: One<T> {
    fn put(&mut self, at: usize, channel: usize, elapsed: Option<Duration>, sample: T, outputs: &mut Outputs<'_, T>) -> Result<(), UpdateError>;
    fn channels(&self) -> usize;
    fn update_rows_into(&mut self, block: &[T], mut outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        let channels = self.channels();
        block.iter().enumerate().try_for_each(|(at, sample)| self.put(at, at % channels, None, *sample, &mut outputs))
    }
    fn update_rows_into_after(&mut self, elapsed: &[Duration], block: &[T], mut outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        let channels = self.channels();
        block.iter().enumerate().try_for_each(|(at, sample)| self.put(at, at % channels, Some(elapsed[at / channels]), *sample, &mut outputs))
    }
    fn update_series_into(&mut self, series: &[&[T]], outputs: &mut [Outputs<'_, T>]) -> Result<(), UpdateError> {
        series.iter().zip(outputs).enumerate().try_for_each(|(channel, (series, outputs))| {
            series.iter().enumerate().try_for_each(|(at, sample)| self.put(at, channel, None, *sample, outputs))
        })
    }
    fn update_series_into_after(&mut self, elapsed: &[Duration], series: &[&[T]], outputs: &mut [Outputs<'_, T>]) -> Result<(), UpdateError> {
        series.iter().zip(outputs).enumerate().try_for_each(|(channel, (series, outputs))| {
            series.iter().enumerate().try_for_each(|(at, sample)| self.put(at, channel, Some(elapsed[at]), *sample, outputs))
        })
    }
    fn update_one_into(&mut self, channel: usize, samples: &[T], mut outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        samples.iter().enumerate().try_for_each(|(at, sample)| self.put(at, channel, None, *sample, &mut outputs))
    }
    fn update_at_into(&mut self, channels: &[usize], samples: &[T], mut outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        samples.iter().enumerate().try_for_each(|(at, sample)| self.put(at, channels[at], None, *sample, &mut outputs))
    }
}

impl<R: evenkeel::Estimator, T: Real> Into_<T> for Bank<R, T> where Bank<R, T>: One<T> {
    fn channels(&self) -> usize {
        self.len()
    }
    fn put(&mut self, at: usize, channel: usize, elapsed: Option<Duration>, sample: T, outputs: &mut Outputs<'_, T>) -> Result<(), UpdateError> {
        let seen = self.one(channel, elapsed, sample)?;
        let (location, scale) = self.reading(channel).map_or((T::NAN, T::NAN), |r| (r.location, r.scale));
        outputs.put(at, location, scale, seen.score, seen.outlier);
        Ok(())
    }
}

pub(crate) trait All<T: Real> {
    fn observe_all_at(&mut self, channels: &[usize], times: &[i64], samples: &[T], outputs: Outputs<'_, T>) -> Result<usize, UpdateError>;
}

impl<R: evenkeel::Timed, T: Real> All<T> for TimedBank<R, T> {
    fn observe_all_at(&mut self, channels: &[usize], times: &[i64], samples: &[T], mut outputs: Outputs<'_, T>) -> Result<usize, UpdateError> {
        let mut late = 0;
        for at in 0..samples.len() {
            let seen = match self.observe_at(channels[at], times[at], samples[at]) {
                Ok(seen) => (seen.score, seen.outlier),
                Err(UpdateError::Late { .. }) => { late += 1; (T::NAN, false) }
                Err(error) => return Err(error),
            };
            let (location, scale) = self.reading(channels[at]).map_or((T::NAN, T::NAN), |r| (r.location, r.scale));
            outputs.put(at, location, scale, seen.0, seen.1);
        }
        Ok(late)
    }
}
