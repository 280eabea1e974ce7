//! The accuracy of the location, beside a plain average and what people use instead: the tables of
//! `docs/ACCURACY.md`.
//!
//! `cargo bench --bench accuracy`, or with a part of a row's name, such as `-- poisson`, for those rows alone. A minute
//! and a half; with `-- --test` a second, for the program and not for the numbers. Seeds are fixed, and no number
//! depends on the machine.
//!
//! `cargo bench --bench accuracy -- real DIR` measures on real series instead, the CSV files of a directory, each with
//! a column named `value`: `real.rs` says how.
//!
//! Errors are mean squared errors of the location in units of a plain average's on noise of the same variance,
//! `variance alpha / (2 - alpha)`, at alpha = 0.01. All estimators have the memory of that plain average, each in its
//! way: `contestants.rs` and `peers.rs` say how. What the truth is, `series.rs` says for every row.

mod contestants;
mod errors;
mod peers;
#[allow(dead_code)] // a part of it is used here
#[path = "../../tests/support/random.rs"]
mod random;
mod real;
mod series;
mod summary;

use contestants::{NAMES, OURS, PLAIN};
use errors::{Errors, Size, measure};
use random::Random;
use series::Series;
use std::path::Path;
use summary::{Percent, Summary};

/// The gain of the plain average.
const ALPHA: f64 = 0.01;
const SEED: u64 = 81;

const WHOLE: Size = Size { channels: 384, start: 1000, measured: 16_000 };
/// To see that it runs.
const QUICK: Size = Size { channels: 4, start: 300, measured: 300 };

fn main() {
    check();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "real") {
        let directory = arguments.get(place + 1).expect("`-- real` wants a directory of CSV files after it");
        return real::print(Path::new(directory));
    }
    let given = |option: &str| arguments.iter().any(|argument| argument == option);
    // `cargo bench` says so; `cargo test` runs this program, too, and wants it to be short.
    let size = if given("--bench") && !given("--test") { WHOLE } else { QUICK };
    let filters: Vec<String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).map(|filter| filter.to_lowercase()).collect();
    let wanted = |series: &Series| {
        let name = series.name.to_lowercase();
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter))
    };

    println!("Mean squared error relative to a plain average's on noise alone, alpha {ALPHA}, ± its standard error");
    println!("({} channels of {} samples after {}).", size.channels, size.measured, size.start);
    println!(
        "~ median [quartiles] over channels, where the mean is infinite or made by a few of them. †: a column that is"
    );
    println!(
        "none of this library's robust estimators has the least error, by more than 1% and three standard errors:\n"
    );
    let (mut far, mut gaussian) = (Vec::new(), None);
    print_row("series", &NAMES);
    print_row("---", &["---"; NAMES.len()]);
    for series in series::all().into_iter().filter(wanted) {
        let size = Size { channels: size.channels * series.weight, ..size };
        let errors = measure(&series, size);
        let mark = if is_lost(&errors) { " †" } else { "" };
        print_row(
            &format!("{}{mark}", series.name),
            &std::array::from_fn(|column| summary(&series, column, &errors[column])),
        );
        if errors.iter().any(|errors| errors.far.iter().any(|&share| share > 0.0)) {
            far.push((series.name.clone(), errors.each_ref().map(|errors| Percent::new(&errors.far))));
        }
        if series.name == "Gaussian" {
            gaussian = Some(errors.map(|errors| errors.squared));
        }
    }
    if let Some(errors) = gaussian {
        println!("\nEfficiency on Gaussian noise, against the plain average of the same samples:\n");
        print_row("", &NAMES);
        print_row("---", &["---"; NAMES.len()]);
        print_row("efficiency", &errors.each_ref().map(|column| Summary::ratio(&errors[PLAIN], column)));
    }
    println!("\nEstimates further than one sigma from the truth, in percent; nowhere in the rows left out:\n");
    print_row("series", &NAMES);
    print_row("---", &["---"; NAMES.len()]);
    for (name, shares) in far {
        print_row(&name, &shares);
    }
}

fn print_row<C: std::fmt::Display>(name: &str, cells: &[C; NAMES.len()]) {
    print!("| {name} |");
    for cell in cells {
        print!(" {cell} |");
    }
    println!();
}

/// Whether another column has less error than each of this library's robust estimators, by more than 1% and three
/// standard errors of the difference.
fn is_lost(errors: &[Errors; NAMES.len()]) -> bool {
    let mean = |column: usize| summary::mean(&errors[column].squared).0;
    let least =
        |columns: &mut dyn Iterator<Item = usize>| columns.min_by(|&a, &b| mean(a).total_cmp(&mean(b))).unwrap();
    let mut ours = OURS;
    let ours = least(&mut ours);
    let other = least(&mut (0..NAMES.len()).filter(|column| !OURS.contains(column)));
    let pairs = errors[ours].squared.iter().zip(&errors[other].squared);
    let (more, error) = summary::mean(&pairs.map(|(ours, other)| ours - other).collect::<Vec<_>>());
    more > 0.01 * mean(other) && more > 3.0 * error
}

/// The error in one column. The two that a sample can move without bound have no mean where its variance is infinite.
fn summary(series: &Series, column: usize, errors: &Errors) -> Summary {
    if series.endless && contestants::UNBOUNDED.contains(&column) {
        return Summary::quartiles(&errors.squared);
    }
    Summary::new(&errors.squared)
}

/// Nothing is measured with tools that do not work.
fn check() {
    let mut random = Random::new(SEED);
    series::check(&mut random);
    // Coarse enough for equal samples.
    let samples: Vec<f64> = (0..1000).map(|_| (random.gauss() * 20.0).round()).collect();
    peers::check(&samples);
    real::check(&samples);
}
