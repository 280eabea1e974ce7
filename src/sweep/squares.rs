//! The sum of squares of a gradient, of which a norm is made.

use super::sum::{CHUNK, ChunkSum, root};
use super::threads::{Threads, Work, run};
use crate::dispatch::Token;
use crate::lane::Real;
use pulp::{Simd, WithSimd};

/// The sum of the squares of some numbers in `f64`, with the same bits on every machine and any number of threads: the square of a
/// gradient's norm. The norm of several tensors is the root of the sum of theirs.
///
/// ```text
/// sum_i values_i^2        each square and each addition rounded to f64, in an order that the number of values decides
/// ```
///
/// It is NaN where a value is, and infinite where one is or where a square of an `f64` is too large; a square of an `f32` never
/// is. Wide slices are shared among the threads of rayon's current pool.
///
/// ```
/// use evenkeel::sum_of_squares;
///
/// let (weights, bias) = ([3.0_f32, 0.0, 4.0], [12.0_f32]);
/// let norm = (sum_of_squares(&weights) + sum_of_squares(&bias)).sqrt();
/// assert_eq!(norm, 13.0);
/// ```
#[must_use]
pub fn sum_of_squares<T: Real>(values: &[T]) -> f64 {
    run(Squares(values), Token::best(), Threads::Auto)
}

struct Squares<'a, T>(&'a [T]);

impl<T: Real> Work for Squares<'_, T> {
    /// The sum over the branch of the tree.
    type Output = f64;
    const LEAF: usize = CHUNK;

    fn channels(&self) -> usize {
        self.0.len()
    }
    fn bytes(&self) -> usize {
        size_of_val(self.0)
    }
    fn middle(&self, _: usize) -> usize {
        root(self.0.len())
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at(middle);
        (Self(before), Self(from))
    }
    fn run(self, token: Token) -> f64 {
        if self.0.len() <= CHUNK {
            return token.run(self);
        }
        let (before, from) = self.0.split_at(root(self.0.len()));
        Self::join(Self(before).run(token), Self(from).run(token))
    }
    fn join(before: f64, from: f64) -> f64 {
        before + from
    }
}

/// The sum over one chunk.
impl<T: Real> WithSimd for Squares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut sum = ChunkSum::new();
        sum.add_squares(self.0);
        sum.total()
    }
}
