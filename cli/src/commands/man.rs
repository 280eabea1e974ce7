//! `evenkeel man`: the manual pages, made of the help.

use crate::failure::Failure;
use crate::patient::Patient;
use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  evenkeel man pipe | man -l -
      Reads the page of `pipe`.
  evenkeel man --output ~/.local/share/man/man1
      Writes all pages to where `man evenkeel` and `man evenkeel-pipe` find them.";

/// The commands that have a page.
const COMMANDS: [&str; 8] = ["track", "profile", "report", "watch", "record", "pipe", "completions", "man"];

/// Print the manual page of the program or of a command, or write all of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// The command whose page is printed. By default it is the page of the program.
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(COMMANDS))]
    command: Option<String>,

    /// Write every page to this folder, as evenkeel.1, evenkeel-track.1 and so on.
    #[arg(long, short, value_name = "DIR", conflicts_with = "command")]
    output: Option<PathBuf>,
}

/// Runs the command, for the program of this command line.
pub(crate) fn run(args: &ManArgs, program: Command) -> Result<(), Failure> {
    // The long version is about the processor that it is asked on, and a page is the same wherever it is made.
    let mut program = program.long_version(None).disable_help_subcommand(true);
    program.build();
    let Some(folder) = &args.output else {
        let command = args.command.as_deref().and_then(|name| program.find_subcommand(name)).unwrap_or(&program);
        let page = page(&program, command).context("cannot make the page")?;
        return Ok(Patient(io::stdout()).write_all(page.as_bytes()).context("cannot write to standard output")?);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for command in [&program].into_iter().chain(program.get_subcommands()) {
        let path = folder.join(format!("{}.1", name(command)));
        let page = page(&program, command).context("cannot make the page")?;
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The name of a page: `evenkeel-track`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command, or of the program itself.
fn page(program: &Command, command: &Command) -> io::Result<String> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    title(program, command).to_writer(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        closing(&text.to_string()).to_writer(&mut page)?;
    }
    if name(program) != name(command) {
        let mut see = Roff::new();
        see.control("SH", ["SEE ALSO"]).text([bold(name(program)), roman("(1)")]);
        see.to_writer(&mut page)?;
    }
    Ok(tidy(&String::from_utf8_lossy(&page)))
}

/// A page as the readers of pages want it: an empty line is a request of its own, which breaks the line before it too, and no
/// line ends with a space.
fn tidy(page: &str) -> String {
    let mut tidied = String::with_capacity(page.len());
    for line in page.lines().map(str::trim_end) {
        tidied.push_str(if line.is_empty() { ".sp" } else { line });
        tidied.push('\n');
    }
    tidied.replace(".br\n.sp\n.br\n", ".sp\n")
}

/// The head of a page.
///
/// `clap_mangen` leaves an argument out where it is empty, and the version would stand in the place of the date. Words are
/// not broken and lines not spread, so that a command in the text can be copied.
fn title(program: &Command, command: &Command) -> Roff {
    let title = name(command).to_uppercase();
    let version = format!("{} {}", program.get_name(), program.get_version().unwrap_or_default());
    let mut roff = Roff::new();
    roff.control("TH", [&title, "1", "\"\"", &version, "User Commands"]).control("nh", []).control("ad", ["l"]);
    roff
}

/// What stands below the options of the help: a section for each heading, in which a line that is set in by two is
/// explained by those below it that are set in further, or by what follows it behind two spaces.
fn closing(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut is_explained = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        match indent {
            0 => {
                roff.control("SH", [line.trim_end_matches(':').to_uppercase().as_str()]);
            }
            1..=2 => {
                let (term, explanation) = line.split_once("  ").unwrap_or((line, ""));
                roff.control("TP", []).text([bold(term)]);
                is_explained = !explanation.is_empty();
                if is_explained {
                    roff.text([roman(explanation.trim_start())]);
                }
            }
            _ => {
                if is_explained {
                    roff.control("br", []);
                }
                roff.text([roman(line)]);
                is_explained = true;
            }
        }
    }
    roff
}
