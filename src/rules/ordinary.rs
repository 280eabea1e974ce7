//! Ordinary weights and gradients, whose step is shorter.
//!
//! A step of a layer bounds what it computes, so that no weight or gradient makes an infinity, and leaves weights alone
//! that are missing. All of that is idle where weight and gradient are of at most [`MOST`] and the parameters are within
//! the bounds below: no product of theirs comes near the largest float, even in `f32`. The step of such weights leaves it
//! out, with the same bits.

use crate::lane::{Lane, Mask, Real};
use pulp::Simd;

/// The size of an ordinary weight or gradient: at most 2^24.
const MOST: f64 = (1_u64 << 24) as f64;
/// The largest bound of a rate, or rate: 2^20.
const MOST_RATE: f64 = (1_u64 << 20) as f64;
/// The smallest summand of a norm: 2^-40. Where squares of gradients are too small for a float, a gradient over its norm
/// is still at most 1; elsewhere it is at most about the root of one over the norm's gain.
const LEAST_EPSILON: f64 = 1.0 / (1_u64 << 40) as f64;

/// The size up to which weights and gradients are ordinary to a rule with these parameters; below 0, where none is.
pub(super) fn most<T: Real>(within: bool) -> T {
    T::from_f64(if within { MOST } else { -1.0 })
}

/// Whether the bound of a rate, or a rate, is one that an ordinary step can be taken with.
pub(super) fn is_ordinary_rate<T: Real>(rate: T) -> bool {
    rate.to_f64().abs() <= MOST_RATE
}

/// Whether the summand of the norm and the weight decays are ones that an ordinary step can be taken with.
pub(super) fn are_ordinary_rates<T: Real>(epsilon: T, decays: [T; 2]) -> bool {
    epsilon.to_f64() >= LEAST_EPSILON && decays.iter().all(|decay| decay.to_f64() <= 1.0)
}

/// The lanes in which both numbers are at most `most` in size, and neither is missing.
#[inline(always)]
pub(super) fn are_within<T: Real, S: Simd>(most: T, [one, other]: [Lane<T, S>; 2]) -> Mask<T, S> {
    let most = Lane::splat(one.0, most);
    one.abs().le(most) & other.abs().le(most)
}

impl<T: Real, S: Simd> Lane<T, S> {
    /// The number, clamped to plus and minus `bound` unless it is known to be within.
    #[inline(always)]
    pub(super) fn clamp_unless<const WITHIN: bool>(self, bound: T) -> Self {
        if WITHIN { self } else { self.clamp(bound) }
    }
}
