//! What a fleet of series comes to by the measured constants of one process: arithmetic, not a measurement.

use crate::held::Held;
use crate::saved::Saved;
use crate::table;
use crate::taken::Taken;

/// What one process was measured to need.
pub(crate) struct Constants {
    pub(crate) held: Held,
    pub(crate) taken: Taken,
    pub(crate) saved: Saved,
    /// Bytes of a name.
    pub(crate) name: usize,
}

/// Seconds between two samples of a series.
const EVERY: f64 = 10.0;
/// Seconds between two snapshots.
const SNAPSHOT: f64 = 300.0;
/// Bytes of memory of a process, and the share of it that series may take: a table that grows is there twice for a moment.
const MEMORY: f64 = 64e9;
const SHARE: f64 = 0.5;
/// The share of a core's time that updates may take: the rest reads, decodes and saves.
const BUSY: f64 = 0.25;
/// Cores of a machine.
const CORES: f64 = 16.0;

/// The table of fleets.
pub(crate) fn paper(constants: &Constants) {
    let Constants { held, taken, saved, name } = constants;
    println!(
        "\nA sample of each series every {EVERY} s, a snapshot every {SNAPSHOT} s; machines of {CORES} cores and {:.0} GB, {:.0}% of it for series; {:.0}% of a core's time for updates.",
        MEMORY / 1e9,
        SHARE * 100.0,
        BUSY * 100.0
    );
    table(&["", "1e6 series", "1e7", "1e8", "1e9"]);
    let machines =
        |series: f64| (series * held.most / (MEMORY * SHARE)).max(cores(series, taken.by_name) / CORES).ceil();
    let rows: [(&str, &dyn Fn(f64) -> f64); 14] = [
        ("samples a second, millions", &|series| series / EVERY / 1e6),
        ("state in trackers, GB", &|series| series * held.most / 1e9),
        ("state as bytes of each series elsewhere, GB", &|series| series * 78.0 / 1e9),
        ("cores, by name", &|series| cores(series, taken.by_name)),
        ("cores, by code", &|series| cores(series, taken.by_code)),
        ("cores, state elsewhere", &|series| cores(series, taken.elsewhere)),
        ("machines, by name", &machines),
        ("network in, by name, MB/s", &|series| series / EVERY * (*name as f64 + 16.0) / 1e6),
        ("network in, by code, MB/s", &|series| series / EVERY * 20.0 / 1e6),
        ("a snapshot of all, GB", &|series| series * saved.bytes / 1e9),
        ("one core of each machine writes its part in, s", &|series| series / machines(series) * saved.written / 1e9),
        ("snapshots on the network, MB/s", &|series| series * saved.bytes / SNAPSHOT / 1e6),
        ("one core of each machine reads its part in, s", &|series| series / machines(series) * saved.read / 1e9),
        ("and shares it out anew in, s", &|series| series / machines(series) * saved.divided / 1e9),
    ];
    for (what, of) in rows {
        print!("| {what} |");
        for series in [1e6, 1e7, 1e8, 1e9] {
            let number = of(series);
            let digits = if number < 10.0 && number.fract() != 0.0 { 2 } else { 0 };
            print!(" {number:.digits$} |");
        }
        println!();
    }
}

fn cores(series: f64, nanoseconds: f64) -> f64 {
    (series / EVERY * nanoseconds / 1e9 / BUSY).max(0.01)
}
