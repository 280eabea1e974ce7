//! A stretch of the past in one line: the later to the right, the larger the higher.

use super::state::Moment;
use super::style::{OUTLIER, RAW, SMOOTH};
use ratatui::text::{Line, Span};
use std::collections::VecDeque;

/// The bars, the lowest first.
const BARS: [char; 8] =
    ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];

/// The part of the past that is shown, and the limits of its values.
///
/// Raw values and locations have the same limits, so that they can be compared. Outliers have no part in them: one
/// spike must not make a flat line of everything else. They are drawn at the edge.
pub(super) struct Window<'a> {
    moments: Vec<&'a Moment>,
    width: usize,
    low: f64,
    high: f64,
}

impl<'a> Window<'a> {
    pub(super) fn new(past: &'a VecDeque<Moment>, width: usize) -> Self {
        let moments: Vec<&Moment> = past.iter().skip(past.len().saturating_sub(width)).collect();
        let calm = moments.iter().filter(|moment| !moment.outlier).map(|moment| moment.value);
        let shown = calm.chain(moments.iter().map(|moment| moment.location)).filter(|value| value.is_finite());
        let (low, high) =
            shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        Self { moments, width, low, high }
    }

    /// The bar of a value; a blank for one that is missing.
    fn bar(&self, value: f64) -> char {
        if value.is_nan() {
            return ' ';
        }
        // Halves, because the difference of two large numbers may be none.
        let (place, height) = (value / 2.0 - self.low / 2.0, self.high / 2.0 - self.low / 2.0);
        // What does not move is in the middle; what is beyond the limits is at the edge.
        let share = if height > 0.0 { (place / height).clamp(0.0, 1.0) } else { edge(place) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
        let index = (share * 7.0).round() as usize;
        BARS.get(index).copied().unwrap_or(' ')
    }
}

/// The place of a value in a series that does not move.
fn edge(difference: f64) -> f64 {
    if difference > 0.0 {
        1.0
    } else if difference < 0.0 {
        0.0
    } else {
        0.4
    }
}

/// A line of bars, one for each moment.
pub(super) fn spark(window: &Window, value: impl Fn(&Moment) -> f64, is_raw: bool) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(window.width - window.moments.len()))];
    let usual = if is_raw { RAW } else { SMOOTH };
    let style = |moment: &Moment| if is_raw && moment.outlier { OUTLIER } else { usual };
    for run in window.moments.chunk_by(|one, other| style(one) == style(other)) {
        let bars: String = run.iter().map(|moment| window.bar(value(moment))).collect();
        spans.push(Span::styled(bars, run.first().map_or(usual, |moment| style(moment))));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[f64], width: usize) -> String {
        let moment = |&value: &f64| Moment { value, location: 0.0, outlier: value.abs() > 100.0 };
        let past: VecDeque<Moment> = values.iter().map(moment).collect();
        spark(&Window::new(&past, width), |moment| moment.value, true).to_string()
    }

    #[test]
    fn the_larger_the_higher() {
        assert_eq!(text(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(text(&[7.0, 0.0], 4), "  █▁");
        assert_eq!(text(&[9.0, 9.0, 0.0, 7.0], 2), "▁█", "the last of them");
        assert_eq!(text(&[0.0, f64::NAN, 7.0], 3), "▁ █");
        assert_eq!(text(&[0.0, 0.0], 2), "▄▄");
        assert_eq!(text(&[], 3), "   ");
    }

    #[test]
    fn outliers_are_at_the_edge() {
        assert_eq!(text(&[0.0, 7.0, 1e9, -1e300, 7.0], 5), "▁██▁█");
        assert_eq!(text(&[0.0, f64::INFINITY, f64::NEG_INFINITY], 3), "▄█▁");
        assert_eq!(text(&[-f64::MAX, f64::MAX], 2).chars().count(), 2);
    }
}
