//! The place that output goes to: standard output, a pipe or a device, or a file that is replaced as a whole.

use super::replace::{Durability, Replacement, Writers};
use crate::failure::Failure;
use crate::patient::Patient;
use anyhow::{Context, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// An opened output.
#[derive(Debug)]
pub(crate) enum Target {
    StandardOutput(Patient<io::Stdout>),
    /// A pipe or a device, which cannot be replaced.
    Direct(File, PathBuf),
    /// A new file that takes its place, and its name, at the end.
    Replacement(Replacement),
}

impl Target {
    /// Opens the file, or standard output if there is none or it is called `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path.filter(|path| *path != Path::new("-")) {
            None => Ok(Self::StandardOutput(Patient(io::stdout()))),
            Some(path) => Ok(Self::open_file(path).with_context(|| cannot_write(path))?),
        }
    }

    fn open_file(path: &Path) -> Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => bail!("it is a directory"),
            Ok(metadata) if !metadata.is_file() => {
                Ok(Self::Direct(OpenOptions::new().write(true).open(path)?, path.to_owned()))
            }
            // What cannot be looked at is an error there, unless it only is not there yet.
            Ok(_) | Err(_) => Ok(Self::Replacement(Replacement::new(path, Writers::Many, Durability::Whole)?)),
        }
    }

    /// Whether the output is a terminal, where a person reads it.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::StandardOutput(stdout) => stdout.0.is_terminal(),
            Self::Direct(file, _) => file.is_terminal(),
            Self::Replacement(_) => false,
        }
    }

    /// Writes bytes and flushes them.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let writer = self.writer();
        let written = writer.write_all(bytes).and_then(|()| writer.flush());
        Ok(written.with_context(|| self.cannot())?)
    }

    /// Ends the output: a new file takes its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let cannot = self.cannot();
        match self {
            Self::Replacement(replacement) => Ok(replacement.finish().context(cannot)?),
            Self::StandardOutput(_) | Self::Direct(..) => Ok(()),
        }
    }

    /// The output as a plain writer, whose errors lack the name of the file.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::StandardOutput(stdout) => stdout,
            Self::Direct(file, _) => file,
            Self::Replacement(replacement) => replacement,
        }
    }

    /// The words of an error in writing.
    pub(super) fn cannot(&self) -> String {
        match self {
            Self::StandardOutput(_) => "cannot write to standard output".to_owned(),
            Self::Direct(_, path) => cannot_write(path),
            Self::Replacement(replacement) => cannot_write(replacement.path()),
        }
    }
}

/// The words of an error in writing a file.
fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// An error if two of the files that a command names are the same one: it would be written over the other.
pub(crate) fn check_distinct(files: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
    let named = files.iter().filter_map(|(what, path)| Some((what, path.filter(|path| *path != Path::new("-"))?)));
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for (what, path) in named {
        if path.exists() && !path.is_file() {
            continue; // a device or a pipe may be named twice
        }
        // A file that does not exist yet is where its folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let made = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
        let place = path.canonicalize().ok().or_else(made).unwrap_or_else(|| path.to_owned());
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == place) {
            return Err(Failure::usage(format!("{what} and {other} are the same file, {}", path.display())));
        }
        seen.push((what, place));
    }
    Ok(())
}

/// An error if a file that is to be written at the end cannot be: better to know before the work than after it.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    Target::open(Some(path)).map(drop)
}
