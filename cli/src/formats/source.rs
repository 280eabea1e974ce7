//! The input: a file or standard input, opened, and what it is.

use super::lines::{Limits, Lines};
use super::parquet::Table;
use crate::failure::Failure;
use crate::formats::{Format, InputArgs};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

/// How every Parquet file begins: its mark, and then the first field of a header, which no text has.
const PARQUET: &[u8; 5] = b"PAR1\x15";

/// An opened input.
pub(crate) struct Source {
    pub(super) body: Body,
    pub(crate) origin: Origin,
}

/// What there is to read, and how it is written.
pub(super) enum Body {
    Csv(Lines),
    Ndjson(Lines),
    Parquet(Table),
}

/// Where an input comes from.
pub(crate) struct Origin {
    /// What it is called in messages.
    pub(crate) name: String,
    /// How many bytes it has, where that is known.
    pub(crate) size: Option<u64>,
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
        let mut seekable = file.take().filter(|_| size.is_some());
        let is_parquet = args.format.is_none() && seekable.as_mut().is_some_and(begins_as_parquet);
        let format = if is_parquet { Some(Format::Parquet) } else { args.format.or_else(|| path.map(format_of)) };
        if let (Some(Format::Parquet), Some(file), Some(size)) = (format, seekable, size) {
            let body = Body::Parquet(Table::open(file, &name, size)?);
            return Ok(Self { body, origin: Origin { name, size: Some(size), is_live: false } });
        }
        let Self { body, origin } = Self::new(reader, name, format, Limits::default())?;
        if let (Body::Csv(lines), None) = (&body, format)
            && lines.peeked().starts_with(PARQUET)
        {
            return Err(needs_a_file(&origin.name));
        }
        Ok(Self { body, origin: Origin { size, is_live: size.is_none(), ..origin } })
    }

    /// What can be read, under this name. Its first byte tells the format where nothing else has.
    pub(crate) fn new(
        reader: Box<dyn Read>,
        name: String,
        format: Option<Format>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let mut lines = Lines::new(reader, name.clone(), limits);
        let format = match format {
            Some(format) => format,
            None => format_within(&mut lines)?,
        };
        let body = match format {
            Format::Csv => Body::Csv(lines),
            Format::Ndjson => Body::Ndjson(lines),
            Format::Parquet => return Err(needs_a_file(&name)),
        };
        Ok(Self { body, origin: Origin { name, size: None, is_live: true } })
    }

    /// How the input is written.
    pub(crate) fn format(&self) -> Format {
        match self.body {
            Body::Csv(_) => Format::Csv,
            Body::Ndjson(_) => Format::Ndjson,
            Body::Parquet(_) => Format::Parquet,
        }
    }

    /// There was nothing in it.
    pub(super) fn is_empty(name: &str) -> Failure {
        Failure::usage(format!("{name} is empty"))
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

/// The format that a file's name promises.
pub(crate) fn format_of(path: &Path) -> Format {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_any = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(extension));
    if is_any(&["ndjson", "jsonl", "json"]) {
        Format::Ndjson
    } else if is_any(&["parquet"]) {
        Format::Parquet
    } else {
        Format::Csv
    }
}

/// Whether a file is Parquet, whatever it is called. It is read from where it was afterwards.
fn begins_as_parquet(file: &mut File) -> bool {
    let mut first = [0; PARQUET.len()];
    let Ok(place) = file.stream_position() else { return false };
    let is_read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut first)).is_ok();
    file.seek(SeekFrom::Start(place)).is_ok() && is_read && first == *PARQUET
}

/// What a Parquet file that comes through a pipe is told.
fn needs_a_file(name: &str) -> Failure {
    Failure::usage(format!(
        "{name}: Parquet cannot be read from a pipe, because what is where stands at its end: name a file"
    ))
}

/// The format of what has no name.
fn format_within(lines: &mut Lines) -> Result<Format, Failure> {
    let first = lines.peek(&mut |_| Ok(()))?;
    match first {
        Some(b'{') => Ok(Format::Ndjson),
        Some(b'[') => {
            Err(Failure::usage("a JSON array is not NDJSON, which has one object per line: try `jq -c '.[]'`"))
        }
        _ => Ok(Format::Csv),
    }
}
