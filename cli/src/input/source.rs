//! The input: a file or standard input, opened, and its format.

use super::args::{InputArgs, ReadArgs};
use super::bytes::{Compression, Text};
use crate::console::{Console, Destination, Notes};
use crate::failure::Failure;
use crate::formats::{Comments, Format, Input, Limits, Lines, Roles, Woken};
use crate::text::time::Unit;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

/// An opened input, and what is known of it.
pub(crate) struct Source {
    pub(crate) format: Format,
    pub(crate) input: Input,
    /// Whether it may have to be waited for.
    pub(crate) is_live: bool,
    /// What there is to say of its bytes.
    notes: Notes,
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
        let is_live = file.is_none();
        let promised = if is_parquet { Some(Format::Parquet) } else { path.and_then(promised) };
        if args.read.format.or(promised) == Some(Format::Parquet) {
            let source = Self::new(reader, name, promised, &args.read, Limits::default())?;
            return Ok(Self { is_live, input: Input { file, ..source.input }, ..source });
        }
        let Text { reader, compression, notes } = Text::of(reader, &name, args.encoding)?;
        // `metrics.csv.gz` promises what `metrics.csv` does.
        let promised =
            compression.map_or(promised, |_| path.and_then(Path::file_stem).map(Path::new).and_then(self::promised));
        let source = Self::new(reader, name, promised, &args.read, Limits::default())?;
        if let (Some(compression), Format::Parquet) = (compression, source.format) {
            return Err(compressed_parquet(&source.input.name, compression));
        }
        // How many bytes a compressed file has says nothing of how many are read from it.
        let file = file.filter(|_| compression.is_none());
        Ok(Self { is_live, notes, input: Input { file, ..source.input }, ..source })
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
        let (wanted, precision) = (args.wanted()?, args.precision.unwrap_or(Unit::Nanosecond));
        let input = Input { lines, file: None, name, wanted, roles: Roles::Learn, precision };
        Ok(Self { format, input, is_live: true, notes: Notes::default() })
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
            .with_notes(self.notes.clone())
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

/// The format that the name of a file promises.
fn promised(path: &Path) -> Option<Format> {
    Format::of_ending(path.extension()?.to_str()?)
}

/// The failure of a Parquet file that is compressed as a whole.
fn compressed_parquet(name: &str, compression: Compression) -> Failure {
    let (compression, command) = (compression.name(), compression.command());
    Failure::usage(format!(
        "{name} is compressed by {compression}, and Parquet is read from both ends: unpack it to a file with `{command} FILE > OTHER`"
    ))
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
    if first.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::usage("a JSON array is not NDJSON, which has one object per line: try `jq -c '.[]'`"));
    }
    Ok(Format::of_line(first).unwrap_or(Format::Csv))
}
