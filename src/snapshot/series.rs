//! One series as a few bytes of its own, without its key: what an engine keeps in a state store, a series at a time.
//!
//! The rule is not in these bytes, as it is in a snapshot, but a fingerprint of it.

use super::SnapshotError;
use super::body::Reader;
use super::header::{Header, SnapshotKind};
use crate::lane::Real;
use crate::rule::{ColumnsOf, Rule};
use crate::timed::MOST_LATE;
use twox_hash::XxHash64;

/// The format of these bytes.
const FORMAT: u8 = 1;
/// The most that a counter can have come to, and more than centuries of samples.
pub(crate) const MOST: u64 = u64::MAX / 2;

const CHECKSUM: usize = size_of::<u32>();

/// The stable hash of `FORMAT.md`: XXH64 with the seed 0.
pub(crate) fn stable_hash(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

/// Everything that a tracker holds of a series but its key and its place among others.
pub(crate) struct SavedSeries<R: Rule, T: Real> {
    pub(crate) state: ColumnsOf<R, T>,
    pub(crate) score: T,
    pub(crate) samples: u64,
    pub(crate) outliers: u64,
    /// As the bank below has it: the smallest number where there was no time.
    pub(crate) last: i64,
    pub(crate) late: u8,
}

/// What series of one rule are saved and restored by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a rule with its parameters, and of the element type.
    pub(crate) fn of<R: Rule, T: Real>(rule: &R) -> Self {
        Self(stable_hash(&Header::new::<R, T>(SnapshotKind::Tracker, rule, 0).rule_bytes()))
    }

    /// Appends a series to `out`.
    pub(crate) fn save<R: Rule, T: Real>(self, series: &SavedSeries<R, T>, out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(width::<R, T>());
        out.push(FORMAT);
        out.extend_from_slice(&self.0.to_le_bytes());
        for number in series.state.as_ref().iter().chain([&series.score]) {
            out.extend_from_slice(&number.to_word().to_le_bytes()[..size_of::<T>()]);
        }
        for word in [series.samples, series.outliers, series.last.cast_unsigned()] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.push(series.late);
        let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Reads a series of this rule, whose constants these are.
    pub(crate) fn restore<R: Rule, T: Real>(
        self,
        rule: &R,
        constants: &R::Constants<T>,
        bytes: &[u8],
    ) -> Result<SavedSeries<R, T>, SnapshotError> {
        let length = SnapshotError::Length { expected: width::<R, T>() as u64, got: bytes.len() as u64 };
        let Some(&format) = bytes.first() else { return Err(length) };
        if format != FORMAT {
            return Err(SnapshotError::Format { found: format.into(), known: FORMAT.into() });
        }
        let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else { return Err(length) };
        let is_whole = crc32fast::hash(content) == u32::from_le_bytes(*checksum);
        let mut reader = Reader::new(content.get(1..).unwrap_or_default());
        if is_whole && reader.u64().is_ok_and(|found| found != self.0) {
            let header = Header::new::<R, T>(SnapshotKind::Tracker, rule, 0);
            return Err(SnapshotError::Fingerprint { expected: header.describe_rule() });
        }
        if bytes.len() != width::<R, T>() {
            return Err(length);
        }
        if !is_whole {
            return Err(SnapshotError::Checksum { part: "series" });
        }
        let mut state = R::unseen::<T>();
        for number in state.as_mut() {
            *number = reader.number()?;
        }
        if !R::is_state(constants, &state) {
            return Err(SnapshotError::State { channel: 0, rule: R::NAME });
        }
        let score: T = reader.number()?;
        if score.to_f64().is_nan() && score.to_word() != T::NAN.to_word() {
            return Err(SnapshotError::Malformed { what: "a score is a strange NaN" });
        }
        let (samples, outliers, last) = (reader.u64()?, reader.u64()?, reader.i64()?);
        if samples > MOST || outliers > MOST {
            return Err(SnapshotError::Malformed { what: "a counter counts more than there can have been" });
        }
        let [late] = reader.array()?;
        if late > MOST_LATE {
            return Err(SnapshotError::Malformed { what: "it counts late samples where there are none" });
        }
        reader.end()?;
        Ok(SavedSeries { state, score, samples, outliers, last, late })
    }
}

/// The bytes of a series: format, fingerprint, columns and score, two counters and the last time, late samples, checksum.
pub(crate) fn width<R: Rule, T: Real>() -> usize {
    let columns = R::unseen::<T>().as_ref().len();
    1 + 4 * size_of::<u64>() + (columns + 1) * size_of::<T>() + 1 + CHECKSUM
}
