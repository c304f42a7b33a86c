//! Prints times, memory, ratios and targets of a workload.

use std::fmt::Write;

use serde_json::{Value, json};

use super::case::{Case, Ours, Target, ratios};
use super::program::{Program, Sample};

/// Lower quartile, median and upper quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|part| {
        let at = part * (values.len().max(1) - 1) as f64;
        let value = |at: f64| values.get(at as usize).copied().unwrap_or(f64::NAN);
        value(at.floor()) + (value(at.ceil()) - value(at.floor())) * at.fract()
    })
}

pub(super) fn median(program: &Program, of: fn(&Sample) -> f64) -> f64 {
    quartiles(program.samples.iter().map(of).collect())[1]
}

/// A time in the unit that reads best.
fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.1} us", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// The most operations a second that a program of the case reached, in 10^9.
pub(crate) fn fastest(case: &Case) -> Option<f64> {
    let rate = |program: &Program| case.gflop().map(|gflop| gflop / median(program, |s| s.seconds));
    case.programs().filter_map(rate).max_by(f64::total_cmp)
}

/// A row for each process that ran.
pub(crate) fn rows(case: &Case) -> Vec<Value> {
    let row = |program: &Program, sample: &Sample, round: usize| {
        json!({
            "case": case.name, "program": program.name, "threads": case.threads, "round": round,
            "seconds": sample.seconds, "cpu_seconds": sample.cpu_seconds,
            "peak_rss_mb": sample.peak, "gflop": case.gflop(),
        })
    };
    let of = |program: &Program| -> Vec<Value> {
        program.samples.iter().zip(0..).map(|(sample, round)| row(program, sample, round)).collect()
    };
    case.programs().flat_map(of).collect()
}

/// Times, memory, ratios and targets of one case; `peak` is what the machine reaches, in 10^9
/// operations a second.
pub(crate) fn table(case: &Case, peak: Option<f64>) -> String {
    let mut text = format!(
        "{}\n{:34} {:>6} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}\n",
        case.name, "", "rounds", "quartile", "median", "quartile", "cpu", "peak MB", "of peak"
    );
    for program in case.programs() {
        let [low, middle, high] = quartiles(program.samples.iter().map(|s| s.seconds).collect());
        let (cpu, memory) = (median(program, |s| s.cpu_seconds), median(program, |s| s.peak));
        let share = case.gflop().zip(peak).map_or(String::new(), |(gflop, peak)| {
            format!("{:.0} %", 100.0 * gflop / middle / peak)
        });
        let _ = writeln!(
            text,
            "{:34} {:>6} {:>10} {:>10} {:>10} {:>10} {memory:>8.0} {share:>8}",
            program.name,
            program.samples.len(),
            time(low),
            time(middle),
            time(high),
            time(cpu)
        );
    }
    for ours in &case.ours {
        against(&mut text, ours, &case.peers);
    }
    text + &checks(case)
}

/// The peer with the smallest median, of those with the given indices that there are.
pub(super) fn least<'a>(
    peers: &'a [Program],
    among: &[usize],
    of: fn(&Sample) -> f64,
) -> Option<&'a Program> {
    let among = among.iter().filter_map(|&index| peers.get(index));
    among.min_by(|a, b| median(a, of).total_cmp(&median(b, of)))
}

/// Ours over each peer, and whether the targets hold.
fn against(text: &mut String, ours: &Ours, peers: &[Program]) {
    let name = &ours.program.name;
    for peer in peers {
        let [low, middle, high] = quartiles(ratios(&ours.program, peer, |s| s.seconds));
        let cpu = quartiles(ratios(&ours.program, peer, |s| s.cpu_seconds))[1];
        let peak = quartiles(ratios(&ours.program, peer, |s| s.peak))[1];
        let _ = writeln!(
            text,
            "  {name} / {}: time {middle:.2} ({low:.2} to {high:.2}), cpu {cpu:.2}, memory {peak:.2}",
            peer.name
        );
    }
    for target in &ours.targets {
        let (what, found, wanted) = match *target {
            Target::Peak(wanted) => ("peak MB".into(), median(&ours.program, |s| s.peak), wanted),
            Target::Fastest(among, wanted) => {
                let Some(peer) = least(peers, among, |s| s.seconds) else { continue };
                let ratio = quartiles(ratios(&ours.program, peer, |s| s.seconds))[1];
                (format!("time over {}", peer.name), ratio, wanted)
            }
            Target::Smallest(among, wanted) => {
                let Some(peer) = least(peers, among, |s| s.peak) else { continue };
                let ratio = quartiles(ratios(&ours.program, peer, |s| s.peak))[1];
                (format!("memory over {}", peer.name), ratio, wanted)
            }
        };
        let said = if found <= wanted { "met" } else { "missed" };
        let _ = writeln!(text, "  {name}: {what} at most {wanted}: {said} ({found:.2})");
    }
}

/// The largest relative difference of a check value between ours and the peers.
fn checks(case: &Case) -> String {
    let first = |program: &Program| program.samples.first().map(|s| s.check.clone());
    let mut text = String::new();
    for ours in &case.ours {
        let Some(values) = first(&ours.program) else { continue };
        for peer in &case.peers {
            let theirs = first(peer).unwrap_or_default();
            let worst = values.iter().filter_map(|(key, a)| {
                let b = theirs.get(key)?;
                Some(((a - b).abs() / b.abs().max(f64::MIN_POSITIVE), key))
            });
            let Some((difference, key)) = worst.max_by(|a, b| a.0.total_cmp(&b.0)) else {
                continue;
            };
            let _ = writeln!(
                text,
                "  {} and {} agree to {difference:.0e} (worst: {key})",
                ours.program.name, peer.name
            );
        }
    }
    text
}
