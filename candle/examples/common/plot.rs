//! The plot: the clean test score after training, a panel for each scenario and a row for each method.
//!
//! It is laid out in pixels and drawn in quarters of a pixel, because plotters rounds places to whole units. The
//! colours are those of Okabe and Ito, which colour-blind people can tell apart.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const UNITS: i32 = 4;
const MARGIN: i32 = 24;
const HEAD: i32 = 130;
/// Room for the names of methods.
const NAMES: i32 = 290;
/// The gap behind a panel.
const GAP: i32 = 14;
const ROW: i32 = 28;
const FOOT: i32 = 36;

const FRAME: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
const GRID: RGBColor = RGBColor(0xe9, 0xe9, 0xe9);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
const OURS: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const THEIRS: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

/// What a picture shows.
pub(crate) struct Picture<'a> {
    pub(crate) title: &'a str,
    /// What is written below the title.
    pub(crate) note: String,
    /// The methods by name, and whether each is one of evenkeel's.
    pub(crate) rows: Vec<(String, bool)>,
    pub(crate) panels: Vec<Panel>,
    /// The width of a panel in pixels.
    pub(crate) width: i32,
    /// The scores at the edges of a panel.
    pub(crate) range: [f64; 2],
    /// The scores that are written below a panel, with as many decimals as one of them needs.
    pub(crate) ticks: &'a [f64],
    /// The score at which there is a broken line, if there is one.
    pub(crate) mark: Option<f64>,
}

/// One scenario.
pub(crate) struct Panel {
    pub(crate) caption: String,
    /// For each row the scores of its runs, of which there may be none.
    pub(crate) scores: Vec<Vec<f64>>,
}

fn color(is_ours: bool) -> RGBColor {
    if is_ours { OURS } else { THEIRS }
}

/// The picture as SVG.
pub(crate) fn plot(picture: &Picture) -> Result<String> {
    let (panels, rows) = (i32::try_from(picture.panels.len())?, i32::try_from(picture.rows.len())?);
    let size = (NAMES + panels * (picture.width + GAP) + MARGIN, HEAD + rows * ROW + FOOT);
    let mut drawing = String::new();
    {
        let units = (u32::try_from(px(size.0))?, u32::try_from(px(size.1))?);
        let canvas = SVGBackend::with_string(&mut drawing, units).into_drawing_area();
        canvas.fill(&WHITE)?;
        header(&canvas, picture)?;
        for (row, (name, is_ours)) in (0..).zip(&picture.rows) {
            write(&canvas, name, (NAMES - 12, middle(row)), &style(12, color(*is_ours), HPos::Right))?;
        }
        for (index, panel) in (0..).zip(&picture.panels) {
            draw(&canvas, NAMES + index * (picture.width + GAP), panel, picture)?;
        }
        canvas.present()?;
    }
    // The drawing is in quarters of a pixel: the view box keeps them, the picture's own size is in pixels.
    let drawn = format!("width=\"{}\" height=\"{}\"", px(size.0), px(size.1));
    Ok(drawing.replacen(&drawn, &format!("width=\"{}\" height=\"{}\"", size.0, size.1), 1))
}

/// Title and legend.
fn header(canvas: &Canvas, picture: &Picture) -> Result<()> {
    write(canvas, picture.title, (MARGIN, 26), &style(19, INK, HPos::Left))?;
    write(canvas, &picture.note, (MARGIN, 52), &style(12, GREY, HPos::Left))?;
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

/// One panel, which begins at `left`.
fn draw(canvas: &Canvas, left: i32, panel: &Panel, picture: &Picture) -> Result<()> {
    let width = picture.width;
    let (first, second) = halves(&panel.caption, width);
    for (text, y) in [(first, HEAD - 26), (second, HEAD - 12)] {
        write(canvas, text, (left + width / 2, y), &style(12, INK, HPos::Center))?;
    }
    let (top, bottom) = (HEAD, HEAD + ROW * i32::try_from(picture.rows.len())?);
    let decimals = usize::from(picture.ticks.iter().any(|tick| tick.fract() != 0.0));
    for &score in picture.ticks {
        let x = place(left, score, picture);
        canvas.draw(&PathElement::new(vec![(x, px(top)), (x, px(bottom))], GRID.stroke_width(4)))?;
        write(canvas, &format!("{score:.decimals$}"), (x / UNITS, bottom + 14), &style(11, INK, HPos::Center))?;
    }
    if let Some(mark) = picture.mark {
        let x = place(left, mark, picture);
        for y in (top..bottom).step_by(8) {
            canvas.draw(&PathElement::new(vec![(x, px(y)), (x, px(y + 5))], GREY.stroke_width(4)))?;
        }
    }
    for (row, (scores, (_, is_ours))) in (0..).zip(panel.scores.iter().zip(&picture.rows)) {
        if scores.is_empty() {
            continue;
        }
        let (y, color) = (px(middle(row)), color(*is_ours));
        let ends = [f64::INFINITY, f64::NEG_INFINITY];
        let ends = scores.iter().fold(ends, |[least, most], &score| [score.min(least), score.max(most)]);
        let line = ends.map(|end| (place(left, end, picture), y));
        canvas.draw(&PathElement::new(line.to_vec(), color.stroke_width(8)))?;
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        canvas.draw(&Circle::new((place(left, mean, picture), y), px(4), color.filled()))?;
    }
    let corners = [(left, top), (left + width, top), (left + width, bottom), (left, bottom), (left, top)];
    canvas.draw(&PathElement::new(corners.map(|(x, y)| (px(x), px(y))).to_vec(), FRAME.stroke_width(4)))?;
    Ok(())
}

/// A caption in two lines where it is too long for one, cut at a blank near its middle.
fn halves(caption: &str, width: i32) -> (&str, &str) {
    let fits = i32::try_from(caption.len()).is_ok_and(|letters| 7 * letters <= width);
    let middle = caption.len() / 2;
    let blanks = caption.match_indices(' ').map(|(at, _)| at);
    match blanks.min_by_key(|at| at.abs_diff(middle)) {
        Some(at) if !fits => (&caption[..at], &caption[at + 1..]),
        _ => ("", caption),
    }
}

fn px(pixels: i32) -> i32 {
    pixels * UNITS
}

/// Where a score is in the panel that begins at `left`, in units of the drawing.
fn place(left: i32, score: f64, picture: &Picture) -> i32 {
    let [least, most] = picture.range;
    let share = ((score - least) / (most - least)).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "it lies within a panel")]
    let within = (share * f64::from(px(picture.width))).round() as i32;
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
