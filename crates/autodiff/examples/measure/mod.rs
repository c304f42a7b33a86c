//! What the measured programs share: their data, their arguments, their clock and their line of
//! results.
#![allow(dead_code, reason = "each program uses a part")]

use std::collections::BTreeMap;
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
    Buffer::from_slice(Device::cpu(), &values).expect("memory")
}

/// Zeros of f32.
pub(crate) fn zeros(len: usize) -> Buffer {
    Buffer::zeros(Device::cpu(), autodiff::DType::F32, len).expect("memory")
}

/// Arguments `--name value`. All programs know `--threads` (1), and `--reps`, or else `--budget` in
/// seconds (2).
pub(crate) struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Those of this process; sets the number of threads.
    pub(crate) fn read() -> Self {
        autodiff::use_modern_blas().expect("the program can be started again");
        let words: Vec<String> = std::env::args().skip(1).collect();
        let pairs = words.chunks(2).map(|pair| match pair {
            [name, value] if name.starts_with("--") => (name[2..].to_owned(), value.clone()),
            _ => panic!("wanted --name value, found {pair:?}"),
        });
        let arguments = Self(pairs.collect());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.number("threads", 1));
        // This thread computes too, as in the peers.
        pool.use_current_thread().build_global().expect("the first pool");
        arguments
    }

    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).map_or(default, String::as_str)
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> T {
        let Some(text) = self.0.get(name) else { return default };
        text.parse().unwrap_or_else(|_| panic!("--{name}: wanted a number, found {text:?}"))
    }

    /// Times `step`, which does `units` units of work, after two calls more, and adds what every line
    /// of results has.
    pub(crate) fn timed(&self, units: f64, mut step: impl FnMut()) -> serde_json::Value {
        let (repetitions, budget) = (self.number("reps", 0), self.number("budget", 2.0));
        for _ in 0..2 {
            step();
        }
        let (start, before) = (Instant::now(), processor());
        let mut seconds: Vec<f64> = Vec::new();
        while match repetitions {
            0 => seconds.len() < 5 || start.elapsed().as_secs_f64() < budget,
            count => seconds.len() < count,
        } {
            let start = Instant::now();
            step();
            seconds.push(start.elapsed().as_secs_f64() / units);
        }
        let processor = (processor() - before) / seconds.len() as f64 / units;
        seconds.sort_by(f64::total_cmp);
        let quantile = |q: usize| seconds[(seconds.len() - 1) * q / 4];
        serde_json::json!({
            "threads": rayon::current_num_threads(),
            "seconds": quantile(2), "min": quantile(0), "q1": quantile(1), "q3": quantile(3),
            "cpu_seconds": processor, "reps": seconds.len(),
            "peak_rss_mb": status("VmHWM:") / 1024.0,
        })
    }
}

fn status(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

/// Seconds of processor time, user and system, of all threads so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets, times are fields 14 and 15, in 1/100 s.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> f64 {
        fields.split_whitespace().nth(at - 3).and_then(|x| x.parse().ok()).unwrap_or(0.0)
    };
    (ticks(14) + ticks(15)) / 100.0
}
