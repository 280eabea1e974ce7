//! [`Store`]: snapshots in an object store.

use crate::Error;
use crate::place::Place;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::ffi::OsString;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::sync::{Arc, mpsc};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// The objects below a prefix, and a thread that talks to their store while a worker waits for it.
///
/// A worker may itself run on a thread of a runtime, which may neither block on another one nor drop it. So it waits for
/// an answer through a channel, and what is left when it ends is shut down in the background.
#[derive(Debug)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Always there, but for the moment in which this is dropped.
    runtime: Option<Runtime>,
}

impl Store {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>, prefix: Path) -> Result<Self, Error> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("evenkeel-snapshots").enable_all().build();
        let runtime = runtime.map_err(|error| Error::Io { path: prefix.to_string().into(), error })?;
        Ok(Self { objects, prefix, runtime: Some(runtime) })
    }

    /// The objects of a URL, with the options that the environment has.
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        let open = || {
            let url =
                Url::parse(url).map_err(|error| object_store::Error::Generic { store: "URL", source: error.into() })?;
            let text =
                |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
            let options = std::env::vars_os().filter_map(text).filter(|(name, _)| is_option(name));
            object_store::parse_url_opts(&url, options)
        };
        let (objects, prefix) = open().map_err(|error| Error::Store { path: url.to_owned(), error })?;
        Self::new(objects.into(), prefix)
    }

    /// What the store answers, about an object or all of them.
    fn ask<F, O>(&self, name: Option<&str>, ask: impl FnOnce(Arc<dyn ObjectStore>, Path) -> F) -> Result<O, Error>
    where
        F: Future<Output = object_store::Result<O>> + Send + 'static,
        O: Send + 'static,
    {
        let at = name.map_or(self.prefix.clone(), |name| self.prefix.clone().join(name));
        let asked = ask(Arc::clone(&self.objects), at);
        let (answer, answered) = mpsc::channel();
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                // Nobody waits for it any more only where the worker has ended.
                let _ = answer.send(asked.await);
            });
        }
        // Nothing comes of a task that has panicked.
        let lost = |_| {
            Err(object_store::Error::Generic { store: "object store", source: Box::new(io::Error::other("no answer")) })
        };
        answered.recv().unwrap_or_else(lost).map_err(|error| Error::Store { path: self.path(name), error })
    }
}

/// Whether a variable of the environment is meant for a store. `REGION`, `TOKEN` or `TIMEOUT` of somebody else would be taken for
/// an option, too.
fn is_option(name: &str) -> bool {
    let is_of_cloud = ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
    is_of_cloud || matches!(name, "SERVICE_ACCOUNT" | "IDENTITY_ENDPOINT" | "IDENTITY_HEADER")
}

impl Place for Store {
    fn names(&self) -> Result<Vec<String>, Error> {
        let list = |store: Arc<dyn ObjectStore>, at| async move { store.list_with_delimiter(Some(&at)).await };
        let listed = self.ask(None, list)?;
        Ok(listed.objects.into_iter().filter_map(|object| Some(object.location.filename()?.to_owned())).collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let bytes = self.ask(Some(name), |store, at| async move { store.get(&at).await?.bytes().await })?;
        Ok(bytes.into())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let payload = PutPayload::from(bytes.to_vec());
        self.ask(Some(name), |store, at| async move { store.put(&at, payload).await })?;
        Ok(())
    }

    fn remove(&self, name: &str) {
        let _ = self.ask(Some(name), |store, at| async move { store.delete(&at).await });
    }

    fn path(&self, name: Option<&str>) -> String {
        let path = name.map_or(self.prefix.clone(), |name| self.prefix.clone().join(name));
        format!("{path} of {}", self.objects)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshots;
    use object_store::memory::InMemory;

    #[test]
    fn variables_of_others_are_no_options() {
        for name in ["AWS_REGION", "GOOGLE_SERVICE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "SERVICE_ACCOUNT"] {
            assert!(is_option(name), "{name}");
        }
        for name in ["REGION", "TOKEN", "TIMEOUT", "ENDPOINT", "BUCKET", "aws_region", "MY_AWS_REGION"] {
            assert!(!is_option(name), "{name}");
        }
    }

    #[test]
    fn prefixes_of_any_letters_and_none_hold_snapshots_apart() {
        let objects = Arc::new(InMemory::new());
        for (number, prefix) in (0_u64..).zip(["", "fleet", "fleet/a b", "fl\u{e9}et%2F#?", "fleet/"]) {
            let snapshots = Snapshots::in_store(objects.clone(), prefix, 1).unwrap();
            let is_first = prefix != "fleet/";
            assert_eq!(snapshots.latest().unwrap().is_none(), is_first, "{prefix:?}");
            snapshots.write(number, 0, 1, b"part").unwrap();
            assert_eq!(snapshots.latest().unwrap(), Some(number), "{prefix:?}");
        }
    }
}
