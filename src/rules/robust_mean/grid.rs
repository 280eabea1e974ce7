//! The learning of the step in which a signal is recorded: 1, 0.1, 0.01 and so on to 1e-6, or none.
//!
//! A channel's tally holds the exponent, 0 for 1 to 6 for 1e-6, and 7 where its samples are continuous. A sample is
//! judged by the step known so far and votes afterwards, unless it is a strike or the channel's first:
//!
//! ```text
//! exponent += 1    where |m - nearest whole number to m| > 2^-40 m,  m = |x| 10^exponent      (f32: 2^-20)
//! ```

use super::constants::Constants;
use crate::lane::{Lane, Mask, Ops, Real, Word};
use pulp::Simd;

/// Exponent of a channel whose samples are continuous: there is no step.
pub(super) const CONTINUOUS: u64 = 7;

/// Powers of ten by which a step is finer than 1, by exponent.
const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// The step of an exponent; 0 where there is none.
pub(crate) fn step_of(exponent: u64) -> f64 {
    power(exponent).map_or(0.0, |power| 1.0 / power)
}

/// Half of the step of an exponent.
#[inline]
pub(super) fn half_of_step(exponent: u64) -> f64 {
    power(exponent).map_or(0.0, |power| 0.5 / power)
}

#[inline]
fn power(exponent: u64) -> Option<f64> {
    usize::try_from(exponent).ok().and_then(|exponent| POWERS.get(exponent)).copied()
}

/// The exponent of the coarsest step that is no coarser than `step`, within the rounding of `f32`; [`CONTINUOUS`] where
/// none is so fine. A NaN or a number below zero is no step: it has the exponent 0 of a channel that has yet to learn
/// its own.
pub(crate) fn exponent_for(step: f64) -> u64 {
    if step.is_nan() || step < 0.0 {
        return 0;
    }
    let finer = (0..CONTINUOUS).find(|&exponent| step_of(exponent) <= step * (1.0 + f64::from(f32::EPSILON)));
    finer.unwrap_or(CONTINUOUS)
}

/// The learnt steps of one vector of channels, while a sample is judged by them.
#[derive(Clone, Copy)]
pub(super) struct Grid<T: Real, S: Simd> {
    /// Half of the step, below which no scale judges.
    pub(super) floor: Lane<T, S>,
    power: Lane<T, S>,
    exponent: Word<T, S>,
}

/// The steps that tallies hold.
#[inline(always)]
pub(super) fn read<T: Real, S: Simd>(tally: Word<T, S>) -> Grid<T, S> {
    let simd = tally.0;
    let exponent = tally & Word::splat(simd, Constants::<T>::STEP);
    let (mut floor, mut power) = (Lane::splat(simd, T::default()), Lane::splat(simd, T::from_f64(1.0)));
    for (number, ten) in (0..).zip(POWERS) {
        let is_this = exponent.eq(Word::splat(simd, number << <T as Ops>::AGE_BITS));
        floor = is_this.select(Lane::splat(simd, T::from_f64(0.5 / ten)), floor);
        power = is_this.select(Lane::splat(simd, T::from_f64(ten)), power);
    }
    Grid { floor, power, exponent }
}

impl<T: Real, S: Simd> Grid<T, S> {
    /// The exponent, in its place in a tally, after the vote of a sample where it has one.
    #[inline(always)]
    pub(super) fn vote(self, sample: Lane<T, S>, has_vote: Mask<T, S>) -> Word<T, S> {
        let simd = sample.0;
        let multiple = sample.abs() * self.power;
        // Beyond this every number is whole.
        let whole = multiple.lt(Lane::splat(simd, T::COUNT_BASE)).select(multiple.nearest(), multiple);
        let room = Lane::splat(simd, T::from_f64(T::RELATIVE_FLOOR)) * multiple;
        let is_off = room.lt((multiple - whole).abs());
        let continuous = self.exponent.eq(Word::splat(simd, Constants::<T>::CONTINUOUS));
        let finer = self.exponent + Word::splat(simd, 1 << <T as Ops>::AGE_BITS);
        (is_off & has_vote & !continuous).select_word(finer, self.exponent)
    }
}
