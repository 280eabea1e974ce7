//! The least that a program can do with a long CSV: read it with the `csv` crate and parse one column of numbers.
//!
//! This is what the speed of `evenkeel track` is measured against:
//!
//! ```text
//! cargo run --release -p evenkeel-cli --example csv_floor -- long.csv 2
//! ```
//!
//! The second argument is the column with the numbers, counted from 0; the last one if it is left out.

use std::env;
use std::error::Error;
use std::str;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("name a CSV file")?;
    let column: Option<usize> = args.next().map(|column| column.parse()).transpose()?;
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut sum) = (0_u64, 0.0_f64);
    while reader.read_byte_record(&mut record)? {
        let column = column.unwrap_or(record.len().saturating_sub(1));
        let cell = record.get(column).ok_or("a row is too short")?;
        sum += str::from_utf8(cell)?.parse::<f64>()?;
        rows += 1;
    }
    println!("{rows} rows, sum {sum}");
    Ok(())
}
