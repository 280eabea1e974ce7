//! A whole step of [`LearningRate`](evenkeel::LearningRate) with its defaults and a smoothed gradient, as plain loops which
//! the compiler makes vectors of, over columns of `f32` or of sixteen bits. Weights and gradients are finite and stay
//! `f32`; over `f32` it gives the engine's bits.
#![allow(clippy::cast_possible_truncation)] // numbers, rounded once, and counters

use crate::common::competitor::on;
use aligned_vec::{AVec, ConstAlign};
use evenkeel::{Backend, Decay};
use pulp::{Simd, WithSimd};

pub(crate) const MU: f64 = 1e-3;
pub(crate) const BETA_SMOOTH: f64 = 0.9;

/// A number of the state as it is stored.
pub(crate) trait Stored: Copy {
    fn wide(self) -> f32;
    /// The number to be stored, with sixteen random bits for whoever needs them.
    fn of(wide: f32, random: u32) -> Self;
}

impl Stored for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
    #[inline(always)]
    fn of(wide: f32, _: u32) -> Self {
        wide
    }
}

/// A `bf16` that is rounded up or down at random, each as often as the number lies near it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chance(u16);

impl Stored for Chance {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
    #[inline(always)]
    fn of(wide: f32, random: u32) -> Self {
        // What is cut off, and a random number, carry into what stays. The largest numbers would become infinite here.
        Self((wide.to_bits().wrapping_add(random & 0xffff) >> 16) as u16)
    }
}

/// A `bf16` that is rounded to the nearest, the even one of two.
#[derive(Clone, Copy)]
pub(crate) struct Nearest(u16);

impl Stored for Nearest {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
    #[inline(always)]
    fn of(wide: f32, _: u32) -> Self {
        let bits = wide.to_bits();
        Self((bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16)
    }
}

/// Random bits of a counter (C. Wellons, *Prospecting for Hash Functions*, 2018).
#[inline(always)]
fn mixed(mut bits: u32) -> u32 {
    bits = (bits ^ bits >> 16).wrapping_mul(0x7feb_352d);
    bits = (bits ^ bits >> 15).wrapping_mul(0x846c_a68b);
    bits ^ bits >> 16
}

/// Aligned as the engine's columns are: a vector that lies across two cache lines is slow.
pub(crate) type Column<T> = AVec<T, ConstAlign<64>>;

/// The columns of the state: the squared norm, scale, max-normaliser and average of the numerator, the smoothed gradient.
pub(crate) struct State<C> {
    pub(crate) columns: [Column<C>; 5],
}

/// Gains and bias corrections of a step.
pub(crate) struct Factors {
    norm: f32,
    scale: f32,
    average: f32,
    smooth: f32,
    correction: f32,
    key: u32,
}

/// Those of the `step`th, counted from 1.
pub(crate) fn factors(step: u64) -> Factors {
    let gain = |beta| Decay::beta(beta).unwrap().gain();
    let correction = |gain: f64| -1.0 / libm::expm1(step as f64 * libm::log1p(-gain));
    let (norm, smooth) = (gain(0.999), gain(BETA_SMOOTH));
    Factors {
        norm: (norm * correction(norm)).min(1.0) as f32,
        scale: gain(0.999) as f32,
        average: gain(0.9999) as f32,
        smooth: smooth as f32,
        correction: correction(smooth) as f32,
        key: mixed(step as u32),
    }
}

/// Weights that are stepped at a time.
const CHUNK: usize = 1024;
/// Running sums of a chunk.
const SUMS: usize = 16;
const EPSILON: f32 = 1e-8;
const CLIP: f32 = 4.0;

impl<C: Stored> State<C> {
    /// The state of weights that have seen nothing.
    pub(crate) fn new(weights: usize) -> Self {
        let unseen = |column| C::of(if column == 0 { -1.0 } else { 0.0 }, 0);
        let column = |column| Column::from_iter(64, std::iter::repeat_n(unseen(column), weights));
        Self { columns: std::array::from_fn(column) }
    }

    /// Takes a step of as many whole chunks of weights, and returns the layer mean.
    pub(crate) fn step(&mut self, backend: Backend, w: &mut [f32], g: &[f32], factors: &Factors, rate: f32) -> f32 {
        let mut sum = 0.0;
        on(backend, First { state: self, w, g, factors, sum: &mut sum });
        on(backend, Second { state: self, w, g, factors, rate });
        (sum / w.len() as f64) as f32
    }
}

/// The first pass: the norm and the numerator, whose outputs are summed.
struct First<'a, C> {
    state: &'a mut State<C>,
    w: &'a [f32],
    g: &'a [f32],
    factors: &'a Factors,
    sum: &'a mut f64,
}

impl<C: Stored> WithSimd for First<'_, C> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [square, scale, norm, average, _] = &mut self.state.columns;
        let columns = square.as_chunks_mut().0.iter_mut().zip(scale.as_chunks_mut().0);
        let columns = columns.zip(norm.as_chunks_mut().0).zip(average.as_chunks_mut().0);
        let inputs = self.w.as_chunks::<CHUNK>().0.iter().zip(self.g.as_chunks().0);
        let mut sums = [0.0; SUMS];
        for (((((square, scale), norm), average), (w, g)), chunk) in columns.zip(inputs).zip(0_u32..) {
            let mut values = [0.0; CHUNK];
            numerate(self.factors, chunk, w, g, square, scale, norm, average, &mut values);
            for row in values.as_chunks::<SUMS>().0 {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += f64::from(value);
                }
            }
        }
        *self.sum = sums.iter().sum();
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)] // references of their own, so that the compiler knows that they are apart
fn numerate<C: Stored>(
    factors: &Factors,
    chunk: u32,
    w: &[f32; CHUNK],
    g: &[f32; CHUNK],
    square: &mut [C; CHUNK],
    scale: &mut [C; CHUNK],
    norm: &mut [C; CHUNK],
    average: &mut [C; CHUNK],
    values: &mut [f32; CHUNK],
) {
    let &Factors { norm: norm_alpha, scale: scale_alpha, average: alpha, key, .. } = factors;
    let mu = MU as f32;
    for i in 0..CHUNK {
        // Two numbers of sixteen bits each, and two more.
        let random = mixed((chunk * CHUNK as u32 + i as u32) ^ key);
        let more = random.wrapping_mul(0x9e37_79b1);
        let more = more ^ more >> 15;

        let (w, g, before) = (w[i], g[i], square[i].wide());
        let after = if before < 0.0 { g * g } else { before + norm_alpha * (g * g - before) };
        square[i] = C::of(after, random);
        let u = w * (g / (after.sqrt() + EPSILON));
        let size = u.abs();

        let before = scale[i].wide();
        let after = before + scale_alpha * (size - before);
        scale[i] = C::of(after, random >> 16);
        let most = CLIP * after;
        let psi = (if size < most { size } else { most }).copysign(u);

        let before = norm[i].wide();
        let after = before + alpha * (w * w - before);
        norm[i] = C::of(after, more);
        let normaliser = 1.0 + after;

        let before = average[i].wide();
        let after = before + (mu / normaliser * psi - alpha * before);
        average[i] = C::of(after, more >> 16);
        let (size, most) = (after.abs(), mu * normaliser);
        values[i] = if size < most { size } else { most };
    }
}

/// The second pass: the weights move along the smoothed gradient.
struct Second<'a, C> {
    state: &'a mut State<C>,
    w: &'a mut [f32],
    g: &'a [f32],
    factors: &'a Factors,
    rate: f32,
}

impl<C: Stored> WithSimd for Second<'_, C> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [square, .., smoothed] = &mut self.state.columns;
        let columns = square.as_chunks().0.iter().zip(smoothed.as_chunks_mut().0);
        let inputs = self.w.as_chunks_mut::<CHUNK>().0.iter_mut().zip(self.g.as_chunks().0);
        for (((square, smoothed), (w, g)), chunk) in columns.zip(inputs).zip(0_u32..) {
            descend(self.factors, chunk, self.rate, w, g, square, smoothed);
        }
    }
}

#[inline(always)]
fn descend<C: Stored>(
    factors: &Factors,
    chunk: u32,
    rate: f32,
    w: &mut [f32; CHUNK],
    g: &[f32; CHUNK],
    square: &[C; CHUNK],
    smoothed: &mut [C; CHUNK],
) {
    for i in 0..CHUNK {
        let before = smoothed[i].wide();
        let after = before + factors.smooth * (g[i] - before);
        smoothed[i] = C::of(after, mixed((chunk * CHUNK as u32 + i as u32) ^ !factors.key));
        w[i] -= rate * (factors.correction * after / (square[i].wide().sqrt() + EPSILON));
    }
}
