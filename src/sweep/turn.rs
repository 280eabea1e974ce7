//! Turning: samples of some series written as rows, and rows of what is reported written back to their series.
//!
//! Both go square by square: as many channels as a vector has lanes, and as many samples of each.

use super::outputs::Outputs;
use crate::lane::{MOST_LANES, Real};
use crate::transpose::{is_shuffling, transpose};
use core::ops::{Deref, DerefMut};
use prefetch_index::prefetch_index;
use pulp::Simd;

/// Vectors of channels that are transposed at a time: enough that the steps of one need not wait for each other.
const VECTORS: usize = 8;
/// Most channels that are transposed at a time.
pub(super) const TILE: usize = VECTORS * MOST_LANES;
/// Samples of a series that are transposed at a time: enough that a stream of memory is worth starting.
pub(super) const ROWS: usize = 64;
/// Samples of a buffer, which the first-level cache holds.
const BUFFER: usize = ROWS * TILE;

/// Samples or places of a few series, as rows. They begin with a line of the cache, because a vector that lies on two
/// lines is two accesses.
#[repr(C, align(64))]
pub(super) struct Buffer<X>([X; BUFFER]);

impl<X: Copy + Default> Buffer<X> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([X::default(); BUFFER])
    }
}

impl<X> Deref for Buffer<X> {
    type Target = [X];
    #[inline(always)]
    fn deref(&self) -> &[X] {
        &self.0
    }
}

impl<X> DerefMut for Buffer<X> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [X] {
        &mut self.0
    }
}

/// The number of channels that are transposed at a time: some vectors, whatever their width.
pub(super) fn tile<T>() -> usize {
    VECTORS * 64 / size_of::<T>()
}

/// Side of the squares where the set has no shuffles, and of those of marks.
const SIDE: usize = 8;

/// Writes `rows` samples of each series, from `row` on, as rows.
#[inline(always)]
pub(super) fn turn<T: Real, S: Simd, C: AsRef<[T]>>(simd: S, series: &[C], row: usize, rows: usize, out: &mut [T]) {
    if !is_shuffling(simd) {
        return turn_each(series, row, rows, out);
    }
    let (channels, lanes) = (series.len(), T::lanes::<S>());
    for (group, series) in series.chunks(lanes).enumerate() {
        let (first, width) = (group * lanes, series.len());
        let mut done = 0;
        while done < rows {
            let mut square = [T::splat(simd, T::default()); MOST_LANES];
            let count = (rows - done).min(lanes);
            if width == lanes && count == lanes {
                for (side, one) in square.iter_mut().zip(series) {
                    let from = &one.as_ref()[row + done..];
                    // Fetches what comes after these rows: there are too many streams for the processor to notice.
                    prefetch_index(from, rows);
                    if let Some(&vector) = T::split::<S>(from).0.first() {
                        *side = vector;
                    }
                }
                transpose::<T, S>(simd, &mut square);
                for (place, &vector) in out[done * channels..].chunks_exact_mut(channels).zip(&square[..lanes]) {
                    if let Some(place) = T::split_mut::<S>(&mut place[first..]).0.first_mut() {
                        *place = vector;
                    }
                }
            } else {
                for (side, one) in square.iter_mut().zip(series) {
                    *side = T::partial_load(simd, &one.as_ref()[row + done..][..count]);
                }
                transpose::<T, S>(simd, &mut square);
                for (step, &vector) in square[..count].iter().enumerate() {
                    T::partial_store(simd, &mut out[(done + step) * channels + first..][..width], vector);
                }
            }
            done += lanes;
        }
    }
}

/// Turns as [`turn`] does, number by number.
#[inline(always)]
fn turn_each<T: Real, C: AsRef<[T]>>(series: &[C], row: usize, rows: usize, out: &mut [T]) {
    let channels = series.len();
    for (group, series) in series.chunks(SIDE).enumerate() {
        let first = group * SIDE;
        let mut done = 0;
        if series.len() == SIDE {
            while done + SIDE <= rows {
                let mut square = [[T::default(); SIDE]; SIDE];
                for (side, one) in square.iter_mut().zip(series) {
                    let from = &one.as_ref()[row + done..];
                    prefetch_index(from, rows);
                    side.copy_from_slice(&from[..SIDE]);
                }
                for step in 0..SIDE {
                    let place = &mut out[(done + step) * channels + first..][..SIDE];
                    for side in 0..SIDE {
                        place[side] = square[side][step];
                    }
                }
                done += SIDE;
            }
        }
        for (channel, one) in series.iter().enumerate() {
            for (step, &sample) in one.as_ref()[row + done..row + rows].iter().enumerate() {
                out[(done + step) * channels + first + channel] = sample;
            }
        }
    }
}

/// Writes `rows` rows of numbers to the places of each series, from sample `row` on, where it has any.
#[inline(always)]
pub(super) fn turn_back<T: Real, S: Simd>(
    simd: S,
    from: &[T],
    outputs: &mut [Outputs<'_, T>],
    (row, rows): (usize, usize),
    places: impl for<'x> Fn(&'x mut Outputs<'_, T>) -> Option<&'x mut [T]>,
) {
    if !is_shuffling(simd) {
        return turn_back_each(from, outputs, (row, rows), places);
    }
    let (channels, lanes) = (outputs.len(), T::lanes::<S>());
    for (group, outputs) in outputs.chunks_mut(lanes).enumerate() {
        let (first, width) = (group * lanes, outputs.len());
        let mut done = 0;
        while done < rows {
            let mut square = [T::splat(simd, T::default()); MOST_LANES];
            let count = (rows - done).min(lanes);
            if width == lanes && count == lanes {
                for (row, side) in from[done * channels..].chunks_exact(channels).zip(&mut square[..lanes]) {
                    if let Some(&vector) = T::split::<S>(&row[first..]).0.first() {
                        *side = vector;
                    }
                }
                transpose::<T, S>(simd, &mut square);
                for (&vector, one) in square.iter().zip(&mut *outputs) {
                    if let Some(places) = places(one) {
                        // Fetches the places of the next rows, as `turn` fetches their samples.
                        prefetch_index(&*places, row + done + rows);
                        if let Some(place) = T::split_mut::<S>(&mut places[row + done..]).0.first_mut() {
                            *place = vector;
                        }
                    }
                }
            } else {
                for (step, side) in square[..count].iter_mut().enumerate() {
                    *side = T::partial_load(simd, &from[(done + step) * channels + first..][..width]);
                }
                transpose::<T, S>(simd, &mut square);
                for (&vector, one) in square.iter().zip(&mut *outputs) {
                    if let Some(places) = places(one) {
                        T::partial_store(simd, &mut places[row + done..][..count], vector);
                    }
                }
            }
            done += lanes;
        }
    }
}

/// Turns back as [`turn_back`] does, number by number.
#[inline(always)]
pub(super) fn turn_back_each<T, X: Copy + Default>(
    from: &[X],
    outputs: &mut [Outputs<'_, T>],
    (row, rows): (usize, usize),
    places: impl for<'x> Fn(&'x mut Outputs<'_, T>) -> Option<&'x mut [X]>,
) {
    let channels = outputs.len();
    for (group, outputs) in outputs.chunks_mut(SIDE).enumerate() {
        let first = group * SIDE;
        let mut done = 0;
        if outputs.len() == SIDE {
            while done + SIDE <= rows {
                let mut square = [[X::default(); SIDE]; SIDE];
                for (step, side) in square.iter_mut().enumerate() {
                    side.copy_from_slice(&from[(done + step) * channels + first..][..SIDE]);
                }
                for (side, one) in outputs.iter_mut().enumerate() {
                    if let Some(places) = places(one) {
                        prefetch_index(&*places, row + done + rows);
                        let place = &mut places[row + done..][..SIDE];
                        for step in 0..SIDE {
                            place[step] = square[step][side];
                        }
                    }
                }
                done += SIDE;
            }
        }
        for (channel, one) in outputs.iter_mut().enumerate() {
            if let Some(places) = places(one) {
                for (step, place) in places[row + done..row + rows].iter_mut().enumerate() {
                    *place = from[(done + step) * channels + first + channel];
                }
            }
        }
    }
}
