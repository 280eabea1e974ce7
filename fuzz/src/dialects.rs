//! Target `dialects`: tables in text of any dialect, of which the command line says nothing. Any bytes read the same however they
//! arrive; and a table that is written here, with any sign between its cells, below any comments, with decimals behind a comma
//! and units behind its numbers, reads to what it was made of, to the bit.

use crate::draw::Draw;
use crate::readers::{self, check_pieces};
use crate::{csv, random::Random};
use evenkeel_cli::probe::{Event, Format, Limits, Options};

pub fn check(bytes: &[u8]) {
    let (first, text) = bytes.split_at(bytes.len().min(4));
    let mut choices = [0; 4];
    choices[..first.len()].copy_from_slice(first);
    let options = readers::options(choices, Format::Csv, &csv::names(text));
    let guessing = Options { format: Some(Format::Csv), delimiter: None, skip: None, ..options };
    let found = check_pieces(text, &guessing, choices[3]);
    if found.stop.is_none() {
        let used = found.events.iter().filter(|event| matches!(event, Event::Row { .. })).count();
        assert_eq!(found.rows, found.bad_rows + used as u64, "{found:?}");
    }

    let made = Made::draw(&mut Draw::new(bytes));
    let options =
        Options { format: Some(Format::Csv), limits: Limits { chunk: 512, ..Limits::default() }, ..Options::default() };
    let found = check_pieces(made.text.as_bytes(), &options, choices[3]);
    assert_eq!(found.events, made.events, "{made:?}, {found:?}");
    assert_eq!((found.bad_rows, found.bad_cells, &found.stop), (0, 0, &None), "{made:?}, {found:?}");
    assert!(!found.said.iter().any(|words| words.contains("left out")), "{made:?}, {found:?}");
}

/// A table in text, and what it was made of.
#[derive(Debug, Default)]
struct Made {
    text: String,
    events: Vec<Event>,
}

const NAMES: [&str; 8] = ["load", "temp", "cpu user", "Power.W", "a", "used", "rx_bytes", "x2"];
const UNITS: [&str; 5] = ["%", "MiB", "W", "kB/s", "rpm"];
const COMMENTS: [&str; 5] = ["# made by a tool", "#", "# version: 2.1", "#host web1, 4 CPUs; a|b", "# 2024-05-01"];
const MISSING: [&str; 4] = ["NA", "-", "NaN", "null"];

/// What a column writes.
struct Column {
    name: String,
    unit: Option<&'static str>,
    decimals: usize,
}

impl Made {
    fn draw(draw: &mut Draw) -> Self {
        let mut made = Self::default();
        let delimiter = draw.one_of(&[",", ";", "\t", "|", " "]);
        let (is_blanks, style) = (delimiter == " ", draw.byte());
        let has_commas = style & 1 == 1 && delimiter != ",";
        let end = if style & 2 == 2 { "\r\n" } else { "\n" };
        let has_units = style & 4 == 4 && !is_blanks;
        let padding = if style & 8 == 8 && !is_blanks { " " } else { "" };
        let between =
            if is_blanks && style & 16 == 16 { "   ".to_owned() } else { format!("{padding}{delimiter}{padding}") };
        let mut random = draw.random();
        if style & 32 == 32 && !is_blanks && delimiter != "\t" {
            made.text += &format!("sep={delimiter}{end}");
        }
        for _ in 0..draw.below(4) {
            made.text += draw.one_of(&COMMENTS);
            made.text += end;
        }
        let first = draw.below(NAMES.len());
        let columns: Vec<Column> =
            (0..1 + draw.below(4)).map(|index| Column::draw(first + index, is_blanks, has_units, draw)).collect();
        let names: Vec<&str> =
            std::iter::once("time").chain(columns.iter().map(|column| column.name.as_str())).collect();
        made.text += &names.join(&between);
        made.text += end;
        made.events.push(Event::TimeName("time".to_owned()));
        let (rows, has_t) = (2 + draw.below(5), style & 64 == 64);
        for row in 0..rows {
            let time = format!(
                "2024-05-01{}10:{:02}:{:02}{}",
                if has_t { "T" } else { " " },
                row,
                draw.below(60),
                if has_t { "Z" } else { "" }
            );
            made.events.push(Event::Row { time: time.clone(), is_number: false });
            let mut cells = vec![time];
            for (series, column) in columns.iter().enumerate() {
                if row == 0 {
                    made.events.push(Event::Series(column.name.clone()));
                }
                // The first row shows what is what, and one sample that is missing is none.
                let is_missing = row > 0 && draw.below(6) == 0;
                let (cell, bits) = if is_missing {
                    let word = if is_blanks || draw.flag() { draw.one_of(&MISSING) } else { "" };
                    (word.to_owned(), None)
                } else {
                    let (cell, number) = column.sample(has_commas, draw, &mut random);
                    (cell, Some(number.to_bits()))
                };
                made.events.push(Event::Sample { series, bits });
                cells.push(cell);
            }
            made.text += &cells.join(&between);
            if row + 1 < rows || style & 128 == 0 {
                made.text += end;
            }
        }
        made
    }
}

impl Column {
    fn draw(place: usize, is_blanks: bool, has_units: bool, draw: &mut Draw) -> Self {
        let name = NAMES[place % NAMES.len()];
        let name = if is_blanks { name.replace(' ', "_") } else { name.to_owned() };
        let unit = (has_units && draw.flag()).then(|| draw.one_of(&UNITS));
        Self { name, unit, decimals: draw.below(5) }
    }

    /// A cell, and the number in it as the standard library reads it with a point.
    fn sample(&self, has_commas: bool, draw: &mut Draw, random: &mut Random) -> (String, f64) {
        let digits = match draw.below(4) {
            0 => draw.byte().to_string(),
            1 => (random.word() >> 40).to_string(),
            _ => (random.word() >> 54).to_string(),
        };
        let digits = format!("{digits:0>width$}", width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        let sign = if draw.below(4) == 0 { "-" } else { "" };
        let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        let number = text.parse().expect("a number");
        let text = if has_commas { text.replace('.', ",") } else { text };
        (self.unit.map_or(text.clone(), |unit| format!("{text} {unit}")), number)
    }
}
