//! The arguments, and the files that are written.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use super::plot::plot;
use super::report::{picture, report};
use super::study::{Effort, study};
use super::task::Task;
use super::threads::on_one_thread;

/// Trains under errors in many ways, and compares them.
#[derive(Debug, Parser)]
struct Args {
    /// Folder for the tables and the plot
    #[arg(long, value_name = "DIR", default_value = "target/train")]
    output: PathBuf,
    /// Steps of each run, unless as many as the README has
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    steps: Option<u16>,
    /// Train only in the scenarios whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Try one setting with one seed of each method, to see whether it all works
    #[arg(long)]
    trial: bool,
}

/// Carries out the study of a task, which is made when it is needed.
pub(crate) fn run<T: Task>(load: impl FnOnce() -> Result<T>) -> Result<ExitCode> {
    let args = Args::parse();
    on_one_thread(|| carry_out(&load()?, &args))
}

fn carry_out(task: &dyn Task, args: &Args) -> Result<ExitCode> {
    fs::create_dir_all(&args.output).with_context(|| format!("cannot make the folder {}", args.output.display()))?;
    let sheet = task.sheet();
    let steps = usize::from(args.steps.unwrap_or(sheet.steps));
    let named = |scenario: &usize| sheet.scenarios[*scenario].contains(&args.only);
    let scenarios: Vec<usize> = (0..sheet.scenarios.len()).filter(named).collect();
    ensure!(!scenarios.is_empty(), "no scenario has {:?} in its name", args.only);
    let effort = Effort { steps, examples: if args.trial { 32 } else { usize::MAX }, is_trial: args.trial };
    let entries = study(task, &sheet, &scenarios, effort)?;
    let text = report(&entries, &scenarios, &sheet, steps)?;
    print!("{text}");
    for (kind, contents) in [("md", text), ("svg", plot(&picture(&entries, &scenarios, &sheet))?)] {
        let path = args.output.join(format!("{}.{kind}", sheet.name));
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
