//! All panels on one sheet, under a title and a legend, as an SVG file.

use super::axis::Axis;
use super::data::Plot;
use super::layout::{FOOT, Layout, MARGIN, NOTE, WIDTH};
use super::panel;
use super::place::{Place, legend};
use super::style::{Canvas, Text, UNITS, px};
use crate::failure::Failure;
use crate::output::Target;
use anyhow::{Context, Result};
use plotters::prelude::*;
use std::path::Path;

impl Plot {
    /// Draws the plot and writes it to a file, which is replaced as a whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let picture = self.draw().with_context(|| format!("cannot draw the plot for {}", path.display()))?;
        let mut target = Target::open(Some(path))?;
        target.write(picture.as_bytes())?;
        target.finish()
    }

    /// The sheet as SVG.
    pub(super) fn draw(&self) -> Result<String> {
        let layout = Layout::new(self.series.len());
        let notes = self.notes();
        let height = layout.height(notes.len());
        let mut picture = String::new();
        {
            let size = (u32::try_from(px(WIDTH))?, u32::try_from(px(height))?);
            let canvas = SVGBackend::with_string(&mut picture, size).into_drawing_area();
            canvas.fill(&WHITE)?;
            self.header(&canvas)?;
            self.panels(&canvas, &layout)?;
            for (line, note) in notes.iter().enumerate() {
                let y = height - FOOT - NOTE * i32::try_from(notes.len() - 1 - line)?;
                Text::new(12).grey().write(&canvas, note, (MARGIN, y))?;
            }
            canvas.present()?;
        }
        // The view box is in quarters of a pixel, as the drawing is, and the picture's own size in pixels.
        let drawn = format!("width=\"{}\" height=\"{}\"", WIDTH * UNITS, height * UNITS);
        Ok(picture.replacen(&drawn, &format!("width=\"{WIDTH}\" height=\"{height}\""), 1))
    }

    /// Draws title, decay and legend.
    fn header(&self, canvas: &Canvas) -> Result<()> {
        let title = Text::new(20).bold();
        let decay = Text::new(13).grey().ending();
        let decay_label = decay.fit(&self.decay_label, WIDTH / 3);
        let room = WIDTH - 3 * MARGIN - decay.width(&decay_label);
        title.write(canvas, &title.fit(&self.title, room), (MARGIN, 28))?;
        decay.write(canvas, &decay_label, (WIDTH - MARGIN, 29))?;
        legend(canvas, 58, self.lines)
    }

    /// Draws all panels, in columns.
    fn panels(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let time = self.time_axis();
        let x_axis = time.axis(layout.column());
        let x_label = time.label(&self.time_label, layout.column());
        let limits: Vec<_> = self.series.iter().map(panel::limits).collect();
        let axis = |limits: &Option<_>| limits.map_or_else(Axis::blank, |limits| Axis::values(limits, layout.marks()));
        let y_axes: Vec<_> = limits.iter().map(axis).collect();
        // The panels of a column leave the same room for labels, so that they stand in line.
        let widths: Vec<_> = y_axes.iter().map(Axis::widest).collect();
        for (index, ((series, limits), y_axis)) in self.series.iter().zip(limits).zip(y_axes).enumerate() {
            let last = index + layout.columns >= self.series.len();
            let widest = widths.iter().skip(index % layout.columns).step_by(layout.columns).flatten().max();
            let place = Place {
                corner: layout.corner(index),
                size: (layout.column(), layout.panel),
                labels: widest.copied().unwrap_or(0),
                has_name: true,
                x_label: last.then_some(x_label.as_str()),
            };
            place.panel(canvas, series, limits, (x_axis.clone(), y_axis), time)?;
        }
        if self.series.is_empty() {
            Text::new(14).grey().centred().write(canvas, "no series", (WIDTH / 2, layout.height(0) / 2 + 40))?;
        }
        Ok(())
    }

    /// Notes on what the sheet does not show.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let width = self.series.iter().map(|series| series.width).max().unwrap_or(1);
        if width > 1 {
            notes.push(format!(
                "Raw values are drawn as the span from the smallest to the largest of up to {width} samples."
            ));
        }
        match self.left_out {
            0 => {}
            more => notes.push(format!("{more} more series not shown.")),
        }
        notes
    }
}
