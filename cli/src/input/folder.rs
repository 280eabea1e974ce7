//! The files of a table that lies in several: those that are named, and those in folders.

use crate::failure::Failure;
use crate::formats::{FIRST, Format, check_known};
use alphanumeric_sort::compare_path;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// The files of a table and the format that all of them have.
pub(super) fn table(named: &[PathBuf], wanted: Option<Format>) -> Result<(Vec<PathBuf>, Format), Failure> {
    let files = files(named)?;
    let format = format(&files, wanted)?;
    Ok((files, format))
}

/// The files of a table, in the order of their names, numbers in them by their size.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = files.len();
            for entry in WalkDir::new(path).follow_links(true).into_iter().filter_entry(is_data) {
                let entry =
                    entry.map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
                if entry.file_type().is_file() {
                    files.push(entry.into_path());
                }
            }
            if files.len() == before {
                return Err(Failure::usage(format!(
                    "{}: there is no file in this folder, but for those whose names begin with `.` or `_`",
                    path.display()
                )));
            }
        } else {
            files.push(path.clone());
        }
    }
    files.sort_by(|one, other| compare_path(one, other));
    files.dedup();
    Ok(files)
}

/// Whether an entry of a folder is data: what writers put beside it, such as `_SUCCESS` and `.part-0.crc`, is not.
fn is_data(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0 || !(name.starts_with('_') && !name.contains('=') || name.starts_with('.'))
}

/// The format that all files have.
fn format(files: &[PathBuf], wanted: Option<Format>) -> Result<Format, Failure> {
    let mut common: Option<(Format, &Path)> = None;
    for path in files {
        let format = match wanted {
            Some(format) => format,
            None => format_of(path)?,
        };
        match common {
            _ if !format.is_typed() => return Err(refused(path, &format.name())),
            Some((other, first)) if other != format => {
                return Err(Failure::usage(format!(
                    "{} is {} and {} is {}: the files of a table have one format",
                    first.display(),
                    other.name(),
                    path.display(),
                    format.name()
                )));
            }
            _ => common = common.or(Some((format, path))),
        }
    }
    common.map(|(format, _)| format).ok_or_else(|| Failure::usage("no file is named"))
}

fn refused(path: &Path, what: &str) -> Failure {
    Failure::usage(format!(
        "{} is {what}, of which one file is read at a time: several files, or those of a folder, are one table in Parquet and \
         Arrow only; join them, or name one",
        path.display()
    ))
}

/// The format of a file by its first bytes, or its name.
fn format_of(path: &Path) -> Result<Format, Failure> {
    let name = path.display().to_string();
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FIRST).read_to_end(&mut first));
    read.map_err(|error: io::Error| Failure::usage(format!("cannot read {name}: {error}")))?;
    check_known(&name, &first)?;
    let shown = Format::of_line(&first).filter(|format| format.is_typed());
    let promised = || path.extension().and_then(|ending| Format::of_ending(ending.to_str()?));
    shown.or_else(promised).ok_or_else(|| refused(path, "no Parquet or Arrow"))
}
