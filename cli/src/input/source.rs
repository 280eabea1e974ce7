//! The input: a file or standard input, opened, and what it is.

use super::lines::{Limits, Lines};
use crate::args::{Format, InputArgs};
use crate::failure::Failure;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// An opened input.
pub(crate) struct Source {
    pub(super) lines: Lines,
    /// How it is written.
    pub(crate) format: Format,
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
        let (reader, file, name): (Box<dyn Read>, Option<File>, String) = match path {
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
        let metadata = file.and_then(|file| file.metadata().ok());
        if metadata.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(Failure::usage(format!("{name} is a directory; name a file in it")));
        }
        let size = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let format = args.format.or_else(|| path.map(format_of));
        Ok(Self { size, is_live: size.is_none(), ..Self::new(reader, name, format, Limits::default())? })
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
        Ok(Self { lines, format, name, size: None, is_live: true })
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
fn format_of(path: &Path) -> Format {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_json = ["ndjson", "jsonl", "json"].iter().any(|json| json.eq_ignore_ascii_case(extension));
    if is_json { Format::Ndjson } else { Format::Csv }
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
