//! What a plot remembers: its series, bounded in number and in size, and what is written around them.

use super::axis::padded;
use super::bucket::{MOST_BUCKETS, Sample, Series};
use super::time::Clock;
use super::time_axis::TimeAxis;
use crate::text::moments::TimeForm;
use crate::text::quote::shortened;

/// Most letters of a title, a name or a label: more than fit on a panel.
const MOST_LETTERS: usize = 300;

/// The most that a plot remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Series. Further ones are counted, not drawn.
    pub(crate) series: usize,
    /// Buckets of all series together: the more series, the coarser each of them.
    pub(crate) buckets: usize,
}

impl Capacity {
    /// The capacity of a sheet with all its panels.
    pub(crate) const PANELS: Self = Self { series: 12, buckets: 12 * MOST_BUCKETS };
}

/// The lines beside the raw samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// The name of the estimate's line.
    pub(crate) estimate: &'static str,
    /// Whether there is a plain average to compare it with.
    pub(crate) has_average: bool,
}

/// The samples so far, summed up, to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(super) title: String,
    pub(super) time_label: String,
    pub(super) decay_label: String,
    pub(super) lines: Lines,
    capacity: Capacity,
    clock: Clock,
    pub(super) series: Vec<Series>,
    /// Series for which there is no place.
    pub(super) left_out: usize,
}

impl Plot {
    /// An empty plot: its title, the name of the time, and a few words on the decay of both averages.
    pub(crate) fn new(
        title: String,
        time_label: String,
        decay_label: String,
        lines: Lines,
        capacity: Capacity,
    ) -> Self {
        // XML has no way to write some characters, and these two may come from the input.
        let [title, time_label] = [title, time_label].map(|text| shortened(&text, MOST_LETTERS));
        Self {
            title,
            time_label,
            decay_label,
            lines,
            capacity,
            clock: Clock::default(),
            series: Vec::new(),
            left_out: 0,
        }
    }

    /// A plot with times in this form.
    pub(crate) fn with_time_form(self, form: TimeForm) -> Self {
        Self { clock: Clock::new(form), ..self }
    }

    /// Adds a series; its number is for [`Plot::add`].
    pub(crate) fn series(&mut self, name: &str) -> usize {
        if self.series.len() < self.capacity.series {
            self.series.push(Series::new(shortened(name, MOST_LETTERS)));
            let share = self.capacity.buckets / self.series.len();
            self.series.iter_mut().for_each(|series| series.limit_to(share));
            return self.series.len() - 1;
        }
        self.left_out += 1;
        self.capacity.series + self.left_out - 1
    }

    /// Adds the next sample of a series. One of a series that has no panel, or was never added, is passed over.
    pub(crate) fn add(&mut self, series: usize, time: &[u8], sample: Sample) {
        if let Some(series) = self.series.get_mut(series) {
            series.add(self.clock.read(time), sample);
        }
    }

    /// The axis from the earliest row to the latest: in time, or in rows if the times make no sense.
    pub(super) fn time_axis(&self) -> TimeAxis {
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
}
