//! The input: a file or standard input, opened, and its format.

use super::args::{InputArgs, ReadArgs};
use super::bytes::{Compression, Text};
use super::folder;
use crate::console::{Console, Destination, Notes};
use crate::failure::Failure;
use crate::formats::{Comments, FIRST, Format, Input, Limits, Lines, Roles, Woken, check_known};
#[cfg(unix)]
use crate::patient::Patient;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

/// An opened input, and what is known of it.
pub(crate) struct Source {
    pub(crate) format: Format,
    pub(crate) input: Input,
    /// Whether it may have to be waited for.
    pub(crate) is_live: bool,
    /// The input where it may have to be waited for and its bytes are read as they are, to be asked whether there are any.
    pub(crate) waited: Option<File>,
    /// What there is to say of its bytes.
    notes: Notes,
}

impl Source {
    /// Opens what the command line names.
    pub(crate) fn open(args: &InputArgs) -> Result<Self, Failure> {
        let path = args.path.as_deref().filter(|path| *path != Path::new("-"));
        if let Some(path) = path.filter(|path| path.is_dir() || !args.more.is_empty()) {
            return Self::of_files(path, args);
        }
        if !args.more.is_empty() {
            return Err(Failure::usage("standard input is no part of a table in several files"));
        }
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
        let size = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let waited = file.take_if(|_| size.is_none());
        let mut file = file.take().zip(size);
        let first = file.as_mut().filter(|_| args.read.format.is_none()).map(|(file, _)| first_bytes(file));
        let first = first.unwrap_or_default();
        check_known(&name, &first)?;
        let is_live = file.is_none();
        let typed = |format: &Format| format.is_typed();
        let promised = Format::of_line(&first).filter(typed).or(path.and_then(promised));
        if args.read.format.or(promised).as_ref().is_some_and(typed) {
            let source = Self::new(reader, name, promised, &args.read, Limits::default())?;
            return Ok(Self { is_live, input: Input { file, ..source.input }, ..source });
        }
        let Text { reader, compression, notes } = Text::of(reader, &name, args.encoding)?;
        // `metrics.csv.gz` promises what `metrics.csv` does.
        let promised =
            compression.map_or(promised, |_| path.and_then(Path::file_stem).map(Path::new).and_then(self::promised));
        let source = Self::new(reader, name, promised, &args.read, Limits::default())?;
        if let Some(compression) = compression.filter(|_| source.format.is_typed()) {
            return Err(compressed_typed(&source.input.name, source.format, compression));
        }
        // How many bytes a compressed file has says nothing of how many are read from it.
        let file = file.filter(|_| compression.is_none());
        let waited = waited.filter(|_| compression.is_none());
        Ok(Self { is_live, waited, notes, input: Input { file, ..source.input }, ..source })
    }

    /// Makes a source of a table that lies in several files, of which one is named first.
    fn of_files(first: &Path, args: &InputArgs) -> Result<Self, Failure> {
        let named: Vec<_> = [first.to_owned()].into_iter().chain(args.more.iter().cloned()).collect();
        let (files, format) = folder::table(&named, args.read.format)?;
        let name = match args.more.len() {
            0 => first.display().to_string(),
            more => format!("{} and {more} more", first.display()),
        };
        let nothing = Box::new(io::empty());
        let source = Self::new(nothing, name, Some(format), &args.read, Limits::default())?;
        Ok(Self { is_live: false, input: Input { files, ..source.input }, ..source })
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
            None => format_within(&mut lines, &name)?,
        };
        args.check(format)?;
        let input = Input { lines, file: None, files: Vec::new(), name, options: args.options()?, roles: Roles::Learn };
        Ok(Self { format, input, is_live: true, waited: None, notes: Notes::default() })
    }

    /// The console of a command that reads the input and writes rows, perhaps to a terminal.
    pub(crate) fn console(&self, args: &ReadArgs, output_is_terminal: bool) -> Console {
        let sizes = self.input.files.iter().filter_map(|path| Some(path.metadata().ok()?.len()));
        let size = self.input.file.as_ref().map(|(_, size)| *size).or_else(|| sizes.reduce(u64::saturating_add));
        self.console_to(args, Destination::with_progress(size, args.quiet, output_is_terminal))
    }

    /// The console of a command that reads the input, with its messages to go there.
    pub(crate) fn console_to(&self, args: &ReadArgs, destination: Destination) -> Console {
        let place = if self.format.is_typed() { "row" } else { "line" };
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
        (Ok(reader), Ok(file)) => (Box::new(Patient(reader)), Some(file)),
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

/// The failure of a file in a format with types that is compressed as a whole.
fn compressed_typed(name: &str, format: Format, compression: Compression) -> Failure {
    let (compression, command, format) = (compression.name(), compression.command(), format.name());
    Failure::usage(format!(
        "{name} is compressed by {compression}, and {format} is read from both ends: unpack it to a file with `{command} FILE > OTHER`"
    ))
}

/// The first bytes of a file, which say what it is, whatever it is called. It is read from where it was afterwards.
fn first_bytes(file: &mut File) -> Vec<u8> {
    let mut first = Vec::new();
    let Ok(place) = file.stream_position() else { return first };
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(FIRST).read_to_end(&mut first));
    let is_back = file.seek(SeekFrom::Start(place)).is_ok();
    if is_back && read.is_ok() { first } else { Vec::new() }
}

/// The format of an input that nothing has named.
fn format_within(lines: &mut Lines, name: &str) -> Result<Format, Failure> {
    let first = lines.first_line(Comments::PassOver, &mut |_| Ok(Woken::Input))?;
    check_known(name, first)?;
    Ok(Format::of_line(first).unwrap_or(Format::Csv))
}
