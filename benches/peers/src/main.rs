//! evenkeel beside other libraries that average series: everybody in turns, in one run, on the same samples.
//!
//! `cargo run --release` in this directory, with `-- --python PYTHON` for the peers in Python, too; `README.md` tells
//! the rest. It prints tables in Markdown.

mod adam;
mod case;
#[path = "../../common/mod.rs"]
mod common;
mod contestant;
mod lane;
#[path = "../../../tests/oracle/mod.rs"]
mod oracle;
mod peers;
mod reference;
mod report;
mod script;

use adam::Data;
use case::{Block, Case};
use evenkeel::{Decay, Ema, Sweep};
use lane::Lane;
use script::Script;
use std::cell::RefCell;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::rc::Rc;

/// What the command line says.
struct Options {
    /// Parts of the names of the cases to run, of which all must fit; all cases by default.
    filters: Vec<String>,
    rounds: usize,
    outliers: f64,
    python: Option<String>,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut options = Self { filters: Vec::new(), rounds: 15, outliers: 0.0, python: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--outliers" => options.outliers = value()?.parse()?,
                "--python" => options.python = Some(value()?),
                _ if argument.starts_with('-') => return Err(format!("no such option: {argument}").into()),
                _ => options.filters.push(argument),
            }
        }
        Ok(options)
    }

    fn want(&self, case: &str, lane: &str) -> bool {
        self.filters.iter().all(|filter| case.contains(filter) || lane == filter)
    }
}

type Python = Option<Rc<RefCell<Script>>>;

/// Raw numbers, as `numpy.fromfile` reads them.
fn write<T: Lane>(path: &Path, parts: &[&[T]]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in parts.iter().copied().flatten() {
        file.write_all(&number.to_word().to_ne_bytes()[..size_of::<T>()])?;
    }
    file.flush()
}

fn run<T: Lane>(options: &Options, python: &Python) -> Result<(), Box<dyn Error>> {
    for case in Case::ALL.iter().filter(|case| options.want(case.name, T::NAME)) {
        let block = Rc::new(Block::<T>::new(case, options.outliers));
        let mut field = peers::enter(case, &block)?;
        if let Some(script) = python {
            let samples = |path: &Path| write(path, &[block.row_major()]);
            field.extend(script::enter(script, case.shape.name(), T::NAME, [case.rows, case.channels], samples)?);
        }
        report::table(&format!("{}, {}", case.title, T::NAME), &mut field, 2, options.rounds)?;
    }
    Ok(())
}

fn run_adam(options: &Options, python: &Python) -> Result<(), Box<dyn Error>> {
    if !options.want("adam", "f32") {
        return Ok(());
    }
    let data = Rc::new(Data::new(options.outliers));
    let mut field = adam::enter(&data)?;
    if let Some(script) = python {
        let samples = |path: &Path| write(path, &[&data.weights[..], &data.gradients]);
        field.extend(script::enter(script, "adam", "f32", [adam::WINDOWS, adam::WEIGHTS], samples)?);
    }
    report::table("a step over 16 Mi weights, f32", &mut field, 2, options.rounds)?;
    Ok(())
}

/// The versions of the peers in Rust, as they are locked.
fn versions() -> String {
    let mut versions = Vec::new();
    for package in include_str!("../Cargo.lock").split("[[package]]") {
        let value = |name: &str| package.split_once(&format!("\n{name} = \""))?.1.split('"').next();
        let (Some(name), Some(version)) = (value("name"), value("version")) else { continue };
        if matches!(name, "evenkeel" | "hampel" | "watermill" | "yata") || name == "polars" && cfg!(feature = "polars")
        {
            versions.push(format!("{name} {version}"));
        }
    }
    versions.join(", ")
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse()?;
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, cpu)| cpu);
    let backend = Sweep::<Ema>::new(Ema::new(Decay::alpha(reference::ALPHA)?))?.backend();
    println!("{cpu}; evenkeel on {backend:?}; {}", versions());
    if cfg!(target_arch = "x86_64") && !cfg!(target_feature = "avx2") {
        println!(
            "\nNOT compiled for this processor: run it from its own directory, whose `.cargo/config.toml` says so."
        );
    }
    let python = match &options.python {
        None => None,
        Some(python) => {
            let (script, versions) = Script::start(python)?;
            println!("\n{versions}");
            Some(Rc::new(RefCell::new(script)))
        }
    };
    println!(
        "\nOne thread each. {} rounds of turns; a time is the median of its turns, a ratio the median of the rounds and \
         in parentheses its quartiles. {}% of the samples are gross outliers.",
        options.rounds,
        options.outliers * 100.0
    );
    run::<f32>(&options, &python)?;
    run::<f64>(&options, &python)?;
    run_adam(&options, &python)
}
