//! The plot: test loss by epoch, with a panel for each scenario.
//!
//! It is laid out in pixels and drawn in quarters of a pixel, because plotters rounds places to whole units. The
//! colours are those of Okabe and Ito, which colour-blind people can tell apart.

use std::ops::RangeInclusive;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;
use crate::data::Data;
use crate::optimisers::Optimiser;
use crate::scenario::Scenario;
use crate::study::{Entry, SEEDS};

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const UNITS: i32 = 4;
const SIZE: (i32, i32) = (1200, 800);
const MARGIN: i32 = 24;
const HEAD: i32 = 96;
/// Room around a panel for its caption and its labels: left, top, right, bottom.
const AROUND: (i32, i32, i32, i32) = (62, 30, 6, 50);

const FRAME: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
const GRID: RGBColor = RGBColor(0xe9, 0xe9, 0xe9);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);

fn color(optimiser: Optimiser) -> RGBColor {
    match optimiser {
        Optimiser::Sgd => RGBColor(0xcc, 0x79, 0xa7),
        Optimiser::AdamW => RGBColor(0xe6, 0x9f, 0x00),
        Optimiser::RobustAdamW => RGBColor(0x56, 0xb4, 0xe9),
        Optimiser::RobustSgm => RGBColor(0x00, 0x3d, 0x7a),
    }
}

/// The picture as SVG.
pub(crate) fn plot(entries: &[Entry], data: &Data, epochs: usize) -> Result<String> {
    let mut picture = String::new();
    {
        let size = (u32::try_from(px(SIZE.0))?, u32::try_from(px(SIZE.1))?);
        let canvas = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        canvas.fill(&WHITE)?;
        header(&canvas)?;
        for (index, scenario) in (0..).zip(Scenario::ALL) {
            let entries: Vec<_> = entries.iter().filter(|entry| entry.scenario == scenario).collect();
            let (width, height) = ((SIZE.0 - 3 * MARGIN) / 2, (SIZE.1 - HEAD - 2 * MARGIN) / 2);
            let (left, top) = (MARGIN + index % 2 * (width + MARGIN), HEAD + index / 2 * (height + MARGIN));
            let frame = Frame {
                x: left + AROUND.0..=left + width - AROUND.2,
                y: top + AROUND.1..=top + height - AROUND.3,
                epochs,
                losses: losses(&entries, data.loss_of_the_mean()),
            };
            panel(&canvas, &frame, &scenario.name(), &entries, data.loss_of_the_mean())?;
        }
        canvas.present()?;
    }
    // The drawing is in quarters of a pixel: the view box keeps them, the picture's own size is in pixels.
    let drawn = format!("width=\"{}\" height=\"{}\"", px(SIZE.0), px(SIZE.1));
    Ok(picture.replacen(&drawn, &format!("width=\"{}\" height=\"{}\"", SIZE.0, SIZE.1), 1))
}

/// Title and legend.
fn header(canvas: &Canvas) -> Result<()> {
    let title = "Clean test loss of a network trained on red wines, learning rates tuned for each";
    write(canvas, title, (MARGIN, 28), &style(20, INK, HPos::Left))?;
    let (mut x, y) = (MARGIN, 58);
    let names = Optimiser::ALL.map(|optimiser| (optimiser.name().to_owned(), Some(color(optimiser))));
    for (name, color) in names.into_iter().chain([("always the mean".to_owned(), None)]) {
        match color {
            Some(color) => canvas.draw(&PathElement::new(at([(x, y), (x + 26, y)]), color.stroke_width(10)))?,
            None => dashes(canvas, x..=x + 26, y)?,
        }
        write(canvas, &name, (x + 32, y), &style(13, INK, HPos::Left))?;
        x += 64 + 7 * i32::try_from(name.len())?;
    }
    let note = format!(
        "Line: mean of {} seeds. Band: from the least to the greatest. What lies beyond a panel is drawn at its edge.",
        SEEDS.len()
    );
    write(canvas, &note, (MARGIN, 82), &style(12, GREY, HPos::Left))
}

/// Where a panel is, in pixels, and what its edges stand for.
struct Frame {
    x: RangeInclusive<i32>,
    y: RangeInclusive<i32>,
    epochs: usize,
    losses: Axis,
}

impl Frame {
    /// Where an epoch and a loss are, in units of the drawing.
    fn place(&self, epoch: usize, loss: f64) -> (i32, i32) {
        let across = epoch as f64 / self.epochs as f64;
        (between(&self.x, across), between(&self.y, 1.0 - self.losses.place(loss)))
    }
}

fn panel(canvas: &Canvas, frame: &Frame, name: &str, entries: &[&Entry], mean: f64) -> Result<()> {
    let (left, right, top, bottom) = (*frame.x.start(), *frame.x.end(), *frame.y.start(), *frame.y.end());
    let center = i32::midpoint(left, right);
    write(canvas, name, (left, top - 14), &style(14, INK, HPos::Left))?;
    write(canvas, "epoch", (center, bottom + 36), &style(12, INK, HPos::Center))?;
    let turned = style(12, INK, HPos::Center).transform(FontTransform::Rotate270);
    write(canvas, "test loss (mean squared error)", (left - 50, i32::midpoint(top, bottom)), &turned)?;
    for (loss, label) in frame.losses.ticks() {
        let (_, y) = frame.place(0, loss);
        canvas.draw(&PathElement::new(vec![(px(left), y), (px(right), y)], GRID.stroke_width(4)))?;
        write(canvas, &label, (left - 6, y / UNITS), &style(11, INK, HPos::Right))?;
    }
    for epoch in (0..=frame.epochs).step_by(frame.epochs.div_ceil(6)) {
        let (x, _) = frame.place(epoch, 1.0);
        canvas.draw(&PathElement::new(vec![(x, px(bottom)), (x, px(bottom + 4))], FRAME.stroke_width(4)))?;
        write(canvas, &epoch.to_string(), (x / UNITS, bottom + 16), &style(11, INK, HPos::Center))?;
    }
    dashes(canvas, left..=right, frame.place(0, mean).1 / UNITS)?;

    for entry in entries {
        let curve = curve(entry);
        let band = curve.iter().map(|point| frame.place(point.epoch, point.least));
        let band = band.chain(curve.iter().rev().map(|point| frame.place(point.epoch, point.greatest)));
        canvas.draw(&Polygon::new(band.collect::<Vec<_>>(), color(entry.optimiser).mix(0.15).filled()))?;
    }
    for entry in entries {
        let line: Vec<_> = curve(entry).iter().map(|point| frame.place(point.epoch, point.mean)).collect();
        canvas.draw(&PathElement::new(line, color(entry.optimiser).stroke_width(7)))?;
    }
    let corners = at([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]);
    canvas.draw(&PathElement::new(corners, FRAME.stroke_width(4)))?;

    let diverged = entries.iter().filter(|entry| entry.diverged() > 0);
    let notes: Vec<_> = diverged
        .map(|entry| format!("{}: {} of {} diverged", entry.optimiser.name(), entry.diverged(), entry.outcomes.len()))
        .collect();
    write(canvas, &notes.join("; "), (right, top - 14), &style(11, GREY, HPos::Right))
}

/// What the runs of an entry lost after an epoch.
struct Point {
    epoch: usize,
    mean: f64,
    least: f64,
    greatest: f64,
}

/// The losses of the runs that had not diverged yet.
fn curve(entry: &Entry) -> Vec<Point> {
    let point = |epoch: usize| {
        let losses: Vec<f64> = entry.outcomes.iter().filter_map(|outcome| outcome.test.get(epoch).copied()).collect();
        Point {
            epoch,
            mean: losses.iter().sum::<f64>() / losses.len() as f64,
            least: losses.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: losses.iter().copied().fold(0.0, f64::max),
        }
    };
    let longest = entry.outcomes.iter().map(|outcome| outcome.test.len()).max().unwrap_or(0);
    (0..longest).map(point).collect()
}

/// An axis on which everything has its place.
fn losses(entries: &[&Entry], mean: f64) -> Axis {
    let all = entries.iter().flat_map(|entry| curve(entry)).flat_map(|point| [point.least, point.greatest]);
    let (low, high) = all.fold((mean, mean), |(low, high), loss| (low.min(loss), high.max(loss)));
    Axis::new(low, high)
}

fn px(pixels: i32) -> i32 {
    pixels * UNITS
}

fn at<const N: usize>(places: [(i32, i32); N]) -> Vec<(i32, i32)> {
    places.into_iter().map(|(x, y)| (px(x), px(y))).collect()
}

/// A place on a stretch of pixels, in units of the drawing.
fn between(stretch: &RangeInclusive<i32>, share: f64) -> i32 {
    let (from, to) = (f64::from(px(*stretch.start())), f64::from(px(*stretch.end())));
    #[expect(clippy::cast_possible_truncation, reason = "it lies between two i32")]
    let place = (from + share * (to - from)).round() as i32;
    place
}

/// A broken line from left to right.
fn dashes(canvas: &Canvas, stretch: RangeInclusive<i32>, y: i32) -> Result<()> {
    let end = *stretch.end();
    for x in stretch.step_by(8) {
        let dash = at([(x, y), ((x + 5).min(end), y)]);
        canvas.draw(&PathElement::new(dash, GREY.stroke_width(5)))?;
    }
    Ok(())
}

fn style(pixels: i32, color: RGBColor, side: HPos) -> TextStyle<'static> {
    // The SVG backend divides the size of a font by 1.24.
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(px(pixels)) * 1.24, FontStyle::Normal);
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(side, VPos::Center) }
}

/// Writes text at a place in pixels.
fn write(canvas: &Canvas, text: &str, (x, y): (i32, i32), style: &TextStyle<'static>) -> Result<()> {
    Ok(canvas.draw_text(text, style, (px(x), px(y)))?)
}
