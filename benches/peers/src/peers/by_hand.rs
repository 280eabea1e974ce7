//! Loops that somebody would write by hand: a plain average, a clip, and all of `RobustMean`.
//!
//! The first two know nothing of missing samples or infinities. The third is the one that evenkeel's own benchmark
//! compares with: the whole update, branch-free, over separate slices, vectorised by the compiler.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::common::competitor::Plain;
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::oracle::{self, Parameters, Spec, State};
use crate::reference::{ALPHA, Definition};
use evenkeel::{Backend, Real};
use std::error::Error;
use std::rc::Rc;

/// Starts at the first sample of every channel, which then moves it by nothing.
struct Average<T> {
    mean: Vec<T>,
    alpha: T,
}

impl<T: Lane> Peer<T> for Average<T> {
    fn row(&mut self, samples: &[T]) {
        average(&mut self.mean, samples, self.alpha);
    }

    fn rows(&mut self, block: &[T]) {
        block.chunks_exact(self.mean.len()).for_each(|row| average(&mut self.mean, row, self.alpha));
    }

    fn series(&mut self, _: usize, samples: &[T]) {
        self.mean[0] = samples.iter().fold(self.mean[0], |mean, &x| mean + self.alpha * (x - mean));
    }

    fn estimate(&self, channel: usize) -> f64 {
        Real::to_f64(self.mean[channel])
    }
}

/// Slices as arguments, so that the compiler knows that they do not overlap.
fn average<T: Lane>(mean: &mut [T], samples: &[T], alpha: T) {
    for (mean, &x) in mean.iter_mut().zip(samples) {
        *mean = *mean + alpha * (x - *mean);
    }
}

/// An average behind a clip at three running mean deviations, which starts at 1, the deviation of the data.
struct Clipped<T> {
    mean: Vec<T>,
    scale: Vec<T>,
    alpha: T,
}

impl<T: Lane> Peer<T> for Clipped<T> {
    fn row(&mut self, samples: &[T]) {
        clip_row(&mut self.mean, &mut self.scale, samples, self.alpha);
    }

    fn rows(&mut self, block: &[T]) {
        block.chunks_exact(self.mean.len()).for_each(|row| clip_row(&mut self.mean, &mut self.scale, row, self.alpha));
    }

    fn series(&mut self, _: usize, samples: &[T]) {
        let start = (self.mean[0], self.scale[0]);
        let end = samples.iter().fold(start, |(mean, scale), &x| clip(mean, scale, x, self.alpha));
        (self.mean[0], self.scale[0]) = end;
    }

    fn estimate(&self, channel: usize) -> f64 {
        Real::to_f64(self.mean[channel])
    }
}

fn clip_row<T: Lane>(mean: &mut [T], scale: &mut [T], samples: &[T], alpha: T) {
    for ((mean, scale), &x) in mean.iter_mut().zip(scale).zip(samples) {
        (*mean, *scale) = clip(*mean, *scale, x, alpha);
    }
}

#[inline]
fn clip<T: Lane>(mean: T, scale: T, x: T, alpha: T) -> (T, T) {
    let limit = <T as Real>::from_f64(3.0) * scale;
    let step = x - mean;
    let step = if step > limit { limit } else { step };
    let step = if step < -limit { -limit } else { step };
    (mean + alpha * step, scale + alpha * (oracle::Float::size(step) - scale))
}

/// All of `RobustMean` over columns.
struct Robust<T: Lane> {
    plain: T::RobustMean,
    channels: usize,
}

impl<T: Lane> Peer<T> for Robust<T> {
    fn row(&mut self, samples: &[T]) {
        self.plain.update(Backend::best(), samples);
    }

    fn rows(&mut self, block: &[T]) {
        block.chunks_exact(self.channels).for_each(|row| self.plain.update(Backend::best(), row));
    }

    fn estimate(&self, channel: usize) -> f64 {
        Real::to_f64(T::location(&self.plain, channel))
    }
}

/// All of `RobustMean` over one series, its state in registers.
struct RobustSeries<T> {
    spec: Spec<T>,
    state: State<T>,
}

impl<T: Lane> Peer<T> for RobustSeries<T> {
    fn series(&mut self, _: usize, samples: &[T]) {
        self.state = self.spec.run(self.state, samples.iter().copied());
    }

    fn estimate(&self, _: usize) -> f64 {
        Real::to_f64(self.state.location)
    }
}

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    let (alpha, channels) = (<T as Real>::from_f64(ALPHA), block.channels);
    let way = match case.shape {
        Shape::Rows => Way::RowByRow,
        Shape::Block => Way::AtOnce,
        Shape::Series => Way::SeriesBySeries,
    };
    let first = block.row(0).to_vec();
    let average = Average { mean: first.clone(), alpha };
    let clipped = Clipped { mean: first, scale: vec![<T as oracle::Float>::ONE; channels], alpha };
    let robust: Box<dyn Peer<T>> = match case.shape {
        Shape::Series => Box::new(RobustSeries { spec: Spec::new(&Parameters::new(ALPHA)), state: State::unseen() }),
        _ => Box::new(Robust { plain: T::RobustMean::new(channels, ALPHA), channels }),
    };
    let plain = Label { name: "loop, average", robust: "no", definition: Definition::FromFirst };
    let simple = Label { name: "loop, clip", robust: "clips only", definition: Definition::Clip };
    let whole = Label { name: "loop, all of RobustMean", robust: "yes", definition: Definition::RobustMean };
    Ok(vec![
        Entry::checked(plain, way, Box::new(average), block, 0)?,
        Entry::checked(simple, way, Box::new(clipped), block, 0)?,
        Entry::checked(whole, way, robust, block, 0)?,
    ])
}
