//! Runs that build on runs.

use std::fs;

use experiment::RunId;
use journal::{RunSpec, Status};
use orchestrator::execute::{ARTIFACTS, Notice, Rerun, Stop, Summary};

use crate::store::{Store, count, run};
use crate::toy::{Params, Way};

fn base(way: Way) -> RunSpec {
    run(&Params { way, number: 7, gate: None })
}

/// A run that reads another one.
fn on(base: &RunSpec, number: u64) -> RunSpec {
    let spec = run(&Params { way: Way::Build, number, gate: None });
    let needs = [("base".to_owned(), base.run)].into();
    RunSpec { run: RunId::of(&format!("{} on {}", spec.run, base.run)), needs, ..spec }
}

fn blocked(notices: &[Notice]) -> Vec<&str> {
    let mut whys = Vec::new();
    for notice in notices {
        if let Notice::Blocked { why, .. } = notice {
            whys.push(why.as_str());
        }
    }
    whys
}

#[test]
fn a_run_reads_metrics_artifacts_and_parameters_of_what_it_needs() {
    for in_process in [false, true] {
        let mut store = Store::new();
        store.options.in_process = in_process;
        let base = base(Way::Count);
        let runs = [on(&base, 1), on(&base, 2)];
        assert_eq!(store.execute(std::slice::from_ref(&base)).finished, [base.run]);
        let summary = store.execute(&runs);
        assert_eq!(summary.finished.len(), 2, "{}", store.error(&runs[0]));
        let fold = store.fold();
        let sum = fold.runs[&base.run].results()["sum"];
        for (spec, number) in runs.iter().zip([1.0, 2.0]) {
            assert_eq!(fold.runs[&spec.run].results()["sum"], sum + number);
            assert_eq!(fold.runs[&spec.run].spec.needs, spec.needs);
        }
    }
}

#[test]
fn what_needs_a_failed_run_is_blocked_and_nothing_else_is() {
    let mut store = Store::new();
    let (broken, sound) = (base(Way::Fail), base(Way::Count));
    assert_eq!(store.execute(&[broken.clone(), sound.clone()]).failed, [broken.run]);
    let second = on(&broken, 1);
    let third = RunSpec { needs: [("base".to_owned(), second.run)].into(), ..on(&broken, 2) };
    let runs = [second.clone(), on(&sound, 3)];
    let (summary, notices) = store.execute_with(&runs, &Stop::new(), |_| {});
    let (finished, blocked_runs) = (vec![runs[1].run], vec![second.run]);
    let wanted = Summary { finished, blocked: blocked_runs, ..Summary::default() };
    assert_eq!(summary.unwrap(), wanted);
    let why = format!("`base` ({}) failed: reading the toy: it broke", broken.run.short());
    assert_eq!(blocked(&notices), [&why]);
    assert_eq!(store.error(&second), why);
    let summary = store.execute(std::slice::from_ref(&third));
    assert_eq!(summary.blocked, [third.run]);
    let wanted = format!("`base` ({}) is blocked: {why}", second.run.short());
    assert_eq!(store.error(&third), wanted);
    // Asking again says so again, and writes nothing down.
    let segments = || fs::read_dir(store.options.store.join("journal")).unwrap().count();
    let before = segments();
    assert_eq!(store.execute(std::slice::from_ref(&second)).blocked, [second.run]);
    assert_eq!(segments(), before);
    assert_eq!(count(&store.fold(), Status::Blocked), 2);
    assert!(store.fold().runs[&second.run].attempts.is_empty());
    // Those of an error that came to an end are tried as soon as they can.
    store.options.rerun = Rerun::Failed;
    assert_eq!(store.execute(std::slice::from_ref(&second)).blocked, [second.run]);
}

#[test]
fn what_was_blocked_runs_once_what_it_needs_is_there() {
    let store = Store::new();
    let base = base(Way::Count);
    let spec = on(&base, 1);
    let summary = store.execute(std::slice::from_ref(&spec));
    assert_eq!(summary.blocked, [spec.run]);
    assert_eq!(store.error(&spec), format!("`base` ({}) was not run", base.run.short()));
    store.execute(std::slice::from_ref(&base));
    assert_eq!(store.execute(std::slice::from_ref(&spec)).finished, [spec.run]);
    let fold = store.fold();
    assert_eq!(fold.runs[&spec.run].status(), Status::Finished);
    assert_eq!(fold.runs[&spec.run].error(), None);
}

#[test]
fn an_artifact_that_is_gone_is_an_error_that_says_so() {
    let store = Store::new();
    let base = base(Way::Count);
    store.execute(std::slice::from_ref(&base));
    let folder = store.options.store.join(ARTIFACTS).join(base.run.to_string());
    fs::write(folder.join("sum.txt"), "0").unwrap();
    let damaged = on(&base, 1);
    assert_eq!(store.execute(std::slice::from_ref(&damaged)).failed, [damaged.run]);
    let error = store.error(&damaged);
    assert!(error.contains("artifact sum.txt is not as it was published"), "{error}");
    fs::remove_file(folder.join("sum.txt")).unwrap();
    let missing = on(&base, 2);
    assert_eq!(store.execute(std::slice::from_ref(&missing)).failed, [missing.run]);
    let error = store.error(&missing);
    assert!(error.contains("artifact sum.txt: ") && error.contains("makes it again"), "{error}");
}
