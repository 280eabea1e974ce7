//! Colours, lines, letters and marks.
//!
//! The picture is laid out in pixels and drawn in quarters of a pixel: plotters rounds places to whole units, and a
//! smooth curve needs finer ones. The colours are those of Okabe and Ito, which colour-blind people can distinguish;
//! every mark has a shape of its own besides.

use std::io;

use anyhow::Result;
use plotters::coord::{CoordTranslate, Shift};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) const RAW: RGBColor = RGBColor(0xb4, 0xbc, 0xc6);
pub(super) const EMA: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
pub(super) const LOCATION: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const OUTLIER: RGBColor = RGBColor(0xcc, 0x3d, 0x7a);
pub(super) const REOPENED: RGBColor = RGBColor(0x00, 0x9e, 0x73);
pub(super) const FRAME: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
pub(super) const GRID: RGBColor = RGBColor(0xe9, 0xe9, 0xe9);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);

/// The names of the colours, for whoever shows the picture on another ground.
pub(crate) const PALETTE: [(&str, RGBColor); 10] = [
    ("paper", WHITE),
    ("ink", INK),
    ("soft", GREY),
    ("frame", FRAME),
    ("grid", GRID),
    ("raw", RAW),
    ("ema", EMA),
    ("location", LOCATION),
    ("outlier", OUTLIER),
    ("reopened", REOPENED),
];

/// Units of the drawing to a pixel of the picture.
pub(super) const UNITS: i32 = 4;

/// The part of a picture that is drawn on.
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Pixels in units of the drawing.
pub(super) fn px(pixels: i32) -> i32 {
    pixels.saturating_mul(UNITS)
}

/// The style of a line that is `quarters` of a pixel wide.
pub(super) fn stroke(color: RGBColor, quarters: u32) -> ShapeStyle {
    color.stroke_width(quarters)
}

/// The looks of a piece of text.
#[derive(Clone, Copy)]
pub(super) struct Text {
    pixels: i32,
    bold: bool,
    color: RGBColor,
    side: HPos,
}

impl Text {
    pub(super) fn new(pixels: i32) -> Self {
        Self { pixels, bold: false, color: INK, side: HPos::Left }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn grey(self) -> Self {
        Self { color: GREY, ..self }
    }

    /// Centres the text at its place.
    pub(super) fn centred(self) -> Self {
        Self { side: HPos::Center, ..self }
    }

    /// Ends the text at its place.
    pub(super) fn ending(self) -> Self {
        Self { side: HPos::Right, ..self }
    }

    pub(super) fn style(self) -> TextStyle<'static> {
        let weight = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        // The SVG backend divides the size of a font by 1.24.
        let size = f64::from(px(self.pixels)) * 1.24;
        let font = FontDesc::new(FontFamily::SansSerif, size, weight);
        TextStyle { font, color: self.color.to_backend_color(), pos: Pos::new(self.side, VPos::Center) }
    }

    /// About the width of the text in pixels, on the wide side, as the font depends on the reader's machine.
    pub(super) fn width(self, text: &str) -> i32 {
        // Hundredths of the size: narrow letters, Latin ones, and those that may be as wide as high.
        let hundredths = text.chars().map(|letter| match letter {
            'i' | 'j' | 'l' | '.' | ',' | ' ' | ':' | '\'' | '|' => 35,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 95,
            '\0'..='\u{24f}' => 63,
            _ => 105,
        });
        let wide = hundredths.fold(0_i32, i32::saturating_add).saturating_mul(self.pixels) / 100;
        if self.bold { wide.saturating_mul(11) / 10 } else { wide }
    }

    /// The text, shortened in its middle until it fits: the ends of a series' name matter most.
    pub(super) fn fit(self, text: &str, pixels: i32) -> String {
        if self.width(text) <= pixels {
            return text.to_owned();
        }
        let letters: Vec<char> = text.chars().collect();
        let shortened = (0..letters.len()).rev().map(|count| {
            let (head, tail) = (count.div_ceil(2), count / 2);
            let ends = letters.iter().take(head).chain(&['…']);
            ends.chain(letters.iter().skip(letters.len() - tail)).collect::<String>()
        });
        shortened.into_iter().find(|text| self.width(text) <= pixels).unwrap_or_default()
    }

    /// Writes the text at a place in pixels.
    pub(super) fn write(self, canvas: &Canvas, text: &str, (x, y): (i32, i32)) -> Result<()> {
        Ok(canvas.draw_text(text, &self.style(), (px(x), px(y)))?)
    }
}

/// Draws a filled shape around a place; corners in pixels from there.
pub(super) fn shape<CT, DB>(
    area: &DrawingArea<DB, CT>,
    at: CT::From,
    corners: &[(i32, i32)],
    color: RGBColor,
) -> Result<()>
where
    CT: CoordTranslate,
    DB: DrawingBackend<ErrorType = io::Error>,
{
    let corners: Vec<_> = corners.iter().map(|(x, y)| (px(*x), px(*y))).collect();
    Ok(area.draw(&(EmptyElement::at(at) + Polygon::new(corners, color.filled())))?)
}

/// A triangle that points out of the panel at its upper edge.
pub(super) const ABOVE: [(i32, i32); 3] = [(0, 1), (-4, 8), (4, 8)];
/// A triangle that points out of the panel at its lower edge.
pub(super) const BELOW: [(i32, i32); 3] = [(0, -1), (-4, -8), (4, -8)];

/// Draws the mark of a re-opening, with a white rim that sets it off the lines beneath.
pub(super) fn diamond<CT, DB>(area: &DrawingArea<DB, CT>, at: CT::From) -> Result<()>
where
    CT: CoordTranslate,
    CT::From: Clone,
    DB: DrawingBackend<ErrorType = io::Error>,
{
    for (radius, color) in [(5, WHITE), (4, REOPENED)] {
        shape(area, at.clone(), &[(0, -radius), (radius, 0), (0, radius), (-radius, 0)], color)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_in_its_middle() {
        let text = Text::new(12);
        assert_eq!(text.fit("short", 200), "short");
        let fitted = text.fit(&"abcdefghij".repeat(1000), 100);
        assert!(fitted.starts_with("abc") && fitted.ends_with("hij") && fitted.contains('…'), "{fitted}");
        assert!(text.width(&fitted) <= 100);
        assert_eq!(text.fit("anything", 0), "");
    }
}
