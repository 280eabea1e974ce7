//! Trains a small network on real data whose labels or gradients hold outliers, with optimisers, clips, losses and guards, and
//! reports how well each of them did: tables on standard output and in `train.md`, and beside that a plot, `train.svg`.
//!
//! ```sh
//! cargo run --release -p evenkeel-candle --example train
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `data.rs` | the wines, and how they are divided |
//! | `model.rs` | the network |
//! | `scenario.rs` | what disturbs the training |
//! | `method.rs` | the methods that are compared: an optimiser, and what stands between it and the errors |
//! | `optimisers.rs` | the four optimisers |
//! | `rounded.rs` | the same with state of sixteen bits, which `--bf16` compares with theirs |
//! | `clipping.rs` | the clips of the gradient |
//! | `training.rs` | one run |
//! | `pool.rs` | many runs at once |
//! | `study.rs` | the choice of settings, and the runs that count |
//! | `report.rs`, `../common/plot.rs` | what came out |
//!
//! All seeds are fixed: on one machine, the numbers are the same each time.

mod clipping;
mod data;
mod method;
mod model;
mod optimisers;
#[path = "../common/plot.rs"]
mod plot;
mod pool;
mod report;
mod rounded;
mod scenario;
#[path = "../common/single.rs"]
mod single;
mod study;
#[path = "../common/threads.rs"]
mod threads;
mod training;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

/// Trains under outliers in many ways, and compares them.
#[derive(Debug, Parser)]
struct Args {
    /// Folder for the tables and the plot
    #[arg(long, value_name = "DIR", default_value = "target/train")]
    output: PathBuf,
    /// Passes through the training data in each run
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    epochs: u16,
    /// Train only in the scenarios whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Compare optimisers whose state is rounded to bf16 with the same in f32, instead of all methods
    #[arg(long)]
    bf16: bool,
    /// Try one setting with one seed of each method, to see whether it all works
    #[arg(long)]
    trial: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    threads::on_one_thread(|| carry_out(&args))
}

fn carry_out(args: &Args) -> Result<ExitCode> {
    fs::create_dir_all(&args.output).with_context(|| format!("cannot make the folder {}", args.output.display()))?;
    let epochs = usize::from(args.epochs);
    let data = data::Data::load()?;
    let scenarios: Vec<_> =
        scenario::Scenario::ALL.into_iter().filter(|scenario| scenario.name().contains(&args.only)).collect();
    ensure!(!scenarios.is_empty(), "no scenario has {:?} in its name", args.only);
    let methods = if args.bf16 { &method::Method::ROUNDED[..] } else { &method::Method::ALL };
    let entries = study::study(&data, &scenarios, methods, study::Effort { epochs, is_trial: args.trial })?;
    let text = report::report(&entries, &scenarios, methods, &data, epochs)?;
    print!("{text}");
    let picture = plot::plot(&report::picture(&entries, &scenarios, methods, &data))?;
    for (name, contents) in [("train.md", text), ("train.svg", picture)] {
        let path = args.output.join(name);
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
