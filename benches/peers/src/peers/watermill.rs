//! watermill: streaming statistics, one value per statistic.
//!
//! For rows, an array of statistics, a channel each. Where the whole past is there, a statistic is fed its series in
//! one go, from contiguous memory.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::reference::{ALPHA, Definition, WINDOW};
use evenkeel::Real;
use std::error::Error;
use std::rc::Rc;
use watermill::ewmean::EWMean;
use watermill::quantile::{Quantile, RollingQuantile};
use watermill::stats::Univariate;

struct Statistics<S>(Vec<S>);

impl<T: Lane, S: Univariate<T>> Peer<T> for Statistics<S> {
    fn row(&mut self, samples: &[T]) {
        for (statistic, &x) in self.0.iter_mut().zip(samples) {
            statistic.update(x);
        }
    }

    fn series(&mut self, channel: usize, samples: &[T]) {
        let statistic = &mut self.0[channel];
        for &x in samples {
            statistic.update(x);
        }
    }

    fn estimate(&self, channel: usize) -> f64 {
        Real::to_f64(self.0[channel].get())
    }
}

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    let (alpha, half) = (<T as Real>::from_f64(ALPHA), <T as Real>::from_f64(0.5));
    let way = if case.shape == Shape::Rows { Way::RowByRow } else { Way::SeriesBySeries };
    let channels = 0..block.channels;
    let average = Label { name: "watermill EWMean", robust: "no", definition: Definition::FromFirst };
    let quantile = Label {
        name: "watermill Quantile (P2)",
        robust: "yes, but never forgets",
        definition: Definition::MedianOfAll,
    };
    let rolling = Label {
        name: "watermill RollingQuantile, 199",
        robust: "yes, keeps 199 samples",
        definition: Definition::RollingMedian,
    };
    let peer = Statistics(vec![EWMean::new(alpha); block.channels]);
    let mut field = vec![Entry::checked(average, way, Box::new(peer), block, 0)?];
    if case.has_room_for_windows() {
        let peer = Statistics(channels.clone().map(|_| Quantile::new(half)).collect::<Result<Vec<_>, _>>()?);
        field.push(Entry::checked(quantile, way, Box::new(peer), block, WINDOW)?);
        let peer = Statistics(channels.map(|_| RollingQuantile::new(half, WINDOW)).collect::<Result<Vec<_>, _>>()?);
        field.push(Entry::checked(rolling, way, Box::new(peer), block, WINDOW)?);
    }
    Ok(field)
}
