//! What is counted of samples, in the program's summary, on a report and on the screen.

use crate::engine::Seen;

/// Counts of one series, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Samples that were there.
    pub(crate) samples: u64,
    pub(crate) missing: u64,
    pub(crate) outliers: u64,
    pub(crate) reopenings: u64,
}

impl Tally {
    /// One more sample, and what was made of it.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, seen: &Seen) {
        if value.is_nan() {
            self.missing += 1;
        } else {
            self.samples += 1;
        }
        self.outliers += u64::from(seen.outlier);
        self.reopenings += u64::from(seen.reopened);
    }

    /// Everything that another one has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.missing += other.missing;
        self.outliers += other.outliers;
        self.reopenings += other.reopenings;
    }
}
