//! The plot of `evenkeel track --plot`, an SVG with a panel for every series, and the same panels one by one, for a page.
//!
//! Samples arrive one by one and are summed up in a bounded number of buckets, so a plot takes the same memory for a
//! million rows as for a few thousand. Nothing is drawn before [`Plot::write`] or [`Plot::pictures`].

mod axis;
mod bucket;
mod panel;
mod picture;
mod style;
mod time;
mod unit;

use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use crate::failure::Failure;
use crate::output::Target;
use crate::settings::PLAIN;
use crate::text::quote::shortened;
use axis::{Axis, padded, written};
use bucket::{Bucket, LIMIT, Series};
use panel::Panel;
pub(crate) use picture::Picture;
pub(crate) use style::PALETTE;
use style::{ABOVE, Canvas, EMA, LOCATION, OUTLIER, RAW, Text, UNITS, diamond, px, shape, stroke};
use time::Clock;

/// How much a plot remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Series. Further ones are counted, not drawn.
    pub(crate) series: usize,
    /// Buckets of all series together: the more series, the coarser each of them.
    pub(crate) buckets: usize,
}

impl Room {
    /// For the panels of one picture.
    pub(crate) const PANELS: Self = Self { series: 12, buckets: 12 * LIMIT };
}

/// Most letters of a title, a name or a label: more than fit on a panel.
const MOST_LETTERS: usize = 300;

/// One sample of a series and what was made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The sample; NaN if it is missing.
    pub value: f64,
    /// The estimate after it.
    pub location: f64,
    /// The plain average after it; NaN if there is none.
    pub ema: f64,
    /// Whether it was judged an outlier.
    pub outlier: bool,
    /// Whether the estimate was re-opened by it.
    pub reopened: bool,
}

/// Which lines there are beside the raw samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// What the line of the estimate is called.
    pub(crate) estimate: &'static str,
    /// Whether there is a plain average to compare it with.
    pub(crate) has_average: bool,
}

/// What will be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    title: String,
    time_label: String,
    decay_label: String,
    lines: Lines,
    room: Room,
    clock: Clock,
    series: Vec<Series>,
    /// Series for which there is no room.
    left_out: usize,
}

impl Plot {
    /// An empty plot: its title, the name of the time, and a few words on the decay of both averages.
    pub(crate) fn new(title: String, time_label: String, decay_label: String, lines: Lines, room: Room) -> Self {
        // XML has no way to write some characters, and these two may come from the input.
        let [title, time_label] = [title, time_label].map(|text| shortened(&text, MOST_LETTERS));
        Self { title, time_label, decay_label, lines, room, clock: Clock::default(), series: Vec::new(), left_out: 0 }
    }

    /// A new series; its number is for [`Plot::add`].
    pub(crate) fn series(&mut self, name: &str) -> usize {
        if self.series.len() < self.room.series {
            self.series.push(Series::new(shortened(name, MOST_LETTERS)));
            let share = self.room.buckets / self.series.len();
            self.series.iter_mut().for_each(|series| series.limit_to(share));
            return self.series.len() - 1;
        }
        self.left_out += 1;
        self.room.series + self.left_out - 1
    }

    /// The next sample of a series. A series that has no panel, or was never announced, is passed over.
    pub(crate) fn add(&mut self, series: usize, time: &[u8], sample: Sample) {
        if let Some(series) = self.series.get_mut(series) {
            series.add(self.clock.read(time), sample);
        }
    }

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

    /// The picture as SVG.
    fn draw(&self) -> Result<String> {
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
        // The drawing is in quarters of a pixel: the view box keeps them, the picture's own size is in pixels.
        let drawn = format!("width=\"{}\" height=\"{}\"", WIDTH * UNITS, height * UNITS);
        Ok(picture.replacen(&drawn, &format!("width=\"{WIDTH}\" height=\"{height}\""), 1))
    }

    /// Title, decay and legend.
    fn header(&self, canvas: &Canvas) -> Result<()> {
        let title = Text::new(20).bold();
        let decay = Text::new(13).grey().ending();
        let decay_label = decay.fit(&self.decay_label, WIDTH / 3);
        let room = WIDTH - 3 * MARGIN - decay.width(&decay_label);
        title.write(canvas, &title.fit(&self.title, room), (MARGIN, 28))?;
        decay.write(canvas, &decay_label, (WIDTH - MARGIN, 29))?;
        legend(canvas, 58, self.lines)
    }

    /// All panels, in columns.
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

    /// The time from the earliest row to the latest, or the number of rows if the times make no sense.
    fn time_axis(&self) -> TimeAxis {
        let buckets = || self.series.iter().flat_map(|series| &series.buckets);
        let times = buckets().flat_map(|bucket| [bucket.first_time, bucket.last_time]).filter(|time| time.is_finite());
        let (low, high) = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| {
            // The extremes within a bucket are its ends, unless the rows are in no order.
            (low.min(time), high.max(time))
        });
        match self.clock.kind() {
            Some(kind) if low <= high => {
                // A single moment is given a second, and no more: it is shown where it is.
                let limits = if low < high { padded(low, high, 0.0) } else { padded(low - 0.5, high + 0.5, 0.0) };
                if kind.is_clock() {
                    TimeAxis::Clock { limits, utc: kind.is_utc() }
                } else {
                    TimeAxis::Number { limits }
                }
            }
            _ => {
                let last = buckets().map(|bucket| bucket.last_row).max().unwrap_or(1).max(2);
                TimeAxis::Row { limits: (1.0, last as f64) }
            }
        }
    }

    /// What the picture does not show.
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

/// What the horizontal axis stands for.
#[derive(Clone, Copy, Debug)]
enum TimeAxis {
    Clock { limits: (f64, f64), utc: bool },
    Number { limits: (f64, f64) },
    Row { limits: (f64, f64) },
}

impl TimeAxis {
    /// The middle of a bucket; NaN if it has no time.
    fn position(self, bucket: &Bucket) -> f64 {
        match self {
            Self::Row { .. } => f64::midpoint(bucket.first_row as f64, bucket.last_row as f64),
            _ => f64::midpoint(bucket.first_time, bucket.last_time),
        }
    }

    /// The axis below a panel of that many pixels.
    fn axis(self, width: i32) -> Axis {
        let marks = usize::try_from(width / 110).unwrap_or(0);
        match self {
            Self::Clock { limits, .. } => Axis::clock(limits, marks),
            Self::Number { limits } | Self::Row { limits } => Axis::values(limits, marks),
        }
    }

    /// What is written below it.
    fn label(self, name: &str, width: i32) -> String {
        let text = match self {
            Self::Clock { limits: (low, high), utc } => {
                let format = |moment: f64| written(moment, "%Y-%m-%d %H:%M");
                let zone = if utc { " UTC" } else { "" };
                format!("{name} ({} to {}{zone})", format(low), format(high)).trim_start().to_owned()
            }
            Self::Number { .. } => name.to_owned(),
            Self::Row { .. } if name.is_empty() || name.eq_ignore_ascii_case("row") => "row".to_owned(),
            Self::Row { .. } => format!("{name} (row number)"),
        };
        Text::new(12).fit(&text, width - 80)
    }
}

/// Where a panel goes, in pixels, and what is written around it.
struct Place<'a> {
    corner: (i32, i32),
    /// Without the labels of the time.
    size: (i32, i32),
    /// How wide the labels of the values are.
    labels: i32,
    has_name: bool,
    /// The name of the time; `None` for a panel that has another one below it.
    x_label: Option<&'a str>,
}

impl Place<'_> {
    fn panel(
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

/// What the lines and marks mean, in a row.
fn legend(canvas: &Canvas, y: i32, lines: Lines) -> Result<()> {
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

/// A stretch of line for the legend.
fn swatch(x: i32, y: i32, color: RGBColor, quarters: u32) -> PathElement<(i32, i32)> {
    PathElement::new(vec![(px(x), px(y)), (px(x + 26), px(y))], stroke(color, quarters))
}

/// Sizes in pixels.
const WIDTH: i32 = 1200;
const MARGIN: i32 = 24;
const HEAD: i32 = 84;
const FOOT: i32 = 20;
const NOTE: i32 = 18;
const CAPTION: i32 = 24;
const X_LABELS: i32 = 46;
const GAP: i32 = 14;

/// Where the panels go.
struct Layout {
    columns: usize,
    rows: usize,
    /// Height of a panel with its caption, without the labels of the time.
    panel: i32,
}

impl Layout {
    fn new(series: usize) -> Self {
        let columns = if series > 3 { 2 } else { 1 };
        let panel = match series {
            0 | 1 => 440,
            2 | 3 => 270,
            _ => 210,
        };
        Self { columns, rows: series.div_ceil(columns).max(1), panel }
    }

    fn column(&self) -> i32 {
        if self.columns == 1 { WIDTH - 2 * MARGIN } else { (WIDTH - 3 * MARGIN) / 2 }
    }

    /// Marks on the axis of values.
    fn marks(&self) -> usize {
        if self.panel > 400 { 8 } else { 4 }
    }

    fn corner(&self, index: usize) -> (i32, i32) {
        let (column, row) = (index % self.columns, index / self.columns);
        let cells = |count: usize| i32::try_from(count).unwrap_or(0);
        (MARGIN + cells(column) * (self.column() + MARGIN), HEAD + cells(row) * (self.panel + GAP))
    }

    fn height(&self, notes: usize) -> i32 {
        let rows = i32::try_from(self.rows).unwrap_or(1);
        let notes = i32::try_from(notes).unwrap_or(0);
        HEAD + rows * (self.panel + GAP) + X_LABELS + notes * NOTE + FOOT
    }
}

#[cfg(test)]
mod tests;
