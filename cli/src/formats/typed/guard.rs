//! The decoders of Parquet and Arrow believe some of what a file says of itself, and panic where they should not have. A broken
//! file is no reason to break down: here such a panic becomes an error.

use std::cell::Cell;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic is expected, and is not to be printed.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs work that may panic or fail. What it leaves behind then must not be used any more.
pub(crate) fn guarded<T, E: Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                usual(info);
            }
        }));
    });
    let was_guarded = IS_GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(was_guarded);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the file is broken: it contradicts itself".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(guarded(|| Ok::<_, String>(1)), Ok(1));
        assert_eq!(guarded(|| Err::<(), _>("no")), Err("no".to_owned()));
        let nothing: [u8; 0] = [];
        let index = nothing.len();
        assert!(guarded(|| Ok::<_, String>(nothing[index])).is_err_and(|error| error.contains("broken")));
        assert!(!IS_GUARDED.get());
    }
}
