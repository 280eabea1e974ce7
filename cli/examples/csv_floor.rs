//! The least that a program can do with a CSV: read it with the `csv` crate and parse its numbers.
//!
//! This is what the speed of `evenkeel track` is measured against:
//!
//! ```text
//! cargo run --release -p evenkeel-cli --example csv_floor -- long.csv 2
//! cargo run --release -p evenkeel-cli --example csv_floor -- wide.csv 1..
//! ```
//!
//! The second argument is the column with the numbers, counted from 0, or the first of several up to the last; the last
//! column if it is left out.

use std::env;
use std::error::Error;
use std::str;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("name a CSV file")?;
    let columns = args.next();
    let mut reader = csv::Reader::from_path(path)?;
    let width = reader.byte_headers()?.len();
    let columns = match columns.as_deref().map(|columns| (columns, columns.strip_suffix(".."))) {
        None => width.saturating_sub(1)..width,
        Some((_, Some(first))) => first.parse()?..width,
        Some((column, None)) => {
            let column = column.parse::<usize>()?;
            column..column + 1
        }
    };
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut sum) = (0_u64, 0.0_f64);
    while reader.read_byte_record(&mut record)? {
        for column in columns.clone() {
            let cell = record.get(column).ok_or("a row is too short")?;
            sum += str::from_utf8(cell)?.parse::<f64>()?;
        }
        rows += 1;
    }
    println!("{rows} rows, sum {sum}");
    Ok(())
}
