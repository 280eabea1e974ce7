//! What the added values are called, and which values get some.
//!
//! A number called `f` gets `f_location`, `f_scale` and `f_score`, all three or none, since whoever finds one of them has to
//! know whose it is. A record has no name twice, and what one evenkeel has added, the next must not follow: so left alone are
//!
//! * a number that has one of its three names beside it already,
//! * a number whose name is one of the three of another number beside it,
//! * a name that the record has twice.
//!
//! So a record that comes through a second time comes out as it is, and no series grow out of series.
//!
//! Where what is added are lines of their own, a line is left alone if its name is one of the three of a series that is followed:
//! so no series grow out of series there either, but a line that comes through a second time gets its three lines again.

use std::borrow::Cow;

/// The endings of the added names.
pub(super) const ENDINGS: [&str; 3] = ["_location", "_scale", "_score"];

/// The name of a series in a long table: that of the table and that of the column as JSON, `["web","cpu"]`, so that no two are
/// one. In a wide table it is that of the column.
pub(super) fn series<'a>(name: &'a mut String, series: &str, column: &str) -> &'a str {
    // Text is always JSON.
    *name = serde_json::to_string(&[series, column]).unwrap_or_default();
    name
}

/// The column in the [name of a series](series); none if it is that of another kind of table.
pub(super) fn column(name: &str, is_long: bool) -> Option<Cow<'_, str>> {
    if !is_long {
        return Some(Cow::Borrowed(name));
    }
    let [_, column]: [String; 2] = serde_json::from_str(name).ok()?;
    Some(Cow::Owned(column))
}

/// Looks for the numbers that are followed.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Every value of the record, by name.
    order: Vec<usize>,
    is_followed: Vec<bool>,
    left_alone: u64,
    /// The names of the values of the record before, one behind the other.
    names: Vec<u8>,
    /// The end of each of these names, and whether the value was a number.
    seen: Vec<(usize, bool)>,
}

impl Choice {
    /// Looks at the values of a record, given their number, their names and which of them are numbers. Most records have what
    /// the one before had, and then the choice is the same.
    #[inline]
    pub(super) fn choose<'a>(
        &mut self,
        count: usize,
        name: impl Fn(usize) -> &'a [u8],
        is_number: impl Fn(usize) -> bool,
    ) {
        if !self.is_as_before(count, &name, &is_number) {
            self.choose_anew(count, name, is_number);
        }
    }

    #[inline(never)]
    fn choose_anew<'a>(&mut self, count: usize, name: impl Fn(usize) -> &'a [u8], is_number: impl Fn(usize) -> bool) {
        self.names.clear();
        self.seen.clear();
        for value in 0..count {
            self.names.extend_from_slice(name(value));
            self.seen.push((self.names.len(), is_number(value)));
        }
        let Self { order, is_followed, left_alone, seen, .. } = self;
        let is_number = |value: usize| seen[value].1;
        is_followed.clear();
        is_followed.extend((0..count).map(is_number));
        *left_alone = 0;
        if count < 2 {
            return;
        }
        order.clear();
        order.extend(0..count);
        order.sort_unstable_by(|a, b| name(*a).cmp(name(*b)));
        for pair in order.windows(2) {
            if name(pair[0]) == name(pair[1]) {
                is_followed[pair[0]] = false;
                is_followed[pair[1]] = false;
            }
        }
        // All of a name at once: a name that a record has thousands of times is looked for once.
        for all_added in order.chunk_by(|one, other| name(*one) == name(*other)) {
            let Some(stem) = stem(name(all_added[0])) else { continue };
            let start = order.partition_point(|other| name(*other) < stem);
            let mut has_base = false;
            for &base in order.iter().skip(start).take_while(|other| name(**other) == stem) {
                has_base |= is_number(base);
                is_followed[base] = false;
            }
            for &added in all_added.iter().filter(|_| has_base) {
                is_followed[added] = false;
            }
        }
        let numbers = (0..count).filter(|value| is_number(*value));
        *left_alone = numbers.filter(|value| !is_followed[*value]).count() as u64;
    }

    /// Whether the values of a record have the names of those of the record before, and the same of them are numbers.
    #[inline]
    fn is_as_before<'a>(
        &self,
        count: usize,
        name: impl Fn(usize) -> &'a [u8],
        is_number: impl Fn(usize) -> bool,
    ) -> bool {
        let mut start = 0;
        self.seen.len() == count
            && self.seen.iter().enumerate().all(|(value, &(end, was_number))| {
                let before = self.names.get(start..end);
                start = end;
                before == Some(name(value)) && was_number == is_number(value)
            })
    }

    /// Takes every number, whatever its name, but for those that have been added. Returns how many these are.
    pub(super) fn take_all_but(
        &mut self,
        count: usize,
        is_number: impl Fn(usize) -> bool,
        is_added: impl Fn(usize) -> bool,
    ) -> u64 {
        self.is_followed.clear();
        let mut left_alone = 0;
        for value in 0..count {
            let is_left = is_number(value) && is_added(value);
            left_alone += u64::from(is_left);
            self.is_followed.push(is_number(value) && !is_left);
        }
        left_alone
    }

    /// Whether this value is followed.
    #[inline]
    pub(super) fn is_followed(&self, value: usize) -> bool {
        self.is_followed.get(value).copied().unwrap_or(false)
    }

    /// The count of the record's numbers that are left alone.
    pub(super) fn left_alone(&self) -> u64 {
        self.left_alone
    }
}

/// The name that this one would have been added for.
fn stem(name: &[u8]) -> Option<&[u8]> {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The followed names of a record; those that are no numbers begin with a quote.
    fn followed(names: &[&'static str]) -> (Vec<&'static str>, u64) {
        followed_by(&mut Choice::default(), names)
    }

    fn followed_by(choice: &mut Choice, names: &[&'static str]) -> (Vec<&'static str>, u64) {
        choice.choose(
            names.len(),
            |value| names[value].trim_start_matches('"').as_bytes(),
            |value| !names[value].starts_with('"'),
        );
        let followed = (0..names.len()).filter(|value| choice.is_followed(*value)).map(|value| names[value]).collect();
        (followed, choice.left_alone())
    }

    #[test]
    fn names_that_a_record_has_thousands_of_times_cost_no_more() {
        let mut choice = Choice::default();
        let (asked, count) = (std::cell::Cell::new(0), 4000);
        let name = |value: usize| {
            asked.set(asked.get() + 1);
            if value.is_multiple_of(2) { &b"a"[..] } else { b"a_scale" }
        };
        choice.choose(count, name, |_| true);
        assert_eq!(choice.left_alone(), count as u64);
        assert!(asked.get() < 100 * count, "{asked:?}");
    }

    #[test]
    fn a_record_is_chosen_from_anew_unless_it_is_like_the_one_before() {
        let mut choice = Choice::default();
        for (names, expected) in [
            (&["a", "a_score", "b"][..], (vec!["b"], 2)),
            (&["a", "a_score", "b"], (vec!["b"], 2)),
            (&["a", "\"a_score", "b"], (vec!["b"], 1)),
            (&["a", "a_score", "\"b"], (vec![], 2)),
            (&["a", "a_scor", "eb"], (vec!["a", "a_scor", "eb"], 0)),
            (&["a", "a_score"], (vec![], 2)),
            (&["a"], (vec!["a"], 0)),
            (&[], (vec![], 0)),
            (&["a", "b"], (vec!["a", "b"], 0)),
            (&["b", "a"], (vec!["b", "a"], 0)),
        ] {
            assert_eq!(followed_by(&mut choice, names), expected, "{names:?}");
        }
    }

    #[test]
    fn numbers_are_followed_unless_their_names_are_taken() {
        assert_eq!(followed(&[]), (vec![], 0));
        assert_eq!(followed(&["a_scale"]), (vec!["a_scale"], 0));
        assert_eq!(followed(&["b", "\"s", "a"]), (vec!["b", "a"], 0));
        assert_eq!(followed(&["a_location", "b", "a_score", "a", "a_scale"]), (vec!["b"], 4));
        // One is enough, and it need not be a number.
        assert_eq!(followed(&["a", "\"a_score", "b"]), (vec!["b"], 1));
        // An ending alone is no reason, nor is one behind text.
        assert_eq!(followed(&["x_scale", "\"x", "y_score"]), (vec!["x_scale", "y_score"], 0));
        assert_eq!(followed(&["a", "b", "a", "\"c", "c"]), (vec!["b"], 3));
        // Chains: nobody knows what was added for what.
        assert_eq!(followed(&["a", "a_scale", "a_scale_scale"]), (vec![], 3));
        assert_eq!(followed(&["_scale", "\"", "b"]), (vec!["_scale", "b"], 0));
    }
}
