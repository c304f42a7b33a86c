//! Tests what the progress display shows of sweeps under way.

use std::path::Path;
use std::time::Duration;

use experiment::Device;
use orchestrator::config;
use orchestrator::plan::{Context, Identity, Sum};
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::registry;

/// A sweep of eight runs with long names.
fn plan(name: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.yaml");
    let text = format!(
        "name: {name}\nexperiment: descent\nsweep: {{ grid: {{ function: [rosenbrock, sphere], \
         learning_rate: [0.001, 0.002] }}, seeds: 2 }}\n"
    );
    std::fs::write(&path, text).unwrap();
    let config = config::load(&path, &[]).unwrap();
    let no_sum = |_: &str| Sum::Unreadable("nothing is read".into());
    let identity = Identity { engine: 1, cuda: 1, auto: &Device::default, checksum: &no_sum };
    let entries = registry::papers();
    Plan::new(&config, &Context { entries: &entries, identity: &identity, columns: &[] }).unwrap()
}

/// A progress whose first sweep is under way since `ago` seconds.
fn under_way<'a>(plan: &'a Plan, forecasts: Vec<Forecast>, ago: u64) -> Progress<'a> {
    let view = View::Lines(Lines::new(Instant::now()));
    let complaints = Complaints::new(Path::new("/no-such-store"));
    let mut progress = Progress { forecasts, at: 0, before: (0, 0), sweep: None, complaints, view };
    progress.begin(plan);
    let sweep = progress.sweep.as_mut().unwrap();
    sweep.start -= Duration::from_secs(ago);
    progress
}

fn forecast(runs: usize, seconds: Option<f64>) -> Forecast {
    Forecast { runs, finished: 0, seconds, jobs: 2 }
}

fn start(progress: &mut Progress<'_>, run: usize, worker: u32) -> RunId {
    let run = progress.sweep.as_ref().unwrap().plan.runs[run].spec.run;
    progress.notify(&Notice::Started { run, attempt: 1, worker });
    run
}

fn end(progress: &mut Progress<'_>, run: RunId, outcome: Outcome) {
    progress.notify(&Notice::Ended { run, attempt: 1, outcome, seconds: 1.0 });
}

/// Two of eight ended, one of them badly; of the two under way one tells how far it is.
fn busy<'a>(plan: &'a Plan, forecasts: Vec<Forecast>) -> Progress<'a> {
    let mut progress = under_way(plan, forecasts, 10);
    let first = start(&mut progress, 0, 1);
    let second = start(&mut progress, 1, 2);
    end(&mut progress, first, Outcome::Finished);
    end(&mut progress, second, Outcome::Failed { error: "diverged".into() });
    let third = start(&mut progress, 2, 1);
    start(&mut progress, 3, 2);
    progress.notify(&Notice::Progress { run: third, done: 100, total: 1000 });
    let live = progress.sweep.as_mut().unwrap().live.get_mut(&1).unwrap();
    live.since -= Duration::from_secs(4);
    live.told.as_mut().unwrap().first.0 -= Duration::from_secs(2);
    progress.notify(&Notice::Progress { run: third, done: 500, total: 1000 });
    progress
}

fn shown(progress: &Progress<'_>, width: usize, height: usize) -> String {
    let screen = Screen { width, height, unicode: true };
    let whole = Whole { forecasts: &progress.forecasts, at: progress.at, before: progress.before };
    let sweep = progress.sweep.as_ref().unwrap();
    let lines = whole.screen(sweep, screen, Instant::now());
    assert!(lines.len() < height, "{lines:?}");
    for line in &lines {
        assert!(line.width() <= width, "{width}: {line}");
    }
    lines.join("\n")
}

fn said(progress: &Progress<'_>) -> String {
    let whole = Whole { forecasts: &progress.forecasts, at: progress.at, before: progress.before };
    whole.line(progress.sweep.as_ref().unwrap(), Instant::now())
}

#[test]
fn a_sweep_shows_its_total_and_its_runs() {
    let plan = plan("hills");
    let progress = busy(&plan, vec![forecast(8, None)]);
    insta::assert_snapshot!(shown(&progress, 80, 24));
}

#[test]
fn several_sweeps_have_one_total_with_the_time_of_all() {
    let (plan, other) = (plan("hills"), 100);
    let known = busy(&plan, vec![forecast(8, None), forecast(other, Some(6.0))]);
    let text = shown(&known, 80, 24);
    // 22 seconds of this sweep and 100 runs of 6 seconds, two at a time.
    assert!(text.contains("2 of 108 runs, 1 failed, 5m 22s left"), "{text}");
    assert!(text.contains("hills (1 of 2)"), "{text}");
    let unknown = busy(&plan, vec![forecast(8, None), forecast(other, None)]);
    let text = shown(&unknown, 80, 24);
    assert!(text.contains("1 failed, over 22s left"), "{text}");
    let finished = Forecast { finished: other, ..forecast(other, None) };
    let text = shown(&busy(&plan, vec![forecast(8, None), finished]), 80, 24);
    assert!(text.contains("102 of 108 runs, 1 failed, 22s left"), "{text}");
}

#[test]
fn what_does_not_fit_on_the_screen_is_counted() {
    let plan = plan("hills");
    let mut progress = under_way(&plan, vec![forecast(8, None)], 1);
    for run in 0..8 {
        start(&mut progress, run, run as u32 + 1);
    }
    let text = shown(&progress, 40, 8);
    assert!(text.ends_with("      and 4 more"), "{text}");
    assert_eq!(text.lines().count(), 6);
    shown(&progress, 10, 3);
}

#[test]
fn a_line_says_how_far_how_fast_and_how_long() {
    let plan = plan("hills");
    let line = said(&busy(&plan, vec![forecast(8, None)]));
    assert_eq!(line, "2 of 8 runs, 2 running (50%), 1 failed, 12 runs/min, 22s left");
    let line = said(&busy(&plan, vec![forecast(8, None), forecast(2, Some(2.0))]));
    let wanted = "hills: 2 of 8 runs, 2 running (50%), 1 failed, 12 runs/min; in all 2 of 10 runs, \
                  24s left";
    assert_eq!(line, wanted);
}

#[test]
fn a_run_that_tells_nothing_is_said_to_be_under_way_for_long() {
    let plan = plan("hills");
    let mut progress = under_way(&plan, vec![forecast(8, None)], 300);
    start(&mut progress, 0, 1);
    progress.sweep.as_mut().unwrap().live.get_mut(&1).unwrap().since -= Duration::from_secs(200);
    assert_eq!(said(&progress), "0 of 8 runs, 1 running for up to 3m 20s");
}
