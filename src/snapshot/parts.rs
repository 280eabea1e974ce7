//! Snapshots of trackers cut by the hash of the key, and put together again, from bytes to bytes: so that a fleet of
//! workers is saved by one number of them and goes on by another. No tracker is built, and no rule is needed.

use super::body::Reader;
use super::header::{Header, LONGEST_NOTE, SnapshotKind};
use super::series::{MOST, stable_hash};
use super::{COUNTERS, HAS_LATE, IN_TIME, SnapshotError};
use core::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// Most parts that a snapshot is split into.
const MOST_PARTS: usize = 1 << 16;
/// Places in the counters: those that the series themselves can say something about.
const CREATED: usize = 0;
const SAMPLES: usize = 4;
const OUTLIERS: usize = 8;

/// The stable hash of a key, XXH64 with the seed 0: the same on every machine and in every version. The bytes of a text are
/// its UTF-8, those of a number are little-endian, as many as its type has.
///
/// ```
/// assert_eq!(evenkeel::key_hash(b""), 0xef46_db37_51d8_e999);
/// ```
#[must_use]
pub fn key_hash(key: &[u8]) -> u64 {
    stable_hash(key)
}

/// The part of `parts` that a key belongs to, [`key_hash`] modulo `parts`: what [`split_snapshot`] cuts by, and what
/// whoever hands samples to workers has to go by. Of no parts it is 0.
#[must_use]
pub fn key_part(key: &[u8], parts: usize) -> usize {
    key_hash(key).checked_rem(parts as u64).and_then(|part| usize::try_from(part).ok()).unwrap_or(0)
}

/// Splits a snapshot of a [`Tracker`](crate::Tracker) into so many, each with the series whose [`key_part`] is its number.
/// The state of each series and the order of idleness within a part are as they were, and every part has the clock and
/// the note of the whole.
///
/// The counters of the parts add up to those of the whole. A part counts its series as created, and their samples and
/// outliers as its own; everything else, such as what was late or evicted, stays with the first.
///
/// ```
/// use evenkeel::{Decay, RobustMean, Tracker, key_part, merge_snapshots, split_snapshot};
///
/// let rule = RobustMean::new(Decay::half_life(60.0)?);
/// let mut tracker = Tracker::<String>::new(rule)?;
/// tracker.update_batch([("cpu", 40.0), ("disk", 5.0), ("memory", 80.0)])?;
/// let mut whole = Vec::new();
/// tracker.write_snapshot(&mut whole, b"line 3")?;
///
/// let parts = split_snapshot(&whole, 2)?; // for two workers, of which each has its part
/// let mut worker = Tracker::<String>::new(rule)?;
/// worker.read_snapshot(&parts[key_part(b"disk", 2)])?;
/// assert_eq!(worker.get("disk").map(|disk| disk.location), Some(5.0));
///
/// let merged = merge_snapshots(&parts, b"line 3")?;
/// worker.read_snapshot(&merged)?;
/// assert_eq!((worker.len(), worker.counters()), (3, tracker.counters()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There are no parts or more than 65,536; or the bytes are no snapshot of a tracker, are damaged, or are of format 1, which
/// a tracker reads and writes anew.
pub fn split_snapshot(bytes: &[u8], parts: usize) -> Result<Vec<Vec<u8>>, SnapshotError> {
    if !(1..=MOST_PARTS).contains(&parts) {
        return Err(SnapshotError::Parts { parts });
    }
    let whole = Content::open(bytes)?;
    let mut cuts = vec![Cut::default(); parts];
    let mut places = Vec::with_capacity(whole.keys.len());
    for (series, &key) in whole.keys.iter().enumerate() {
        let part = key_part(key, parts);
        if let Some(cut) = cuts.get_mut(part) {
            places.push((part, cut.series));
            cut.series += 1;
            cut.keys += size_of::<u32>() + key.len();
            cut.samples = cut.samples.saturating_add(word(whole.samples, series));
            cut.outliers = cut.outliers.saturating_add(word(whole.outliers, series));
            cut.has_late |= whole.late.get(series).is_some_and(|&late| late > 0);
        }
    }
    let mut rest = whole.counters;
    let mut counters = vec![[0; COUNTERS]; parts];
    for (cut, counters) in cuts.iter().zip(&mut counters).skip(1) {
        for (at, count) in [(CREATED, u64::from(cut.series)), (SAMPLES, cut.samples), (OUTLIERS, cut.outliers)] {
            counters[at] = count.min(rest[at]);
            rest[at] -= counters[at];
        }
    }
    counters[0] = rest;

    let mut outs: Vec<Vec<u8>> = cuts.iter().map(|cut| whole.begin(cut)).collect();
    let starts: Vec<usize> = outs.iter().map(Vec::len).collect();
    let mut put = |part: usize, bytes: &[u8]| {
        if let Some(out) = outs.get_mut(part) {
            out.extend_from_slice(bytes);
        }
    };
    for (section, width) in whole.sections() {
        for (&(part, _), bytes) in places.iter().zip(section.chunks_exact(width)) {
            put(part, bytes);
        }
    }
    for series in whole.order() {
        if let Some((part, place)) = places.get(series as usize) {
            put(*part, &place.to_le_bytes());
        }
    }
    for (&(part, _), late) in places.iter().zip(whole.late.chunks_exact(1)) {
        if cuts.get(part).is_some_and(|cut| cut.has_late) {
            put(part, late);
        }
    }
    for (&(part, _), key) in places.iter().zip(&whole.keys) {
        put(part, &number_of(key.len()).to_le_bytes());
        put(part, key);
    }
    for (part, counters) in counters.iter().enumerate() {
        for count in counters {
            put(part, &count.to_le_bytes());
        }
        put(part, &whole.clock_bytes(if part == 0 { whole.astray } else { 0 }));
    }
    for (out, start) in outs.iter_mut().zip(starts) {
        end(out, start);
    }
    Ok(outs)
}

/// Merges snapshots of [`Tracker`](crate::Tracker)s of one rule that have no series in common into one, with a note of its
/// own. Series come in the order of the snapshots, each with its state as it was; counters are added.
///
/// The clock is the latest of all. Where series are idle by samples, each stays idle by as many as it was; where they are
/// idle by time, by the same time. In the order of idleness, of two that have been idle equally long the series of the
/// earlier snapshot comes first.
///
/// # Errors
/// There is no snapshot; one of them is of something else than a tracker, of another rule, other parameters, another element type or
/// another kind of key than the first, is idle by something else, is damaged, or is of format 1; two have a series of the
/// same key; there would be more series than a tracker holds; or the note is too long.
pub fn merge_snapshots<B: AsRef<[u8]>>(snapshots: &[B], note: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let all = snapshots.iter().map(|bytes| Content::open(bytes.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let first = all.first().ok_or(SnapshotError::Nothing)?;
    if note.len() > LONGEST_NOTE {
        return Err(SnapshotError::Note { bytes: note.len() });
    }
    for other in &all {
        other.header.check(&first.header)?;
        if other.is_in_time() != first.is_in_time() {
            let describe = |content: &Content<'_>| {
                format!("series that are idle by {}", if content.is_in_time() { "time" } else { "samples" })
            };
            return Err(SnapshotError::Other { found: describe(other), expected: describe(first) });
        }
    }
    let mut total = Cut::default();
    let (series, max_series) = (all.iter().map(|content| content.keys.len()).sum(), u32::MAX as usize - 1);
    if series > max_series {
        return Err(SnapshotError::Full { series, max_series });
    }
    total.series = number_of(series);
    let mut known = HashSet::with_capacity(series);
    for key in all.iter().flat_map(|content| &content.keys) {
        total.keys += size_of::<u32>() + key.len();
        if !known.insert(*key) {
            let text = core::str::from_utf8(key).ok().filter(|_| first.header.key == 1);
            let key = text.map_or_else(|| format!("{key:?}"), |text| format!("{text:?}"));
            return Err(SnapshotError::Exists { key });
        }
    }
    total.has_late = all.iter().any(|content| content.late.iter().any(|&late| late > 0));
    let mut counters = [0_u64; COUNTERS];
    for content in &all {
        for (sum, count) in counters.iter_mut().zip(content.counters) {
            *sum = sum.saturating_add(count);
        }
    }
    if counters.iter().any(|&sum| sum > MOST) {
        return Err(SnapshotError::Malformed { what: "a counter counts more than there can have been" });
    }
    let clock = all.iter().filter_map(|content| content.clock).max();

    let mut header = first.header.clone();
    note.clone_into(&mut header.note);
    let mut out = Content { header, ..Content::EMPTY }.begin(&total);
    let start = out.len();
    let columns = first.columns.len();
    for column in 0..columns {
        for bytes in all.iter().filter_map(|content| content.columns.get(column)) {
            out.extend_from_slice(bytes);
        }
    }
    let words: [for<'c> fn(&Content<'c>) -> &'c [u8]; 3] = [|of| of.samples, |of| of.outliers, |of| of.last];
    for section in words {
        for content in &all {
            out.extend_from_slice(section(content));
        }
    }
    for content in &all {
        for series in 0..content.keys.len() {
            out.extend_from_slice(&content.seen_by(series, clock).to_le_bytes());
        }
    }
    put_order(&mut out, &all, clock);
    if total.has_late {
        for content in &all {
            out.extend_from_slice(content.late);
            out.resize(out.len() + content.keys.len() - content.late.len(), 0);
        }
    }
    for key in all.iter().flat_map(|content| &content.keys) {
        out.extend_from_slice(&number_of(key.len()).to_le_bytes());
        out.extend_from_slice(key);
    }
    for count in counters {
        out.extend_from_slice(&count.to_le_bytes());
    }
    let astray = all.iter().fold(0_u64, |sum, content| sum.saturating_add(content.astray));
    out.extend_from_slice(&Content { clock, ..Content::EMPTY }.clock_bytes(astray));
    end(&mut out, start);
    Ok(out)
}

/// Appends the order of idleness of all series: each snapshot's own, one among the other by when their series were seen.
fn put_order(out: &mut Vec<u8>, all: &[Content<'_>], clock: Option<i64>) {
    let mut base = 0;
    let mut lists = Vec::with_capacity(all.len());
    for content in all {
        lists.push((content, base, content.order()));
        base += number_of(content.keys.len());
    }
    let mut heads = BinaryHeap::with_capacity(all.len());
    for (list, (content, _, order)) in lists.iter_mut().enumerate() {
        heads.extend(order.next().map(|series| Reverse((content.seen_by(series as usize, clock), list, series))));
    }
    while let Some(Reverse((_, list, series))) = heads.pop() {
        let Some((content, base, order)) = lists.get_mut(list) else { return };
        out.extend_from_slice(&(*base + series).to_le_bytes());
        heads.extend(order.next().map(|series| Reverse((content.seen_by(series as usize, clock), list, series))));
    }
}

/// What a part will have.
#[derive(Clone, Debug, Default)]
struct Cut {
    series: u32,
    /// The bytes of their keys.
    keys: usize,
    samples: u64,
    outliers: u64,
    has_late: bool,
}

/// The snapshot of a tracker, taken apart.
struct Content<'a> {
    header: Header,
    /// Those of the rule, and the scores.
    columns: Vec<&'a [u8]>,
    samples: &'a [u8],
    outliers: &'a [u8],
    last: &'a [u8],
    seen: &'a [u8],
    order: &'a [u8],
    /// Empty where there is none.
    late: &'a [u8],
    keys: Vec<&'a [u8]>,
    counters: [u64; COUNTERS],
    clock: Option<i64>,
    astray: u64,
}

impl<'a> Content<'a> {
    const EMPTY: Content<'static> = Content {
        header: Header::NONE,
        columns: Vec::new(),
        samples: &[],
        outliers: &[],
        last: &[],
        seen: &[],
        order: &[],
        late: &[],
        keys: Vec::new(),
        counters: [0; COUNTERS],
        clock: None,
        astray: 0,
    };

    fn open(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        let (header, body) = Header::open(bytes)?;
        let other = |found: String| SnapshotError::Other { found, expected: "a Tracker in format 2".to_owned() };
        if header.kind != SnapshotKind::Tracker {
            return Err(other(header.describe()));
        }
        if header.is_first() {
            return Err(other("a Tracker in format 1".to_owned()));
        }
        if header.marks > IN_TIME | HAS_LATE {
            return Err(SnapshotError::Malformed { what: "series are idle by nothing that is known" });
        }
        let (bytes, has_late) = (usize::from(header.lane), header.marks & HAS_LATE > 0);
        let width = (usize::from(header.columns) + 1) * bytes + 4 * size_of::<u64>() + 2 * size_of::<u32>();
        let count = usize::try_from(header.channels).ok().filter(|&count| count < u32::MAX as usize);
        let count = count.filter(|&count| count.checked_mul(width).is_some_and(|bytes| bytes <= body.len()));
        let count = count.ok_or(SnapshotError::Malformed { what: "it has less than its number of series needs" })?;
        let mut reader = Reader::new(body);
        let mut columns = Vec::with_capacity(usize::from(header.columns) + 1);
        for _ in 0..=header.columns {
            columns.push(reader.take(count * bytes)?);
        }
        let mut words = || reader.take(count * size_of::<u64>());
        let (samples, outliers, last, seen) = (words()?, words()?, words()?, words()?);
        let order = reader.take(count * size_of::<u32>())?;
        let mut named = vec![false; count];
        for series in numbers(order) {
            match named.get_mut(series as usize) {
                Some(named) if !*named => *named = true,
                _ => {
                    let what = "the order of idleness does not name every series once";
                    return Err(SnapshotError::Malformed { what });
                }
            }
        }
        let late = reader.take(if has_late { count } else { 0 })?;
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            let length = reader.u32()? as usize;
            keys.push(reader.take(length)?);
        }
        let mut counters = [0; COUNTERS];
        for counter in &mut counters {
            *counter = reader.u64()?;
        }
        let [started] = reader.array()?;
        let (now, astray) = (reader.i64()?, reader.u64()?);
        if started > 1 || started == 0 && now != 0 {
            return Err(SnapshotError::Malformed { what: "the clock neither goes nor stands" });
        }
        reader.end()?;
        let clock = (started == 1).then_some(now);
        Ok(Self { header, columns, samples, outliers, last, seen, order, late, keys, counters, clock, astray })
    }

    fn is_in_time(&self) -> bool {
        self.header.marks & IN_TIME > 0
    }

    /// What has so many bytes of every series, up to the order of idleness.
    fn sections(&self) -> impl Iterator<Item = (&'a [u8], usize)> {
        let lane = usize::from(self.header.lane).max(1);
        let words = [self.samples, self.outliers, self.last, self.seen].map(|section| (section, size_of::<u64>()));
        self.columns.iter().map(move |&column| (column, lane)).chain(words)
    }

    fn order(&self) -> impl Iterator<Item = u32> + use<'a> {
        numbers(self.order)
    }

    /// When a series was seen by the clock of a merged snapshot.
    fn seen_by(&self, series: usize, clock: Option<i64>) -> i64 {
        let seen = word(self.seen, series).cast_signed();
        match (self.clock, clock) {
            // Its clock had not begun: it is not idle yet.
            (None, Some(merged)) => merged,
            (Some(own), Some(merged)) if !self.is_in_time() => seen.saturating_add(merged.saturating_sub(own)),
            _ => seen,
        }
    }

    /// The bytes before the body of a part, with room for all of it.
    fn begin(&self, cut: &Cut) -> Vec<u8> {
        let mut header = self.header.clone();
        header.channels = cut.series.into();
        header.marks = header.marks & IN_TIME | if cut.has_late { HAS_LATE } else { 0 };
        let width =
            (usize::from(header.columns) + 1) * usize::from(header.lane) + 4 * size_of::<u64>() + size_of::<u32>();
        let series = cut.series as usize * (width + usize::from(cut.has_late));
        let body = series + cut.keys + COUNTERS * size_of::<u64>() + 1 + 2 * size_of::<u64>();
        header.body = body as u64;
        let mut out = header.encode();
        out.reserve_exact(body + size_of::<u32>());
        out
    }

    fn clock_bytes(&self, astray: u64) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[0] = self.clock.is_some().into();
        bytes[1..9].copy_from_slice(&self.clock.unwrap_or(0).to_le_bytes());
        bytes[9..].copy_from_slice(&astray.to_le_bytes());
        bytes
    }
}

/// Appends the checksum of the body.
fn end(out: &mut Vec<u8>, start: usize) {
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// The word of one series; 0 if there is none.
fn word(section: &[u8], series: usize) -> u64 {
    section.as_chunks().0.get(series).map_or(0, |word| u64::from_le_bytes(*word))
}

fn numbers(section: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
    section.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number))
}

/// A length or a number of series, which were read from as many bits or are fewer.
fn number_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
