//! [`Place`]: where the parts of snapshots are, and [`Folder`], the place that is there without a feature.

use crate::Error;
use std::fmt::Debug;
use std::fs::{self, DirEntry, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// The ending of what is not a part yet, behind the name of the part and one of the process.
pub(crate) const DRAFT: &str = ".part";

/// Parts by their names, written and read as a whole: what a folder and an object store have in common.
pub(crate) trait Place: Debug + Send + Sync {
    /// The names of all that is there, of whatever it is.
    fn names(&self) -> Result<Vec<String>, Error>;

    fn read(&self, name: &str) -> Result<Vec<u8>, Error>;

    /// Writes a part so that it is there as a whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error>;

    /// Removes a part. It may be gone: another process that was started by mistake, or a person, has been quicker. What
    /// stays is removed by the next snapshot.
    fn remove(&self, name: &str);

    /// The part as people find it; the whole place without a name.
    fn path(&self, name: Option<&str>) -> String;
}

/// A folder of this machine, or one that all machines have mounted.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(at(&path))?;
        Ok(Self(path))
    }
}

impl Place for Folder {
    fn names(&self) -> Result<Vec<String>, Error> {
        let name = |entry: io::Result<DirEntry>| Ok(entry.map_err(at(&self.0))?.file_name().into_string().ok());
        fs::read_dir(&self.0).map_err(at(&self.0))?.map(name).filter_map(Result::transpose).collect()
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.0.join(name);
        fs::read(&path).map_err(at(&path))
    }

    /// Under a name that nobody else writes to, and renamed when the machine has it on disk.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        let path = self.0.join(name);
        let draft = self.0.join(format!("{name}.{}-{}{DRAFT}", process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
        let save = || {
            let mut file = File::create(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            // The name, too. Not every system opens folders, nor every file system brings them to the disk.
            let _ = File::open(&self.0).and_then(|folder| folder.sync_all());
            Ok(())
        };
        save().map_err(|error| {
            let _ = fs::remove_file(&draft);
            at(&path)(error)
        })
    }

    fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.0.join(name));
    }

    fn path(&self, name: Option<&str>) -> String {
        name.map_or(self.0.clone(), |name| self.0.join(name)).display().to_string()
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| Error::Io { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn two_writers_of_one_part_leave_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = Folder::make(folder.path().to_owned()).unwrap();
        place.write("part.state", &[0; 9]).unwrap();
        thread::scope(|scope| {
            for size in [100_000, 300_000] {
                let place = &place;
                scope.spawn(move || (0..50).for_each(|_| place.write("part.state", &vec![1; size]).unwrap()));
            }
            for _ in 0..500 {
                let size = place.read("part.state").unwrap().len();
                assert!([9, 100_000, 300_000].contains(&size), "{size}");
            }
        });
        assert_eq!(place.names().unwrap(), ["part.state"]);
    }
}
