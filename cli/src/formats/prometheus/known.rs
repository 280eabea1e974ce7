//! Series that have been read, in the order in which they came: in the next scrape most come in it again, and then their names
//! need not be read again, but compared.

use super::super::telemetry::behind_blanks;
use std::ops::Range;

/// Most series that are known, and most bytes of their names. Others are read.
const MOST: usize = 1 << 16;
const MOST_BYTES: usize = 8 << 20;

/// Series that have been read.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The names, one behind the other.
    names: String,
    /// A ring, in the order of the input.
    ring: Vec<Series>,
    /// The series of the last line.
    last: usize,
}

/// A series whose name is what its line begins with.
#[derive(Debug)]
struct Series {
    /// The place of its name.
    name: Range<usize>,
    metric_end: usize,
    /// The series that has come next.
    next: usize,
}

impl Known {
    /// The name of the series that a line begins with, and the place where the name of its metric ends; `None` if it is not the
    /// one that is expected.
    #[inline]
    pub(super) fn find(&mut self, line: &[u8]) -> Option<(&str, usize)> {
        let next = self.ring.get(self.last)?.next;
        let after_next = self.ring.get(next)?.next;
        // The next is not there if it is gone, or if a series stands beside itself, with its samples of many moments.
        let found = [next, self.last, after_next].into_iter().find(|series| self.begins(line, *series))?;
        self.last = found;
        let Series { name, metric_end, .. } = self.ring.get(found)?;
        Some((self.names.get(name.clone())?, *metric_end))
    }

    /// Whether a line is of this series: its name is followed by a blank, and not by labels behind that.
    #[inline]
    fn begins(&self, line: &[u8], series: usize) -> bool {
        let name = self.ring.get(series).and_then(|series| self.names.as_bytes().get(series.name.clone()));
        let behind = name.and_then(|name| line.strip_prefix(name));
        matches!(behind, Some([b' ', ..])) && behind.is_some_and(|rest| rest.get(behind_blanks(rest, 0)) != Some(&b'{'))
    }

    /// Puts a series behind that of the last line, unless there are too many.
    #[cold]
    pub(super) fn add(&mut self, name: &[u8], metric_end: usize) {
        if self.ring.len() >= MOST || self.names.len() + name.len() > MOST_BYTES {
            return;
        }
        let Ok(name) = std::str::from_utf8(name) else { return };
        let (start, new) = (self.names.len(), self.ring.len());
        self.names.push_str(name);
        let next = self.ring.get_mut(self.last).map_or(new, |last| std::mem::replace(&mut last.next, new));
        self.ring.push(Series { name: start..self.names.len(), metric_end, next });
        self.last = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these lines are found, where the others are added.
    fn found(known: &mut Known, lines: &[&str]) -> usize {
        let mut count = 0;
        for line in lines {
            let name = line.rsplit_once(' ').unwrap().0;
            match known.find(line.as_bytes()).map(|(name, end)| (name.to_owned(), end)) {
                Some(found) => {
                    assert_eq!(found, (name.to_owned(), 1), "{line}");
                    count += 1;
                }
                None => known.add(name.as_bytes(), 1),
            }
        }
        count
    }

    #[test]
    fn what_comes_again_in_its_order_is_known() {
        let mut known = Known::default();
        let scrape = ["a{x=\"1\"} 1", "a{x=\"2\"} 2", "b 3", "c 4"];
        assert_eq!(found(&mut known, &scrape), 0);
        assert_eq!(found(&mut known, &scrape), 4);
        // One is new, and then one is gone.
        let more = ["a{x=\"1\"} 1", "a{x=\"2\"} 2", "a{x=\"3\"} 3", "b 3", "c 4"];
        assert_eq!(found(&mut known, &more), 4);
        assert_eq!(found(&mut known, &more), 5);
        assert_eq!(found(&mut known, &scrape), 4);
        assert_eq!(found(&mut known, &more), 5);
        // A series with many moments.
        assert_eq!(found(&mut known, &["b 1", "b 2", "b 3"]), 2);
    }

    #[test]
    fn what_only_begins_alike_is_not() {
        let mut known = Known::default();
        assert_eq!(found(&mut known, &["a 1"]), 0);
        for line in ["ab 1", "a{x=\"1\"} 1", "a {x=\"1\"} 1", "a \t{x=\"1\"} 1", "a", "a\t1", "b 1", ""] {
            assert_eq!(known.find(line.as_bytes()), None, "{line}");
        }
        assert_eq!(known.find(b"a 2"), Some(("a", 1)));
        known.add(b"\xFF", 1);
        assert_eq!(known.find(b"\xFF 1"), None);
    }

    #[test]
    fn what_is_known_is_bounded() {
        let mut known = Known::default();
        (0..=MOST).for_each(|number| known.add(format!("a{number}").as_bytes(), 1));
        assert_eq!(known.ring.len(), MOST);
        assert_eq!(known.find(b"a0 1"), Some(("a0", 1)));
        let mut known = Known::default();
        (0..5).for_each(|_| known.add(&vec![b'a'; MOST_BYTES / 4], 1));
        assert!(known.names.len() <= MOST_BYTES);
    }
}
