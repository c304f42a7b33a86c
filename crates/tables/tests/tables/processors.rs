//! Runs that were computed on processors of different kinds.

use journal::{Checkpoint, Event, Opened, Outcome, Resumed, RunSpec, Started};
use tables::{Format, Request, Runs, Scope, Terminal, compare, exact};
use tempfile::{TempDir, tempdir};

use crate::fixture::{Story, WORKER, dialog};

const OTHER: &str = "node2-worker-1";

/// Two runs by a worker on each kind of processor; with `moves` the second one begins on the first.
fn store(kinds: [&str; 2], moves: bool) -> TempDir {
    let mut story = Story::new();
    let first = &story.fold.writers[WORKER];
    let opened = |writer: &str, kind: &str| {
        let blas = format!("OpenBLAS 0.3.21 ({kind})");
        Opened { writer: writer.into(), blas, ..first.clone() }
    };
    let writers = [opened(WORKER, kinds[0]), opened(OTHER, kinds[1])];
    for opened in writers {
        story.fold.apply(&opened.writer.clone(), Event::Opened(opened));
    }
    story.finish(&dialog(1, "fp", 0), &[("test_accuracy", 99.0)]);
    let second = dialog(1, "fp", 1);
    if moves {
        story.start(&second);
        let checkpoint = Checkpoint { run: second.run, attempt: 1, number: 1 };
        story.fold.apply(WORKER, Event::Checkpoint(checkpoint));
    }
    finish_elsewhere(&mut story, &second, moves);
    let folder = tempdir().unwrap();
    story.write(folder.path());
    folder
}

fn finish_elsewhere(story: &mut Story, spec: &RunSpec, moves: bool) {
    // The end that the story tells of another run, by the other worker.
    let mut told = Story::new();
    told.finish(spec, &[("test_accuracy", 98.0)]);
    let mut ended = told.fold.runs[&spec.run].attempts[0].ended.clone().unwrap();
    ended.attempt = 2;
    assert_eq!(ended.outcome, Outcome::Finished);
    let started = Started { spec: spec.clone(), attempt: 2, means: Default::default(), at: 100.0 };
    story.fold.apply(OTHER, Event::Started(started));
    if moves {
        let (run, from_writer) = (spec.run, Some(WORKER.to_owned()));
        let resumed = Resumed { run, attempt: 2, from_attempt: 1, number: 1, from_writer };
        story.fold.apply(OTHER, Event::Resumed(resumed));
    }
    story.fold.apply(OTHER, Event::Ended(ended));
}

fn told(store: &TempDir) -> String {
    let request = Request {
        rows: vec!["regime".into()],
        columns: vec!["learner".into()],
        value: "test_accuracy".into(),
        ..Request::default()
    };
    let runs = Runs::read(store.path(), "dialog").unwrap();
    compare(&runs, &request, None).unwrap().render(Format::Table(Terminal::default()))
}

fn mixed(store: &TempDir) -> Vec<String> {
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let mut cells: Vec<_> =
        runs.cells("mixed_cpu").unwrap().iter().map(ToString::to_string).collect();
    cells.sort();
    cells
}

#[test]
fn a_comparison_warns_of_runs_of_different_processors() {
    let store = store(["Haswell", "SkylakeX"], false);
    let said = told(&store).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("of different kinds (1 on Haswell, 1 on SkylakeX)"), "{said}");
    assert_eq!(mixed(&store), ["false", "false"]);
    let alike = self::store(["Zen", "Zen"], false);
    assert!(!told(&alike).contains("processors"), "{}", told(&alike));
}

#[test]
fn a_run_that_went_on_on_another_kind_of_processor_says_so() {
    assert_eq!(mixed(&store(["Haswell", "SkylakeX"], true)), ["false", "true"]);
    assert_eq!(mixed(&store(["Zen", "Zen"], true)), ["false", "false"]);
}

#[test]
fn a_difference_between_processors_is_told_as_one() {
    let said = |a: &TempDir, b: &TempDir| {
        exact(a.path(), b.path(), &Scope::default()).unwrap().to_string()
    };
    let (haswell, zen) = (store(["Haswell", "Haswell"], false), store(["Zen", "Zen"], false));
    assert!(said(&haswell, &zen).ends_with("are identical"), "no difference, whatever computed it");
    let mut story = Story::new();
    story.finish(&dialog(1, "fp", 0), &[("test_accuracy", 99.5)]);
    let other = tempdir().unwrap();
    story.write(other.path());
    let told = said(&zen, &other);
    assert!(
        told.contains("computed on OpenBLAS 0.3.21 (Zen), there on OpenBLAS Haswell"),
        "{told}"
    );
    assert!(!said(&zen, &store(["Zen", "Zen"], true)).contains("computed on"));
}
