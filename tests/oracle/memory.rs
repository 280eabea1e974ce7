//! The age of an estimate, and the weight of the next sample: `after`, `is_silence` and `older` of `robust_mean.py`.

use super::{Float, least, most, pick};
use core::time::Duration;

/// The age of an estimate after the five samples of its start.
pub(crate) const START_AGE: f64 = 3.0;
/// In time: an estimate rests on at most so many times `1 / alpha_t` samples.
const GAP: f64 = 8.0;

/// `alpha_t` and `1 / alpha_t` of a distance in time: the gain of a half-life of so many samples, within what an age
/// has room for.
pub(crate) fn after<T: Float>(elapsed: Duration, half_life: Duration) -> (f64, f64) {
    let [elapsed, half_life] = [elapsed, half_life].map(|time| time.as_nanos() as f64);
    let alpha = if elapsed == 0.0 { 0.0 } else { -libm::expm1(-core::f64::consts::LN_2 / (half_life / elapsed)) };
    let alpha = alpha.max(2.0_f64.powi(T::IN_TIME.1)).min(1.0 - 2.0_f64.powi(-20));
    (alpha, 1.0 / alpha)
}

/// A distance in time that leaves less than one sample of what the estimate rests on.
pub(crate) fn is_silence<T: Float>(age: T, alpha: T) -> bool {
    alpha > T::from_f64(0.5) && (T::ONE - alpha) * age < T::ONE
}

/// The memory of an average: the gain of a full one, and its age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<T> {
    pub(crate) alpha: T,
    pub(crate) full: T,
    gap: T,
    grain: T,
}

impl<T: Float> Memory<T> {
    pub(crate) fn new(alpha: f64) -> Self {
        let t = T::from_f64;
        Self { alpha: t(alpha), full: t(1.0 / alpha), gap: t(GAP), grain: t(2.0_f64.powi(T::IN_TIME.0)) }
    }

    /// The memory of the next sample: this one, or one whose gain the distance in time has made.
    pub(crate) fn of(self, after: Option<(f64, f64)>) -> Self {
        match after {
            Some((alpha, full)) => Self { alpha: T::from_f64(alpha), full: T::from_f64(full), ..self },
            None => self,
        }
    }

    /// Whether an estimate of this age still counts its samples, and will count the next.
    pub(crate) fn is_young(&self, age: T) -> bool {
        age == age.whole() && age + T::ONE <= self.full
    }

    /// After one more sample: the age, and the gain.
    pub(crate) fn older(&self, age: T, in_time: bool) -> (T, T) {
        let (one, full, two) = (T::ONE, self.full, T::from_f64(2.0));
        let is_count = age == age.whole();
        if is_count && age + one <= full {
            return (age + one, one / (age + one));
        }
        let mut weight = age + (one - self.alpha * age);
        if is_count {
            weight = most(weight, least(age + one, full));
        }
        weight = least(weight, most(self.gap * full, one));
        if (weight - full).size() <= two * self.grain {
            weight = full;
        }
        let mut gain = one / weight;
        if weight == full && gain < self.alpha {
            gain = self.alpha;
        }
        if !in_time {
            return (weight, gain);
        }
        (self.grain * (one + two * (weight / (two * self.grain)).whole()), gain)
    }

    /// The age as the tally holds it: in time in grains, in samples a whole number. A count is itself, a full age the
    /// next whole number, and each at most the largest that there is room for.
    ///
    /// Where a full age is less than the three samples that a start leaves, the age falls towards it: from 3 on the
    /// field counts the samples since the start, and 64 is a full age.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers below 2^52
    pub(crate) fn field(&self, age: T, counted: bool, in_time: bool) -> u64 {
        let start = T::from_f64(START_AGE);
        let most = (1 << T::AGE_WIDTH) - 1;
        if in_time {
            (age / self.grain).to_f64() as u64
        } else if counted {
            (age.to_f64() as u64).min(most)
        } else if self.full >= start {
            assert!(age == self.full, "{age} is no age of {self:?}");
            (age.to_f64().ceil() as u64).min(most)
        } else if age == self.full {
            64
        } else {
            let falling = core::iter::successors(Some(start), |age| Some(self.older(*age, false).0));
            let since = falling.take(61).position(|falling| falling == age);
            3 + since.expect("an age that the start has left") as u64
        }
    }
}
