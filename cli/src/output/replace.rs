//! A file is replaced as a whole or not at all: the one place where a file takes the name of another.
//!
//! | | `--output`, `--plot` | `--state` |
//! |---|---|---|
//! | the new file, until it takes its name | `.evenkeel-XXXXXX` beside it: others may be writing the same file | `FILE.new`: nobody else may, and what a killed process has left is written over |
//! | its content is on the disk before it takes the name | yes | yes |
//! | its name is on the disk before the program goes on | no | yes |
//!
//! The content goes first, because some file systems bring the name to the disk before it: a machine that loses its
//! power between the two would have neither the old file nor the new one. That costs 5 to 10 ms a file on the disk
//! where it was measured (ext4), and of 10 MB or more nothing that could be seen beside the writing itself.

use anyhow::{Result, anyhow};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What a crash of the machine can undo after [`Replacement::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The replacement itself: there is the old file or the new one, whole either way.
    Whole,
    /// Nothing: there is the new file.
    Lasting,
}

/// How many processes may be replacing the same file at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    /// One, which holds a lock: its new file has a fixed name, so that kills do not pile up files.
    One,
    /// Any number: each new file has a name of its own.
    Many,
}

/// A new file on its way to the place of an older one. If it is dropped, the older one stays and the new one goes.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: NamedTempFile,
    path: PathBuf,
    durability: Durability,
}

impl Replacement {
    /// Creates the new file, empty, with the permissions of the older one, or else those that any new file has.
    ///
    /// # Errors
    ///
    /// Whoever may not write a file may not replace it either. Nor can a directory be replaced that cannot be written.
    pub(crate) fn new(path: &Path, writers: Writers, durability: Durability) -> Result<Self> {
        let path = behind_links(path);
        let before = match fs::metadata(&path) {
            Ok(metadata) => Some(metadata.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if before.is_some() {
            check_may_write(&path)?;
        }
        let file = create(&path, writers, before.as_ref())?;
        if let Some(before) = before {
            // Those that it was created with are without what the umask takes away.
            file.as_file().set_permissions(before)?;
        }
        Ok(Self { file, path, durability })
    }

    /// The place that the new file will take.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the new file into its place.
    ///
    /// # Errors
    ///
    /// If it cannot be brought to the disk or take the name: the older file stays.
    pub(crate) fn finish(self) -> io::Result<()> {
        let Self { file, path, durability } = self;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        // Where there is no Unix, a directory cannot be opened.
        if durability == Durability::Lasting && cfg!(unix) { File::open(directory(&path))?.sync_all() } else { Ok(()) }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// An error if an existing file may not be written.
pub(crate) fn check_may_write(path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).open(path).map(drop)
}

/// Removes the new file of a process that was killed, if there is one. Only for the one writer that there may be.
pub(crate) fn remove_leftover(path: &Path) {
    // What stays will be in the way of the next replacement, which reports it.
    let _ = fs::remove_file(fixed_name(&behind_links(path)));
}

/// The file that a path leads to through links, which go on pointing to it. It need not exist yet.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // As many as Linux follows; links in a circle end here, and then cannot be opened.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(next) => path = directory(&path).join(next),
            Err(_) => break,
        }
    }
    path
}

/// The directory that a file is in.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name of the new file where there is one writer.
fn fixed_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

/// A new file beside another, readable to nobody who may not read the other.
fn create(path: &Path, writers: Writers, before: Option<&Permissions>) -> Result<NamedTempFile> {
    let directory = directory(path);
    let fixed_name = fixed_name(path);
    let mut builder = tempfile::Builder::new();
    if writers == Writers::One {
        remove_leftover(path);
        builder.prefix(fixed_name.file_name().unwrap_or_default()).rand_bytes(0);
    } else {
        builder.prefix(".evenkeel-");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(before.cloned().unwrap_or_else(|| Permissions::from_mode(0o666)));
    }
    #[cfg(not(unix))]
    let _ = before;
    builder.tempfile_in(directory).map_err(|error| {
        // The message of the crate names the new file, which is nobody's business.
        let cause = io::Error::from(error.kind());
        if directory.is_dir() { anyhow!(cause) } else { anyhow!("there is no directory {}", directory.display()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const ALL: [(Writers, Durability); 2] = [(Writers::Many, Durability::Whole), (Writers::One, Durability::Lasting)];

    /// A directory with an older file in it.
    fn older() -> (TempDir, PathBuf) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "older").unwrap();
        (directory, path)
    }

    fn names(directory: &TempDir) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(directory).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_the_older_one_until_it_is_the_new_one() {
        for (writers, durability) in ALL {
            let (directory, path) = older();
            let mut new = Replacement::new(&path, writers, durability).unwrap();
            new.write_all(b"new").unwrap();
            assert_eq!((fs::read(&path).unwrap(), names(&directory).len()), (b"older".to_vec(), 2));
            new.finish().unwrap();
            assert_eq!((fs::read(&path).unwrap(), names(&directory)), (b"new".to_vec(), vec!["file".to_owned()]));
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        for (writers, durability) in ALL {
            let (directory, path) = older();
            let mut new = Replacement::new(&path, writers, durability).unwrap();
            new.write_all(b"new").unwrap();
            drop(new);
            assert_eq!((fs::read(&path).unwrap(), names(&directory)), (b"older".to_vec(), vec!["file".to_owned()]));
            drop(Replacement::new(&directory.path().join("other"), writers, durability).unwrap());
            assert_eq!(names(&directory), ["file"]);
            // A directory in the place cannot be replaced.
            let new = Replacement::new(&directory.path().join("taken"), writers, durability).unwrap();
            fs::create_dir_all(directory.path().join("taken/x")).unwrap();
            assert!(new.finish().is_err());
            assert_eq!(names(&directory), ["file", "taken"]);
        }
    }

    #[test]
    fn one_writer_has_one_name_and_many_have_many() {
        let (directory, path) = older();
        fs::write(directory.path().join("file.new"), "what a killed process has left").unwrap();
        let one = Replacement::new(&path, Writers::One, Durability::Lasting).unwrap();
        assert_eq!(names(&directory), ["file", "file.new"]);
        one.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(&directory)), (Vec::new(), vec!["file".to_owned()]));
        let many = [(); 3].map(|()| Replacement::new(&path, Writers::Many, Durability::Whole).unwrap());
        assert_eq!(names(&directory).len(), 4);
        drop(many);
        fs::write(directory.path().join("file.new"), "").unwrap();
        remove_leftover(&path);
        assert_eq!(names(&directory), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        for (writers, durability) in ALL {
            let (directory, path) = older();
            symlink("file", directory.path().join("near")).unwrap();
            symlink("near", directory.path().join("far")).unwrap();
            symlink("nowhere", directory.path().join("ahead")).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o602)).unwrap();
            let mut new = Replacement::new(&directory.path().join("far"), writers, durability).unwrap();
            // While it is written, nobody else can read it either.
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(
                (mode(new.file.path()), fs::canonicalize(new.path()).unwrap()),
                (0o602, path.canonicalize().unwrap())
            );
            new.write_all(b"new").unwrap();
            new.finish().unwrap();
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o602));
            Replacement::new(&directory.path().join("ahead"), writers, durability).unwrap().finish().unwrap();
            assert_eq!(names(&directory), ["ahead", "far", "file", "near", "nowhere"]);
            let is_link = |name: &str| directory.path().join(name).is_symlink();
            assert!(["ahead", "far", "near"].into_iter().all(is_link) && !is_link("nowhere") && !is_link("file"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_are_an_error() {
        let directory = TempDir::new().unwrap();
        std::os::unix::fs::symlink("b", directory.path().join("a")).unwrap();
        std::os::unix::fs::symlink("a", directory.path().join("b")).unwrap();
        assert!(Replacement::new(&directory.path().join("a"), Writers::Many, Durability::Whole).is_err());
        assert_eq!(names(&directory), ["a", "b"]);
    }
}
