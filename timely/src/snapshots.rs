//! [`Snapshots`]: what every worker had at the end of some epochs.
//!
//! One file or object for each epoch and worker, `EPOCH.WORKER-of-WORKERS.state`. An epoch is complete when all of its workers
//! have saved; older ones are removed then.

use crate::Error;
use crate::place::{DRAFT, Folder, Place};
use evenkeel::{merge_snapshots, split_snapshot};
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

/// A place that all workers of all processes share, a folder or an object store, in which each saves its series.
#[derive(Clone, Debug)]
pub struct Snapshots {
    place: Arc<dyn Place>,
    every: NonZeroU64,
}

/// The names of a complete epoch's parts, by worker.
pub(crate) struct Complete {
    pub(crate) epoch: u64,
    files: Vec<String>,
}

const ENDING: &str = ".state";

impl Snapshots {
    /// Snapshots in `folder`, which is made if it is not there, after every so many epochs: at the end of epochs
    /// `every - 1`, `2 every - 1` and so on.
    ///
    /// # Errors
    /// `every` is 0, or the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>, every: u64) -> Result<Self, Error> {
        Self::of(Folder::make(folder.into())?, every)
    }

    /// Snapshots in the object store of a URL, as objects below its path, after every so many epochs as in a folder:
    /// `s3://bucket/fleet`, `gs://bucket/fleet`, `az://container/fleet` and what else
    /// [`object_store::parse_url_opts`] knows, each with the feature of that name, `aws`, `gcp` or `azure`. Credentials and
    /// endpoints are those of the environment, whose names begin with `AWS_`, `GOOGLE_` or `AZURE_`. Each worker has a
    /// thread that speaks to the store.
    ///
    /// # Errors
    /// `every` is 0, the URL is none, or none of a store that is built in, an option is missing, or there is no thread to
    /// be had.
    #[cfg(feature = "object_store")]
    pub fn at_url(url: &str, every: u64) -> Result<Self, Error> {
        Self::of(crate::store::Store::open(url)?, every)
    }

    /// Snapshots in an object store, as objects below `prefix`, after every so many epochs as in a folder.
    ///
    /// ```
    /// use evenkeel_timely::Snapshots;
    /// use object_store::memory::InMemory;
    /// use std::sync::Arc;
    ///
    /// let snapshots = Snapshots::in_store(Arc::new(InMemory::new()), "fleet/states", 60)?;
    /// assert_eq!(snapshots.latest()?, None);
    /// # Ok::<(), evenkeel_timely::Error>(())
    /// ```
    ///
    /// # Errors
    /// `every` is 0, or there is no thread to be had.
    #[cfg(feature = "object_store")]
    pub fn in_store(
        store: Arc<dyn object_store::ObjectStore>,
        prefix: impl Into<object_store::path::Path>,
        every: u64,
    ) -> Result<Self, Error> {
        Self::of(crate::store::Store::new(store, prefix.into())?, every)
    }

    fn of(place: impl Place + 'static, every: u64) -> Result<Self, Error> {
        Ok(Self { place: Arc::new(place), every: NonZeroU64::new(every).ok_or(Error::Every)? })
    }

    /// The last epoch that all workers have saved, from which a dataflow would go on; `None` if there is none.
    ///
    /// # Errors
    /// The folder or the store cannot be read.
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
        Ok(self.place.names()?.into_iter().filter_map(Part::of).collect())
    }

    /// The series of a worker at the end of a complete epoch, as a snapshot, however many workers have saved it.
    pub(crate) fn read(&self, complete: &Complete, worker: usize, workers: usize) -> Result<Vec<u8>, Error> {
        if let (true, Some(own)) = (complete.files.len() == workers, complete.files.get(worker)) {
            return self.place.read(own);
        }
        let parts = complete.files.iter().map(|file| self.place.read(file)).collect::<Result<Vec<_>, _>>()?;
        let unfit = |error| Error::Snapshot { path: self.place.path(None), error };
        let whole = merge_snapshots(&parts, &[]).map_err(unfit)?;
        let mut parts = split_snapshot(&whole, workers).map_err(unfit)?;
        Ok(parts.swap_remove(worker))
    }

    /// A worker's part of an epoch, as people find it.
    pub(crate) fn path(&self, epoch: u64, worker: usize, workers: usize) -> String {
        self.place.path(Some(&name(epoch, worker, workers)))
    }

    /// Saves a worker's series, and removes what it has saved before the last complete epoch, under
    /// whatever number of workers.
    pub(crate) fn write(&self, epoch: u64, worker: usize, workers: usize, bytes: &[u8]) -> Result<(), Error> {
        self.place.write(&name(epoch, worker, workers), bytes)?;
        // It is saved, even if the place does not answer now. What stays is removed by the next snapshot.
        let Ok(names) = self.place.names() else { return Ok(()) };
        let drafts: Vec<_> = names.iter().filter_map(|name| Part::of_draft(name)).collect();
        let parts: Vec<_> = names.into_iter().filter_map(Part::of).collect();
        let Some(complete) = last_complete(&parts) else { return Ok(()) };
        for part in
            parts.iter().chain(&drafts).filter(|part| part.epoch < complete.epoch && part.worker % workers == worker)
        {
            self.place.remove(&part.name);
        }
        Ok(())
    }
}

/// The last epoch that all of a number of workers have saved.
fn last_complete(parts: &[Part]) -> Option<Complete> {
    let mut all = BTreeMap::<(u64, usize), Vec<Option<&str>>>::new();
    for part in parts {
        let files = all.entry((part.epoch, part.workers)).or_insert_with(|| vec![None; part.workers]);
        if let Some(file) = files.get_mut(part.worker) {
            *file = Some(&part.name);
        }
    }
    all.into_iter().rev().find_map(|((epoch, _), files)| {
        let files = files.into_iter().map(|file| file.map(str::to_owned)).collect::<Option<_>>()?;
        Some(Complete { epoch, files })
    })
}

/// What a worker has saved at the end of an epoch.
struct Part {
    name: String,
    epoch: u64,
    worker: usize,
    workers: usize,
}

impl Part {
    /// The part of this name; `None` where it is the name of something else.
    fn of(name: String) -> Option<Self> {
        let (epoch, rest) = name.strip_suffix(ENDING)?.split_once('.')?;
        let (worker, workers) = rest.split_once("-of-")?;
        let (epoch, worker, workers) = (epoch.parse().ok()?, worker.parse().ok()?, workers.parse().ok()?);
        (worker < workers && workers <= MOST_WORKERS).then_some(Self { name, epoch, worker, workers })
    }

    /// The part that was to be made of a draft, under the draft's name.
    fn of_draft(name: &str) -> Option<Self> {
        let (part, _) = name.strip_suffix(DRAFT)?.rsplit_once('.')?;
        Some(Self { name: name.to_owned(), ..Self::of(part.to_owned())? })
    }
}

fn name(epoch: u64, worker: usize, workers: usize) -> String {
    format!("{epoch:020}.{worker}-of-{workers}{ENDING}")
}

/// Most workers of a name that is believed.
const MOST_WORKERS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        fs::write(folder.path().join("00000000000000000014.0-of-2.state.7-0.part"), b"half").unwrap();
        fs::write(folder.path().join("99.0-of-0.state"), b"").unwrap();
        assert_eq!(snapshots.latest().unwrap(), Some(9));
        assert_eq!([0, 4, 5, 9].map(|epoch| snapshots.boundary(epoch)), [4, 4, 9, 9]);
        assert_eq!([9, 10, 40].map(|epoch| snapshots.boundary_before(epoch, 3)), [4, 4, 29]);
        assert!(matches!(Snapshots::new(folder.path(), 0), Err(Error::Every)));
        // The draft of a process that was killed goes with its epoch.
        snapshots.write(19, 1, 2, &bytes).unwrap();
        snapshots.write(19, 0, 2, &bytes).unwrap();
        let drafts = || {
            fs::read_dir(folder.path())
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "part")
        };
        assert_eq!((snapshots.latest().unwrap(), drafts().count()), (Some(19), 0));
    }

    /// A folder that cannot be listed.
    #[derive(Debug)]
    struct Blind(Folder);

    impl Place for Blind {
        fn names(&self) -> Result<Vec<String>, Error> {
            Err(Error::Io { path: PathBuf::new(), error: std::io::Error::other("no answer") })
        }
        fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
            self.0.read(name)
        }
        fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
            self.0.write(name, bytes)
        }
        fn remove(&self, name: &str) {
            self.0.remove(name);
        }
        fn path(&self, name: Option<&str>) -> String {
            self.0.path(name)
        }
    }

    #[test]
    fn what_is_written_is_saved_though_the_place_does_not_answer_then() {
        let folder = tempfile::tempdir().unwrap();
        let blind = Snapshots::of(Blind(Folder::make(folder.path().to_owned()).unwrap()), 5).unwrap();
        blind.write(4, 0, 1, b"part").unwrap();
        assert_eq!(Snapshots::new(folder.path(), 5).unwrap().latest().unwrap(), Some(4));
        assert!(blind.latest().is_err());
    }
}
