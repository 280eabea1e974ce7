//! A pass over many samples: without the interpreter's lock, in pieces between which it hears of signals such as Ctrl-C.

use crate::buffers::take_front;
use crate::engine::{Engine, Lane, Layout, Moments};
use crate::error;
use evenkeel::{Outputs, UpdateError};
use pyo3::prelude::*;
use std::ops::Range;
use std::time::Duration;

/// Samples of a piece where each waits for the one before, some 30 milliseconds.
const ALONE: usize = 1 << 21;
/// Samples of a piece where neighbours are taken together.
const TOGETHER: usize = 1 << 24;
/// Samples of a pass that is not worth giving the lock up for.
pub(crate) const SHORT: usize = 2000;

/// The samples of a pass, and their times if there are any.
pub(crate) struct Pass<'a, T> {
    pub(crate) samples: &'a [T],
    pub(crate) layout: Layout,
    pub(crate) channels: usize,
    pub(crate) length: usize,
    pub(crate) times: Option<&'a [i64]>,
}

/// Takes pieces of a pass one after the other; an error ends it, a signal too.
fn in_pieces(
    py: Python<'_>,
    length: usize,
    piece: usize,
    mut take: impl FnMut(Range<usize>) -> Result<(), UpdateError> + Send,
) -> PyResult<()> {
    let piece = piece.max(1);
    let mut from = 0;
    while from < length {
        let to = length.min(from.saturating_add(piece));
        let taken = if length <= SHORT { take(from..to) } else { py.detach(|| take(from..to)) };
        taken.map_err(|error| error::update(&error))?;
        from = to;
        if from < length {
            py.check_signals()?;
        }
    }
    Ok(())
}

/// The distances between times, the first from `last` on; none where nothing has been before.
fn distances(times: &[i64], last: Option<i64>) -> Vec<Duration> {
    let first = times.first().copied();
    let befores = last.or(first).into_iter().chain(times.iter().copied());
    times.iter().zip(befores).map(|(&time, before)| Duration::from_nanos(time.abs_diff(before))).collect()
}

/// Runs a pass over an engine that `lock` returns, anew for each piece. `last` is the time of the row before.
pub(crate) fn run<T: Lane, E: std::ops::DerefMut<Target = (Box<dyn Engine<T>>, Option<i64>)>>(
    py: Python<'_>,
    pass: &Pass<'_, T>,
    lock: impl Fn() -> E + Sync,
    outputs: Outputs<'_, T>,
) -> PyResult<()> {
    let &Pass { samples, layout, channels, length, times } = pass;
    if length == 0 || channels == 0 {
        return Ok(());
    }
    let lock = &lock;
    match layout {
        Layout::Series if channels == 1 && times.is_none() => {
            let mut rest = outputs;
            in_pieces(py, length, ALONE, |range| {
                let places = take_front(&mut rest, range.len());
                lock().0.channel(0, &samples[range], places)
            })
        }
        Layout::Rows => {
            let mut rest = outputs;
            in_pieces(py, length, TOGETHER / channels, |range| {
                let places = take_front(&mut rest, range.len() * channels);
                let block = &samples[range.start * channels..range.end * channels];
                let mut held = lock();
                match times {
                    None => held.0.rows(block, places),
                    Some(times) => {
                        let times = &times[range];
                        let elapsed = distances(times, held.1);
                        held.0.rows_after(&elapsed, block, places)?;
                        held.1 = times.last().copied();
                        Ok(())
                    }
                }
            })
        }
        Layout::Series => {
            let series: Vec<&[T]> = samples.chunks_exact(length).collect();
            run_apart(py, &series, times, lock, outputs)
        }
    }
}

/// Runs a pass over series of one length, each of which lies somewhere; their outputs lie one behind the other.
pub(crate) fn run_apart<T: Lane, E: std::ops::DerefMut<Target = (Box<dyn Engine<T>>, Option<i64>)>>(
    py: Python<'_>,
    series: &[&[T]],
    times: Option<&[i64]>,
    lock: impl Fn() -> E + Sync,
    outputs: Outputs<'_, T>,
) -> PyResult<()> {
    let channels = series.len();
    let length = series.first().map_or(0, |series| series.len());
    let mut rest = outputs;
    let mut places: Vec<Outputs<'_, T>> = series.iter().map(|_| take_front(&mut rest, length)).collect();
    let piece = if channels == 1 { ALONE } else { TOGETHER / channels.max(1) };
    let lock = &lock;
    in_pieces(py, length, piece, |range| {
        let series: Vec<&[T]> = series.iter().map(|series| &series[range.clone()]).collect();
        let mut outputs: Vec<Outputs<'_, T>> =
            places.iter_mut().map(|places| take_front(places, range.len())).collect();
        let mut held = lock();
        match times {
            None => held.0.series(&series, &mut outputs),
            Some(times) => {
                let times = &times[range];
                let elapsed = distances(times, held.1);
                held.0.series_after(&elapsed, &series, &mut outputs)?;
                held.1 = times.last().copied();
                Ok(())
            }
        }
    })
}

/// Runs a pass over samples each of which names its channel.
pub(crate) fn scattered<T: Lane>(
    py: Python<'_>,
    engine: &mut dyn Engine<T>,
    channels: &[usize],
    samples: &[T],
    outputs: Outputs<'_, T>,
) -> PyResult<()> {
    let mut rest = outputs;
    in_pieces(py, samples.len(), ALONE, |range| {
        let places = take_front(&mut rest, range.len());
        engine.at(&channels[range.clone()], &samples[range], places)
    })
}

/// Runs a pass over samples each of which names its channel and its time.
pub(crate) fn scattered_at<T: Lane>(
    py: Python<'_>,
    engine: &mut dyn Moments<T>,
    channels: &[usize],
    times: &[i64],
    samples: &[T],
    outputs: Outputs<'_, T>,
) -> PyResult<()> {
    let mut rest = outputs;
    in_pieces(py, samples.len(), ALONE, |range| {
        let places = take_front(&mut rest, range.len());
        engine.at(&channels[range.clone()], &times[range.clone()], &samples[range], places).map(drop)
    })
}
