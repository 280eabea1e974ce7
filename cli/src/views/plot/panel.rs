//! One panel: a series with its raw values, the two estimates, and what was judged an outlier.

use std::collections::HashSet;

use anyhow::Result;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;

use super::axis::{Axis, padded, short};
use super::bucket::{Bucket, Series};
use super::style::{
    ABOVE, BELOW, Canvas, EMA, FRAME, GRID, LOCATION, OUTLIER, RAW, Text, UNITS, diamond, px, shape, stroke,
};

/// A place on the panel: fractions of its width and height, from the lower left corner.
type Point = (f64, f64);

/// The part of a panel between its axes.
type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// The limits of a series' axis: the bulk of the samples and the location, with more room the more samples it is for.
///
/// Extremes are shown to scale if there is room for them, and otherwise drawn at the edge: a few spikes of a million
/// scales must not make a flat line of everything else. `None` if there is nothing finite to show.
pub(super) fn limits(series: &Series) -> Option<(f64, f64)> {
    let all = |of: fn(&Bucket) -> f64| {
        let mut values: Vec<_> = series.buckets.iter().map(of).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (locations, emas) = (all(|bucket| bucket.location), all(|bucket| bucket.ema));
    let (low, high) = (all(|bucket| bucket.min), all(|bucket| bucket.max));
    let (calm_low, calm_high) = (all(|bucket| bucket.calm_min), all(|bucket| bucket.calm_max));
    let least = |list: [Option<f64>; 2]| list.into_iter().flatten().reduce(f64::min);
    let most = |list: [Option<f64>; 2]| list.into_iter().flatten().reduce(f64::max);

    // A first sample that is a spike is the location too, until it is corrected: quantiles here as well.
    let base_low = least([quantile(&calm_low, 0.01), quantile(&locations, 0.005)]);
    let base_high = most([quantile(&calm_high, 0.99), quantile(&locations, 0.995)]);
    let (Some(base_low), Some(base_high)) = (base_low.or(quantile(&low, 0.01)), base_high.or(quantile(&high, 0.99)))
    else {
        return None;
    };
    let (base_low, base_high) = (base_low.min(base_high), base_high);
    // Most counters of events stand still most of the time: then what is to be read is a level, and the height of the bulk
    // is no measure for the rest. A level is readable beside anything of its own size, and zero beside anything that is
    // not rare even among what is not zero.
    let level = quantile(&calm_low, 0.25).filter(|level| quantile(&calm_high, 0.75) == Some(*level));
    let room = match level {
        Some(0.0) => {
            let mut sizes: Vec<_> =
                low.iter().chain(&high).map(|value| value.abs()).filter(|size| *size > 0.0).collect();
            sizes.sort_by(f64::total_cmp);
            quantile(&sizes, 0.9).map_or(0.0, |size| size * 30.0)
        }
        Some(level) => level.abs(),
        None => 0.0,
    };
    let height = room.max(base_high - base_low);
    let nearest = |list: &[f64], far: fn(f64) -> f64, choices: &[(f64, f64)]| {
        let values = choices.iter().filter_map(|(share, room)| Some((quantile(list, far(*share))?, room)));
        let mut fitting = values.filter(|(value, room)| (base_low - value).max(value - base_high) <= height * *room);
        fitting.next().map(|(value, _)| value)
    };
    // How much of the extremes is left out, and how many times the height of the bulk the rest may take on its side. The
    // EMA is expected to leave the panel.
    let raw = [(0.0, 1.0), (0.001, 1.0), (0.004, 1.0), (0.01, 1.5), (0.02, 2.0), (0.05, 3.0), (0.1, 4.0)];
    let ema = [(0.0, 0.3)];
    let floor = least([nearest(&low, |share| share, &raw), nearest(&emas, |share| share, &ema)]);
    let top = most([nearest(&high, |share| 1.0 - share, &raw), nearest(&emas, |share| 1.0 - share, &ema)]);
    Some(padded(floor.unwrap_or(base_low).min(base_low), top.unwrap_or(base_high).max(base_high), 0.06))
}

/// A note on raw values outside the panel, if there are any.
pub(super) fn beyond(series: &Series, (low, high): (f64, f64)) -> Option<String> {
    let min = series.buckets.iter().map(|bucket| bucket.min).reduce(f64::min).filter(|min| *min < low);
    let max = series.buckets.iter().map(|bucket| bucket.max).reduce(f64::max).filter(|max| *max > high);
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("beyond: {} to {}", short(min), short(max))),
        (Some(min), None) => Some(format!("beyond: down to {}", short(min))),
        (None, Some(max)) => Some(format!("beyond: up to {}", short(max))),
        (None, None) => None,
    }
}

/// The value below which that share of the sorted values lies; of few values, the extremes.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    // Towards the middle, so that a share of the extremes is left out however few they are.
    let place = if share < 0.5 { place.ceil() } else { place.floor() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and the length")]
    sorted.get(place as usize).copied()
}

/// A panel's axes and, in pixels, the room for what is written beside them.
pub(super) struct Panel<'a> {
    pub(super) x_axis: Axis,
    pub(super) y_axis: Axis,
    /// The name of the time; `None` for a panel that has another one below it.
    pub(super) x_label: Option<&'a str>,
    pub(super) y_label: Option<String>,
    pub(super) caption: i32,
    pub(super) x_labels: i32,
    pub(super) y_labels: i32,
}

impl Panel<'_> {
    /// Draws a series on its part of the canvas; `position` is a bucket's time.
    pub(super) fn draw(self, canvas: &Canvas, series: &Series, position: impl Fn(&Bucket) -> f64) -> Result<()> {
        let places = Places { x: self.x_axis.clone(), y: self.y_axis.clone() };
        let x_labels = if self.x_label.is_some() { self.x_labels } else { 0 };
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(px(self.caption))
            // The last label of the time is centred at the edge.
            .margin_right(px(20))
            .y_label_area_size(px(self.y_labels))
            .x_label_area_size(px(x_labels))
            .build_cartesian_2d(self.x_axis, self.y_axis)?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(stroke(GRID, 4))
            .light_line_style(TRANSPARENT)
            .axis_style(stroke(FRAME, 4))
            .set_all_tick_mark_size(px(4))
            .label_style(Text::new(11).style())
            .axis_desc_style(Text::new(12).style())
            .x_desc(self.x_label.unwrap_or_default())
            .y_desc(self.y_label.unwrap_or_default())
            .draw()?;
        let area = chart.plotting_area();
        let corners = vec![(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)];
        area.draw(&PathElement::new(corners, stroke(FRAME, 4)))?;

        // In the order of time, which is not always the order of rows; rows without a time have no place.
        let mut buckets: Vec<(f64, &Bucket)> = series.buckets.iter().map(|bucket| (position(bucket), bucket)).collect();
        buckets.retain(|(position, _)| position.is_finite());
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));

        if buckets.iter().all(|(_, bucket)| !bucket.seen) {
            area.draw(&plotters::element::Text::new("no samples", (0.5, 0.5), Text::new(13).grey().centred().style()))?;
        }
        raw(area, &places, &buckets)?;
        curve(area, &places, &buckets, |bucket| bucket.ema, stroke(EMA, 6))?;
        curve(area, &places, &buckets, |bucket| bucket.location, stroke(LOCATION, 8))?;
        marks(area, &places, &buckets)
    }
}

/// The two axes, for finding places.
struct Places {
    x: Axis,
    y: Axis,
}

/// Draws raw values, faint: a line through them, or the span of each bucket once buckets hold several. Missing samples
/// are gaps; a sample between two gaps is a dot. An outlier beyond the panel has its mark at the edge and no line to
/// it: many of them would hide what they are compared with.
fn raw(area: &Area, places: &Places, buckets: &[(f64, &Bucket)]) -> Result<()> {
    let near = |all: f64, calm: f64| {
        let place = places.y.place(all);
        if (0.0..=1.0).contains(&place) { place } else { places.y.place(calm) }
    };
    for run in buckets.chunk_by(|(_, one), (_, other)| one.seen == other.seen) {
        let mut points = Vec::new();
        let mut up = true;
        for (position, bucket) in run {
            let x = places.x.place(*position);
            let mut span = [near(bucket.min, bucket.calm_min), near(bucket.max, bucket.calm_max)];
            if !up {
                span.reverse();
            }
            // Up one span and down the next, so that the line between two is short.
            up = if span[0] == span[1] { up } else { !up };
            points.extend(span.into_iter().filter(|y| !y.is_nan()).map(|y| (x, y)));
        }
        points.dedup();
        line(area, &points, stroke(RAW, 4))?;
    }
    Ok(())
}

/// Draws an estimate, broken where samples were missing for long: the estimate stood still there, and a line would hide
/// it.
fn curve(
    area: &Area,
    places: &Places,
    buckets: &[(f64, &Bucket)],
    value: impl Fn(&Bucket) -> f64,
    style: ShapeStyle,
) -> Result<()> {
    let longest = (buckets.len() / 100).max(2);
    let mut points = Vec::new();
    let mut missing = 0;
    for (position, bucket) in buckets {
        missing = if bucket.seen { 0 } else { missing + 1 };
        let y = places.y.place(value(bucket));
        if missing > longest || y.is_nan() {
            line(area, &points, style)?;
            points.clear();
        }
        if bucket.seen && !y.is_nan() {
            points.push((places.x.place(*position), y));
        }
    }
    line(area, &points, style)
}

/// Draws a line through points, cut at the edges of the panel; of a single point, a dot.
fn line(area: &Area, points: &[Point], style: ShapeStyle) -> Result<()> {
    match points {
        [point] if (0.0..=1.0).contains(&point.1) => {
            let radius = style.stroke_width.saturating_add(1);
            area.draw(&Circle::new(*point, radius, style.filled()))?;
        }
        _ => {
            for part in clipped(points) {
                area.draw(&PathElement::new(part, style))?;
            }
        }
    }
    Ok(())
}

/// The parts of a line that lie between the lower and the upper edge.
fn clipped(points: &[Point]) -> Vec<Vec<Point>> {
    let mut parts: Vec<Vec<Point>> = Vec::new();
    let mut joined = false;
    for pair in points.windows(2) {
        let &[from, to] = pair else { continue };
        let rise = to.1 - from.1;
        let (enter, leave) = if rise == 0.0 {
            if (0.0..=1.0).contains(&from.1) { (0.0, 1.0) } else { (1.0, 0.0) }
        } else {
            let (zero, one) = (-from.1 / rise, (1.0 - from.1) / rise);
            (zero.min(one).max(0.0), zero.max(one).min(1.0))
        };
        if enter > leave {
            joined = false;
            continue;
        }
        let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + rise * share);
        match parts.last_mut() {
            Some(part) if joined && enter <= 0.0 => part.push(at(leave)),
            _ => parts.push(vec![at(enter), at(leave)]),
        }
        joined = leave >= 1.0;
    }
    parts
}

/// Draws the marks of outliers and re-openings. Those that would cover one another are drawn once.
fn marks(area: &Area, places: &Places, buckets: &[(f64, &Bucket)]) -> Result<()> {
    let (width, height) = area.dim_in_pixel();
    let mut taken = HashSet::new();
    // Whether a mark of this kind may be drawn here: one to a square of that many pixels.
    let mut free = |kind: u8, (x, y): Point, pixels: i32| {
        let cells = |share: f64, length: u32| share * f64::from(length) / f64::from(pixels * UNITS);
        #[expect(clippy::cast_possible_truncation, reason = "a place on the picture")]
        let cell = (cells(x, width) as i32, cells(y, height) as i32);
        taken.insert((kind, cell))
    };
    for (position, bucket) in buckets {
        let x = places.x.place(*position);
        for outlier in [bucket.low_outlier, bucket.high_outlier] {
            let y = places.y.place(outlier);
            if y > 1.0 {
                if free(0, (x, 1.0), 4) {
                    shape(area, (x, 1.0), &ABOVE, OUTLIER)?;
                }
            } else if y < 0.0 {
                if free(1, (x, 0.0), 4) {
                    shape(area, (x, 0.0), &BELOW, OUTLIER)?;
                }
            } else if !y.is_nan() && free(2, (x, y), 2) {
                area.draw(&Circle::new((x, y), px(2), OUTLIER.filled()))?;
            }
        }
    }
    for (position, bucket) in buckets {
        let place = (places.x.place(*position), places.y.place(bucket.location).clamp(0.0, 1.0));
        if bucket.reopened && !place.1.is_nan() && free(3, place, 8) {
            diamond(area, place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_edges() {
        assert_eq!(clipped(&[(0.0, 0.5), (0.5, 1.0), (1.0, 0.0)]), [vec![(0.0, 0.5), (0.5, 1.0), (1.0, 0.0)]]);
        // Out at the top, back in, and through from below to above.
        let parts = clipped(&[(0.0, 0.5), (0.25, 1.5), (0.5, 0.5), (0.75, -0.5), (1.0, 1.5)]);
        let inside = [
            vec![(0.0, 0.5), (0.125, 1.0)],
            vec![(0.375, 1.0), (0.5, 0.5), (0.625, 0.0)],
            vec![(0.8125, 0.0), (0.9375, 1.0)],
        ];
        assert_eq!(parts, inside);
        let outside: [&[Point]; 4] = [&[], &[(0.5, 0.5)], &[(0.0, 2.0), (1.0, 2.0)], &[(0.0, -1.0), (1.0, -9.0)]];
        for points in outside {
            assert_eq!(clipped(points), Vec::<Vec<Point>>::new());
        }
    }
}
