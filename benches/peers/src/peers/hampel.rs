//! hampel: a Hampel identifier over a window, one value per window.
//!
//! It returns the sample, or the median of the window where the sample lies too far from it. Both medians of an update, the
//! window's and that of the distances from it, are found by sorting a copy by insertion, so that its time grows with the
//! square of the window: one as long as the other medians' is entered for the smallest case alone.

use super::Field;
use crate::case::{Block, Case, Shape};
use crate::contestant::{Entry, Label, Peer, Way};
use crate::lane::Lane;
use crate::reference::{Definition, HAMPEL_WIDTH, SHORT_WINDOW, WINDOW};
use evenkeel::Real;
use hampel::Window;
use num_traits::float::FloatCore;
use std::rc::Rc;

/// Windows, and what each has returned of the last sample.
pub(crate) struct Windows<T: FloatCore, const N: usize>(Vec<(Window<T, N>, T)>);

impl<T: Real + FloatCore, const N: usize> Windows<T, N> {
    pub(crate) fn new(channels: usize) -> Self {
        let window = || Window::new(<T as Real>::from_f64(0.0), <T as Real>::from_f64(HAMPEL_WIDTH));
        Self((0..channels).map(|_| (window(), <T as Real>::from_f64(0.0))).collect())
    }
}

impl<T: Real + FloatCore, const N: usize> Peer<T> for Windows<T, N> {
    fn row(&mut self, samples: &[T]) {
        for ((window, filtered), &x) in self.0.iter_mut().zip(samples) {
            *filtered = window.update(x);
        }
    }

    fn series(&mut self, channel: usize, samples: &[T]) {
        let (window, filtered) = &mut self.0[channel];
        for &x in samples {
            *filtered = window.update(x);
        }
    }

    fn estimate(&self, channel: usize) -> f64 {
        Real::to_f64(self.0[channel].1)
    }
}

pub(super) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, String> {
    let way = if case.shape == Shape::Rows { Way::RowByRow } else { Way::SeriesBySeries };
    let mut field = Field::new();
    if case.has_room_for_windows() {
        let label =
            Label { name: "hampel Window, 25", robust: "yes, keeps 25 samples", definition: Definition::HampelShort };
        let peer = T::hampel::<SHORT_WINDOW>(block.channels);
        field.push(Entry::checked(label, way, peer, block, WINDOW)?);
    }
    if case.shape == Shape::Rows && block.channels <= 1 << 10 {
        let label =
            Label { name: "hampel Window, 199", robust: "yes, keeps 199 samples", definition: Definition::Hampel };
        let peer = T::hampel::<WINDOW>(block.channels);
        field.push(Entry::checked(label, way, peer, block, WINDOW)?);
    }
    Ok(field)
}
