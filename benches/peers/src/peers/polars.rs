//! polars: whole columns. It keeps no state from call to call, so it has no answer to a row at a time.
//!
//! Its columns are made before the clock starts. It always writes the average after every sample, where evenkeel keeps
//! the last.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::reference::{ALPHA, Definition};
use polars::prelude::{EWMOptions, Series, ewm_mean};
use std::error::Error;
use std::rc::Rc;

struct Columns {
    columns: Vec<Series>,
    last: Vec<f64>,
}

impl<T: Lane> Peer<T> for Columns {
    fn series(&mut self, channel: usize, _: &[T]) {
        let options = EWMOptions { alpha: ALPHA, adjust: true, ..EWMOptions::default() };
        let averages = ewm_mean(&self.columns[channel], options).expect("a column of floats");
        let last = averages.get(averages.len() - 1).ok().and_then(|last| last.try_extract::<f64>().ok());
        self.last[channel] = last.unwrap_or(f64::NAN);
    }

    fn estimate(&self, channel: usize) -> f64 {
        self.last[channel]
    }
}

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    if case.shape == Shape::Rows {
        return Ok(Vec::new());
    }
    let columns = (0..block.channels).map(|channel| T::column(block.series(channel))).collect();
    let peer = Columns { columns, last: vec![f64::NAN; block.channels] };
    let label = Label { name: "polars ewm_mean", robust: "no", definition: Definition::Corrected };
    Ok(vec![Entry::checked(label, Way::SeriesBySeries, Box::new(peer), block, 0)?])
}
