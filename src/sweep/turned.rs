//! Series of which every sample is reported: the rows of `series.rs` with places beside them, which are turned back.

use super::outputs::{Outputs, Report};
use super::reported::{GROUP, Reported};
use super::row::part;
use super::threads::{Work, split_columns};
use super::turn::{Buffer, ROWS, TILE, tile, turn, turn_back, turn_back_each};
use crate::dispatch::Token;
use crate::lane::Real;
use crate::rule::{ColumnsOf, Estimator};
use pulp::{Simd, WithSimd};

/// A pass over one series for each channel of `state`, all of the same length, oldest sample first, each of whose
/// samples is reported to the outputs of its series.
pub(super) struct Turned<'s, 'a, 'p, 'o, R: Estimator, T: Real, C> {
    pub(super) constants: &'a R::Constants<T>,
    pub(super) state: ColumnsOf<R, &'s mut [T]>,
    pub(super) columns: &'a [C],
    /// The length of each series.
    pub(super) samples: usize,
    /// As many as there are series.
    pub(super) outputs: &'p mut [Outputs<'o, T>],
}

impl<R: Estimator, T: Real, C: AsRef<[T]> + Sync> Turned<'_, '_, '_, '_, R, T, C> {
    fn take(mut self, token: Token) {
        let mut buffer = Buffer::new();
        let mut places = Places::of(self.outputs);
        let tile = tile::<T>();
        let tiles = self.columns.chunks(tile).zip(self.outputs.chunks_mut(tile));
        for (index, (series, outputs)) in tiles.enumerate() {
            let (start, channels) = (index * tile, series.len());
            let mut row = 0;
            while row < self.samples {
                let count = (self.samples - row).min(ROWS);
                token.run(Turn { series, row, rows: count, out: &mut buffer });
                let mut all = places.all();
                for samples in buffer[..count * channels].chunks(GROUP * channels) {
                    let mut reports = [(); GROUP].map(|()| None);
                    for report in &mut reports[..samples.len() / channels] {
                        *report = Some(Report::new(all.take(channels)));
                    }
                    let group = Reported::<R, T> {
                        constants: self.constants,
                        state: part::<R, T>(&mut self.state, start..start + channels),
                        channels,
                        samples,
                        stride: channels,
                        offset: 0,
                        rows: reports,
                        is_far: false,
                    };
                    group.take(token);
                }
                token.run(TurnBack { places: &places, outputs, row, rows: count });
                row += count;
            }
        }
    }
}

/// Writes `rows` samples of each series, from `row` on, as rows.
pub(super) struct Turn<'a, T, C> {
    pub(super) series: &'a [C],
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) out: &'a mut [T],
}

impl<T: Real, C: AsRef<[T]>> WithSimd for Turn<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        turn(simd, self.series, self.row, self.rows, self.out);
    }
}

/// Writes `rows` rows of what is reported to the outputs of each series, from sample `row` on.
pub(super) struct TurnBack<'a, 'o, T> {
    pub(super) places: &'a Places<T>,
    pub(super) outputs: &'a mut [Outputs<'o, T>],
    pub(super) row: usize,
    pub(super) rows: usize,
}

impl<T: Real> WithSimd for TurnBack<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.places.turn_back(simd, self.outputs, self.row, self.rows);
    }
}

/// Some rows of what is reported, of those outputs that any series wants.
pub(super) struct Places<T> {
    locations: Option<Buffer<T>>,
    scales: Option<Buffer<T>>,
    scores: Option<Buffer<T>>,
    outliers: Option<Buffer<bool>>,
}

impl<T: Real> Places<T> {
    #[inline(always)]
    pub(super) fn of(outputs: &[Outputs<'_, T>]) -> Self {
        let any = |wants: fn(&Outputs<'_, T>) -> bool| outputs.iter().any(wants);
        let numbers = |is_wanted: bool| is_wanted.then(Buffer::new);
        Self {
            locations: numbers(any(|outputs| outputs.locations.is_some())),
            scales: numbers(any(|outputs| outputs.scales.is_some())),
            scores: numbers(any(|outputs| outputs.scores.is_some())),
            outliers: any(|outputs| outputs.outliers.is_some()).then(Buffer::new),
        }
    }

    /// All of the rows.
    #[inline(always)]
    pub(super) fn all(&mut self) -> Outputs<'_, T> {
        Outputs {
            locations: self.locations.as_mut().map(|places| &mut places[..]),
            scales: self.scales.as_mut().map(|places| &mut places[..]),
            scores: self.scores.as_mut().map(|places| &mut places[..]),
            outliers: self.outliers.as_mut().map(|places| &mut places[..]),
        }
    }

    /// Writes `rows` rows, as long as there are outputs, to these from sample `row` on.
    #[inline(always)]
    fn turn_back<S: Simd>(&self, simd: S, outputs: &mut [Outputs<'_, T>], row: usize, rows: usize) {
        if let Some(from) = &self.locations {
            turn_back(simd, from, outputs, (row, rows), |outputs| outputs.locations.as_deref_mut());
        }
        if let Some(from) = &self.scales {
            turn_back(simd, from, outputs, (row, rows), |outputs| outputs.scales.as_deref_mut());
        }
        if let Some(from) = &self.scores {
            turn_back(simd, from, outputs, (row, rows), |outputs| outputs.scores.as_deref_mut());
        }
        if let Some(from) = &self.outliers {
            turn_back_each(from, outputs, (row, rows), |outputs| outputs.outliers.as_deref_mut());
        }
    }
}

impl<R: Estimator, T: Real, C: AsRef<[T]> + Sync> Work for Turned<'_, '_, '_, '_, R, T, C> {
    type Output = ();
    const GRAIN: usize = TILE;

    fn channels(&self) -> usize {
        self.columns.len()
    }
    fn bytes(&self) -> usize {
        let written = self.outputs.iter().map(Outputs::width).max().unwrap_or(0);
        let each = self.state.as_ref().len() * size_of::<T>() + self.samples.saturating_mul(size_of::<T>() + written);
        each.saturating_mul(self.columns.len())
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (early, late) = self.columns.split_at(middle);
        let (first, rest) = self.outputs.split_at_mut(middle);
        let (constants, samples) = (self.constants, self.samples);
        (
            Turned { constants, state: before, columns: early, samples, outputs: first },
            Turned { constants, state: from, columns: late, samples, outputs: rest },
        )
    }
    fn run(self, token: Token) {
        self.take(token);
    }
    fn join((): (), (): ()) {}
}
