//! The header of a snapshot. It has a checksum of its own and holds the length of all the rest, so that nothing is
//! allocated for bytes that are not there.

use super::body::{Reader, put_text};
use super::{SnapshotError, first};
use crate::lane::Real;
use crate::rule::Rule;
use core::fmt;

/// The first bytes of every snapshot.
const MAGIC: &[u8; 8] = b"EVENKEEL";
/// The format that is written.
const FORMAT: u32 = 2;
/// Bytes before the header: magic, format and the length of the header.
const PREAMBLE: usize = 16;
/// Most bytes of a header; a note may be half of them.
const LONGEST: usize = 1 << 20;
/// Most bytes of a note.
pub(crate) const LONGEST_NOTE: usize = LONGEST / 2;
const CHECKSUM: usize = 4;

/// The kind of thing that a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotKind {
    /// A [`Bank`](crate::Bank).
    Bank,
    /// A [`Layer`](crate::Layer).
    Layer,
    /// A [`Tracker`](crate::Tracker), or some of its series.
    Tracker,
    /// A [`LossGuard`](crate::LossGuard).
    LossGuard,
    /// A [`GradientGuard`](crate::GradientGuard), or the [`GradientGuards`](crate::GradientGuards) of some tensors.
    GradientGuard,
}

/// A rule as a snapshot describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotRule {
    /// The name of the rule, such as `RobustMean`.
    pub name: String,
    /// Every parameter by name, in `f64`.
    pub parameters: Vec<(String, f64)>,
}

impl SnapshotRule {
    pub(crate) fn of(rule: &impl Rule) -> Self {
        let parameters = rule.parameters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { name: rule.name().to_owned(), parameters }
    }

    /// Appends name and parameters.
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.name);
        out.push(u8::try_from(self.parameters.len()).unwrap_or(u8::MAX));
        for (name, value) in &self.parameters {
            put_text(out, name);
            out.extend(value.to_bits().to_le_bytes());
        }
    }

    /// The names of the parameters that differ.
    pub(crate) fn differences(&self, other: &Self) -> String {
        if self.name != other.name {
            return "the rule".to_owned();
        }
        let value = |rule: &Self, name: &str| {
            rule.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_bits())
        };
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.parameters.iter().chain(&other.parameters) {
            if value(self, name) != value(other, name) && !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        if names.is_empty() { "the order of its parameters".to_owned() } else { names.join(", ") }
    }
}

impl fmt::Display for SnapshotRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {value}")?;
        }
        f.write_str(")")
    }
}

/// The header of a snapshot, read without its state: [`SnapshotInfo::of`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SnapshotInfo {
    /// The format in which the snapshot was written, from 1 on. An older one is described as this version reads it;
    /// `FORMAT.md` has the differences.
    pub format: u32,
    /// The kind of thing that the snapshot holds.
    pub kind: SnapshotKind,
    /// The element type, `f32` or `f64`.
    pub lane: &'static str,
    /// The rule that made the snapshot; in format 1, the rule of this version that continues it. There is more than one
    /// only for a tracker of format 1 that no rule of this version continues.
    pub rules: Vec<SnapshotRule>,
    /// The number of channels, weights, series or tensors in the snapshot.
    pub channels: u64,
    /// The note of its writer.
    pub note: Vec<u8>,
}

impl SnapshotInfo {
    /// Reads the header of a snapshot, and checks that all of the snapshot is there and undamaged.
    ///
    /// # Errors
    /// The bytes are no snapshot, one of a later version, incomplete or damaged.
    pub fn of(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (header, _) = Header::open(bytes)?;
        let lane = if header.lane == 4 { "f32" } else { "f64" };
        let rules = header.as_here().pop().unwrap_or_default();
        let Header { format, kind, channels, note, .. } = header;
        Ok(Self { format, kind, lane, rules, channels, note })
    }
}

/// The header as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) kind: SnapshotKind,
    /// The bytes of a number: 4 or 8.
    pub(crate) lane: u8,
    /// The kind of the series' keys; 0 where there are none.
    pub(crate) key: u8,
    /// Marks of a tracker: 1 where series are idle by time, 2 where late samples of some have been refused. Of a guard of
    /// losses: 1 where they are squared errors.
    pub(crate) marks: u8,
    pub(crate) columns: u8,
    pub(crate) rules: Vec<SnapshotRule>,
    pub(crate) channels: u64,
    /// The bytes of everything between the header and the last checksum.
    pub(crate) body: u64,
    pub(crate) note: Vec<u8>,
}

impl Header {
    /// The header of nothing.
    pub(super) const NONE: Self = Self {
        format: FORMAT,
        kind: SnapshotKind::Tracker,
        lane: 0,
        key: 0,
        marks: 0,
        columns: 0,
        rules: Vec::new(),
        channels: 0,
        body: 0,
        note: Vec::new(),
    };

    /// Makes the header for channels of this rule, without body and note.
    pub(crate) fn new<R: Rule, T: Real>(kind: SnapshotKind, rule: &R, channels: usize) -> Self {
        Self {
            format: FORMAT,
            kind,
            lane: if size_of::<T>() == 4 { 4 } else { 8 },
            key: 0,
            marks: 0,
            columns: u8::try_from(R::unseen::<T>().as_ref().len()).unwrap_or(u8::MAX),
            rules: vec![SnapshotRule::of(rule)],
            channels: channels as u64,
            body: 0,
            note: Vec::new(),
        }
    }

    /// The bytes before the body: preamble, header and checksum.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut header = vec![self.kind.number(), self.lane, self.columns, self.key, self.marks];
        header.push(u8::try_from(self.rules.len()).unwrap_or(u8::MAX));
        header.extend(self.channels.to_le_bytes());
        header.extend(self.body.to_le_bytes());
        self.rules.iter().for_each(|rule| rule.put(&mut header));
        header.extend((self.note.len() as u64).to_le_bytes());
        header.extend(&self.note);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(header);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// What the states of a series depend on: the bytes of a lane, the number of columns, and the rule.
    pub(super) fn rule_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.lane, self.columns];
        self.rules.iter().for_each(|rule| rule.put(&mut bytes));
        bytes
    }

    /// The rule and the element type, for people.
    pub(super) fn describe_rule(&self) -> String {
        let rules: Vec<String> = self.rules.iter().map(SnapshotRule::to_string).collect();
        format!("{} of {}", rules.join(" and "), if self.lane == 4 { "f32" } else { "f64" })
    }

    /// Reads the header of a whole, undamaged snapshot, and returns it with the body.
    pub(crate) fn open(bytes: &[u8]) -> Result<(Self, &[u8]), SnapshotError> {
        let got = bytes.len() as u64;
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) || bytes.is_empty() {
            return Err(SnapshotError::NotASnapshot);
        }
        let cut = |expected| SnapshotError::Length { expected, got };
        let preamble = bytes.get(MAGIC.len()..PREAMBLE).ok_or_else(|| cut(PREAMBLE as u64))?;
        let mut preamble = Reader::new(preamble);
        let found = preamble.u32()?;
        if !(1..=FORMAT).contains(&found) {
            return Err(SnapshotError::Format { found, known: FORMAT });
        }
        let length = preamble.u32()? as usize;
        if length > LONGEST {
            return Err(SnapshotError::Malformed { what: "no header is that long" });
        }
        let end = PREAMBLE + length;
        let (head, rest) = bytes.split_at_checked(end + CHECKSUM).ok_or_else(|| cut((end + CHECKSUM) as u64))?;
        let header = checked(head, "header")?;
        let mut header = Self::decode(&header[PREAMBLE..])?;
        header.format = found;
        let expected = ((end + 2 * CHECKSUM) as u64).saturating_add(header.body);
        if got != expected {
            return Err(cut(expected));
        }
        Ok((header, checked(rest, "body")?))
    }

    fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new(bytes);
        let [kind, lane, columns, key, marks, rules] = reader.array()?;
        let kind = SnapshotKind::ALL.into_iter().find(|known| known.number() == kind);
        let kind = kind.ok_or(SnapshotError::Malformed { what: "it is of an unknown kind" })?;
        if lane != 4 && lane != 8 {
            return Err(SnapshotError::Malformed { what: "numbers have 4 or 8 bytes" });
        }
        let (channels, body) = (reader.u64()?, reader.u64()?);
        let mut found = Vec::new();
        for _ in 0..rules {
            let name = reader.text()?;
            let count = reader.array::<1>()?[0];
            let mut parameters = Vec::new();
            for _ in 0..count {
                parameters.push((reader.text()?, f64::from_bits(reader.u64()?)));
            }
            found.push(SnapshotRule { name, parameters });
        }
        let length = reader.u64()?;
        let note = usize::try_from(length).ok().filter(|&length| length <= LONGEST_NOTE);
        let note = note.and_then(|length| reader.take(length).ok());
        let note = note.ok_or(SnapshotError::Malformed { what: "the note is longer than its header" })?.to_vec();
        reader.end()?;
        Ok(Self { format: FORMAT, kind, lane, key, marks, columns, rules: found, channels, body, note })
    }

    /// The rules in the terms of this version, in each way in which it accepts them: those of format 1 as they are, and
    /// last with the defaults of a preset in place of those of its first edition.
    fn as_here(&self) -> Vec<Vec<SnapshotRule>> {
        if self.is_first() { first::translations(&self.rules).into() } else { vec![self.rules.clone()] }
    }

    /// Whether the snapshot is of format 1.
    pub(crate) fn is_first(&self) -> bool {
        self.format == 1
    }

    /// Checks that a header that was read has the kind, element type, keys and rule of `expected`.
    pub(crate) fn check(&self, expected: &Self) -> Result<(), SnapshotError> {
        self.check_kind(expected)?;
        let describe = |rules: &[SnapshotRule]| {
            let rules: Vec<String> = rules.iter().map(SnapshotRule::to_string).collect();
            rules.join(" and, for whole numbers, ")
        };
        // Compared to the bit, zeros and NaNs included.
        let encoded = |rule: &SnapshotRule| Self { rules: vec![rule.clone()], ..expected.clone() }.encode();
        let difference = |found: &[SnapshotRule]| {
            if found.len() != expected.rules.len() {
                return Some("a rule of its own for whole numbers".to_owned());
            }
            let other = found.iter().zip(&expected.rules).find(|(found, here)| encoded(found) != encoded(here));
            other.map(|(found, here)| found.differences(here))
        };
        let mut differs = None;
        for rules in self.as_here() {
            differs = difference(&rules);
            if differs.is_none() {
                break;
            }
        }
        if let Some(differs) = differs {
            let (found, expected) = (describe(&self.rules), describe(&expected.rules));
            return Err(SnapshotError::Rule { found, expected, differs });
        }
        self.check_content(expected)
    }

    /// Checks that a header that was read has the kind, element type and keys of `expected` and a rule of the same name,
    /// and returns this rule, whose parameters may be others.
    pub(crate) fn check_for<R: Rule>(&self, expected: &Self) -> Result<R, SnapshotError> {
        self.check_kind(expected)?;
        let rules = self.as_here().pop().unwrap_or_default();
        let made = match rules.as_slice() {
            [rule] if rule.name == R::NAME => {
                R::of_parameters(&rule.parameters).filter(|made| SnapshotRule::of(made) == *rule)
            }
            _ => None,
        };
        // Where there is no such rule, the difference says so.
        let Some(rule) = made else {
            self.check(expected)?;
            return Err(SnapshotError::Malformed { what: "its rule has parameters that no rule has" });
        };
        self.check_content(expected)?;
        Ok(rule)
    }

    fn check_kind(&self, expected: &Self) -> Result<(), SnapshotError> {
        let of = |header: &Self| (header.kind, header.lane, header.key);
        let is_other_loss = self.kind == SnapshotKind::LossGuard && self.marks != expected.marks;
        if of(self) == of(expected) && !is_other_loss {
            return Ok(());
        }
        Err(SnapshotError::Other { found: self.describe(), expected: expected.describe() })
    }

    fn check_content(&self, expected: &Self) -> Result<(), SnapshotError> {
        let most = match self.kind {
            SnapshotKind::Tracker => u8::MAX,
            SnapshotKind::LossGuard => 1,
            _ => 0,
        };
        if self.marks > most {
            return Err(SnapshotError::Malformed { what: "only series of a tracker are idle" });
        }
        if self.kind != SnapshotKind::Tracker && !self.note.is_empty() {
            return Err(SnapshotError::Malformed { what: "only trackers have notes" });
        }
        if self.columns != expected.columns {
            return Err(SnapshotError::Malformed { what: "its rule has another number of columns" });
        }
        Ok(())
    }

    pub(super) fn describe(&self) -> String {
        let lane = if self.lane == 4 { "f32" } else { "f64" };
        let key = match self.key {
            0 => "",
            1 => " with text for keys",
            2 => " with bytes for keys",
            3 => " with numbers for keys",
            _ => " with unknown keys",
        };
        let losses = match (self.kind, self.marks) {
            (SnapshotKind::LossGuard, 0) => ", of losses as they are",
            (SnapshotKind::LossGuard, _) => ", of squared errors",
            _ => "",
        };
        format!("a {:?} of {lane}{key}{losses}", self.kind)
    }
}

impl SnapshotKind {
    const ALL: [Self; 5] = [Self::Bank, Self::Layer, Self::Tracker, Self::LossGuard, Self::GradientGuard];

    fn number(self) -> u8 {
        match self {
            Self::Bank => 1,
            Self::Layer => 2,
            Self::Tracker => 3,
            Self::LossGuard => 4,
            Self::GradientGuard => 5,
        }
    }
}

/// Checks the checksum at the end of these bytes, and returns what comes before it.
fn checked<'a>(bytes: &'a [u8], part: &'static str) -> Result<&'a [u8], SnapshotError> {
    match bytes.split_last_chunk::<CHECKSUM>() {
        Some((content, checksum)) if crc32fast::hash(content) == u32::from_le_bytes(*checksum) => Ok(content),
        _ => Err(SnapshotError::Checksum { part }),
    }
}
