//! `--state-mismatch`: what happens to a state that was made with other options, or of another feed.

use super::follow::Follow;
use crate::settings::option_of;
use clap::ValueEnum;
use evenkeel::SnapshotError;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The fate of a state that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Mismatch {
    /// The command ends with exit code 2, and the state stays as it is
    #[default]
    Refuse,
    /// All series begin anew, and lines are counted from here
    Restart,
    /// Each series goes on from its location, scale and age by the new options; another --preset is converted from robust to mean
    /// and back, and a feed in another format is not
    Convert,
}

impl Mismatch {
    /// Loads a state into `follow`, and returns what has been done if it does not fit, or why nothing can be.
    pub(super) fn read(self, bytes: &[u8], follow: &mut Follow) -> Result<Option<String>, String> {
        let (found, expected, options) = match follow.read(bytes) {
            Ok(()) => return Ok(None),
            Err(SnapshotError::Rule { found, expected, differs }) => {
                let mut options: Vec<&str> = differs.split(", ").map(option_of).collect();
                options.dedup();
                (found, expected, options.join(" and another "))
            }
            Err(error) => return Err(error.to_string()),
        };
        let made = format!("was made with another {options} ({found}, not {expected})");
        match self {
            Self::Refuse => Err(format!(
                "it {made}: give the same options, or another file, or --state-mismatch convert, by which its series go on, or \
                 restart, by which they begin anew"
            )),
            Self::Restart => Ok(Some(format!("{made}, and all series begin anew"))),
            Self::Convert => match follow.convert(bytes) {
                Ok(()) => Ok(Some(format!("{made}, and each series goes on from its location, scale and age"))),
                Err(SnapshotError::Rule { .. }) => Err(format!(
                    "it {made}, and is not converted, because what one of them follows is not what the other does: give the same \
                     options, or another file, or --state-mismatch restart, by which all series begin anew"
                )),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    /// What is done about a state of a feed in something else.
    pub(super) fn of_feed(self, what: &str, before: &str, now: &str) -> Result<Option<String>, String> {
        let difference = format!("is of {what} in {before}, and this one is in {now}");
        match self {
            Self::Restart => Ok(Some(format!("{difference}, and all series begin anew"))),
            Self::Refuse => Err(format!("it {difference}; --state-mismatch restart begins all series anew")),
            Self::Convert => Err(format!(
                "it {difference}, which cannot be converted; --state-mismatch restart begins all series anew"
            )),
        }
    }
}

/// Saves a state that is to be replaced beside it, as FILE.old, and returns the path of that.
pub(super) fn keep_old(path: &Path) -> io::Result<PathBuf> {
    let mut old = path.to_path_buf().into_os_string();
    old.push(".old");
    let old = PathBuf::from(old);
    match fs::remove_file(&old) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // The state is replaced by a new file, and never written into. Not every file system has links.
    if fs::hard_link(path, &old).is_err() {
        fs::copy(path, &old)?;
    }
    Ok(old)
}
