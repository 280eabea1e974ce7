//! `evenkeel completions`: what a shell completes after the name of the program.

use crate::failure::Failure;
use crate::patient::Patient;
use anyhow::Context;
use clap::{Arg, Args, Command, ValueHint};
use clap_complete::{Shell, generate};
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  evenkeel completions bash > ~/.local/share/bash-completion/completions/evenkeel
      For bash, from the next shell on; needs the package bash-completion.
  evenkeel completions zsh > ~/.zfunc/_evenkeel
      For zsh, with `fpath=(~/.zfunc $fpath)` before `compinit` in ~/.zshrc.
  evenkeel completions fish > ~/.config/fish/completions/evenkeel.fish
      For fish.
  evenkeel completions elvish > ~/.config/elvish/lib/evenkeel-completions.elv
      For elvish, with `use evenkeel-completions` in ~/.config/elvish/rc.elv.
  evenkeel completions powershell >> $PROFILE
      For PowerShell.";

/// Print what a shell needs to complete commands and options
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell that is to complete them.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command, for the program of this command line.
pub(crate) fn run(args: &CompletionsArgs, program: Command) -> Result<(), Failure> {
    let name = program.get_name().to_owned();
    let mut program = brief(program);
    // Not to standard output itself: the generator would panic where a reader has closed the pipe.
    let mut script = Vec::new();
    generate(args.shell, &mut program, name, &mut script);
    if args.shell == Shell::Fish {
        script.extend(fish_values(&program).into_bytes());
    }
    Ok(Patient(io::stdout()).write_all(&script).context("cannot write to standard output")?)
}

/// What `clap_complete` leaves out for fish, which would offer files instead: the values of what is no option.
fn fish_values(program: &Command) -> String {
    let line = |command: &Command| {
        let values = command.get_positionals().flat_map(Arg::get_possible_values);
        let names: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
        let (program, command, names) = (program.get_name(), command.get_name(), names.join(" "));
        let line = format!("complete -c {program} -n \"__fish_seen_subcommand_from {command}\" -f -a '{names}'\n");
        (!names.is_empty()).then_some(line)
    };
    program.get_subcommands().filter_map(line).collect()
}

/// The command line with help that fits beside a completion.
fn brief(command: Command) -> Command {
    let names: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.iter().fold(command.mut_args(brief_arg), |command, name| command.mut_subcommand(name, brief))
}

/// An option with the first sentence of its help, and without names of files where it takes none.
fn brief_arg(arg: Arg) -> Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let hint = match arg.get_value_hint() {
        ValueHint::Unknown => ValueHint::Other,
        known => known,
    };
    let takes_values = arg.get_action().takes_values();
    let arg = match help.split_once(". ") {
        Some((sentence, _)) => arg.help(sentence.to_owned()),
        None => arg,
    };
    if takes_values { arg.value_hint(hint) } else { arg }
}
