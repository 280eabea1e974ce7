//! evenkeel, on one thread.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::reference::{ALPHA, Definition};
use evenkeel::{Bank, Decay, Ema, Estimator, Outputs, Real, RobustMean, Threads};
use std::error::Error;
use std::rc::Rc;

struct Rows<R: Estimator, T: Real>(Bank<R, T>);

impl<R: Estimator, T: Real> Peer<T> for Rows<R, T> {
    fn row(&mut self, samples: &[T]) {
        self.0.update(samples).expect("a sample per channel");
    }

    fn rows(&mut self, block: &[T]) {
        self.0.update_rows(block).expect("whole rows");
    }

    fn series(&mut self, channel: usize, samples: &[T]) {
        self.0.update_channel(channel, samples).expect("there is this channel");
    }

    fn estimate(&self, channel: usize) -> f64 {
        self.0.reading(channel).map_or(f64::NAN, |reading| Real::to_f64(reading.location))
    }
}

/// A single series and the location after each of its samples, which is what a data frame's average writes.
struct EveryLocation<R: Estimator, T: Real>(Bank<R, T>, Vec<T>);

impl<R: Estimator, T: Real> Peer<T> for EveryLocation<R, T> {
    fn series(&mut self, channel: usize, samples: &[T]) {
        self.1.resize(samples.len(), T::NAN);
        let outputs = Outputs { locations: Some(&mut self.1), ..Outputs::default() };
        self.0.update_channel_into(channel, samples, outputs).expect("a place for each location");
    }

    fn estimate(&self, channel: usize) -> f64 {
        self.0.reading(channel).map_or(f64::NAN, |reading| Real::to_f64(reading.location))
    }
}

/// A single series sample by sample, as it comes.
struct Observed<R: Estimator, T: Real>(Bank<R, T>);

impl<R: Estimator, T: Real> Peer<T> for Observed<R, T> {
    fn series(&mut self, channel: usize, samples: &[T]) {
        for &sample in samples {
            self.0.observe(channel, sample).expect("there is this channel");
        }
    }

    fn estimate(&self, channel: usize) -> f64 {
        self.0.reading(channel).map_or(f64::NAN, |reading| Real::to_f64(reading.location))
    }
}

/// From so many samples on the bias correction has faded in `f64`, too, and the count of samples is no longer written.
const EMA_WARM_UP: usize = 800;

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    let decay = Decay::alpha(ALPHA)?;
    let robust = Bank::<RobustMean, T>::new(RobustMean::new(decay), block.channels)?.with_threads(Threads::One);
    let ema = Bank::<Ema, T>::new(Ema::new(decay), block.channels)?.with_threads(Threads::One);
    let way = match case.shape {
        Shape::Rows => Way::RowByRow,
        Shape::Block => Way::AtOnce,
        Shape::Series => Way::SeriesBySeries,
    };
    let label = Label { name: "evenkeel RobustMean", robust: "yes", definition: Definition::RobustMean };
    let observed = Label { name: "evenkeel RobustMean, observe", ..label };
    let every = Label { name: "evenkeel RobustMean, every location", ..label };
    let plain = Label { name: "evenkeel Ema", robust: "no", definition: Definition::Corrected };
    let mut field = vec![
        Entry::checked(label, way, Box::new(Rows(robust.clone())), block, 0)?,
        Entry::checked(plain, way, Box::new(Rows(ema)), block, EMA_WARM_UP)?,
    ];
    if case.shape == Shape::Series {
        field.push(Entry::checked(every, way, Box::new(EveryLocation(robust.clone(), Vec::new())), block, 0)?);
        field.push(Entry::checked(observed, way, Box::new(Observed(robust)), block, 0)?);
    }
    Ok(field)
}
