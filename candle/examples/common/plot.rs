//! The plot: the clean test score after training, a panel for each scenario and a row for each method.
//!
//! It is laid out in pixels and drawn in quarters of a pixel, because plotters rounds places to whole units. The
//! colours are those of Okabe and Ito, which colour-blind people can tell apart.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::method::Method;
use super::study::Entry;
use super::task::Sheet;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const UNITS: i32 = 4;
const MARGIN: i32 = 24;
const HEAD: i32 = 130;
/// Room for the names of methods.
const NAMES: i32 = 290;
/// A panel, and the gap behind it.
const PANEL: i32 = 190;
const GAP: i32 = 14;
const ROW: i32 = 28;
const FOOT: i32 = 36;

const FRAME: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
const GRID: RGBColor = RGBColor(0xe9, 0xe9, 0xe9);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
const OURS: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const THEIRS: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

fn color(method: Method) -> RGBColor {
    if method.is_ours() { OURS } else { THEIRS }
}

/// The picture as SVG.
pub(crate) fn plot(entries: &[Entry], scenarios: &[usize], sheet: &Sheet) -> Result<String> {
    let (panels, rows) = (i32::try_from(scenarios.len())?, i32::try_from(Method::ALL.len())?);
    let size = (NAMES + panels * (PANEL + GAP) + MARGIN, HEAD + rows * ROW + FOOT);
    let mut picture = String::new();
    {
        let units = (u32::try_from(px(size.0))?, u32::try_from(px(size.1))?);
        let canvas = SVGBackend::with_string(&mut picture, units).into_drawing_area();
        canvas.fill(&WHITE)?;
        header(&canvas, sheet)?;
        for (row, method) in (0..).zip(Method::ALL) {
            write(&canvas, &method.name(), (NAMES - 12, middle(row)), &style(12, color(method), HPos::Right))?;
        }
        for (index, &scenario) in (0..).zip(scenarios) {
            let left = NAMES + index * (PANEL + GAP);
            let entries = entries.iter().filter(|entry| entry.scenario == scenario);
            panel(&canvas, left, sheet.scenarios[scenario], entries, sheet)?;
        }
        canvas.present()?;
    }
    // The drawing is in quarters of a pixel: the view box keeps them, the picture's own size is in pixels.
    let drawn = format!("width=\"{}\" height=\"{}\"", px(size.0), px(size.1));
    Ok(picture.replacen(&drawn, &format!("width=\"{}\" height=\"{}\"", size.0, size.1), 1))
}

/// Title and legend.
fn header(canvas: &Canvas, sheet: &Sheet) -> Result<()> {
    write(canvas, &sheet.title, (MARGIN, 26), &style(19, INK, HPos::Left))?;
    let mark = sheet.mark.map_or_else(String::new, |(mark, _)| format!(" Broken line: {mark}."));
    let note = format!(
        "Dot: mean of {} seeds. Line: from least to greatest.{mark} Left is better; what is beyond is drawn at the edge.",
        sheet.seeds,
    );
    write(canvas, &note, (MARGIN, 52), &style(12, GREY, HPos::Left))?;
    for (left, color, name) in [(MARGIN, OURS, "with evenkeel"), (MARGIN + 130, THEIRS, "without")] {
        canvas.draw(&Circle::new((px(left + 6), px(74)), px(5), color.filled()))?;
        write(canvas, name, (left + 18, 74), &style(12, INK, HPos::Left))?;
    }
    Ok(())
}

/// The middle of the row of a method.
fn middle(row: i32) -> i32 {
    HEAD + row * ROW + ROW / 2
}

fn panel<'a>(
    canvas: &Canvas,
    left: i32,
    caption: &str,
    entries: impl Iterator<Item = &'a Entry>,
    sheet: &Sheet,
) -> Result<()> {
    let (top, mut bottom) = (HEAD, HEAD);
    let (first, second) = halves(caption);
    for (text, y) in [(first, top - 26), (second, top - 12)] {
        write(canvas, text, (left + PANEL / 2, y), &style(12, INK, HPos::Center))?;
    }
    let height = ROW * i32::try_from(Method::ALL.len())?;
    for &score in &sheet.ticks {
        let x = place(left, score, sheet);
        canvas.draw(&PathElement::new(vec![(x, px(top)), (x, px(top + height))], GRID.stroke_width(4)))?;
        write(canvas, &score.to_string(), (x / UNITS, top + height + 14), &style(11, INK, HPos::Center))?;
    }
    if let Some((_, mark)) = sheet.mark {
        let x = place(left, mark, sheet);
        for y in (top..top + height).step_by(8) {
            canvas.draw(&PathElement::new(vec![(x, px(y)), (x, px(y + 5))], GREY.stroke_width(4)))?;
        }
    }
    for entry in entries {
        let y = px(bottom + ROW / 2);
        bottom += ROW;
        let scores = entry.scores();
        if scores.is_empty() {
            continue;
        }
        let color = color(entry.method);
        let ends = [f64::INFINITY, 0.0];
        let [least, most] = scores.iter().fold(ends, |[least, most], &score| [score.min(least), score.max(most)]);
        canvas.draw(&PathElement::new(
            vec![(place(left, least, sheet), y), (place(left, most, sheet), y)],
            color.stroke_width(8),
        ))?;
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        canvas.draw(&Circle::new((place(left, mean, sheet), y), px(4), color.filled()))?;
    }
    let corners = [(left, top), (left + PANEL, top), (left + PANEL, bottom), (left, bottom), (left, top)];
    canvas.draw(&PathElement::new(corners.map(|(x, y)| (px(x), px(y))).to_vec(), FRAME.stroke_width(4)))?;
    Ok(())
}

/// A caption in two lines, cut at a blank near its middle.
fn halves(caption: &str) -> (&str, &str) {
    let middle = caption.len() / 2;
    let blanks = caption.match_indices(' ').map(|(at, _)| at);
    match blanks.min_by_key(|at| at.abs_diff(middle)) {
        Some(at) if caption.len() > 28 => (&caption[..at], &caption[at + 1..]),
        _ => ("", caption),
    }
}

fn px(pixels: i32) -> i32 {
    pixels * UNITS
}

/// Where a score is in the panel that begins at `left`, in units of the drawing.
fn place(left: i32, score: f64, sheet: &Sheet) -> i32 {
    let [least, most] = sheet.range;
    let share = ((score - least) / (most - least)).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "it lies within a panel")]
    let within = (share * f64::from(px(PANEL))).round() as i32;
    px(left) + within
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
