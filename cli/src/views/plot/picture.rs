//! One series a picture, for a page that has a place for each: the same panel, without a title.

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Axis;
use super::data::Plot;
use super::layout::{MARGIN, WIDTH, X_LABELS};
use super::panel;
use super::place::{Place, legend};
use super::style::px;

/// Height of a panel, without legend and labels of the time.
const PANEL: i32 = 250;
/// Height of the legend.
const LEGEND: i32 = 30;

/// The inside of an SVG, and its view box.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Width and height, in the units of the drawing.
    pub(crate) size: (i32, i32),
    pub(crate) shapes: String,
    /// Most samples that are drawn as one span, from the smallest to the largest.
    pub(crate) samples_per_span: u64,
}

impl Plot {
    /// Draws a picture of each chosen series, all over the same time. `None` for a series that the plot had no place
    /// for.
    ///
    /// # Errors
    ///
    /// If a picture cannot be drawn.
    pub(crate) fn pictures(&self, chosen: &[usize]) -> Result<Vec<Option<Picture>>> {
        let time = self.time_axis();
        let width = WIDTH - MARGIN;
        let (x_axis, x_label) = (time.axis(width), time.label(&self.time_label, width));
        let size = (px(WIDTH), px(LEGEND + PANEL + X_LABELS));
        chosen
            .iter()
            .map(|&index| {
                let Some(series) = self.series.get(index) else { return Ok(None) };
                let limits = panel::limits(series);
                let y_axis = limits.map_or_else(Axis::blank, |limits| Axis::values(limits, 5));
                let place = Place {
                    corner: (0, LEGEND),
                    size: (width, PANEL),
                    labels: y_axis.widest().unwrap_or(0),
                    has_name: false,
                    x_label: Some(&x_label),
                };
                let mut picture = String::new();
                {
                    let size = (u32::try_from(size.0)?, u32::try_from(size.1)?);
                    let canvas = SVGBackend::with_string(&mut picture, size).into_drawing_area();
                    canvas.fill(&WHITE)?;
                    legend(&canvas, LEGEND / 2, self.lines)?;
                    place.panel(&canvas, series, limits, (x_axis.clone(), y_axis), time)?;
                    canvas.present()?;
                }
                // Whoever gives the picture its name makes the element.
                let inside = picture.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
                let shapes = inside.map_or_else(String::new, |(shapes, _)| shapes.to_owned());
                Ok(Some(Picture { size, shapes, samples_per_span: series.width }))
            })
            .collect()
    }
}
