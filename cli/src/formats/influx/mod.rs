//! The influx line protocol: a point per line, with a name and a value for each field.
//!
//! A series is the measurement, the tags in order, and the field: as text, `cpu,core=1,host=a usage`. Blank lines and
//! comments are passed over, as readers of the protocol do. A string may go on in the next lines; what is not closed there is
//! taken for a stray quote, and each of those lines is read for itself.

mod point;

use super::lines::{Found, Lines, Span};
use super::reader::{Client, Input, Next, Reader, Use};
use super::record::{Record, Series, Value, When};
use crate::failure::Failure;
use crate::text::time::Unit;
pub(crate) use point::Point;
use point::{Broken, Value as Field};
use std::ops::Range;

/// The reader of the line protocol.
pub(crate) struct Influx {
    lines: Lines,
    /// The name of the input in messages.
    input: String,
    /// The unit of the timestamps.
    precision: Unit,
    /// Lines before this one have been read by a line with an open string, which they did not close.
    explored: u64,
    point: Point,
    /// The tags in order, where the line has them otherwise.
    tags: Vec<usize>,
    /// Measurement and tags, and the space behind them.
    series: String,
    /// The time of the point, in nanoseconds since 1970, if it has one.
    nanoseconds: Option<i64>,
}

/// The outcome of going on to the next point.
enum Step {
    Point,
    Blank,
    Broken(String),
    End,
}

impl Influx {
    /// Whether a line is a point, or perhaps one that goes on in the next.
    pub(crate) fn is_point(line: &[u8], or_open: bool) -> bool {
        match Point::default().read(line.trim_ascii()) {
            Ok(()) => true,
            Err(broken) => or_open && broken == Broken::Unclosed,
        }
    }

    fn step(&mut self, client: &mut impl Client) -> Result<Step, Failure> {
        let Self { lines, point, .. } = self;
        match lines.advance(&mut |need| client.before_read(need))? {
            Found::End => return Ok(Step::End),
            Found::TooLong => return Ok(Step::Broken("the line is too long".to_owned())),
            Found::Line => {}
        }
        let text = lines.current().trim_ascii_start();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(Step::Blank);
        }
        let mut read = point.read(lines.current());
        // What begins in a line that has been explored goes on as it went on there: nothing is read again and again.
        while read == Err(Broken::Unclosed) && lines.number() >= self.explored && !lines.is_beyond_reach() {
            match lines.append(&mut |need| client.before_read(need))? {
                Some(_) => read = point.resume(lines.current()),
                None => break,
            }
        }
        if let Err(broken) = read {
            // An open string must not take good lines with it: each of those is read for itself.
            self.explored = self.explored.max(lines.number() + lines.count() - 1);
            lines.keep_first();
            return Ok(Step::Broken(broken.to_string()));
        }
        self.nanoseconds = match point.time {
            None => None,
            Some(time) => match time.checked_mul(self.precision.nanoseconds()) {
                Some(time) => Some(time),
                None => return Ok(Step::Broken(too_far(time, self.precision))),
            },
        };
        Ok(Step::Point)
    }
}

/// The words for a timestamp that nanoseconds since 1970 have no room for.
#[cold]
fn too_far(time: i64, precision: Unit) -> String {
    let hint = Unit::likely(time as f64).map_or_else(String::new, |unit| {
        format!(", as {} since 1970; in {} it is near the present: see --precision", precision.name(), unit.name())
    });
    format!("the timestamp is too far away for nanoseconds of 64 bits{hint}")
}

/// Writes measurement and tags, in order, as the beginning of the name of a series.
fn set_series(series: &mut String, tags: &mut Vec<usize>, point: &Point, text: &Text<'_>) {
    let tag = |index: usize| point.tags.get(index).map_or("", |tag| text.part(tag));
    series.clear();
    if (1..point.tags.len()).all(|index| tag(index - 1) <= tag(index)) {
        series.push_str(text.part(&point.series));
    } else {
        tags.clear();
        tags.extend(0..point.tags.len());
        tags.sort_unstable_by(|a, b| tag(*a).cmp(tag(*b)));
        let measurement = point.series.start..point.tags.first().map_or(point.series.end, |tag| tag.start - 1);
        series.push_str(text.part(&measurement));
        for index in tags {
            series.push(',');
            series.push_str(tag(*index));
        }
    }
    series.push(' ');
}

impl Reader for Influx {
    type Record<'a> = Fields<'a>;

    const ENDINGS: &'static [&'static str] = &["lp", "influx", "line"];
    const USES: &'static [Use] = &[Use::Precision];
    const HAS_PRECISION: bool = true;

    fn looks_like(first: &[u8]) -> bool {
        // A header with a quote in it is more likely than a first line that is half a point.
        Self::is_point(first, first.trim_ascii_start().starts_with(b"{"))
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let (point, tags, series) = (Point::default(), Vec::new(), String::new());
        let Input { lines, name, options, .. } = input;
        let precision = options.precision.unwrap_or(Unit::Nanosecond);
        Ok(Self { lines, input: name, precision, explored: 0, point, tags, series, nanoseconds: None })
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Fields<'_>>, Failure> {
        let step = self.step(client)?;
        let Self { lines, point, tags, series, nanoseconds, .. } = self;
        let lines = lines.span();
        Ok(match step {
            Step::Point => match Text::of(lines.raw.get(..point.fields_end).unwrap_or_default(), point) {
                Some(text) => {
                    set_series(series, tags, point, &text);
                    Next::Record(Fields { point, series, nanoseconds: *nanoseconds, text, lines })
                }
                None => Next::Broken(lines, "the name of a series is not UTF-8".to_owned()),
            },
            Step::Blank => Next::Blank(lines),
            Step::Broken(why) => Next::Broken(lines, why),
            Step::End => Next::End,
        })
    }

    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        if rows == 0 { Err(Failure::usage(format!("{} is empty", self.input))) } else { Ok(()) }
    }
}

/// The fields of one point.
pub(crate) struct Fields<'a> {
    point: &'a Point,
    series: &'a str,
    nanoseconds: Option<i64>,
    text: Text<'a>,
    lines: Span<'a>,
}

impl Record for Fields<'_> {
    const IS_ROW: bool = false;

    fn span(&self) -> Span<'_> {
        self.lines
    }

    fn time(&self) -> When<'_> {
        match self.nanoseconds {
            Some(nanoseconds) => {
                let text = self.lines.raw.get(self.point.time_text.clone()).unwrap_or_default();
                When::Stamp { text, nanoseconds }
            }
            None => When::Arrival,
        }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        Series::Within(self.series)
    }

    #[inline]
    fn len(&self) -> usize {
        self.point.fields.len()
    }

    #[inline]
    fn name(&self, cell: usize) -> &str {
        self.point.fields.get(cell).map_or("", |field| self.text.part(&field.name))
    }

    #[inline]
    fn name_bytes(&self, cell: usize) -> &[u8] {
        let field = self.point.fields.get(cell).map(|field| field.name.clone());
        field.and_then(|name| self.lines.raw.get(name)).unwrap_or_default()
    }

    #[inline]
    fn is_number(&self, cell: usize) -> bool {
        self.point.fields.get(cell).is_some_and(|field| field.value != Field::Other)
    }

    #[inline]
    #[allow(clippy::cast_precision_loss)] // a float is what is followed
    fn value(&self, cell: usize) -> Value<'_> {
        match self.point.fields.get(cell).map(|field| field.value) {
            Some(Field::Float(number)) => Value::Number(number),
            Some(Field::Integer(number)) => Value::Number(number as f64),
            Some(Field::Unsigned(number)) => Value::Number(number as f64),
            Some(Field::Other) => Value::Other,
            None => Value::Absent,
        }
    }

    #[inline]
    fn split(&self) -> (&[u8], &[u8]) {
        self.lines.raw.split_at(self.point.fields_end)
    }

    const EQUALS: &'static str = "=";

    #[inline]
    fn write_key(&self, cell: usize, key: &mut Vec<u8>) {
        key.push(b',');
        key.extend_from_slice(self.name_bytes(cell));
    }
}

/// The names in a line, which are text.
enum Text<'a> {
    /// All of the line is.
    Whole(&'a str),
    /// The strings in it are not.
    Names(&'a [u8]),
}

impl<'a> Text<'a> {
    fn of(line: &'a [u8], point: &Point) -> Option<Self> {
        if let Ok(line) = std::str::from_utf8(line) {
            return Some(Self::Whole(line));
        }
        let is_text =
            |place: &Range<usize>| line.get(place.clone()).is_some_and(|part| std::str::from_utf8(part).is_ok());
        (is_text(&point.series) && point.fields.iter().all(|field| is_text(&field.name))).then_some(Self::Names(line))
    }

    #[inline]
    fn part(&self, place: &Range<usize>) -> &'a str {
        match self {
            Self::Whole(line) => line.get(place.clone()),
            Self::Names(line) => line.get(place.clone()).and_then(|part| std::str::from_utf8(part).ok()),
        }
        .unwrap_or_default()
    }
}
