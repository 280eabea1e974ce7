//! What a plot remembers of a series: a bounded number of buckets, however long the series is.
//!
//! A bucket starts as one row. When all are in use, neighbours are merged in pairs and a bucket stands for twice as
//! many rows from then on. What an eye would look for survives merging: extremes, outliers, re-openings and gaps.

use super::time::Moment;

/// Most buckets of one series; even, so that merging in pairs leaves none over.
pub(super) const MOST_BUCKETS: usize = 2000;

/// Least buckets of one series, however many share a plot: fewer are no curve.
const LEAST_BUCKETS: usize = 64;

/// One sample of a series and what was made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The sample; NaN if it is missing.
    pub(crate) value: f64,
    /// The estimate after it.
    pub(crate) location: f64,
    /// The plain average after it; NaN if there is none.
    pub(crate) ema: f64,
    /// Whether it was judged an outlier.
    pub(crate) outlier: bool,
    /// Whether the estimate was re-opened by it.
    pub(crate) reopened: bool,
}

/// Consecutive rows of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Rows, missing samples included.
    pub(super) rows: u64,
    /// Whether at least one sample was not missing.
    pub(super) seen: bool,
    /// Smallest and largest sample; an infinity counts.
    pub(super) min: f64,
    pub(super) max: f64,
    /// Smallest and largest sample that was no outlier; NaN if all were.
    pub(super) calm_min: f64,
    pub(super) calm_max: f64,
    /// Last sample that was not missing.
    pub(super) last: f64,
    /// Estimates after the last row that had any.
    pub(super) location: f64,
    pub(super) ema: f64,
    /// The outliers furthest from the location, below and above it; NaN if there were none on that side.
    pub(super) low_outlier: f64,
    pub(super) high_outlier: f64,
    /// Whether the estimate was re-opened.
    pub(super) reopened: bool,
    /// Number of the first row and of the last.
    pub(super) first_row: u64,
    pub(super) last_row: u64,
    /// Time of the first row and of the last that had one; NaN if none had.
    pub(super) first_time: f64,
    pub(super) last_time: f64,
}

impl Bucket {
    fn new(row: u64, moment: Moment, sample: Sample) -> Self {
        let missing = sample.value.is_nan();
        let side = |wanted: bool| if wanted { sample.value } else { f64::NAN };
        let outlier = sample.outlier && !missing;
        // Before there is a location a sample is above as well as below it; above will do.
        let below = sample.value < sample.location;
        Self {
            rows: 1,
            seen: !missing,
            min: sample.value,
            max: sample.value,
            calm_min: side(!outlier),
            calm_max: side(!outlier),
            last: sample.value,
            location: sample.location,
            ema: sample.ema,
            low_outlier: side(outlier && below),
            high_outlier: side(outlier && !below),
            reopened: sample.reopened,
            first_row: row,
            last_row: row,
            first_time: moment.0,
            last_time: moment.0,
        }
    }

    /// Adds the rows of the next bucket. `f64::min` and `max` take the other side where one is NaN, as wanted here.
    fn absorb(&mut self, later: &Self) {
        let latest = |old: f64, new: f64| if new.is_nan() { old } else { new };
        self.rows += later.rows;
        self.seen |= later.seen;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.calm_min = self.calm_min.min(later.calm_min);
        self.calm_max = self.calm_max.max(later.calm_max);
        self.last = latest(self.last, later.last);
        self.location = latest(self.location, later.location);
        self.ema = latest(self.ema, later.ema);
        self.low_outlier = self.low_outlier.min(later.low_outlier);
        self.high_outlier = self.high_outlier.max(later.high_outlier);
        self.reopened |= later.reopened;
        self.last_row = later.last_row;
        self.first_time = latest(later.first_time, self.first_time);
        self.last_time = latest(self.last_time, later.last_time);
    }
}

/// The buckets of one series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) buckets: Vec<Bucket>,
    /// Rows a full bucket stands for: a power of two.
    pub(super) width: u64,
    /// Most buckets; even.
    limit: usize,
    rows: u64,
}

impl Series {
    pub(super) fn new(name: String) -> Self {
        Self { name, buckets: Vec::new(), width: 1, limit: MOST_BUCKETS, rows: 0 }
    }

    /// Lowers the limit to about so many buckets, and merges those that are there until they are no more. A higher
    /// limit changes nothing.
    pub(super) fn limit_to(&mut self, limit: usize) {
        self.limit = self.limit.min(limit.max(LEAST_BUCKETS) & !1);
        while self.buckets.len() > self.limit {
            self.halve();
        }
    }

    pub(super) fn add(&mut self, moment: Moment, sample: Sample) {
        self.rows += 1;
        let new = Bucket::new(self.rows, moment, sample);
        if let Some(last) = self.buckets.last_mut()
            && last.rows < self.width
        {
            last.absorb(&new);
            return;
        }
        if self.buckets.len() >= self.limit {
            self.halve();
        }
        // A bucket that was left over in merging has room.
        match self.buckets.last_mut() {
            Some(last) if last.rows < self.width => last.absorb(&new),
            _ => self.buckets.push(new),
        }
    }

    /// Merges neighbours. All that were full are full again afterwards; the last one may have room.
    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).filter_map(|pair| {
            let (first, rest) = pair.split_first()?;
            let mut bucket = *first;
            for later in rest {
                bucket.absorb(later);
            }
            Some(bucket)
        });
        self.buckets = merged.collect();
        self.width = self.width.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64) -> Sample {
        Sample { value, location: 0.5, ema: 0.25, outlier: false, reopened: false }
    }

    #[test]
    fn memory_is_bounded_and_no_row_is_lost() {
        let mut series = Series::new("a".to_owned());
        for row in 1..=1_000_003_u64 {
            series.add(Moment(row as f64), sample(row as f64));
            assert!(series.buckets.len() <= MOST_BUCKETS);
        }
        assert_eq!(series.width, 512);
        assert!(series.buckets.capacity() <= 2 * MOST_BUCKETS);
        assert_eq!(series.buckets.iter().map(|bucket| bucket.rows).sum::<u64>(), 1_000_003);
        let mut next = 1;
        for bucket in &series.buckets {
            assert_eq!(bucket.first_row, next);
            assert_eq!((bucket.min, bucket.max), (bucket.first_row as f64, bucket.last_row as f64));
            assert_eq!((bucket.first_time, bucket.last_time), (bucket.min, bucket.max));
            assert_eq!(bucket.last, bucket.max);
            assert_eq!(bucket.rows, bucket.last_row + 1 - bucket.first_row);
            next = bucket.last_row + 1;
        }
    }

    #[test]
    fn a_limit_may_fall_at_any_time() {
        for (first, limit, most) in
            [(1999, 1000, 1000), (1001, 333, 332), (7, 2, LEAST_BUCKETS), (500, 5000, MOST_BUCKETS), (0, 100, 100)]
        {
            let mut series = Series::new("a".to_owned());
            for row in 1..=3 * first + 5000_u64 {
                if row == first + 1 {
                    series.limit_to(limit);
                }
                series.add(Moment(row as f64), sample(row as f64));
                assert!(series.buckets.len() <= if row <= first { MOST_BUCKETS } else { most });
            }
            let (last, full) = series.buckets.split_last().unwrap();
            assert!(full.iter().all(|bucket| bucket.rows == series.width) && last.rows <= series.width);
            let mut next = 1;
            for bucket in &series.buckets {
                assert_eq!((bucket.first_row, bucket.min), (next, next as f64));
                next += bucket.rows;
            }
            assert_eq!(next, 3 * first + 5001);
        }
    }

    #[test]
    fn merging_keeps_extremes_and_flags() {
        let mut series = Series::new("a".to_owned());
        for row in 0..100_000_u64 {
            let (value, flagged) = match row {
                777 => (1e300, true),
                50_000 => (-1e250, true),
                _ => (if row % 3 == 0 { f64::NAN } else { 1.0 }, false),
            };
            series.add(Moment(f64::NAN), Sample { outlier: flagged, reopened: flagged, ..sample(value) });
        }
        assert!(series.width > 1);
        let flagged: Vec<_> = series.buckets.iter().filter(|bucket| bucket.reopened).collect();
        assert_eq!(flagged.len(), 2);
        assert_eq!((flagged[0].high_outlier, flagged[0].max, flagged[0].min), (1e300, 1e300, 1.0));
        assert_eq!((flagged[1].low_outlier, flagged[1].min, flagged[1].max), (-1e250, -1e250, 1.0));
        assert!(flagged.iter().all(|bucket| (bucket.calm_min, bucket.calm_max) == (1.0, 1.0)));
        assert!(flagged[0].low_outlier.is_nan() && flagged[1].high_outlier.is_nan());
        assert!(series.buckets.iter().all(|bucket| bucket.seen && bucket.last == 1.0 || bucket.reopened));
        assert!(series.buckets.iter().all(|bucket| (bucket.location, bucket.ema) == (0.5, 0.25)));
    }

    #[test]
    fn a_bucket_of_missing_samples_is_a_gap() {
        let mut series = Series::new("a".to_owned());
        for _ in 0..3 * MOST_BUCKETS {
            series.add(Moment(f64::NAN), sample(f64::NAN));
        }
        assert!(series.buckets.iter().all(|bucket| !bucket.seen && bucket.min.is_nan() && bucket.last.is_nan()));
    }
}
