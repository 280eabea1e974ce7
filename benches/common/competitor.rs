//! The honest competitors: updates as plain loops over separate slices, which the compiler vectorises.
//!
//! Branch-free selects, separate columns, no bounds checks, compiled for the same instruction set as the engine beside
//! it: what a careful author would write without a vector library. `Ema`, `RobustMean` and `CleanedEma` do the engine's
//! work; `Clip` is the least that clips against a running scale, two columns without any of the rest, and a yardstick
//! for what is arithmetic.
//!
//! The first five samples of a channel take more selections than all others, so there are two loops: a chunk of
//! channels in which none is that young takes the one without.

use evenkeel::Backend;
use pulp::{Scalar, Simd, WithSimd};

/// A plain loop with the state it runs over.
pub trait Plain<T> {
    fn new(channels: usize, alpha: f64) -> Self;
    /// One sample per channel, compiled for a backend that the machine has.
    fn update(&mut self, backend: Backend, samples: &[T]);
}

/// Runs a loop compiled for a backend.
pub fn on<K: WithSimd<Output = ()>>(backend: Backend, kernel: K) {
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

/// The plain loops of `f32` or `f64`.
pub trait Loops: Sized {
    type Ema: Plain<Self>;
    type RobustMean: Plain<Self>;
    type CleanedEma: Plain<Self>;
    type Clip: Plain<Self>;
}

macro_rules! plain {
    ($module:ident, $real:ident, $floor:literal, $relative:literal) => {
        pub mod $module {
            use super::{Backend, Loops, Plain, Simd, WithSimd, on};

            impl Loops for $real {
                type Ema = Ema;
                type RobustMean = RobustMean;
                type CleanedEma = CleanedEma;
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

            /// The columns of `RobustMean`, which are those of `CleanedEma`'s judge, too.
            pub struct Columns {
                pub location: Vec<$real>,
                pub scale: Vec<$real>,
                last: Vec<$real>,
                /// In quarters; more than the patience in the start phase.
                strikes: Vec<$real>,
                age: Vec<$real>,
            }

            impl Columns {
                fn new(channels: usize) -> Self {
                    let zeros = vec![0.0; channels];
                    let location = vec![$real::NAN; channels];
                    Self { location, scale: zeros.clone(), last: zeros.clone(), strikes: zeros.clone(), age: zeros }
                }
            }

            #[derive(Clone, Copy)]
            struct Spec {
                alpha: $real,
                full: $real,
                /// In quarters.
                patience: $real,
            }

            impl Spec {
                fn new(alpha: f64, patience: u8) -> Self {
                    // A memory of less than three samples begins with an age above its full one.
                    assert!(alpha <= 1.0 / 3.0);
                    Self { alpha: alpha as $real, full: (1.0 / alpha) as $real, patience: 4.0 * $real::from(patience) }
                }
            }

            #[derive(Clone, Copy)]
            struct State {
                location: $real,
                scale: $real,
                last: $real,
                strikes: $real,
                age: $real,
            }

            const HALF: $real = $real::MAX / 2.0;
            const TINY: $real = $floor;
            const RELATIVE: $real = $relative;
            const FIRST_SCALE: $real = 1.0 / 1_048_576.0;

            #[inline(always)]
            fn min(a: $real, b: $real) -> $real {
                if a < b { a } else { b }
            }

            #[inline(always)]
            fn max(a: $real, b: $real) -> $real {
                if a > b { a } else { b }
            }

            #[inline(always)]
            fn clamp(x: $real, limit: $real) -> $real {
                max(min(x, limit), -limit)
            }

            #[inline(always)]
            fn median(a: $real, b: $real, c: $real) -> $real {
                max(min(a, b), min(max(a, b), c))
            }

            /// The age after one more sample, and the gain.
            #[inline(always)]
            fn older(age: $real, alpha: $real, full: $real) -> ($real, $real) {
                let young = age + 1.0 <= full;
                let age = if young { age + 1.0 } else { full };
                let gain = 1.0 / age;
                (age, if young { gain } else { max(gain, alpha) })
            }

            struct Outcome {
                state: State,
                accepted: bool,
                starting: bool,
                reopened: bool,
            }

            /// One sample of one channel. Without `START` it is none of the first five.
            #[inline(always)]
            fn judge<const START: bool>(spec: Spec, old: State, u: $real) -> Outcome {
                let Spec { alpha, full, patience } = spec;
                let State { location, scale, last, strikes, age } = old;
                let finite = u.abs() <= $real::MAX;
                let starting = START & ((age == 0.0) | (strikes > patience));
                let accepted = (u == u) & (finite | !starting);
                let x = clamp(u, HALF);
                let residual = x - location;
                let size = residual.abs();
                let strike = size > 4.0 * scale;

                let alive = scale > 2.0 * max(TINY, FIRST_SCALE * location.abs());
                let fewer = max(strikes - if alive { 5.0 } else { 4.0 }, 0.0);
                let struck = if strike { min(strikes + 4.0, patience) } else { fewer };
                let reach = 2.0 * max((last - location).abs(), 4.0 * scale);
                let near = clamp(location + clamp(residual, reach), HALF);
                let landed = if age <= 1.0 { x } else { near };
                let new_last = if strike { landed } else { last };
                let reopened = (struck >= patience) & finite & !starting;

                // re-opened
                let growth = if age + 1.0 <= full { 4.0 } else { 1.0 };
                let growth = if age <= 1.0 { 8.0 } else { growth };
                let widened = min(size, growth * scale);
                let widened = if alive { widened } else { max(widened, FIRST_SCALE * size) };
                let opened = median(new_last, last, location);
                let left = patience - if age <= 1.0 { 4.0 } else { 16.0 };

                // averaged
                let (new_age, gain) = older(age, alpha, full);
                let taper = max((6.5 * scale - size) * (2.5 / 3.0), 0.0);
                let kept = min(min(size, 2.5 * scale), taper);
                let kept = if residual >= 0.0 { kept } else { -kept };
                let averaged = clamp(location + gain * kept, HALF);
                let narrowed = scale + min(gain, 0.5) * (min(size, 2.0 * scale) - scale);

                // together
                let new = if reopened { opened } else { averaged };
                let new_scale = if reopened { widened } else { narrowed };
                let new_scale = max(new_scale, max(TINY, RELATIVE * new.abs()));
                let mut state = State {
                    location: new,
                    scale: new_scale,
                    last: new_last,
                    strikes: if reopened { left } else { struck },
                    age: if reopened { 1.0 } else { new_age },
                };
                if START {
                    state = if starting { start(patience, old, x) } else { state };
                }
                let state = State {
                    location: if accepted { state.location } else { location },
                    scale: if accepted { state.scale } else { scale },
                    last: if accepted { state.last } else { last },
                    strikes: if accepted { state.strikes } else { strikes },
                    age: if accepted { state.age } else { age },
                };
                Outcome { state, accepted, starting, reopened }
            }

            /// One of the first five samples.
            fn start(patience: $real, old: State, x: $real) -> State {
                let State { location, scale, last, strikes, age } = old;
                if age == 0.0 {
                    return State { location: x, scale: TINY, last: x, strikes: patience + 4.0, age: 1.0 };
                }
                let number = patience + 6.0 - strikes;
                let (size, jump) = ((x - location).abs(), (x - last).abs());
                let near = 2.0 * min(min(size, jump), HALF * 0.25);
                let cap = if number == 2.0 {
                    HALF
                } else if scale <= TINY {
                    location.abs()
                } else if number == 3.0 {
                    scale
                } else {
                    8.0 * scale
                };
                let middle = median(x, last, location);
                let scale = if near > TINY {
                    min(scale + (min(near, cap) - scale) / max(number - 2.0, 1.0), 32.0 * near)
                } else {
                    min(scale, max(middle.abs(), 2.0 * max(size, jump)))
                };
                let ends = strikes - 1.0 <= patience;
                let least = if ends { max(TINY, FIRST_SCALE * location.abs()) } else { TINY };
                State {
                    location: middle,
                    age: if ends && scale > least { 3.0 } else { 1.0 },
                    scale: max(scale, least),
                    last: x,
                    strikes: if ends { patience - 4.0 } else { strikes - 1.0 },
                }
            }

            /// Channels between two looks at whether one of them is young.
            const CHUNK: usize = 256;

            pub struct RobustMean {
                pub columns: Columns,
                spec: Spec,
            }

            impl Plain<$real> for RobustMean {
                fn new(channels: usize, alpha: f64) -> Self {
                    Self { columns: Columns::new(channels), spec: Spec::new(alpha, 12) }
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
                    let RobustMean { columns, spec } = self.0;
                    for first in (0..columns.age.len()).step_by(CHUNK) {
                        let chunk = first..columns.age.len().min(first + CHUNK);
                        let samples = &self.1[chunk.clone()];
                        let (location, scale) =
                            (&mut columns.location[chunk.clone()], &mut columns.scale[chunk.clone()]);
                        let (last, strikes) = (&mut columns.last[chunk.clone()], &mut columns.strikes[chunk.clone()]);
                        let age = &mut columns.age[chunk];
                        if is_young(strikes, age, spec.patience) {
                            robust::<true>(*spec, location, scale, last, strikes, age, samples);
                        } else {
                            robust::<false>(*spec, location, scale, last, strikes, age, samples);
                        }
                    }
                }
            }

            #[inline(always)]
            fn is_young(strikes: &[$real], age: &[$real], patience: $real) -> bool {
                strikes.iter().zip(age).fold(false, |any, (&k, &n)| any | (n == 0.0) | (k > patience))
            }

            /// Separate slices as arguments, so that the compiler knows that they do not overlap.
            #[inline(always)]
            fn robust<const START: bool>(
                spec: Spec,
                location: &mut [$real],
                scale: &mut [$real],
                last: &mut [$real],
                strikes: &mut [$real],
                age: &mut [$real],
                samples: &[$real],
            ) {
                let count = samples.len();
                let (location, scale, last) = (&mut location[..count], &mut scale[..count], &mut last[..count]);
                let (strikes, age) = (&mut strikes[..count], &mut age[..count]);
                for i in 0..count {
                    let old = State {
                        location: location[i],
                        scale: scale[i],
                        last: last[i],
                        strikes: strikes[i],
                        age: age[i],
                    };
                    let State { location: l, scale: s, last: z, strikes: k, age: n } =
                        judge::<START>(spec, old, samples[i]).state;
                    (location[i], scale[i], last[i], strikes[i], age[i]) = (l, s, z, k, n);
                }
            }

            pub struct CleanedEma {
                pub average: Vec<$real>,
                age: Vec<$real>,
                pending: Vec<$real>,
                pub judge: Columns,
                alpha: $real,
                full: $real,
                spec: Spec,
            }

            impl Plain<$real> for CleanedEma {
                fn new(channels: usize, alpha: f64) -> Self {
                    Self {
                        average: vec![$real::NAN; channels],
                        age: vec![0.0; channels],
                        pending: vec![0.0; channels],
                        judge: Columns::new(channels),
                        alpha: alpha as $real,
                        full: (1.0 / alpha) as $real,
                        spec: Spec::new(if alpha > 0.1 { alpha } else { 0.1 }, 10),
                    }
                }

                fn update(&mut self, backend: Backend, samples: &[$real]) {
                    on(backend, CleanedPass(self, samples));
                }
            }

            struct CleanedPass<'a>(&'a mut CleanedEma, &'a [$real]);

            impl WithSimd for CleanedPass<'_> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: Simd>(self, _: S) {
                    let CleanedEma { average, age, pending, judge, alpha, full, spec } = self.0;
                    for first in (0..age.len()).step_by(CHUNK) {
                        let chunk = first..age.len().min(first + CHUNK);
                        let samples = &self.1[chunk.clone()];
                        let own = (&mut average[chunk.clone()], &mut age[chunk.clone()], &mut pending[chunk.clone()]);
                        let (location, scale) = (&mut judge.location[chunk.clone()], &mut judge.scale[chunk.clone()]);
                        let (last, strikes) = (&mut judge.last[chunk.clone()], &mut judge.strikes[chunk.clone()]);
                        let judge_age = &mut judge.age[chunk];
                        let young = is_young(strikes, judge_age, spec.patience);
                        let pace = (*alpha, *full);
                        if young {
                            cleaned::<true>(*spec, pace, own, location, scale, last, strikes, judge_age, samples);
                        } else {
                            cleaned::<false>(*spec, pace, own, location, scale, last, strikes, judge_age, samples);
                        }
                    }
                }
            }

            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn cleaned<const START: bool>(
                spec: Spec,
                (alpha, full): ($real, $real),
                (average, age, pending): (&mut [$real], &mut [$real], &mut [$real]),
                location: &mut [$real],
                scale: &mut [$real],
                last: &mut [$real],
                strikes: &mut [$real],
                judge_age: &mut [$real],
                samples: &[$real],
            ) {
                let count = samples.len();
                let (average, age, pending) = (&mut average[..count], &mut age[..count], &mut pending[..count]);
                let (location, scale, last) = (&mut location[..count], &mut scale[..count], &mut last[..count]);
                let (strikes, judge_age) = (&mut strikes[..count], &mut judge_age[..count]);
                for i in 0..count {
                    let old = State {
                        location: location[i],
                        scale: scale[i],
                        last: last[i],
                        strikes: strikes[i],
                        age: judge_age[i],
                    };
                    let Outcome { state, accepted, starting, reopened } = judge::<START>(spec, old, samples[i]);
                    let x = clamp(samples[i], HALF);
                    let replaced = ((x - old.location).abs() > 8.0 * old.scale) & !reopened;
                    let (m, n, share) = (average[i], age[i], pending[i]);
                    let (new_n, gain) = older(n, alpha, full);
                    let faded = share * (1.0 - gain);
                    let target = if replaced { old.location } else { x };
                    let target = if reopened { state.location } else { target };
                    let new_m = m + gain * (target - m);
                    let anew = reopened & ((new_n <= 8.0) | (faded + gain > 0.5));
                    let refunded = new_m + faded * (state.location - old.location);
                    let new_m = if reopened { refunded } else { new_m };
                    let new_m = if anew { state.location } else { clamp(new_m, HALF) };
                    let new_n = if anew { 1.0 } else { new_n };
                    let new_share = if replaced { faded + gain } else { faded * 0.9 };
                    let new_share = if reopened { 0.0 } else { new_share };
                    let begun = if state.strikes > spec.patience { 1.0 } else { 3.0 };
                    let new_m = if starting { state.location } else { new_m };
                    let new_n = if starting { begun } else { new_n };
                    let new_share = if starting { 0.0 } else { new_share };
                    average[i] = if accepted { new_m } else { m };
                    age[i] = if accepted { new_n } else { n };
                    pending[i] = if accepted { new_share } else { share };
                    let State { location: l, scale: s, last: z, strikes: k, age: n } = state;
                    (location[i], scale[i], last[i], strikes[i], judge_age[i]) = (l, s, z, k, n);
                }
            }
        }
    };
}

plain!(single, f32, 7.888_609e-31, 9.536_743e-7);
plain!(double, f64, 1.026_134_200_324_594_1e-289, 9.094_947_017_729_282e-13);
