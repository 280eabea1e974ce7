//! The place that output goes to. A file is replaced as a whole, when everything has been written, or not at all.

use crate::failure::Failure;
use anyhow::{Context, Result, anyhow, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An opened output.
#[derive(Debug)]
pub(crate) enum Target {
    StandardOutput(io::Stdout),
    /// A pipe or a device, which cannot be replaced.
    Direct(File, PathBuf),
    /// A new file that takes its place, and its name, at the end.
    Replacement(NamedTempFile, PathBuf),
}

impl Target {
    /// Opens the file, or standard output if there is none or it is called `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path.filter(|path| *path != Path::new("-")) {
            None => Ok(Self::StandardOutput(io::stdout())),
            Some(path) => Ok(Self::open_file(path).with_context(|| cannot_write(path))?),
        }
    }

    fn open_file(path: &Path) -> Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                // Whoever may not write a file may not replace it either.
                OpenOptions::new().append(true).open(path)?;
                // A link goes on pointing to the file.
                let path = fs::canonicalize(path)?;
                let file = beside(&path)?;
                fs::set_permissions(file.path(), metadata.permissions())?;
                Ok(Self::Replacement(file, path))
            }
            Ok(metadata) if metadata.is_dir() => bail!("it is a directory"),
            Ok(_) => Ok(Self::Direct(OpenOptions::new().write(true).open(path)?, path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::Replacement(beside(path)?, path.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a person is looking at it.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::StandardOutput(stdout) => stdout.is_terminal(),
            Self::Direct(file, _) => file.is_terminal(),
            Self::Replacement(..) => false,
        }
    }

    /// Writes and sends on.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let writer = self.writer();
        let written = writer.write_all(bytes).and_then(|()| writer.flush());
        Ok(written.with_context(|| self.cannot())?)
    }

    /// Puts a new file into its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if let Self::Replacement(file, path) = self {
            file.persist(&path).map_err(|error| error.error).with_context(|| cannot_write(&path))?;
        }
        Ok(())
    }

    /// The same for what writes by itself.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::StandardOutput(stdout) => stdout,
            Self::Direct(file, _) => file,
            Self::Replacement(file, _) => file.as_file_mut(),
        }
    }

    /// What is said when writing fails.
    pub(super) fn cannot(&self) -> String {
        match self {
            Self::StandardOutput(_) => "cannot write to standard output".to_owned(),
            Self::Direct(_, path) | Self::Replacement(_, path) => cannot_write(path),
        }
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// A new file in the directory of another, with the permissions that a new file has.
fn beside(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".evenkeel-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory).map_err(|error| {
        // The message of the crate names the temporary file, which is nobody's business.
        let cause = io::Error::from(error.kind());
        if directory.is_dir() { anyhow!(cause) } else { anyhow!("there is no directory {}", directory.display()) }
    })
}

/// Whether all files that a command names are different ones, so that none is written over another.
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

/// Whether a file that is to be written at the end can be: better to know before the work than after it.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    Target::open(Some(path)).map(drop)
}
