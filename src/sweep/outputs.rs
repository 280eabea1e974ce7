//! [`Outputs`]: what a pass reports of every sample, for who wants a data frame back.

use super::same_length;
use super::sink::{At, Sink};
use crate::cells::Cells;
use crate::error::UpdateError;
use crate::lane::{Lane, Mask, Real};
use crate::rule::{Judge, Memo, Rule};
use crate::timed::Update;
use pulp::Simd;

/// The places for what a pass reports of every sample. What has no place is not computed.
///
/// Each has the layout of the samples: place `i` is of sample `i`, whether they are a block of rows, the samples of one
/// channel or those of many. What is written are the bits of one [`observe`](crate::Bank::observe) and
/// [`reading`](crate::Bank::reading) after the other.
///
/// | | of a sample | of one that is missing |
/// |---|---|---|
/// | `locations`, `scales` | the estimates after the sample, as [`Reading`](crate::Reading) has them; NaN before a channel's first | those that stand |
/// | `scores` | the residual over the scale before the sample; NaN of a channel's first ones, which are [unscored](crate::Scored::unscored) | NaN |
/// | `outliers` | whether the sample was an [outlier](crate::Scored::outlier_at) | false |
///
/// An [`Ema`](crate::Ema) has a location only, with its bias corrected: its scales and scores are NaN, and nothing is an
/// outlier to it.
///
/// ```
/// use evenkeel::{Bank, Decay, Outputs, RobustMean};
///
/// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 2)?;
/// let block: Vec<f64> = (0..100).flat_map(|t| [f64::from(t % 7), if t == 90 { 1e6 } else { f64::from(t % 5) }]).collect();
/// let (mut locations, mut outliers) = (vec![0.0; 200], vec![false; 200]);
/// let outputs = Outputs { locations: Some(&mut locations), outliers: Some(&mut outliers), ..Outputs::default() };
/// bank.update_rows_into(&block, outputs)?;
/// assert!(outliers[2 * 90 + 1]);
/// assert_eq!(locations[2 * 99], bank.locations()[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Outputs<'a, T> {
    /// The places for the location after each sample.
    pub locations: Option<&'a mut [T]>,
    /// The places for the scale after each sample.
    pub scales: Option<&'a mut [T]>,
    /// The places for the score of each sample.
    pub scores: Option<&'a mut [T]>,
    /// The places for whether each sample was an outlier.
    pub outliers: Option<&'a mut [bool]>,
}

impl<T> Outputs<'_, T> {
    /// Checks that each output that is wanted has this length.
    pub(crate) fn check(&self, samples: usize) -> Result<(), UpdateError> {
        for (what, numbers) in [("locations", &self.locations), ("scales", &self.scales), ("scores", &self.scores)] {
            if let Some(numbers) = numbers {
                same_length(what, numbers.len(), samples)?;
            }
        }
        self.outliers.as_ref().map_or(Ok(()), |outliers| same_length("outliers", outliers.len(), samples))
    }

    /// Writes an update to the places of one sample, where they are wanted.
    #[inline]
    pub(crate) fn set(&mut self, index: usize, update: Update<T>) {
        let Update { location, scale, score, outlier, .. } = update;
        let numbers = [(&mut self.locations, location), (&mut self.scales, scale), (&mut self.scores, score)];
        for (places, number) in numbers {
            if let Some(place) = places.as_mut().and_then(|places| places.get_mut(index)) {
                *place = number;
            }
        }
        if let Some(place) = self.outliers.as_mut().and_then(|places| places.get_mut(index)) {
            *place = outlier;
        }
    }

    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.locations.is_none() && self.scales.is_none() && self.scores.is_none() && self.outliers.is_none()
    }

    /// The bytes that are written for each sample.
    pub(crate) fn width(&self) -> usize {
        let numbers = [&self.locations, &self.scales, &self.scores].into_iter().filter(|numbers| numbers.is_some());
        numbers.count() * size_of::<T>() + usize::from(self.outliers.is_some())
    }

    /// The places of the samples of this range.
    #[inline(always)]
    pub(crate) fn part(&mut self, start: usize, end: usize) -> Outputs<'_, T> {
        Outputs {
            locations: self.locations.as_deref_mut().map(|places| &mut places[start..end]),
            scales: self.scales.as_deref_mut().map(|places| &mut places[start..end]),
            scores: self.scores.as_deref_mut().map(|places| &mut places[start..end]),
            outliers: self.outliers.as_deref_mut().map(|places| &mut places[start..end]),
        }
    }
}

impl<T> Outputs<'_, T> {
    /// Takes the places of the first samples away.
    pub(crate) fn take(&mut self, samples: usize) -> Self {
        fn first<'a, X>(places: &mut Option<&'a mut [X]>, samples: usize) -> Option<&'a mut [X]> {
            let (first, rest) = places.take()?.split_at_mut(samples);
            *places = Some(rest);
            Some(first)
        }
        Self {
            locations: first(&mut self.locations, samples),
            scales: first(&mut self.scales, samples),
            scores: first(&mut self.scores, samples),
            outliers: first(&mut self.outliers, samples),
        }
    }
}

/// A sink that writes the outputs, one of each that is wanted per channel.
pub(crate) struct Report<'a, T> {
    pub(crate) outputs: Outputs<'a, T>,
    memo: Memo,
}

impl<'a, T> Report<'a, T> {
    pub(crate) fn new(outputs: Outputs<'a, T>) -> Self {
        Self { outputs, memo: Memo::NONE }
    }

    /// Takes the places of the first samples away.
    pub(crate) fn take(&mut self, samples: usize) -> Self {
        Self { outputs: self.outputs.take(samples), memo: self.memo }
    }

    /// The places of the samples of this range, with what is remembered.
    #[inline(always)]
    pub(crate) fn part(&mut self, start: usize, end: usize) -> Report<'_, T> {
        Report { outputs: self.outputs.part(start, end), memo: self.memo }
    }
}

impl<R: Rule + Judge, T: Real> Sink<R, T> for Report<'_, T> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, _: S, index: usize, output: R::Output<T, S>) {
        if let Some(scores) = &mut self.outputs.scores {
            put(scores, At::Vector(index), R::verdict(output).score);
        }
        if let Some(outliers) = &mut self.outputs.outliers {
            mark(outliers, At::Vector(index), R::verdict(output).outlier);
        }
    }
    #[inline(always)]
    fn tail<S: Simd>(&mut self, _: S, output: R::Output<T, S>) {
        if let Some(scores) = &mut self.outputs.scores {
            put(scores, At::Tail, R::verdict(output).score);
        }
        if let Some(outliers) = &mut self.outputs.outliers {
            mark(outliers, At::Tail, R::verdict(output).outlier);
        }
    }
    #[inline(always)]
    fn state<S: Simd>(&mut self, _: S, constants: &R::Constants<T>, at: At, cells: &impl Cells<T, S>) {
        if self.outputs.locations.is_none() && self.outputs.scales.is_none() {
            return;
        }
        let [location, scale] = R::estimates(constants, &mut self.memo, cells);
        if let Some(locations) = &mut self.outputs.locations {
            put(locations, at, location);
        }
        if let Some(scales) = &mut self.outputs.scales {
            put(scales, at, scale);
        }
    }
    fn split(mut self, middle: usize) -> (Self, Self) {
        let memo = self.memo;
        let before = self.outputs.take(middle);
        (Self { outputs: before, memo }, self)
    }
}

/// Writes the numbers of one vector to its place.
#[inline(always)]
fn put<T: Real, S: Simd>(places: &mut [T], at: At, lane: Lane<T, S>) {
    let (vectors, tail) = T::split_mut::<S>(places);
    match at {
        At::Vector(index) => {
            if let Some(place) = vectors.get_mut(index) {
                *place = lane.1;
            }
        }
        At::Tail => T::partial_store(lane.0, tail, lane.1),
    }
}

/// Writes the lanes of one vector that are set to its place.
#[inline(always)]
fn mark<T: Real, S: Simd>(places: &mut [bool], at: At, mask: Mask<T, S>) {
    let lanes = T::lanes::<S>();
    let start = match at {
        At::Vector(index) => index * lanes,
        At::Tail => places.len() - places.len() % lanes,
    };
    let end = places.len().min(start + lanes);
    if let Some(places) = places.get_mut(start..end) {
        mask.write(places);
    }
}
