//! The horizontal axis: moments, numbers, or rows where there is no time.

use super::axis::{Axis, written};
use super::bucket::Bucket;
use super::style::Text;

/// The horizontal axis and its limits.
#[derive(Clone, Copy, Debug)]
pub(super) enum TimeAxis {
    Clock { limits: (f64, f64), utc: bool },
    Number { limits: (f64, f64) },
    Row { limits: (f64, f64) },
}

impl TimeAxis {
    /// The place of a bucket: its middle; NaN if it has no time.
    pub(super) fn position(self, bucket: &Bucket) -> f64 {
        match self {
            Self::Row { .. } => f64::midpoint(bucket.first_row as f64, bucket.last_row as f64),
            _ => f64::midpoint(bucket.first_time, bucket.last_time),
        }
    }

    /// The time axis of a panel that is `width` pixels wide.
    pub(super) fn axis(self, width: i32) -> Axis {
        let marks = usize::try_from(width / 110).unwrap_or(0);
        match self {
            Self::Clock { limits, .. } => Axis::clock(limits, marks),
            Self::Number { limits } | Self::Row { limits } => Axis::values(limits, marks),
        }
    }

    /// The text below the axis.
    pub(super) fn label(self, name: &str, width: i32) -> String {
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
