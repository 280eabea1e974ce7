//! A panel in its place, with what is written around it, and the legend.

use super::axis::Axis;
use super::bucket::Series;
use super::data::Lines;
use super::layout::{CAPTION, MARGIN, X_LABELS};
use super::panel::{self, Panel};
use super::style::{ABOVE, Canvas, EMA, LOCATION, OUTLIER, RAW, Text, diamond, px, shape, stroke};
use super::time_axis::TimeAxis;
use super::unit;
use crate::settings::PLAIN;
use anyhow::Result;
use plotters::prelude::*;

/// The place of a panel in pixels, and what is written around it.
pub(super) struct Place<'a> {
    pub(super) corner: (i32, i32),
    /// Width and height, without the labels of the time.
    pub(super) size: (i32, i32),
    /// Width of the labels of the values.
    pub(super) labels: i32,
    pub(super) has_name: bool,
    /// The name of the time; `None` for a panel that has another one below it.
    pub(super) x_label: Option<&'a str>,
}

impl Place<'_> {
    /// Draws a series there.
    pub(super) fn panel(
        &self,
        canvas: &Canvas,
        series: &Series,
        limits: Option<(f64, f64)>,
        (x_axis, y_axis): (Axis, Axis),
        time: TimeAxis,
    ) -> Result<()> {
        let ((x, y), (width, height)) = (self.corner, self.size);
        let y_labels = self.labels + 36;
        let (left, right) = (x + y_labels, x + width - 20);
        let note = limits.and_then(|limits| panel::beyond(series, limits)).unwrap_or_default();
        let (caption, small) = (Text::new(14).bold(), Text::new(11).grey().ending());
        small.write(canvas, &note, (right, y + 14))?;
        if self.has_name {
            let room = right - left - small.width(&note) - 10;
            caption.write(canvas, &caption.fit(&series.name, room), (left, y + 12))?;
        }
        let height = height + if self.x_label.is_some() { X_LABELS } else { 0 };
        let area = canvas.clone().shrink((px(x), px(y)), (px(width), px(height)));
        let (x_label, y_label) = (self.x_label, unit::of(&series.name));
        let panel = Panel { x_axis, y_axis, x_label, y_label, caption: CAPTION, y_labels, x_labels: X_LABELS };
        panel.draw(&area, series, |bucket| time.position(bucket))
    }
}

/// Draws the legend: what the lines and marks mean, in a row.
pub(super) fn legend(canvas: &Canvas, y: i32, lines: Lines) -> Result<()> {
    let mut x = MARGIN;
    let text = Text::new(13);
    let marks = ["outlier", "outlier beyond the panel", "re-opened at a new level"];
    let all = ["raw samples", PLAIN, lines.estimate].into_iter().chain(marks).enumerate();
    for (index, words) in all.filter(|(index, _)| *index != 1 || lines.has_average) {
        let middle = (px(x + 13), px(y));
        match index {
            0 => canvas.draw(&swatch(x, y, RAW, 5))?,
            1 => canvas.draw(&swatch(x, y, EMA, 7))?,
            2 => canvas.draw(&swatch(x, y, LOCATION, 9))?,
            3 => canvas.draw(&Circle::new(middle, px(3), OUTLIER.filled()))?,
            4 => shape(canvas, (middle.0, middle.1 - px(4)), &ABOVE, OUTLIER)?,
            _ => diamond(canvas, middle)?,
        }
        text.write(canvas, words, (x + 32, y))?;
        x += 32 + text.width(words) + 18;
    }
    Ok(())
}

/// A stretch of a line for the legend.
fn swatch(x: i32, y: i32, color: RGBColor, quarters: u32) -> PathElement<(i32, i32)> {
    PathElement::new(vec![(px(x), px(y)), (px(x + 26), px(y))], stroke(color, quarters))
}
