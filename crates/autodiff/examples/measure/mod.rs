//! What the measured programs share: their data, their clock and their line of results.

use std::time::Instant;

use autodiff::{Buffer, Device};

/// Element `i` of stream `seed`: splitmix64 of the counter `seed 2^32 + i + 1`, in `[0, 1)`.
pub(crate) fn uniform(seed: u64, len: usize) -> impl Iterator<Item = f64> {
    (1..=len as u64).map(move |i| {
        let mut z = ((seed << 32) + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    })
}

/// `scale (2 uniform - 1)`, in f32.
pub(crate) fn centred(seed: u64, len: usize, scale: f64) -> Buffer {
    let values: Vec<f32> = uniform(seed, len).map(|x| (scale * (2.0 * x - 1.0)) as f32).collect();
    Buffer::from_slice(Device::cpu(), &values)
}

/// Zeros of f32.
pub(crate) fn zeros(len: usize) -> Buffer {
    Buffer::zeros(Device::cpu(), autodiff::DType::F32, len)
}

/// The argument in place `at`, or a default.
pub(crate) fn argument(at: usize, default: usize) -> usize {
    match std::env::args().nth(at + 1) {
        None => default,
        Some(text) => text.parse().expect("a number"),
    }
}

/// Makes rayon's pool one of `threads`.
pub(crate) fn threads(threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global().expect("the first pool");
}

fn status(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

/// Seconds of processor time, user and system, of all threads so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> f64 {
        fields.split_whitespace().nth(at).and_then(|x| x.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// Calls `step` for `repetitions` after two more, and describes their times and the peak memory.
pub(crate) fn timed(repetitions: usize, mut step: impl FnMut()) -> serde_json::Value {
    step();
    step();
    let before = processor();
    let mut seconds: Vec<f64> = (0..repetitions.max(1))
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64()
        })
        .collect();
    let processor = (processor() - before) / seconds.len() as f64;
    seconds.sort_by(f64::total_cmp);
    let quantile = |q: usize| seconds[(seconds.len() - 1) * q / 4];
    serde_json::json!({
        "seconds": quantile(2), "min": quantile(0), "q1": quantile(1), "q3": quantile(3),
        "cpu_seconds": processor, "reps": seconds.len(),
        "peak_rss_mb": status("VmHWM:") / 1024.0,
    })
}
