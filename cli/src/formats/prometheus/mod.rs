//! Prometheus' text format and OpenMetrics: a sample a line, `name{label="value"} 1.5 1700000000000`.
//!
//! A series is called as Prometheus writes it: the name, and the labels in order, `node_load1{instance="a",job="node"}`. Every line is
//! a sample of its own series, those of the buckets and quantiles of a histogram or summary too. What stands behind a sample, an
//! exemplar, is passed over, and so are the samples `_created` of a counter, histogram or summary, which are times.
//!
//! | file | what it does |
//! |---|---|
//! | `sample.rs` | a line to its parts |
//! | `known.rs` | series that have been read before |
//! | `labels.rs` | labels in any order and form to the name of a series |
//! | `families.rs` | what the comments say of metrics, and where a scrape ends |

mod families;
mod known;
mod labels;
mod sample;

use super::telemetry::{Cell, Grammar, NOT_UTF8, Parts, Stamp, Telemetry, What};
use families::{Families, is_metadata};
use known::Known;
use sample::Sample;

/// The reader of the format.
pub(crate) type Prometheus = Telemetry<Line>;

/// Least number that is known to be a timestamp of the text format, which has milliseconds.
const MILLISECONDS: f64 = 1e11;

const CREATED: &str = "samples called `_created` are the times since when counters count: they are passed over";

/// The grammar of a line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    families: Families,
    known: Known,
}

impl Grammar for Line {
    const ENDINGS: &'static [&'static str] = &["prom", "openmetrics"];
    const BEFORE_NUMBER: &'static str = " ";
    const BEHIND_NUMBER: &'static str = "";

    fn looks_like(first: &[u8]) -> bool {
        if first.starts_with(b"#") {
            return is_metadata(first);
        }
        // A name with a letter of another encoding makes a bad row, and no other format.
        let text = String::from_utf8_lossy(first);
        let (first, mut parts) = (text.as_bytes(), Parts::default());
        let Ok(sample) = Sample::read(first, &mut Known::default(), &mut parts) else { return false };
        // A name and a number may be anything.
        let time = first.get(sample.time).and_then(|time| fast_float2::parse::<f64, _>(time).ok());
        sample.has_labels || time.is_some_and(|time| time >= MILLISECONDS)
    }

    #[inline]
    fn read(&mut self, line: &[u8], parts: &mut Parts) -> Result<What, String> {
        if line.starts_with(b"#") {
            self.families.comment(line);
            return Ok(What::Nothing);
        }
        let Sample { name, ending_at, number, time, .. } = Sample::read(line, &mut self.known, parts)?;
        let text = if parts.is_built { parts.built.as_bytes() } else { line };
        let series = text.get(name.clone()).unwrap_or_default();
        // Before it counts for anything: a bad row begins no scrape.
        std::str::from_utf8(series).map_err(|_| NOT_UTF8)?;
        if time.is_empty() {
            parts.time = Stamp::Row(self.families.scrape(series));
        } else {
            parts.tail = time.start - 1..time.end;
            parts.time = Stamp::Text(time);
        }
        let is_created = self.families.is_created(metric(series.get(..ending_at).unwrap_or_default()));
        parts.note = is_created.then_some(CREATED);
        let number = (!is_created).then_some(number);
        parts.middle = ending_at..name.end;
        parts.cells.push(Cell { name, ending_at, key: 0..ending_at, number });
        Ok(What::Samples)
    }
    fn is_counter(&self, name: &[u8]) -> Option<bool> {
        self.families.is_counter(metric(name))
    }
}

/// The name of a metric without what stands before one in quotes.
#[inline]
fn metric(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"{\"").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a text's samples, and whether they are of counters.
    fn counters(text: &str) -> Vec<(String, Option<bool>)> {
        let (mut grammar, mut found) = (Line::default(), Vec::new());
        for line in text.lines() {
            let mut parts = Parts::default();
            if grammar.read(line.as_bytes(), &mut parts) == Ok(What::Samples) {
                let Cell { name, ending_at, .. } = parts.cells[0].clone();
                let text = if parts.is_built { parts.built.as_str() } else { line };
                let name = &text[name];
                found.push((name.to_owned(), grammar.is_counter(&name.as_bytes()[..ending_at])));
            }
        }
        found
    }

    #[test]
    fn a_line_that_comes_again_is_read_as_it_was() {
        let lines = [
            "a{b=\"c\"} 1",
            "a{b=\"\u{e9}\"} 2 3 # {x=\"y\"} 4",
            "a 5",
            "a_created 6",
            "a {z=\"1\",b=\"2\"} 7 8",
            "b{c=\"d\"} x",
            "b{c=\"d\"}9",
        ];
        let read = |grammar: &mut Line, line: &str| {
            let mut parts = Parts::default();
            let what = grammar.read(line.as_bytes(), &mut parts);
            let Parts { cells, built, is_built, middle, tail, note, .. } = parts;
            let text = if is_built { built } else { line.to_owned() };
            let names: Vec<_> = cells
                .into_iter()
                .map(|Cell { name, key, number, .. }| (text[name].to_owned(), text[key].to_owned(), number))
                .collect();
            (what, names, text[middle].to_owned(), line[tail].to_owned(), note)
        };
        let mut grammar = Line::default();
        grammar.families.comment(b"# TYPE a counter");
        let first: Vec<_> = lines.iter().map(|line| read(&mut grammar, line)).collect();
        assert!(grammar.known.find(lines[0].as_bytes()).is_some());
        grammar = Line { known: grammar.known, ..Line::default() };
        grammar.families.comment(b"# TYPE a counter");
        for (line, first) in lines.iter().zip(first) {
            assert_eq!(read(&mut grammar, line), first, "{line}");
        }
    }

    #[test]
    fn types_say_which_metrics_are_counters() {
        for (text, expected) in [
            ("# TYPE a counter\na 1\na_total{b=\"c\"} 1\na_b 1\nb 1", [Some(true), Some(true), None, None].as_slice()),
            (
                "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\na_sum 1\na 1",
                &[Some(true), Some(true), Some(true), None],
            ),
            ("# TYPE a summary\na{quantile=\"0.5\"} 1\na_count 1\na_sum 1", &[Some(false), Some(true), Some(true)]),
            ("# TYPE a gauge\na 1\n# TYPE b untyped\nb 1\na 1", &[Some(false), None, None]),
            ("# TYPE \"a.b\" counter\n{\"a.b\", c=\"d\"} 1\n{__name__=\"a.b\"} 1", &[Some(true), Some(true)]),
            ("# TYPE a info\na_info{b=\"c\"} 1\n# TYPE a gaugehistogram\na_bucket 1\na_gsum 1", &[Some(false); 3]),
            ("# HELP a counter\na 1\n# TYPE a counters\na 1\n#TYPE a counter\na 1", &[None, None, Some(true)]),
            ("# TYPE a counter\n# EOF\na 1", &[None]),
        ] {
            let found: Vec<_> = counters(text).into_iter().map(|(_, is_counter)| is_counter).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(counters("# TYPE a counter\na{z=\"1\",b=\"2\"} 1")[0].0, "a{b=\"2\",z=\"1\"}");
    }
}
