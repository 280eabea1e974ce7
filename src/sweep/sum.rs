//! The sum behind the layer mean, the same bits on every backend and any number of threads.
//!
//! Floating-point addition is not associative, so the order is fixed and is a function of the number of weights alone:
//!
//! * a chunk of [`CHUNK`] weights is summed in `f64` into [`LANES`] running sums, weight `i` into sum `i mod LANES`,
//!   which are then added pairwise: 0 + 8, 1 + 9, ..., then 0 + 4, ..., 0 + 2, 0 + 1;
//! * the sums of chunks are added in a binary tree, whose left branch holds the largest power of two of chunks that
//!   leaves something for the right one.
//!
//! The tree needs no room for the sums of chunks, may be cut among threads at any node, and rounds less than a running
//! sum.

use crate::lane::Real;

/// Weights of a chunk, the leaf of the tree.
pub(super) const CHUNK: usize = 4096;

/// Running sums of a chunk, as many as the widest vector has lanes, so that every backend keeps them in registers.
const LANES: usize = 16;

/// The running sums of one chunk.
pub(super) struct ChunkSum([f64; LANES]);

impl ChunkSum {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([0.0; LANES])
    }

    /// Adds values that follow those added before. All but the last call of a chunk must add a multiple of [`LANES`].
    ///
    /// Not inlined: within the kernel the sums would keep registers that the step needs. It is compiled for the
    /// baseline, whose two additions at a time are enough for what comes from the first-level cache.
    #[inline(never)]
    pub(super) fn add<T: Real>(&mut self, values: &[T]) {
        let (rows, rest) = values.as_chunks::<LANES>();
        // A copy, so that the sums stay in registers.
        let mut sums = self.0;
        for row in rows {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += value.to_f64();
            }
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            *sum += value.to_f64();
        }
        self.0 = sums;
    }

    /// Adds the squares of values that follow those added before, as [`add`](Self::add) adds the values. Inlined: there is no
    /// step beside it, and it is compiled for the instruction set of its caller.
    #[inline(always)]
    pub(super) fn add_squares<T: Real>(&mut self, values: &[T]) {
        let (rows, rest) = values.as_chunks::<LANES>();
        let mut sums = self.0;
        for row in rows {
            for lane in 0..LANES {
                let value = row[lane].to_f64();
                sums[lane] += value * value;
            }
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            let value = value.to_f64();
            *sum += value * value;
        }
        self.0 = sums;
    }

    /// Adds values of which a NaN is none: it counts as 0, which it becomes. Returns the number of those.
    #[inline(never)]
    pub(super) fn add_some<T: Real>(&mut self, values: &mut [T]) -> usize {
        let mut left_out = 0;
        for value in &mut *values {
            if value.to_f64().is_nan() {
                *value = T::default();
                left_out += 1;
            }
        }
        self.add(values);
        left_out
    }

    #[inline(always)]
    pub(super) fn total(self) -> f64 {
        let mut sums = self.0;
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        sums[0]
    }
}

/// The sum over some of the weights of a branch, and how many others were left out of it.
#[derive(Clone, Copy)]
pub(super) struct Total {
    pub(super) sum: f64,
    pub(super) left_out: usize,
}

impl Total {
    pub(super) fn join(self, from: Self) -> Self {
        Self { sum: self.sum + from.sum, left_out: self.left_out + from.left_out }
    }

    /// The mean of these weights, without those that were left out; `None` if there are no others.
    pub(super) fn mean<T: Real>(self, weights: usize) -> Option<T> {
        let count = weights.saturating_sub(self.left_out);
        // A sum of the largest numbers may be infinite; their mean is not.
        (count > 0).then(|| T::from_f64(self.sum.min(f64::MAX) / count as f64))
    }
}

/// The weights of the left branch at the root of the tree over `weights` weights, which are more than a chunk.
pub(super) fn root(weights: usize) -> usize {
    let chunks = weights.div_ceil(CHUNK);
    CHUNK << (chunks - 1).ilog2()
}
