//! yata: indicators of technical analysis, one value per method, in `f64`.
//!
//! As an array of methods for rows, and a series in one go where it is there. It could be built for `f32` instead, but
//! not for both in one program.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::reference::{ALPHA, Definition, WINDOW};
use std::any::Any;
use std::error::Error;
use std::rc::Rc;
use yata::core::Method;
use yata::helpers::Peekable;
use yata::methods::{EMA, SMM};

struct Methods<M>(Vec<M>);

impl<M> Methods<M>
where
    M: Method<Params = u8, Input = f64>,
{
    /// A method starts from a first sample.
    fn new(length: u8, first: &[f64]) -> Result<Box<Self>, yata::core::Error> {
        Ok(Box::new(Self(first.iter().map(|x| M::new(length, x)).collect::<Result<_, _>>()?)))
    }
}

impl<M> Peer<f64> for Methods<M>
where
    M: Method<Params = u8, Input = f64, Output = f64> + Peekable<f64>,
{
    fn row(&mut self, samples: &[f64]) {
        for (method, x) in self.0.iter_mut().zip(samples) {
            method.next(x);
        }
    }

    fn series(&mut self, channel: usize, samples: &[f64]) {
        let method = &mut self.0[channel];
        for x in samples {
            method.next(x);
        }
    }

    fn estimate(&self, channel: usize) -> f64 {
        self.0[channel].peek()
    }
}

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    let any: Rc<dyn Any> = block.clone();
    match any.downcast::<Block<f64>>() {
        Ok(block) => enter_doubles(case, &block),
        Err(_) => Ok(Vec::new()),
    }
}

fn enter_doubles(case: &Case, block: &Rc<Block<f64>>) -> Result<Field, Box<dyn Error>> {
    let way = if case.shape == Shape::Rows { Way::RowByRow } else { Way::SeriesBySeries };
    let average = Label { name: "yata EMA", robust: "no", definition: Definition::FromFirst };
    let median =
        Label { name: "yata SMM, 199", robust: "yes, keeps 199 samples", definition: Definition::RollingMedian };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 39
    let length = (2.0 / ALPHA).round() as u8 - 1;
    let peer = Methods::<EMA>::new(length, block.row(0))?;
    let mut field = vec![Entry::checked(average, way, peer, block, 0)?];
    if case.has_room_for_windows() {
        let peer = Methods::<SMM>::new(u8::try_from(WINDOW)?, block.row(0))?;
        field.push(Entry::checked(median, way, peer, block, WINDOW)?);
    }
    Ok(field)
}
