//! Candle on one thread for each run.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// The number of threads that candle uses for one multiplication of matrices.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Calls this function where the environment says how many threads candle shall use, and else starts this program again
/// with one.
///
/// Unless the environment tells it, candle finds out the number of processors anew at every multiplication, by reading
/// a file of the system's. With networks as small as these that takes longer than all the arithmetic. A program can
/// only change the environment of another one safely.
pub(crate) fn on_one_thread(call: impl FnOnce() -> Result<ExitCode>) -> Result<ExitCode> {
    if env::var_os(THREADS).is_some() {
        return call();
    }
    let program = env::current_exe().context("cannot find this program")?;
    let mut again = Command::new(program);
    again.args(env::args_os().skip(1)).env(THREADS, "1");
    // Where the system can, the new program takes the place of this one, so that who stops it stops it all.
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut again)).context("cannot start this program again");
    #[cfg(not(unix))]
    {
        let status = again.status().context("cannot start this program again")?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
