//! The whole picture: what is on it, and what no input may do to it.

use super::style::RAW;
use super::{Capacity, Lines, Plot, Sample, panel};
use anyhow::{Context, Result};

fn plot(names: &[&str]) -> Plot {
    let lines = Lines { estimate: "clean average", has_average: true };
    let mut plot = Plot::new("A & B".to_owned(), "time".to_owned(), "half-life 60".to_owned(), lines, Capacity::PANELS);
    for name in names {
        plot.series(name);
    }
    plot
}

fn sample(value: f64) -> Sample {
    Sample { value, location: value, ema: value, outlier: false, reopened: false }
}

/// Draws, and checks that the picture is well formed and every number in it finite and on the picture.
fn picture(plot: &Plot) -> Result<String> {
    let picture = plot.draw()?;
    for bad in ["NaN", "inf", "-2147483648", "2147483647"] {
        assert!(!picture.contains(bad), "{bad} in the picture");
    }
    let view = picture.split("viewBox=\"0 0 ").nth(1).and_then(|rest| rest.split('"').next()).context("no view box")?;
    let (width, height) = view.split_once(' ').context("no size")?;
    let (width, height): (f64, f64) = (width.parse()?, height.parse()?);
    let inside = |x: &str, y: &str| -> Result<()> {
        let (x, y): (f64, f64) = (x.parse()?, y.parse()?);
        assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "({x}, {y}) is not on the picture");
        Ok(())
    };
    for points in picture.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        for point in points.split_whitespace() {
            let (x, y) = point.split_once(',').context("half a point")?;
            inside(x, y)?;
        }
    }
    for tag in picture.split('<').filter(|tag| tag.starts_with("text") || tag.starts_with("circle")) {
        let attribute = |names: [&str; 2]| {
            names.into_iter().find_map(|name| tag.split_once(&format!(" {name}=\""))?.1.split('"').next())
        };
        inside(attribute(["x", "cx"]).context("no x")?, attribute(["y", "cy"]).context("no y")?)?;
    }
    assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
    assert!(picture.starts_with("<svg width=\"1200\"") && picture.trim_end().ends_with("</svg>"));
    Ok(picture)
}

#[test]
fn names_are_escaped() -> Result<()> {
    let mut plot = plot(&["<b>&\"'\0\u{1b}]]>"]);
    plot.add(0, b"1", sample(1.0));
    let picture = picture(&plot)?;
    assert!(picture.contains("&lt;b&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}]]&gt;") && picture.contains("A &amp; B"));
    assert!(!picture.contains("<b>") && !picture.contains('\0') && !picture.contains('\u{1b}'));
    Ok(())
}

#[test]
fn nothing_that_xml_cannot_write_comes_out() -> Result<()> {
    let bad = "\0\u{1b}\u{7}\u{ffff}";
    let lines = Lines { estimate: "clean average", has_average: true };
    let [title, time] = ["title", "time"].map(|what| format!("{what}{bad}"));
    let mut plot = Plot::new(title, time, "half-life 60".to_owned(), lines, Capacity::PANELS);
    // The unit is part of the name, written at another place.
    plot.series(&format!("net_{bad}things_per_s"));
    plot.add(0, b"1", sample(1.0));
    let picture = picture(&plot)?;
    assert!(bad.chars().all(|letter| !picture.contains(letter)), "{picture}");
    assert!(picture.contains("\u{fffd}things/s") && picture.contains("title\u{fffd}"), "{picture}");
    Ok(())
}

#[test]
fn more_series_than_panels_are_counted() -> Result<()> {
    let names: Vec<_> = (0..15).map(|index| format!("series{index}")).collect();
    let mut plot = plot(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for series in 0..40 {
        plot.add(series, b"2020-01-01", sample(1.0));
    }
    let picture = picture(&plot)?;
    assert!(picture.contains("3 more series not shown."));
    assert!(picture.contains("series11") && !picture.contains("series12"));
    Ok(())
}

#[test]
fn no_input_breaks_the_picture() -> Result<()> {
    let odd = [0.0, -0.0, 1.0, 5e-324, -1e-310, 1e300, -1e300, f64::MAX, -f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
    let times: [&[u8]; 6] = [b"", b"x", b"\xff", b"1e300", b"2020-01-01T00:00:00Z", b"1600000000000"];
    let mut runs: Vec<Vec<f64>> = vec![vec![], vec![f64::NAN], vec![f64::NAN; 9], odd.to_vec()];
    runs.extend(odd.map(|value| vec![value]));
    runs.extend(odd.map(|value| vec![value; 50]));
    runs.extend(odd.map(|value| vec![1.0, 2.0, value, f64::NAN, 3.0, 2.5, f64::NAN, f64::NAN, f64::NAN, value, 1.0]));
    for values in &runs {
        for (turn, time) in times.into_iter().enumerate() {
            let mut plot = plot(&["a_percent"]);
            for (row, value) in values.iter().enumerate() {
                let flag = row % (turn + 1) == 0;
                let location = odd[(row + turn) % odd.len()];
                for location in [*value, location] {
                    plot.add(0, time, Sample { value: *value, location, ema: *value, outlier: flag, reopened: flag });
                }
            }
            picture(&plot).with_context(|| format!("{values:?} at {time:?}"))?;
        }
    }
    picture(&plot(&[]))?;
    Ok(())
}

#[test]
fn missing_samples_are_gaps() -> Result<()> {
    let lines = |values: &[f64]| -> Result<usize> {
        let mut plot = plot(&["a"]);
        for value in values {
            plot.add(0, b"", sample(*value));
        }
        let color = format!("stroke=\"#{:02X}{:02X}{:02X}\"", RAW.0, RAW.1, RAW.2);
        Ok(picture(&plot)?.matches(&color).count())
    };
    let whole: Vec<f64> = (0..100).map(f64::from).collect();
    let mut holed = whole.clone();
    holed[40..60].fill(f64::NAN);
    assert_eq!(lines(&holed)?, lines(&whole)? + 1);
    Ok(())
}

#[test]
fn a_spike_does_not_flatten_the_rest() {
    let mut plot = plot(&["a"]);
    for row in 0..1000_u32 {
        let value = f64::from(row % 10);
        let spike = row % 20 == 7;
        let ema = if spike { 1e9 } else { value };
        plot.add(0, b"", Sample { ema, outlier: spike, ..sample(value) });
        plot.add(
            0,
            b"",
            Sample { value: if spike { 1e9 } else { value }, ema, location: 4.5, outlier: spike, reopened: spike },
        );
    }
    let limits = panel::limits(&plot.series[0]);
    assert!(limits.is_some_and(|(low, high)| low < 0.0 && high > 9.0 && high - low < 28.0), "{limits:?}");
}

#[test]
fn bursts_over_nothing_are_shown_to_scale() {
    let mut plot = plot(&["a"]);
    for row in 0..1000_u32 {
        // Zero most of the time, with traces that the estimate follows, bursts that matter and one absurd value.
        let (value, outlier) = match row {
            500 => (1e12, true),
            _ if row % 50 == 0 => (f64::from(row), true),
            _ if row % 10 == 1 => (0.001, false),
            _ => (0.0, false),
        };
        plot.add(0, b"", Sample { value, location: 1e-4, ema: value, outlier, reopened: false });
    }
    let limits = panel::limits(&plot.series[0]);
    assert!(limits.is_some_and(|(low, high)| low <= 0.0 && (950.0..2000.0).contains(&high)), "{limits:?}");
}

#[test]
fn the_axis_of_time_follows_the_column() -> Result<()> {
    let drawn = |times: [&str; 3]| -> Result<String> {
        let mut plot = plot(&["a"]);
        for (time, value) in times.into_iter().zip([1.0, 2.0, 3.0]) {
            plot.add(0, time.as_bytes(), sample(value));
        }
        picture(&plot)
    };
    let days = drawn(["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z"])?;
    assert!(days.contains("time (2020-01-01 00:00 to 2020-01-03 00:00 UTC)") && days.contains("Jan 2\n"));
    assert!(drawn(["1577836800", "1577923200", "1578009600"])?.contains("Jan 2\n"));
    assert!(!drawn(["2020-01-01", "2020-01-02", "2020-01-03"])?.contains("UTC"));
    assert!(drawn(["a", "b", "c"])?.contains("time (row number)"));
    assert!(drawn(["0", "0.5", "1"])?.contains("0.5\n"));
    Ok(())
}
