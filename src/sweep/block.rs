//! Many rows: time runs over a tile of channels whose state stays in the first-level cache.

use super::row::Row;
use super::sink::Ignore;
use crate::lane::Real;
use crate::rule::{Arity, ColumnsOf, Rule};
use pulp::{Simd, WithSimd};

/// Channels per tile. In `f32` the three columns that a steady channel reads take 24 KiB and a row of samples 8 KiB, which
/// fits a first-level cache of 32 KiB or more with nothing to spare for a larger tile; smaller ones start too many short
/// streams of samples.
const TILE: usize = 2048;

/// A block of whole rows, oldest first, over the channels of `state`.
pub(crate) struct Block<'s, 'a, R: Rule, T: Real> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    /// How many channels `state` has.
    pub(crate) channels: usize,
    /// All rows, of `stride` samples each.
    pub(crate) block: &'a [T],
    pub(crate) stride: usize,
    /// The first channel of `state` within a row.
    pub(crate) offset: usize,
}

impl<R: Rule, T: Real> WithSimd for Block<'_, '_, R, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut start = 0;
        while start < self.channels {
            let end = (start + TILE).min(self.channels);
            for row in self.block.chunks_exact(self.stride) {
                Row::<R, T, Ignore> {
                    constants: self.constants,
                    state: R::Columns::map(R::Columns::each_mut(&mut self.state), |column| &mut column[start..end]),
                    samples: &row[self.offset + start..self.offset + end],
                    sink: Ignore,
                }
                .with_simd(simd);
            }
            start = end;
        }
    }
}
