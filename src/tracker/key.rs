//! [`ToKey`]: what a tracker makes the key of a new series of.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// A borrowed key of which a tracker with keys `K` makes its own when a series begins: any `K` that can be cloned; `&str` for
/// `String`, and slices for `Vec`; both also for `Box`, `Rc` and `Arc` of them, which are a word shorter than a `String`, or
/// shared with whoever has them too; and paths, `OsStr` and `CStr`. Implement it for a borrowed form of your own.
///
/// ```
/// use evenkeel::{Decay, RobustMean, Tracker};
/// use std::sync::Arc;
///
/// let mut tracker = Tracker::<Arc<str>>::new(RobustMean::new(Decay::half_life(60.0)?))?;
/// tracker.update("cpu", 42.0)?; // as a tracker of String
/// let (key, _) = tracker.iter().next().unwrap();
/// let shared = Arc::clone(key);
/// assert_eq!(tracker.get(&*shared).map(|cpu| cpu.location), Some(42.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ToKey<K> {
    /// The key of the new series.
    fn to_key(&self) -> K;
}

impl<K: Clone> ToKey<K> for K {
    fn to_key(&self) -> K {
        self.clone()
    }
}

impl<E: Clone> ToKey<Vec<E>> for [E] {
    fn to_key(&self) -> Vec<E> {
        self.to_vec()
    }
}

macro_rules! owned {
    ($($borrowed:ty => $owned:ty),*) => {$(
        impl ToKey<$owned> for $borrowed {
            fn to_key(&self) -> $owned {
                self.to_owned()
            }
        }
    )*};
}
owned!(str => String, Path => PathBuf, OsStr => OsString, CStr => CString);

macro_rules! shared {
    ($($pointer:ident),*) => {$(
        impl ToKey<$pointer<str>> for str {
            fn to_key(&self) -> $pointer<str> {
                self.into()
            }
        }
        impl<E: Clone> ToKey<$pointer<[E]>> for [E] {
            fn to_key(&self) -> $pointer<[E]> {
                self.into()
            }
        }
    )*};
}
shared!(Box, Rc, Arc);
