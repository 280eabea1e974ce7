//! Format 1: the snapshots of the first edition of `RobustMean`, and how this edition reads them.
//!
//! The first edition had another psi, no start, strikes that count by one, and a tracker's second rule for series of
//! whole numbers. Location, scale, last strike and age are carried over, and strikes times four; the defaults of a
//! preset become the defaults of that preset.

use super::SnapshotRule;
use crate::lane::{Ops, Real};

/// The parameters of a psi: clip, start of the taper, reject, scale clip.
const PSI: [&str; 4] = ["clip", "taper_from", "reject", "scale_clip"];

/// The psi of each preset in the first edition and in this one.
const PRESETS: [([f64; 4], [f64; 4]); 2] =
    [([2.0, 5.0, 8.0, 2.0], [2.5, 3.5, 6.5, 2.0]), ([3.0, f64::INFINITY, f64::INFINITY, 3.0], [4.0, 6.0, 12.0, 2.0])];

/// The rules of format 1 in the terms of this format, in two ways: with their parameters as they are, and with the
/// defaults of a preset in place of those of its first edition. A tracker's two rules for numbers and for whole numbers
/// become one that learns the resolution; any other pair is left as it is, to be refused by name.
pub(super) fn translations(rules: &[SnapshotRule]) -> [Vec<SnapshotRule>; 2] {
    let mut rules = rules.to_vec();
    if let [plain, whole] = rules.as_slice()
        && value(plain, "resolution") == Some(0.0)
        && value(whole, "resolution") == Some(1.0)
        && plain.differences(whole) == "resolution"
    {
        rules.truncate(1);
        rules[0].parameters.push(("learns".to_owned(), 1.0));
    }
    for rule in rules.iter_mut().filter(|rule| rule.name == "RobustMean" && value(rule, "learns").is_none()) {
        rule.parameters.push(("learns".to_owned(), 0.0));
    }
    let as_they_are = rules.clone();
    for rule in rules.iter_mut().filter(|rule| rule.name == "RobustMean") {
        let psi = PSI.map(|name| value(rule, name).unwrap_or(f64::NAN));
        if let Some((_, now)) = PRESETS.iter().find(|(first, _)| *first == psi) {
            for (name, now) in PSI.iter().zip(now) {
                rule.parameters.iter_mut().filter(|(known, _)| known == name).for_each(|(_, value)| *value = *now);
            }
        }
    }
    [as_they_are, rules]
}

fn value(rule: &SnapshotRule, name: &str) -> Option<f64> {
    rule.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
}

/// The tally of a channel in format 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// The age, in samples, or in steps of [`Tally::steps`] to a sample where the decay is in time.
    pub(crate) age: u64,
    pub(crate) strikes: u64,
}

impl Tally {
    /// Splits a tally into the age in its low bits, as many as a mantissa has, and the strikes above.
    pub(crate) fn of<T: Real>(tally: T) -> Self {
        let word = tally.to_word();
        Self { age: word & ((1 << <T as Ops>::COUNT_BITS) - 1), strikes: word >> <T as Ops>::COUNT_BITS }
    }

    /// The steps of age in one sample, where the decay is in time.
    pub(crate) fn steps<T: Real>() -> u64 {
        1 << if <T as Ops>::COUNT_BITS > 23 { 24 } else { 8 }
    }
}
