//! The commands, one file or folder each: its options, and what it does.

/// Adds the exit codes to the examples of a command that reads an input.
macro_rules! with_exit_codes {
    ($examples:literal) => {
        concat!(
            $examples,
            "\n\nExit codes:
  0  The whole input was processed, or the reader of the output closed the pipe.
  1  The output could not be written, or --strict met a bad row, a bad value or a late sample.
  2  The command line or the input cannot be used: no such column, no input, no sample, every row is bad."
        )
    };
}

pub(crate) mod completions;
pub(crate) mod man;
pub(crate) mod pipe;
pub(crate) mod profile;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod track;
pub(crate) mod watch;
