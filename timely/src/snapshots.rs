//! [`Snapshots`]: a folder with what every worker had at the end of some epochs.
//!
//! One file for each epoch and worker, `EPOCH.WORKER-of-WORKERS.state`, written under another name and renamed when it is
//! whole. An epoch is complete when all of its workers have saved; older ones are removed then.

use evenkeel::{SnapshotError, merge_snapshots, split_snapshot};
use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// A reason for which snapshots cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There would be a snapshot every 0 epochs.
    #[error("a snapshot every 0 epochs would be none: give 1 or more, or no snapshots at all")]
    Every,
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The folder or the file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// A file is damaged, or of another rule or kind of key.
    #[error("{}: {error}; remove the files of this epoch to go on from the one before", path.display())]
    Snapshot {
        /// The file, or the folder where the fault is in files that do not fit each other.
        path: PathBuf,
        /// The reason.
        #[source]
        error: SnapshotError,
    },
}

/// A folder that all workers of all processes share, into which each saves its series.
#[derive(Clone, Debug)]
pub struct Snapshots {
    folder: PathBuf,
    every: NonZeroU64,
}

/// The files of a complete epoch, by worker.
pub(crate) struct Complete {
    pub(crate) epoch: u64,
    files: Vec<PathBuf>,
}

const ENDING: &str = ".state";

impl Snapshots {
    /// Snapshots in `folder`, which is made if it is not there, after every so many epochs: at the end of epochs
    /// `every - 1`, `2 every - 1` and so on.
    ///
    /// # Errors
    /// `every` is 0, or the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>, every: u64) -> Result<Self, Error> {
        let (folder, every) = (folder.into(), NonZeroU64::new(every).ok_or(Error::Every)?);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        Ok(Self { folder, every })
    }

    /// The last epoch that all workers have saved, from which a dataflow would go on; `None` if there is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn latest(&self) -> Result<Option<u64>, Error> {
        Ok(self.complete()?.map(|complete| complete.epoch))
    }

    /// The first epoch from `epoch` on at whose end there is a snapshot.
    pub(crate) fn boundary(&self, epoch: u64) -> u64 {
        let every = self.every.get();
        (epoch / every).saturating_mul(every).saturating_add(every - 1)
    }

    /// The boundary `count` boundaries before the first from `epoch` on, or the first of all.
    pub(crate) fn boundary_before(&self, epoch: u64, count: u64) -> u64 {
        self.boundary(epoch.saturating_sub(self.every.get().saturating_mul(count)))
    }

    pub(crate) fn complete(&self) -> Result<Option<Complete>, Error> {
        Ok(last_complete(&self.parts()?))
    }

    /// All that workers have saved and not removed.
    fn parts(&self) -> Result<Vec<Part>, Error> {
        let path = |entry: io::Result<DirEntry>| Ok(entry.map_err(at(&self.folder))?.path());
        let paths = fs::read_dir(&self.folder).map_err(at(&self.folder))?.map(path);
        paths.filter_map(|path| path.map(Part::of).transpose()).collect()
    }

    /// The series of a worker at the end of a complete epoch, as a snapshot, however many workers have saved it.
    pub(crate) fn read(&self, complete: &Complete, worker: usize, workers: usize) -> Result<Vec<u8>, Error> {
        let read = |path: &PathBuf| fs::read(path).map_err(at(path));
        if let (true, Some(own)) = (complete.files.len() == workers, complete.files.get(worker)) {
            return read(own);
        }
        let parts = complete.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let unfit = |error| Error::Snapshot { path: self.folder.clone(), error };
        let whole = merge_snapshots(&parts, &[]).map_err(unfit)?;
        let mut parts = split_snapshot(&whole, workers).map_err(unfit)?;
        Ok(parts.swap_remove(worker))
    }

    /// The file of a worker at the end of an epoch.
    pub(crate) fn file(&self, epoch: u64, worker: usize, workers: usize) -> PathBuf {
        self.folder.join(format!("{epoch:020}.{worker}-of-{workers}{ENDING}"))
    }

    /// Saves a worker's series, and removes what it has saved before the last complete epoch, under
    /// whatever number of workers.
    pub(crate) fn write(&self, epoch: u64, worker: usize, workers: usize, bytes: &[u8]) -> Result<(), Error> {
        let path = self.file(epoch, worker, workers);
        let draft = path.with_extension("part");
        let save = || {
            let mut file = File::create(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        save().map_err(at(&path))?;
        let parts = self.parts()?;
        let Some(complete) = last_complete(&parts) else { return Ok(()) };
        for part in parts.iter().filter(|part| part.epoch < complete.epoch && part.worker % workers == worker) {
            // It may be gone: another process that was started by mistake, or a person, has been quicker.
            let _ = fs::remove_file(&part.path);
        }
        Ok(())
    }
}

/// The last epoch that all of a number of workers have saved.
fn last_complete(parts: &[Part]) -> Option<Complete> {
    let mut all = BTreeMap::<(u64, usize), Vec<Option<&Path>>>::new();
    for part in parts {
        let files = all.entry((part.epoch, part.workers)).or_insert_with(|| vec![None; part.workers]);
        if let Some(file) = files.get_mut(part.worker) {
            *file = Some(&part.path);
        }
    }
    all.into_iter().rev().find_map(|((epoch, _), files)| {
        let files = files.into_iter().map(|file| file.map(Path::to_owned)).collect::<Option<_>>()?;
        Some(Complete { epoch, files })
    })
}

/// What a worker has saved at the end of an epoch.
struct Part {
    path: PathBuf,
    epoch: u64,
    worker: usize,
    workers: usize,
}

impl Part {
    /// The part in a file of this name; `None` where the name is that of none.
    fn of(path: PathBuf) -> Option<Self> {
        let (epoch, rest) = path.file_name()?.to_str()?.strip_suffix(ENDING)?.split_once('.')?;
        let (worker, workers) = rest.split_once("-of-")?;
        let (epoch, worker, workers) = (epoch.parse().ok()?, worker.parse().ok()?, workers.parse().ok()?);
        (worker < workers && workers <= MOST_WORKERS).then_some(Self { path, epoch, worker, workers })
    }
}

/// Most workers of a file name that is believed.
const MOST_WORKERS: usize = 1 << 16;

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| Error::Io { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_counts_when_all_workers_have_saved_it() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::new(folder.path(), 5).unwrap();
        assert_eq!(snapshots.latest().unwrap(), None);
        let tracker =
            evenkeel::Tracker::<String>::new(evenkeel::RobustMean::new(evenkeel::Decay::half_life(9.0).unwrap()));
        let mut bytes = Vec::new();
        tracker.unwrap().write_snapshot(&mut bytes, b"").unwrap();
        for (epoch, worker, latest) in [(4, 0, None), (9, 0, None), (4, 1, Some(4)), (9, 1, Some(9)), (14, 1, Some(9))]
        {
            snapshots.write(epoch, worker, 2, &bytes).unwrap();
            assert_eq!(snapshots.latest().unwrap(), latest, "{epoch} {worker}");
        }
        // Two files of epoch 9, one of 14; those of 4 are gone, but for worker 0's, who has not saved since.
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let expected = ["04.0-of-2", "09.0-of-2", "09.1-of-2", "14.1-of-2"];
        let expected = expected.map(|name| std::ffi::OsString::from(format!("{}{name}{ENDING}", "0".repeat(18))));
        assert_eq!(names, expected);
        // A draft, and a file of somebody else, are none.
        fs::write(folder.path().join("00000000000000000014.0-of-2.part"), b"half").unwrap();
        fs::write(folder.path().join("99.0-of-0.state"), b"").unwrap();
        assert_eq!(snapshots.latest().unwrap(), Some(9));
        assert_eq!([0, 4, 5, 9].map(|epoch| snapshots.boundary(epoch)), [4, 4, 9, 9]);
        assert_eq!([9, 10, 40].map(|epoch| snapshots.boundary_before(epoch, 3)), [4, 4, 29]);
        assert!(matches!(Snapshots::new(folder.path(), 0), Err(Error::Every)));
    }
}
