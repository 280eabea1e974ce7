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
            object_store::parse_url_opts(&url, options(std::env::vars_os()))
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

/// The options of stores that an environment has, chosen as their own builders do. What is not for stores may be called like
/// an option, too: TOKEN, REGION, TIMEOUT.
fn options(environment: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (String, String)> {
    let is_option = |name: &str| {
        ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix))
            || ["IDENTITY_ENDPOINT", "SERVICE_ACCOUNT"].contains(&name)
    };
    environment
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(move |(name, _)| is_option(name))
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

    #[test]
    fn options_are_those_of_stores() {
        let environment = ["AWS_REGION", "REGION", "TOKEN", "AZURE_STORAGE_TOKEN", "SERVICE_ACCOUNT", "MY_AWS_REGION"];
        let pair = |name: &str| (OsString::from(name), OsString::from("value"));
        let chosen: Vec<String> = options(environment.into_iter().map(pair)).map(|(name, _)| name).collect();
        assert_eq!(chosen, ["AWS_REGION", "AZURE_STORAGE_TOKEN", "SERVICE_ACCOUNT"]);
    }
}
