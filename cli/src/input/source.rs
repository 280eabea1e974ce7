//! The input: a file or standard input, opened, and its format.

use super::args::{InputArgs, ReadArgs};
use crate::console::{Console, Destination};
use crate::failure::Failure;
use crate::formats::{Comments, Format, Input, Limits, Lines, Roles, Woken};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

/// An opened input, and what is known of it.
pub(crate) struct Source {
    pub(crate) format: Format,
    pub(crate) input: Input,
    /// Whether it may have to be waited for.
    pub(crate) is_live: bool,
}

impl Source {
    /// Opens what the command line names.
    pub(crate) fn open(args: &InputArgs) -> Result<Self, Failure> {
        let path = args.path.as_deref().filter(|path| *path != Path::new("-"));
        let (reader, mut file, name): (Box<dyn Read>, Option<File>, String) = match path {
            Some(path) => {
                let name = path.display().to_string();
                let cannot = |error: io::Error| Failure::usage(format!("cannot read {name}: {error}"));
                let file = File::open(path).map_err(cannot)?;
                let twin = file.try_clone().map_err(cannot)?;
                (Box::new(file), Some(twin), name)
            }
            None if args.path.is_none() && io::stdin().is_terminal() => {
                return Err(Failure::usage("no input: name a file, or `-` to read what you type (see --help)"));
            }
            None => {
                let (reader, file) = standard_input();
                (reader, file, "standard input".to_owned())
            }
        };
        let metadata = file.as_ref().and_then(|file| file.metadata().ok());
        if metadata.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(Failure::usage(format!("{name} is a directory; name a file in it")));
        }
        let size = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let mut file = file.take().zip(size);
        let is_parquet = args.read.format.is_none() && file.as_mut().is_some_and(|(file, _)| begins_as_parquet(file));
        let promised = path.and_then(Path::extension).and_then(|ending| Format::of_ending(ending.to_str()?));
        let promised = if is_parquet { Some(Format::Parquet) } else { promised };
        let source = Self::new(reader, name, promised, &args.read, Limits::default())?;
        Ok(Self { is_live: file.is_none(), input: Input { file, ..source.input }, ..source })
    }

    /// Makes a source of what can be read. Its first line shows the format where nothing else has.
    pub(crate) fn new(
        reader: Box<dyn Read>,
        name: String,
        promised: Option<Format>,
        args: &ReadArgs,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let mut lines = Lines::new(reader, name.clone(), limits);
        let format = match args.format.or(promised) {
            Some(format) => format,
            None => format_within(&mut lines)?,
        };
        args.check(format)?;
        let input = Input { lines, file: None, name, options: args.options()?, roles: Roles::Learn };
        Ok(Self { format, input, is_live: true })
    }

    /// The console of a command that reads the input and writes rows, perhaps to a terminal.
    pub(crate) fn console(&self, args: &ReadArgs, output_is_terminal: bool) -> Console {
        let size = self.input.file.as_ref().map(|(_, size)| *size);
        self.console_to(args, Destination::with_progress(size, args.quiet, output_is_terminal))
    }

    /// The console of a command that reads the input, with its messages to go there.
    pub(crate) fn console_to(&self, args: &ReadArgs, destination: Destination) -> Console {
        let place = if self.format == Format::Parquet { "row" } else { "line" };
        Console::new(self.input.name.clone(), place, args.strict, args.quiet, destination)
    }
}

/// Standard input without the buffer of the standard library, and as the file that it may be.
#[cfg(unix)]
pub(crate) fn standard_input() -> (Box<dyn Read>, Option<File>) {
    use std::os::fd::AsFd;
    let twin = || io::stdin().as_fd().try_clone_to_owned().map(File::from);
    match (twin(), twin()) {
        (Ok(reader), Ok(file)) => (Box::new(reader), Some(file)),
        _ => (Box::new(io::stdin().lock()), None),
    }
}

#[cfg(not(unix))]
pub(crate) fn standard_input() -> (Box<dyn Read>, Option<File>) {
    (Box::new(io::stdin().lock()), None)
}

/// Whether a file is Parquet, whatever it is called. It is read from where it was afterwards.
fn begins_as_parquet(file: &mut File) -> bool {
    let mut first = [0; 5];
    let Ok(place) = file.stream_position() else { return false };
    let is_read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut first)).is_ok();
    file.seek(SeekFrom::Start(place)).is_ok() && is_read && Format::of_line(&first) == Some(Format::Parquet)
}

/// The format of an input that nothing has named.
fn format_within(lines: &mut Lines) -> Result<Format, Failure> {
    let first = lines.first_line(Comments::PassOver, &mut |_| Ok(Woken::Input))?;
    Ok(Format::of_line(first).unwrap_or(Format::Csv))
}
