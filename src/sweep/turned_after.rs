//! Series whose samples are at any distance in time: rows of a few channels, each row so long after the one before.

use super::Sweep;
use super::elapsed::Recent;
use super::moment::{CHUNK, Moment, Room, Stretch};
use super::outputs::{Outputs, Report};
use super::row::part;
use super::sink::{At, Sink};
use super::threads::{Work, split_columns};
use super::turn::{Buffer, ROWS, TILE};
use super::turned::{Places, Turn, TurnBack};
use crate::cells::One;
use crate::dispatch::Token;
use crate::error::UpdateError;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Timed};
use core::time::Duration;
use pulp::Scalar;

/// Most series that are taken one after the other, because vectors of channels would be all but empty.
const FEW: usize = 2;

/// A pass over one series for each channel of `state`, all of the same length, oldest sample first. There is a count of
/// silent channels for each [`CHUNK`] of them.
pub(super) struct TimedSeries<'s, 'a, 'q, 'p, 'o, R: Timed, T: Real, C> {
    pub(super) sweep: &'a Sweep<R, T>,
    pub(super) state: ColumnsOf<R, &'s mut [T]>,
    pub(super) silence: &'q mut [u64],
    pub(super) chunks: &'q mut [u32],
    pub(super) columns: &'a [C],
    /// How long after the one before each sample of a series comes.
    pub(super) elapsed: &'a [Duration],
    /// As many as there are series.
    pub(super) outputs: &'p mut [Outputs<'o, T>],
}

impl<R: Timed, T: Real, C: AsRef<[T]> + Sync> Work for TimedSeries<'_, '_, '_, '_, '_, R, T, C> {
    type Output = ();
    const LEAF: usize = CHUNK;
    const GRAIN: usize = CHUNK;

    fn channels(&self) -> usize {
        self.columns.len()
    }
    fn bytes(&self) -> usize {
        let written = self.outputs.iter().map(Outputs::width).max().unwrap_or(0);
        let each = self.elapsed.len().saturating_mul(size_of::<T>() + written);
        each.saturating_add(self.state.as_ref().len() * size_of::<T>()).saturating_mul(self.columns.len())
    }
    /// Between two chunks. More channels than a chunk are cut, so there is one on either side.
    fn middle(&self, _: usize) -> usize {
        (self.channels() / 2).next_multiple_of(CHUNK)
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (quiet, still) = self.silence.split_at_mut(middle);
        let (first, other) = self.chunks.split_at_mut(middle / CHUNK);
        let (early, late) = self.columns.split_at(middle);
        let (top, rest) = self.outputs.split_at_mut(middle);
        let (sweep, elapsed) = (self.sweep, self.elapsed);
        (
            TimedSeries { sweep, state: before, silence: quiet, chunks: first, columns: early, elapsed, outputs: top },
            TimedSeries { sweep, state: from, silence: still, chunks: other, columns: late, elapsed, outputs: rest },
        )
    }
    fn run(mut self, token: Token) {
        if self.columns.len() <= FEW {
            // It was asked before whether the decay is in time, and nothing else can be wrong.
            let _ = self.one_by_one();
            return;
        }
        let mut places = Places::of(self.outputs);
        let mut buffer = Buffer::new();
        let mut room = Room::new();
        for start in (0..self.columns.len()).step_by(TILE) {
            let end = (start + TILE).min(self.columns.len());
            self.tile(token, (start, end), &mut buffer, &mut places, &mut room);
        }
    }
    fn join((): (), (): ()) {}
}

impl<R: Timed, T: Real, C: AsRef<[T]>> TimedSeries<'_, '_, '_, '_, '_, R, T, C> {
    /// Takes the series from `start` to `end`, which lie within one chunk.
    fn tile(
        &mut self,
        token: Token,
        (start, end): (usize, usize),
        buffer: &mut [T],
        places: &mut Places<T>,
        room: &mut Room<T>,
    ) {
        let channels = end - start;
        let silent = |silence: &[u64]| silence.iter().map(|&silent| u32::from(silent != 0)).sum::<u32>();
        let before = silent(&self.silence[start..end]);
        let mut count = before;
        let mut last = None;
        for (group, elapsed) in self.elapsed.chunks(ROWS).enumerate() {
            let (row, rows) = (group * ROWS, elapsed.len());
            token.run(Turn { series: &self.columns[start..end], row, rows, out: &mut *buffer });
            let mut all = places.all();
            for (samples, &elapsed) in buffer.chunks(channels).zip(elapsed) {
                // Most rows come equally long after the one before.
                let moment = match last.take() {
                    Some((of, moment)) if of == elapsed => moment,
                    _ => {
                        let gain = self.sweep.rule.gain_after::<T>(elapsed);
                        Moment::new(&self.sweep.rule, &self.sweep.constants, gain, elapsed)
                    }
                };
                let stretch = Stretch::<R, T> {
                    state: part::<R, T>(&mut self.state, start..end),
                    silence: &mut self.silence[start..end],
                    samples,
                    report: Report::new(all.take(channels)),
                };
                moment.pass(token, stretch, &mut count, room);
                last = Some((elapsed, moment));
            }
            token.run(TurnBack { places, outputs: &mut self.outputs[start..end], row, rows });
        }
        let chunk = &mut self.chunks[start / CHUNK];
        *chunk = *chunk + count - before;
    }

    /// Takes one series after the other, each sample by itself.
    fn one_by_one(&mut self) -> Result<(), UpdateError> {
        let simd = Scalar::new();
        let mut recent = Recent::default();
        for (channel, (series, outputs)) in self.columns.iter().zip(&mut *self.outputs).enumerate() {
            let mut state = part::<R, T>(&mut self.state, channel..channel + 1);
            let mut sink = Report::new(outputs.part(0, self.elapsed.len()));
            let silence = &mut self.silence[channel];
            let was_silent = u32::from(*silence != 0);
            for (index, (&sample, &elapsed)) in series.as_ref().iter().zip(self.elapsed).enumerate() {
                let elapsed = elapsed.saturating_add(Duration::from_nanos(*silence));
                let is_missing = sample.to_f64().is_nan();
                *silence = if is_missing { super::nanoseconds(elapsed) } else { 0 };
                let constants = if is_missing { &self.sweep.constants } else { recent.after(self.sweep, elapsed)? };
                let mut cells = One::<R, T>(R::Columns::map(R::Columns::each_mut(&mut state), |column| &mut column[0]));
                R::step_and(
                    constants,
                    &mut cells,
                    [Lane::splat(simd, sample)],
                    #[inline(always)]
                    |output| Sink::<R, T>::vector(&mut sink, simd, index, output),
                );
                Sink::<R, T>::state(&mut sink, simd, constants, At::Vector(index), &cells);
            }
            let chunk = &mut self.chunks[channel / CHUNK];
            *chunk = *chunk + u32::from(*silence != 0) - was_silent;
        }
        Ok(())
    }
}
