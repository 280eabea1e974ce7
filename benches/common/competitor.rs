//! The honest competitors: updates as plain loops over separate slices, which the compiler vectorises.
//!
//! Branch-free selects, separate columns, no bounds checks, compiled for the same instruction set as the engine beside it:
//! what a careful author would write without a vector library. `Ema` and `RobustMean` do the engine's work; `Clip` is the
//! least that clips against a running scale, two columns without any of the rest, and a yardstick for what is arithmetic.

use evenkeel::Backend;
use pulp::{Scalar, Simd, WithSimd};

/// A plain loop with the state it runs over.
pub trait Plain<T> {
    fn new(channels: usize, alpha: f64) -> Self;
    /// One sample per channel, compiled for a backend that the machine has.
    fn update(&mut self, backend: Backend, samples: &[T]);
}

/// Runs a loop compiled for a backend.
fn on<K: WithSimd<Output = ()>>(backend: Backend, kernel: K) {
    match backend {
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 => Simd::vectorize(pulp::x86::V3::try_new().unwrap(), kernel),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx512 => Simd::vectorize(pulp::x86::V4::try_new().unwrap(), kernel),
        #[cfg(target_arch = "aarch64")]
        Backend::Neon => Simd::vectorize(pulp::aarch64::Neon::try_new().unwrap(), kernel),
        _ => Simd::vectorize(Scalar::new(), kernel),
    }
}

/// The plain loops of a lane type.
pub trait Loops: Sized {
    type Ema: Plain<Self>;
    type RobustMean: Plain<Self>;
    type Clip: Plain<Self>;
}

macro_rules! plain {
    ($module:ident, $real:ident, $floor:literal, $relative:literal) => {
        pub mod $module {
            use super::{Backend, Loops, Plain, Simd, WithSimd, on};

            impl Loops for $real {
                type Ema = Ema;
                type RobustMean = RobustMean;
                type Clip = Clip;
            }

            pub struct Clip {
                location: Vec<$real>,
                scale: Vec<$real>,
                alpha: $real,
            }

            impl Plain<$real> for Clip {
                fn new(channels: usize, alpha: f64) -> Self {
                    let zeros = vec![0.0; channels];
                    Self { location: zeros.clone(), scale: vec![1.0; channels], alpha: alpha as $real }
                }

                fn update(&mut self, backend: Backend, samples: &[$real]) {
                    on(backend, ClipPass(self, samples));
                }
            }

            struct ClipPass<'a>(&'a mut Clip, &'a [$real]);

            impl WithSimd for ClipPass<'_> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: Simd>(self, _: S) {
                    let Clip { location, scale, alpha } = self.0;
                    clip(location, scale, self.1, *alpha);
                }
            }

            #[inline(always)]
            fn clip(location: &mut [$real], scale: &mut [$real], samples: &[$real], alpha: $real) {
                for ((l, s), &x) in location.iter_mut().zip(scale).zip(samples) {
                    let residual = x - *l;
                    let size = residual.abs();
                    let limit = 2.0 * *s;
                    let kept = if size < limit { size } else { limit };
                    *l += alpha * kept.copysign(residual);
                    *s += alpha * (kept - *s);
                }
            }

            pub struct Ema {
                pub moment: Vec<$real>,
                pub seen: Vec<$real>,
                alpha: $real,
            }

            impl Plain<$real> for Ema {
                fn new(channels: usize, alpha: f64) -> Self {
                    let zeros = vec![0.0; channels];
                    Self { moment: zeros.clone(), seen: zeros, alpha: alpha as $real }
                }

                fn update(&mut self, backend: Backend, samples: &[$real]) {
                    on(backend, EmaPass(self, samples));
                }
            }

            struct EmaPass<'a>(&'a mut Ema, &'a [$real]);

            impl WithSimd for EmaPass<'_> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: Simd>(self, _: S) {
                    let Ema { moment, seen, alpha } = self.0;
                    ema(moment, seen, self.1, *alpha);
                }
            }

            #[inline(always)]
            fn ema(moment: &mut [$real], seen: &mut [$real], samples: &[$real], alpha: $real) {
                for ((m, t), &x) in moment.iter_mut().zip(seen).zip(samples) {
                    let there = x == x;
                    let x = if x > $real::MAX / 2.0 { $real::MAX / 2.0 } else { x };
                    let x = if x < -$real::MAX / 2.0 { -$real::MAX / 2.0 } else { x };
                    *m = if there { *m + alpha * (x - *m) } else { *m };
                    *t = if there { *t + 1.0 } else { *t };
                }
            }

            pub struct RobustMean {
                pub location: Vec<$real>,
                pub scale: Vec<$real>,
                last_strike: Vec<$real>,
                strikes: Vec<$real>,
                age: Vec<$real>,
                alpha: $real,
                max_age: $real,
            }

            impl Plain<$real> for RobustMean {
                fn new(channels: usize, alpha: f64) -> Self {
                    let zeros = vec![0.0; channels];
                    Self {
                        location: vec![$real::NAN; channels],
                        scale: zeros.clone(),
                        last_strike: zeros.clone(),
                        strikes: zeros.clone(),
                        age: zeros,
                        alpha: alpha as $real,
                        max_age: (1.0 / alpha) as $real,
                    }
                }

                fn update(&mut self, backend: Backend, samples: &[$real]) {
                    on(backend, RobustPass(self, samples));
                }
            }

            struct RobustPass<'a>(&'a mut RobustMean, &'a [$real]);

            impl WithSimd for RobustPass<'_> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: Simd>(self, _: S) {
                    let RobustMean { location, scale, last_strike, strikes, age, alpha, max_age } = self.0;
                    robust(location, scale, last_strike, strikes, age, self.1, *alpha, *max_age);
                }
            }

            /// Separate slices as arguments, so that the compiler knows that they do not overlap.
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn robust(
                location: &mut [$real],
                scale: &mut [$real],
                last: &mut [$real],
                strikes: &mut [$real],
                age: &mut [$real],
                samples: &[$real],
                alpha: $real,
                max_age: $real,
            ) {
                let half = $real::MAX / 2.0;
                let count = samples.len();
                let (location, scale, last) = (&mut location[..count], &mut scale[..count], &mut last[..count]);
                let (strikes, age) = (&mut strikes[..count], &mut age[..count]);
                for i in 0..count {
                    let (l, s, z, k, n, u) = (location[i], scale[i], last[i], strikes[i], age[i], samples[i]);
                    let finite = u.abs() <= $real::MAX;
                    let first = n == 0.0;
                    let there = (u == u) & (finite | !first);
                    let x = if u > half { half } else { u };
                    let x = if x < -half { -half } else { x };
                    let residual = x - l;
                    let size = residual.abs();
                    let strike = size > 4.0 * s;
                    let more = if k + 1.0 < 12.0 { k + 1.0 } else { 12.0 };
                    let less = if k - 1.0 > 0.0 { k - 1.0 } else { 0.0 };
                    let struck = if strike { more } else { less };
                    let reopen = first | ((struck >= 12.0) & finite);
                    // re-opened
                    let cap = if n <= 1.0 { 8.0 * s } else { s };
                    let widened = if size < cap { size } else { cap };
                    let (low, high) = if x < z { (x, z) } else { (z, x) };
                    let middle = if high < l { high } else { l };
                    let median = if low > middle { low } else { middle };
                    let opened = if first { x } else { median };
                    let opened_scale = if first { x.abs() / 1_048_576.0 } else { widened };
                    // averaged
                    let age_next = if n + 1.0 < max_age { n + 1.0 } else { max_age };
                    let gain = 1.0 / age_next;
                    let gain = if gain < alpha { alpha } else { gain };
                    let limit = 2.0 * s;
                    let clipped = if size < limit { size } else { limit };
                    let taper = (8.0 * s - size) * (2.0 / 3.0);
                    let taper = if taper > 0.0 { taper } else { 0.0 };
                    let kept = if clipped < taper { clipped } else { taper };
                    let signed = if residual >= 0.0 { kept } else { -kept };
                    let averaged = l + gain * signed;
                    let averaged_scale = s + gain * (clipped - s);
                    // together
                    let new = if reopen { opened } else { averaged };
                    let new_scale = if reopen { opened_scale } else { averaged_scale };
                    let floor = $relative * new.abs();
                    let floor = if floor > $floor { floor } else { $floor };
                    let new_scale = if new_scale > floor { new_scale } else { floor };
                    location[i] = if there { new } else { l };
                    scale[i] = if there { new_scale } else { s };
                    last[i] = if there & (first | strike) { x } else { z };
                    let struck = if reopen { 11.0 } else { struck };
                    strikes[i] = if there { struck } else { k };
                    let age_next = if reopen { 1.0 } else { age_next };
                    age[i] = if there { age_next } else { n };
                }
            }
        }
    };
}

plain!(single, f32, 7.888_609e-31, 9.536_743e-7);
plain!(double, f64, 1.026_134_200_324_594_1e-289, 9.094_947_017_729_282e-13);
