//! Snapshots of trackers: all of their series, or some to be moved to another process.

use super::feed::{AllSlots, Slot, number};
use super::order::{self, Links, Order};
use super::{Clock, Counters, Moves, Tracker};
use crate::columns::Columns;
use crate::error::ChannelsError;
use crate::lane::Real;
use crate::rule::Scored;
use crate::snapshot::{
    Body, COUNTERS, HAS_LATE, Header, IN_TIME, MOST, Reader, SnapshotError, SnapshotKind, columns, read_columns,
    write_whole,
};
use crate::timed::MOST_LATE;
use core::borrow::Borrow;
use core::fmt::Debug;
use core::hash::Hash;
use indexmap::IndexMap;
use std::io::{self, Write};
use std::sync::Arc;

/// A key that a snapshot can hold: text, bytes, or an unsigned number.
pub trait SnapshotKey: Hash + Eq + Debug + Sized {
    /// The kind of key: 1 for UTF-8, 2 for bytes, 3 for a little-endian unsigned number.
    #[doc(hidden)]
    const KIND: u8;
    /// Calls `take` with the key's bytes.
    #[doc(hidden)]
    fn with_bytes<A>(&self, take: impl FnOnce(&[u8]) -> A) -> A;
    /// The key that these bytes make; `None` if they make none.
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
    /// The stable hash of the key, [`key_hash`](crate::key_hash) of its bytes: that by which
    /// [`split_snapshot`](crate::split_snapshot) shares out series.
    ///
    /// ```
    /// use evenkeel::{SnapshotKey, key_hash};
    ///
    /// assert_eq!("cpu".to_owned().stable_hash(), key_hash(b"cpu"));
    /// assert_eq!(7_u32.stable_hash(), key_hash(&[7, 0, 0, 0]));
    /// ```
    fn stable_hash(&self) -> u64 {
        self.with_bytes(crate::key_hash)
    }
}

macro_rules! keys {
    ($($key:ty, $kind:literal, |$this:ident| $bytes:expr, |$given:ident| $from:expr;)*) => {
        $(impl SnapshotKey for $key {
            const KIND: u8 = $kind;
            fn with_bytes<A>(&self, take: impl FnOnce(&[u8]) -> A) -> A {
                let $this = self;
                take($bytes)
            }
            fn from_bytes($given: &[u8]) -> Option<Self> {
                $from
            }
        })*
    };
}
keys! {
    String, 1, |this| this.as_bytes(), |bytes| core::str::from_utf8(bytes).ok().map(Self::from);
    Box<str>, 1, |this| this.as_bytes(), |bytes| core::str::from_utf8(bytes).ok().map(Self::from);
    Arc<str>, 1, |this| this.as_bytes(), |bytes| core::str::from_utf8(bytes).ok().map(Self::from);
    Vec<u8>, 2, |this| this, |bytes| Some(bytes.to_vec());
    Box<[u8]>, 2, |this| this, |bytes| Some(bytes.into());
    Arc<[u8]>, 2, |this| this, |bytes| Some(bytes.into());
    u32, 3, |this| &this.to_le_bytes(), |bytes| bytes.try_into().ok().map(Self::from_le_bytes);
    u64, 3, |this| &this.to_le_bytes(), |bytes| bytes.try_into().ok().map(Self::from_le_bytes);
    u128, 3, |this| &this.to_le_bytes(), |bytes| bytes.try_into().ok().map(Self::from_le_bytes);
}

/// The bytes of a series beside its number of each column and its key: the score, samples, outliers, the last time, the
/// clock when it was seen, and its place in the order of idleness.
const fn bytes_of_slot<T>() -> usize {
    size_of::<T>() + 4 * size_of::<u64>() + size_of::<u32>()
}

impl<K: SnapshotKey, R: Scored, T: Real> Tracker<K, R, T> {
    /// Writes every series with its state, the counters, and a note of at most half a mebibyte, such as how far the
    /// input has been read. `FORMAT.md` describes the bytes. Limits are not written: they are the next process's own.
    ///
    /// ```
    /// use evenkeel::{Decay, RobustMean, SnapshotInfo, Tracker};
    ///
    /// let rule = RobustMean::new(Decay::half_life(60.0)?);
    /// let mut tracker = Tracker::<String>::new(rule)?;
    /// tracker.update_batch([40.0, 41.0, 40.5, 40.0, 41.5, 40.5].map(|sample| ("cpu", sample)))?;
    /// let mut bytes = Vec::new(); // or a file, to be renamed when it is complete
    /// tracker.write_snapshot(&mut bytes, b"line 1")?;
    ///
    /// let mut restored = Tracker::<String>::new(rule)?;
    /// restored.read_snapshot(&bytes)?; // goes on to the bit, on any machine
    /// assert_eq!(restored.get("cpu"), tracker.get("cpu"));
    /// assert_eq!(SnapshotInfo::of(&bytes)?.note, b"line 1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`; and the note is too long.
    pub fn write_snapshot(&self, out: &mut dyn Write, note: &[u8]) -> io::Result<()> {
        let all: Vec<usize> = (0..self.len()).collect();
        self.write_channels(out, &all, self.counters, note)
    }

    /// Writes some of the series, to be [added](Self::add_snapshot) to another tracker of the same rule. They stay here
    /// until they are [removed](Self::remove). Keys of no series are passed over. The time it takes is that of all
    /// series, however few are written.
    ///
    /// # Errors
    /// Those of `out`; and the note is too long.
    pub fn write_series<'a, Q>(
        &self,
        out: &mut dyn Write,
        keys: impl IntoIterator<Item = &'a Q>,
        note: &[u8],
    ) -> io::Result<()>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'a,
    {
        let mut channels: Vec<usize> = keys.into_iter().filter_map(|key| self.series.get_index_of(key)).collect();
        channels.sort_unstable();
        channels.dedup();
        self.write_channels(out, &channels, Counters::default(), note)
    }

    /// Reads a snapshot, and replaces the series, counters and clock by those in it. The limits stay as they are: of
    /// more series than there may be, those that have been idle the longest are evicted.
    ///
    /// # Errors
    /// The bytes are no snapshot of a tracker of these rules, with these parameters, this lane type and this kind of
    /// key, or they are damaged, or there is no memory. Nothing has changed.
    pub fn read_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let loaded = self.load(bytes, Parameters::Same)?;
        self.put(loaded);
        Ok(())
    }

    /// Reads a snapshot that was made by this rule with other parameters, such as another half-life, and replaces the
    /// series, counters and clock by those in it. Each series goes on by the present parameters, from what it has seen:
    ///
    /// * location and scale, and the average of a [`CleanedEma`](crate::CleanedEma), are as they were;
    /// * the age is as it was, and in samples at most the present memory: one that was full goes on counting where the
    ///   memory has become longer;
    /// * a learnt step stays where both learn one; else the series begins with the step 1, or has the given one;
    /// * strikes and a start go on, so that as many are left to the present patience where few were left.
    ///
    /// Later estimates are close to those of a tracker that has had the present parameters from the first sample, and
    /// not the same. With the same parameters it is [`read_snapshot`](Self::read_snapshot).
    ///
    /// # Errors
    /// As there; but of the rule, only the name must be the same: what a [`RobustMean`](crate::RobustMean) follows is not
    /// what a [`CleanedEma`](crate::CleanedEma) does. Nothing has changed.
    pub fn convert_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let loaded = match self.load(bytes, Parameters::Same) {
            Err(SnapshotError::Rule { .. }) => self.load(bytes, Parameters::Any)?,
            loaded => loaded?,
        };
        self.put(loaded);
        Ok(())
    }

    fn put(&mut self, loaded: Loaded<K, R, T>) {
        let Loaded { series, columns, last, late, order, counters, clock, was_in_time } = loaded;
        self.bank.replace(columns, last, late);
        (self.series, self.order, self.counters, self.clock) = (series, order, counters, clock);
        self.moves = Moves::new();
        if was_in_time != self.is_idle_by_time() {
            // No series is idle yet: what they were idle by is something else.
            self.clock = Clock::default();
        }
        self.evict_surplus();
    }

    /// Adds the series of a snapshot to those that are here, and returns their number. They count as created; the
    /// counters of the snapshot are left out.
    ///
    /// # Errors
    /// As [`read_snapshot`](Self::read_snapshot); or one of them is here already, or there would be too many. Nothing
    /// has changed.
    pub fn add_snapshot(&mut self, bytes: &[u8]) -> Result<usize, SnapshotError> {
        let Loaded { series, columns, last, late, order, clock, was_in_time, .. } =
            self.load(bytes, Parameters::Same)?;
        if let Some((key, _)) = series.iter().find(|(key, _)| self.series.contains_key(*key)) {
            return Err(SnapshotError::Exists { key: format!("{key:?}") });
        }
        let (before, added) = (self.series.len(), series.len());
        let max_series = self.max_series.min(order::NONE as usize);
        if before + added > max_series {
            return Err(SnapshotError::Full { series: before + added, max_series });
        }
        let room = self.series.try_reserve(added);
        room.map_err(|_| ChannelsError::OutOfMemory { channels: before.saturating_add(added) })?;
        self.bank.append(&columns, &last, &late)?;
        let now = self.clock.now.or(clock.now.filter(|_| was_in_time && self.is_idle_by_time()));
        self.clock.now = now;
        // In the order of their idleness, behind those that are here.
        let mut channel = order.oldest;
        let mut ranks = Vec::with_capacity(added);
        while let Some((_, slot)) = series.get_index(channel as usize) {
            ranks.push(channel);
            channel = slot.links.newer;
        }
        for (key, mut slot) in series {
            slot.links = Links::NONE;
            slot.seen = now.unwrap_or(0);
            self.series.insert(key, slot);
        }
        for channel in ranks {
            self.order.append(&mut AllSlots(&mut self.series), number(before + channel as usize));
        }
        self.counters.created += added as u64;
        Ok(added)
    }

    fn header(&self, channels: usize) -> Header {
        let mut header = Header::new::<R, T>(SnapshotKind::Tracker, self.bank.rule(), channels);
        (header.key, header.marks) = (K::KIND, if self.is_idle_by_time() { IN_TIME } else { 0 });
        header
    }

    fn write_channels(
        &self,
        out: &mut dyn Write,
        channels: &[usize],
        counters: Counters,
        note: &[u8],
    ) -> io::Result<()> {
        let slots = || channels.iter().filter_map(|&channel| self.series.get_index(channel));
        let mut header = self.header(channels.len());
        let keys: usize = slots().map(|(key, _)| size_of::<u32>() + key.with_bytes(<[u8]>::len)).sum();
        let late = || channels.iter().filter_map(|&channel| self.bank.late_in_a_row().get(channel).copied());
        let has_late = late().any(|late| late > 0);
        if has_late {
            header.marks |= HAS_LATE;
        }
        let width = usize::from(header.columns) * size_of::<T>() + bytes_of_slot::<T>() + usize::from(has_late);
        header.body = (channels.len() * width + keys + COUNTERS * size_of::<u64>() + CLOCK) as u64;
        note.clone_into(&mut header.note);
        write_whole(out, &header, |body| {
            columns(body, self.bank.columns(), &channels.iter().copied())?;
            body.numbers(slots().map(|(_, slot)| slot.score))?;
            body.words(slots().map(|(_, slot)| slot.samples))?;
            body.words(slots().map(|(_, slot)| slot.outliers))?;
            let last = self.bank.last_times();
            body.words(channels.iter().filter_map(|&channel| last.get(channel)).map(|last| last.cast_unsigned()))?;
            body.words(slots().map(|(_, slot)| slot.seen.cast_unsigned()))?;
            self.write_order(body, channels)?;
            if has_late {
                late().try_for_each(|late| body.put(&[late]))?;
            }
            for (key, _) in slots() {
                key.with_bytes(|bytes| {
                    body.put(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes())?;
                    body.put(bytes)
                })?;
            }
            body.words(words_of(counters))?;
            body.put(&[self.clock.now.is_some().into()])?;
            body.words([self.clock.now.unwrap_or(0).cast_unsigned(), self.clock.astray])
        })
    }

    /// The places, among those that are written, of the series from the longest idle on.
    fn write_order(&self, body: &mut Body<'_>, channels: &[usize]) -> io::Result<()> {
        let mut channel = self.order.oldest;
        while let Some((_, slot)) = self.series.get_index(channel as usize) {
            if let Ok(place) = channels.binary_search(&(channel as usize)) {
                body.put(&number(place).to_le_bytes())?;
            }
            channel = slot.links.newer;
        }
        Ok(())
    }

    /// Reads a snapshot, if it is one for this tracker.
    fn load(&self, bytes: &[u8], parameters: Parameters) -> Result<Loaded<K, R, T>, SnapshotError> {
        let (header, body) = Header::open(bytes)?;
        let here = self.bank.constants();
        let (made_by, to) = match parameters {
            Parameters::Same => {
                header.check(&self.header(0))?;
                (*here, None)
            }
            Parameters::Any => {
                let rule = header.check_for::<R>(&self.header(0))?;
                (rule.constants().map_err(ChannelsError::from)?, Some(here))
            }
        };
        let most = if header.is_first() { IN_TIME } else { IN_TIME | HAS_LATE };
        if header.marks > most {
            return Err(SnapshotError::Malformed { what: "series are idle by nothing that is known" });
        }
        let (was_in_time, has_late) = (header.marks & IN_TIME > 0, header.marks & HAS_LATE > 0);
        let mut reader = Reader::new(body);
        let columns = read_columns(&mut reader, &header, &made_by, to)?;
        let count = columns.len();
        if count.checked_mul(bytes_of_slot::<T>()).is_none_or(|bytes| bytes > reader.rest())
            || count >= order::NONE as usize
        {
            return Err(SnapshotError::Malformed { what: "it has less than its number of series needs" });
        }
        let mut slots = vec![Slot::<T>::EMPTY; count];
        for slot in &mut slots {
            slot.score = reader.number()?;
            let score = slot.score.to_f64();
            if score.is_nan() && slot.score.to_word() != T::NAN.to_word() {
                return Err(SnapshotError::Malformed { what: "a score is a strange NaN" });
            }
        }
        for slot in &mut slots {
            slot.samples = reader.u64()?;
        }
        for slot in &mut slots {
            slot.outliers = reader.u64()?;
        }
        let last = slots.iter().map(|_| reader.i64()).collect::<Result<Vec<_>, _>>()?;
        for slot in &mut slots {
            slot.seen = reader.i64()?;
        }
        let order = read_order(&mut reader, &mut slots)?;
        let late = if has_late { reader.take(count)?.to_vec() } else { vec![0; count] };
        if late.iter().any(|&late| late > MOST_LATE) || has_late && late.iter().all(|&late| late == 0) {
            return Err(SnapshotError::Malformed { what: "it counts late samples where there are none" });
        }
        if header.is_first() {
            // Which series had had whole numbers alone: they all find their step anew.
            for _ in 0..count {
                if !matches!(reader.array()?, [0 | 1]) {
                    return Err(SnapshotError::Malformed { what: "a series is neither whole nor not" });
                }
            }
        }
        let mut series = IndexMap::new();
        let room = series.try_reserve(count);
        room.map_err(|_| ChannelsError::OutOfMemory { channels: count })?;
        for slot in slots {
            let length = reader.u32()? as usize;
            let key = K::from_bytes(reader.take(length)?);
            let key = key.ok_or(SnapshotError::Malformed { what: "a key is not of this tracker's type" })?;
            if series.insert(key, slot).is_some() {
                return Err(SnapshotError::Malformed { what: "two series have one key" });
            }
        }
        let mut words = [0; COUNTERS];
        for word in &mut words {
            *word = reader.u64()?;
        }
        let slots = series.values().flat_map(|slot| [slot.samples, slot.outliers]);
        if slots.chain(words).any(|count| count > MOST) {
            return Err(SnapshotError::Malformed { what: "a counter counts more than there can have been" });
        }
        let has_clock = reader.array::<1>()?[0];
        let (now, astray) = (reader.i64()?, reader.u64()?);
        if has_clock > 1 || has_clock == 0 && now != 0 {
            return Err(SnapshotError::Malformed { what: "the clock neither goes nor stands" });
        }
        reader.end()?;
        let clock = Clock { now: (has_clock == 1).then_some(now), astray };
        Ok(Loaded { series, columns, last, late, order, counters: counters_of(words), clock, was_in_time })
    }
}

/// The parameters that the rule of a snapshot may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameters {
    /// Those of the tracker.
    Same,
    /// Any: its states are converted.
    Any,
}

/// The bytes of the clock.
const CLOCK: usize = 1 + 2 * size_of::<u64>();

/// The content of a snapshot: a tracker without its rule and limits.
struct Loaded<K, R: Scored, T: Real> {
    series: IndexMap<K, Slot<T>>,
    columns: Columns<R, T>,
    last: Vec<i64>,
    late: Vec<u8>,
    order: Order,
    counters: Counters,
    clock: Clock,
    was_in_time: bool,
}

/// Links the slots in the order that is read: every one of them once.
fn read_order<T: Real>(reader: &mut Reader<'_>, slots: &mut [Slot<T>]) -> Result<Order, SnapshotError> {
    let twice = SnapshotError::Malformed { what: "the order of idleness does not name every series once" };
    let mut order = Order::EMPTY;
    let mut named = vec![false; slots.len()];
    for _ in 0..slots.len() {
        let channel = reader.u32()?;
        match named.get_mut(channel as usize) {
            Some(named) if !*named => *named = true,
            _ => return Err(twice),
        }
        order.append(&mut SliceSlots(slots), channel);
    }
    Ok(order)
}

/// Slots that have no keys yet.
struct SliceSlots<'a, T>(&'a mut [Slot<T>]);

impl<T> order::Slots for SliceSlots<'_, T> {
    fn links(&mut self, slot: u32) -> Option<&mut Links> {
        self.0.get_mut(slot as usize).map(|slot| &mut slot.links)
    }
}

fn words_of(counters: Counters) -> [u64; COUNTERS] {
    let Counters { created, expired, evicted, removed, samples, missing, late, full, outliers, reopenings } = counters;
    [created, expired, evicted, removed, samples, missing, late, full, outliers, reopenings]
}

fn counters_of(words: [u64; COUNTERS]) -> Counters {
    let [created, expired, evicted, removed, samples, missing, late, full, outliers, reopenings] = words;
    Counters { created, expired, evicted, removed, samples, missing, late, full, outliers, reopenings }
}
