//! What a run may take.

use std::time::Duration;

use journal::Cause;

use crate::execute::Options;
use crate::execute::usage::TreeSize;

/// What a run took so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) size: TreeSize,
    pub(super) time: Duration,
    /// Bytes.
    pub(super) printed: u64,
}

/// What a run took too much of.
pub(super) struct Excess {
    pub(super) cause: Cause,
    pub(super) reason: String,
}

/// What a run takes too much of, if anything.
///
/// A program that is being started shares all memory with its worker for a moment: more than one process
/// has to be found over the limit twice, so that it is `suspect` at first.
pub(super) fn excess(used: &Used, options: &Options, suspect: &mut bool) -> Option<Excess> {
    let Used { size, time: spent, printed } = *used;
    let over = options.memory.filter(|limit| size.bytes > *limit);
    let certain = size.processes == 1 || *suspect;
    *suspect = over.is_some();
    if let Some(limit) = over.filter(|_| certain) {
        let reason = format!("used {}; the limit is {}", bytes(size.bytes), bytes(limit));
        return Some(Excess { cause: Cause::Memory, reason });
    }
    if let Some(limit) = options.time.filter(|limit| spent > *limit) {
        let reason = format!("took longer than {}", time(limit));
        return Some(Excess { cause: Cause::Time, reason });
    }
    (printed > options.output).then(|| {
        let reason = format!("printed more than {}", bytes(options.output));
        Excess { cause: Cause::Output, reason }
    })
}

/// A size as people write it: `412 MiB`, `1.5 GiB`.
fn bytes(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let number = bytes as f64 / (1_u64 << shift) as f64;
    // Three digits say enough, and a whole number of units is one.
    let digits = if number >= 100.0 || number.fract() < 0.005 { 0 } else { 1 };
    format!("{number:.digits$} {unit}")
}

/// A time as people write it: `3 s`, `0.25 s`, `1 h 30 min`.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if time.subsec_millis() > 0 { format!("{} s", time.as_secs_f64()) } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_as_people_write_them() {
        let sizes = [
            (500, "500 B"),
            (200 << 20, "200 MiB"),
            (432_054_272, "412 MiB"),
            (3 << 29, "1.5 GiB"),
        ];
        sizes.iter().for_each(|(size, text)| assert_eq!(bytes(*size), *text));
        let times =
            [(300, "0.3 s"), (3000, "3 s"), (5_400_000, "1 h 30 min"), (61_000, "1 min 1 s")];
        times.iter().for_each(|(ms, text)| assert_eq!(time(Duration::from_millis(*ms)), *text));
    }
}
