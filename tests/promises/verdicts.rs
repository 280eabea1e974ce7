//! Promise: the verdicts on a row are those on its samples one by one, to the bit, on every backend.

use crate::oracle::Float;
use crate::support;
use core::time::Duration;
use evenkeel::{Bank, Decay, Observation, Resolution, RobustMean, TimedBank, Update, UpdateError};
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, every_backend};

/// A verdict as bits; which NaN a score is, is nobody's business.
fn bits<T: Float>(verdict: Observation<T>) -> (Option<u64>, [bool; 3]) {
    let Observation { score, accepted, outlier, reopened } = verdict;
    ((!score.nan()).then(|| score.to_word()), [accepted, outlier, reopened])
}

/// A verdict in which everything is wrong, so that what is not written shows.
fn wrong<T: Float>() -> Observation<T> {
    Observation { score: T::ONE, accepted: true, outlier: true, reopened: true }
}

fn rows_and_samples_agree<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(17);
    every_backend(|backend| {
        for (rule, _) in O::presets(0.05) {
            for channels in [1, 3, 7, 8, 9, 16, 17, 100] {
                let fresh = Bank::<O::Rule, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
                let (mut rows, mut singles) = (fresh.clone(), fresh);
                let stream = random.hostile::<T>(300, channels);
                let mut seen = [0_u32; 3];
                for row in stream.chunks(channels) {
                    let mut verdicts = vec![wrong(); channels];
                    rows.update_observed(row, &mut verdicts).unwrap();
                    for (channel, (&sample, verdict)) in row.iter().zip(verdicts).enumerate() {
                        let expected = singles.observe(channel, sample).unwrap();
                        assert_eq!(
                            bits(verdict),
                            bits(expected),
                            "channel {channel} of {channels}, {sample}, {rule:?}"
                        );
                        for (seen, flag) in seen.iter_mut().zip(bits(verdict).1) {
                            *seen += u32::from(flag);
                        }
                    }
                }
                assert!(rows.readings().zip(singles.readings()).all(|(one, other)| {
                    one.location.to_word() == other.location.to_word() || one.location.nan() && other.location.nan()
                }));
                assert!(channels < 100 || seen.iter().all(|seen| *seen > 0), "{seen:?}: nothing was tried");
            }
        }
    });
}

fn a_timed_bank_takes_rows_as_it_takes_samples<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(18);
    for (rule, _) in O::presets(0.1) {
        let channels = 37;
        let mut rows = TimedBank::<O::Rule, T>::new(rule, channels).unwrap();
        let mut singles = rows.clone();
        let stream = random.hostile::<T>(200, channels);
        let nothing = rows.observe(0, T::NAN).unwrap();
        for row in stream.chunks(channels) {
            let mut updates = vec![Update { accepted: true, outlier: true, reopened: true, ..nothing }; channels];
            rows.observe_row(row, &mut updates).unwrap();
            for (channel, (&sample, update)) in row.iter().zip(updates).enumerate() {
                let expected = singles.observe(channel, sample).unwrap();
                let all = |update: Update<T>| {
                    let Update { location, scale, score, accepted, outlier, reopened } = update;
                    let numbers = [location, scale, score].map(|number| (!number.nan()).then(|| number.to_word()));
                    (numbers, [accepted, outlier, reopened])
                };
                assert_eq!(all(update), all(expected), "channel {channel}, {sample}, {rule:?}");
            }
        }
    }
}

both_rules!(rows_and_samples_agree, a_timed_bank_takes_rows_as_it_takes_samples);

#[test]
fn a_row_of_another_length_changes_nothing() {
    let rule = RobustMean::new(Decay::alpha(0.1).unwrap()).resolution(Resolution::Learn).unwrap();
    let mut bank = Bank::<RobustMean>::new(rule, 3).unwrap();
    let mut verdicts = [wrong(); 3];
    bank.update_observed(&[1.0; 3], &mut verdicts).unwrap();
    let before = bank.clone();
    for (samples, room) in [(2, 3), (3, 2), (4, 4), (0, 0)] {
        let result = bank.update_observed(&vec![9.0; samples], &mut vec![wrong(); room]);
        assert!(matches!(result, Err(UpdateError::Length { .. })), "{result:?}");
    }
    assert_eq!(bank.locations(), before.locations());
    let in_time = RobustMean::new(Decay::half_life_time(Duration::from_secs(1)).unwrap());
    let mut bank = TimedBank::<RobustMean>::new(in_time, 1).unwrap();
    let mut updates = [bank.observe_at(0, 0, f64::NAN).unwrap()];
    assert_eq!(bank.observe_row(&[1.0], &mut updates), Err(UpdateError::NoElapsed));
}
