//! Segments as they are found after crashes, and the fold over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use experiment::{Device, RunId, SpecId};
use journal::{
    Assigned, Cause, Checkpoint, Ended, Error, Event, Fold, Lost, MetricRow, Metrics, Opened,
    Outcome, Problem, Removed, RemovedRun, Requested, Resumed, Role, Rows, RunSpec, Started,
    Status, Writer,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn compact(
    dir: &Path,
    name: &str,
    is_over: &dyn Fn(&str) -> bool,
) -> Result<journal::Compacted, journal::Error> {
    journal::compact(dir, name, &Fold::read(dir)?, is_over)
}

fn opened(writer: &str) -> Opened {
    Opened {
        writer: writer.into(),
        role: Role::Worker,
        host: "host".into(),
        pid: 7,
        version: "0.1.0".into(),
        commit: String::new(),
        blas: "blas".into(),
        cpu: "cpu".into(),
        at: 1.5,
    }
}

fn spec(name: &str) -> RunSpec {
    RunSpec {
        run: RunId::of(name),
        spec: SpecId::of(name),
        experiment: "toy".into(),
        experiment_version: 1,
        params: r#"{"rate":0.1}"#.into(),
        seed: 3,
        sweep: "sweep".into(),
        device: Device::Cpu,
        threads: 1,
        engine: None,
        data: Default::default(),
        needs: Default::default(),
    }
}

fn started(name: &str, attempt: u32) -> Event {
    Event::Started(Started { spec: spec(name), attempt, means: Default::default(), at: 2.0 })
}

fn assigned(name: &str, attempt: u32, worker: &str) -> Event {
    Event::Assigned(Assigned { spec: spec(name), attempt, worker: worker.into(), at: 2.0 })
}

fn metrics(name: &str, attempt: u32, rows: &[(u64, &str, f64)]) -> Event {
    let row = |&(step, metric, value): &(u64, &str, f64)| MetricRow {
        step,
        metric: metric.into(),
        value,
    };
    let rows = rows.iter().map(row).collect();
    Event::Metrics(Metrics { run: RunId::of(name), attempt, rows })
}

fn ended(name: &str, attempt: u32, outcome: Outcome, loss: f64) -> Event {
    Event::Ended(Ended {
        run: RunId::of(name),
        attempt,
        outcome,
        cause: None,
        results: [("loss".to_owned(), loss)].into(),
        warnings: Vec::new(),
        seconds: 1.0,
        cpu_seconds: 0.5,
        peak_memory_bytes: 1 << 20,
        at: 3.0,
    })
}

fn lost(name: &str, attempt: u32) -> Event {
    let error = "worker 1 was killed by signal 9".into();
    Event::Lost(Lost { run: RunId::of(name), attempt, error, cause: Cause::Crash, at: 3.0 })
}

fn write(dir: &Path, writer: &str, events: &[Event]) -> PathBuf {
    let mut segment = Writer::create(dir, opened(writer)).unwrap();
    events.iter().for_each(|event| segment.append(event).unwrap());
    segment.sync().unwrap();
    segment.path().to_owned()
}

/// A worker that finished `a`, failed `b` and was in the middle of `c`.
fn worker_events() -> Vec<Event> {
    let failed = Outcome::Failed { error: "diverged".into() };
    vec![
        started("a", 1),
        metrics("a", 1, &[(1, "loss", 0.5), (2, "loss", f64::NAN), (2, "norm", -0.0)]),
        ended("a", 1, Outcome::Finished, 0.25),
        started("b", 1),
        ended("b", 1, failed, f64::INFINITY),
        started("c", 1),
        metrics("c", 1, &[(1, "loss", 0.75)]),
    ]
}

/// Everything the segments say of runs; as text, because the metrics hold a NaN.
fn said(dir: &Path) -> String {
    let fold = Fold::read(dir).unwrap();
    let run = |run: &journal::RunState| {
        let metrics = run.metrics().unwrap();
        (run.spec.clone(), run.status(), run.results().clone(), metrics, run.rows().unwrap())
    };
    let runs: Vec<_> = fold.runs.values().map(run).collect();
    format!("{runs:?} {:?}", fold.writers)
}

fn statuses(fold: &Fold) -> Vec<(RunId, Status)> {
    fold.runs.iter().map(|(id, run)| (*id, run.status())).collect()
}

#[test]
fn what_was_written_is_read_back_to_the_bit() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "worker", &worker_events());
    let fold = Fold::read(dir.path()).unwrap();
    assert_eq!(fold.problems, []);
    assert_eq!(fold.writers["worker"], opened("worker"));
    let run = &fold.runs[&RunId::of("a")];
    let bits: Vec<u64> = run.metrics().unwrap().iter().map(|row| row.value.to_bits()).collect();
    assert_eq!(bits, [0.5, f64::NAN, -0.0].map(f64::to_bits));
    assert_eq!(run.results()["loss"], 0.25);
    assert_eq!(*run.spec, spec("a"));
    assert_eq!(fold.runs[&RunId::of("b")].error(), Some("diverged"));
    assert_eq!(fold.runs[&RunId::of("c")].status(), Status::Running);
}

#[test]
fn a_missing_folder_holds_nothing_and_strange_files_are_set_aside() {
    let dir = TempDir::new().unwrap();
    assert!(Fold::read(&dir.path().join("none")).unwrap().runs.is_empty());
    fs::write(dir.path().join("notes.txt"), "not a segment").unwrap();
    fs::write(dir.path().join("empty.journal"), "").unwrap();
    assert!(matches!(
        Fold::read(dir.path()).unwrap().problems[..],
        [Problem::Torn { bytes: 0, .. }]
    ));

    fs::remove_file(dir.path().join("empty.journal")).unwrap();
    write(dir.path(), "worker", &worker_events());
    let (expected, lengths) = (said(dir.path()), journal::lengths(dir.path()).unwrap());
    let path = dir.path().join("other.journal");
    let is_set_aside = |what: &str| {
        assert_eq!(said(dir.path()), expected, "{what}");
        let problems = Fold::read(dir.path()).unwrap().problems;
        let is_none = |segment: &Path| segment.ends_with("other.journal");
        assert!(
            matches!(&problems[..], [Problem::NotASegment { segment }] if is_none(segment)),
            "{what}: {problems:?}"
        );
        let done = compact(dir.path(), "snapshot", &|_| true).unwrap();
        assert_eq!((done.segments, done.damaged), (0, vec![path.clone()]), "{what}");
    };
    for text in ["no", "not a journal, though long enough"] {
        fs::write(&path, text).unwrap();
        is_set_aside(text);
        fs::remove_file(&path).unwrap();
    }
    let large = [b"\xF7rgF".as_slice(), &[0; 1 << 20]].concat().repeat(17);
    fs::write(&path, large).unwrap();
    is_set_aside("larger than what is read at a time");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    is_set_aside("a pipe");
    assert_eq!(journal::lengths(dir.path()).unwrap(), lengths);
    fs::remove_file(&path).unwrap();
    for target in ["nowhere", "other.journal"] {
        std::os::unix::fs::symlink(target, &path).unwrap();
        is_set_aside("a link to nothing");
        assert_eq!(journal::lengths(dir.path()).unwrap(), lengths);
        fs::remove_file(&path).unwrap();
    }
    fs::create_dir(&path).unwrap();
    is_set_aside("a folder");
    assert_eq!(journal::lengths(dir.path()).unwrap(), lengths);
}

#[test]
fn a_wrong_byte_in_the_header_of_a_segment_costs_no_other_one() {
    let dir = TempDir::new().unwrap();
    let path = write(dir.path(), "worker", &worker_events());
    write(dir.path(), "other", &[started("d", 1)]);
    let (whole, expected) = (fs::read(&path).unwrap(), said(dir.path()));
    for at in 0..20 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let fold = Fold::read(dir.path()).unwrap();
        match &fold.problems[..] {
            // The frames after it are whole.
            [Problem::Damaged { offset: 0, bytes: 20, .. }] if at < 16 => {
                assert_eq!(said(dir.path()), expected);
            }
            [problem @ Problem::Version { segment, wanted: 1, .. }] if at >= 16 => {
                assert_eq!((segment, fold.runs.len()), (&path, 1));
                let text = problem.to_string();
                assert!(text.contains("worker.journal: wanted journal format 1, found "), "{text}");
            }
            problems => panic!("byte {at}: {problems:?}"),
        }
        let done = compact(dir.path(), "snapshot", &|_| true).unwrap();
        assert_eq!((done.segments, done.damaged), (0, vec![path.clone()]), "byte {at}");
    }
    let mut fold = Fold::read(dir.path()).unwrap();
    fs::write(&path, whole).unwrap();
    fold.refresh().unwrap();
    assert_eq!((fold.problems.len(), fold.runs.len()), (0, 4));
}

#[test]
fn a_writer_never_touches_another_ones_segment() {
    let dir = TempDir::new().unwrap();
    let path = write(dir.path(), "worker", &worker_events());
    let before = fs::read(&path).unwrap();
    let error = Writer::create(dir.path(), opened("worker")).unwrap_err();
    assert!(error.to_string().starts_with("could not create"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("target")).unwrap();
    let error = Writer::create(&dir.path().join("target"), opened("worker")).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("target")), "{error}");
}

#[test]
fn a_worker_that_was_killed_fails_its_run_unless_it_had_its_say() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "worker", &worker_events());
    let driver =
        [assigned("a", 1, "worker"), assigned("c", 1, "worker"), lost("a", 1), lost("c", 1)];
    write(dir.path(), "driver", &driver);
    let fold = Fold::read(dir.path()).unwrap();
    assert_eq!(fold.runs[&RunId::of("a")].status(), Status::Finished);
    let killed = &fold.runs[&RunId::of("c")];
    assert_eq!(killed.status(), Status::Failed);
    assert_eq!(killed.error(), Some("worker 1 was killed by signal 9"));
    assert_eq!(killed.next_attempt(), 2);
    assert_eq!(killed.metrics().unwrap().len(), 1, "what it recorded is kept");
}

#[test]
fn a_run_that_was_lost_during_a_stop_is_interrupted() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "worker", &worker_events());
    let Event::Lost(of_stop) = lost("c", 1) else { panic!("not lost") };
    let of_stop = Event::Lost(Lost { cause: Cause::Stop, ..of_stop });
    write(dir.path(), "driver", &[assigned("c", 1, "worker"), of_stop]);
    let fold = Fold::read(dir.path()).unwrap();
    let run = &fold.runs[&RunId::of("c")];
    assert_eq!((run.status(), run.error()), (Status::Interrupted, None));
}

#[test]
fn a_resumed_attempt_continues_the_record_up_to_its_checkpoint() {
    let run = RunId::of("a");
    let checkpoint = |number| Event::Checkpoint(Checkpoint { run, attempt: 1, number });
    let rows = |attempt, row: &str| {
        Event::Rows(Rows { run, attempt, table: "answers".into(), rows: vec![row.into()] })
    };
    let dir = TempDir::new().unwrap();
    let first = [
        started("a", 1),
        metrics("a", 1, &[(1, "loss", 4.0)]),
        rows(1, "1"),
        checkpoint(1),
        metrics("a", 1, &[(2, "loss", 3.0)]),
        checkpoint(2),
        metrics("a", 1, &[(3, "loss", 2.0)]),
        rows(1, "lost"),
    ];
    write(dir.path(), "first", &first);
    let resumed = Resumed { run, attempt: 2, from_attempt: 1, number: 2, from_writer: None };
    let second = [
        started("a", 2),
        Event::Resumed(resumed),
        metrics("a", 2, &[(3, "loss", 2.0)]),
        rows(2, "2"),
        ended("a", 2, Outcome::Finished, 2.0),
    ];
    write(dir.path(), "second", &second);
    let fold = Fold::read(dir.path()).unwrap();
    let steps: Vec<u64> = fold.runs[&run].metrics().unwrap().iter().map(|row| row.step).collect();
    assert_eq!(steps, [1, 2, 3]);
    assert_eq!(fold.runs[&run].rows().unwrap()["answers"], ["1", "2"]);
}

#[test]
fn what_went_on_from_a_checkpoint_that_nothing_tells_of_does_not_count() {
    let run = RunId::of("a");
    let dir = TempDir::new().unwrap();
    let first = [started("a", 1), metrics("a", 1, &[(1, "loss", 4.0)])];
    let mark = Event::Checkpoint(Checkpoint { run, attempt: 1, number: 1 });
    let first = write(dir.path(), "first", &[&first[..], &[mark]].concat());
    let resumed = Resumed { run, attempt: 2, from_attempt: 1, number: 1, from_writer: None };
    let done = ended("a", 2, Outcome::Finished, 2.0);
    write(dir.path(), "second", &[started("a", 2), Event::Resumed(resumed), done]);
    write(dir.path(), "driver", &[assigned("a", 1, "first"), assigned("a", 2, "second")]);
    let mut fold = Fold::read(dir.path()).unwrap();
    assert_eq!(fold.runs[&run].status(), Status::Finished);

    let record = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let mut without = Fold::read(dir.path()).unwrap();
    assert_eq!(without.runs[&run].status(), Status::Running, "half of its rows are gone");
    fs::write(&first, record).unwrap();
    without.refresh().unwrap();
    assert_eq!(without.runs[&run].status(), Status::Finished, "the record turned up");
    fold.refresh().unwrap();
    assert_eq!(fold.runs[&run].status(), Status::Finished);
}

/// Run `name` of the request `spec` by another version.
fn of_request(request: &str, name: &str, at: f64) -> Event {
    let spec = RunSpec { spec: SpecId::of(request), ..spec(name) };
    Event::Started(Started { spec, attempt: 1, means: Default::default(), at })
}

#[test]
fn of_the_runs_of_a_request_the_one_asked_for_last_is_current() {
    let dir = TempDir::new().unwrap();
    let events = [
        of_request("r", "old", 1.0),
        ended("old", 1, Outcome::Finished, 1.0),
        of_request("r", "new", 2.0),
        ended("new", 1, Outcome::Failed { error: "diverged".into() }, 0.0),
        of_request("other", "alone", 1.5),
    ];
    write(dir.path(), "z-worker", &events);
    let superseded = || Fold::read(dir.path()).unwrap().superseded();
    assert_eq!(superseded(), [RunId::of("old")].into(), "also when the newer one failed");

    // The old code is back. Segments may be read in any order.
    let again = Requested { runs: vec![RunId::of("old")], at: 3.0 };
    write(dir.path(), "a-driver", &[Event::Requested(again)]);
    assert_eq!(superseded(), [RunId::of("new")].into());
    let done = compact(dir.path(), "snapshot", &|_| true).unwrap();
    assert_eq!(done.segments, 2);
    assert_eq!(superseded(), [RunId::of("new")].into());
}

#[test]
fn a_run_is_described_by_whoever_asked_first_and_by_what_later_versions_knew() {
    let described = |sweep: &str, data: &[(&str, &str)], at| {
        let data = data.iter().map(|(name, sum)| ((*name).into(), (*sum).into())).collect();
        let engine = Some(4).filter(|_| sweep == "later");
        let spec = RunSpec { sweep: sweep.into(), data, engine, ..spec("a") };
        Event::Started(Started { spec, attempt: at as u32, means: Default::default(), at })
    };
    let first = described("first", &[], 1.0);
    let later = described("later", &[("mnist", "ab")], 2.0);
    for (one, two) in [("p", "q"), ("q", "p")] {
        let dir = TempDir::new().unwrap();
        write(dir.path(), one, std::slice::from_ref(&first));
        write(dir.path(), two, std::slice::from_ref(&later));
        let fold = Fold::read(dir.path()).unwrap();
        let spec = &fold.runs[&RunId::of("a")].spec;
        assert_eq!((spec.sweep.as_str(), spec.engine), ("first", Some(4)));
        assert_eq!(spec.data["mnist"], "ab");
    }
}

#[test]
fn a_second_result_that_differs_is_reported_and_does_not_count() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "x", &[started("a", 1), ended("a", 1, Outcome::Finished, 0.25)]);
    write(dir.path(), "y", &[started("a", 2), ended("a", 2, Outcome::Finished, 0.5)]);
    let fold = Fold::read(dir.path()).unwrap();
    let run = RunId::of("a");
    assert_eq!(fold.problems, [Problem::Nondeterministic { run, first: 1, second: 2 }]);
    assert_eq!(fold.runs[&run].results()["loss"], 0.25);
}

#[test]
fn a_flipped_bit_costs_its_own_frame_only() {
    let dir = TempDir::new().unwrap();
    let path = write(dir.path(), "worker", &worker_events());
    let whole = fs::read(&path).unwrap();
    for at in 20..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let fold = Fold::read(dir.path()).unwrap();
        assert!(!fold.problems.is_empty(), "bit flipped at {at}");
        // Seven events describe three runs; one lost frame hides at most one of them.
        assert!(fold.runs.len() >= 2, "bit flipped at {at}");
    }
}

#[test]
fn a_copy_of_a_segment_changes_nothing_and_mends_damage() {
    let dir = TempDir::new().unwrap();
    let path = write(dir.path(), "worker", &worker_events());
    let runs = || said(dir.path());
    let expected = runs();
    let copy = dir.path().join("copy.journal");
    fs::copy(&path, &copy).unwrap();
    assert_eq!(runs(), expected);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(runs(), expected);
    let problems = Fold::read(dir.path()).unwrap().problems;
    assert!(matches!(problems[..], [Problem::Damaged { .. }]), "{problems:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_prefix_folds_and_reading_on_gives_the_whole(cuts in prop::collection::vec(0.0..1.0f64, 0..6)) {
        let dir = TempDir::new().unwrap();
        let path = write(dir.path(), "worker", &worker_events());
        let whole = fs::read(&path).unwrap();
        let expected = Fold::read(dir.path()).unwrap();
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| (cut * whole.len() as f64) as usize).collect();
        cuts.sort_unstable();
        fs::write(&path, &whole[..cuts.first().copied().unwrap_or(0)]).unwrap();
        let mut fold = Fold::read(dir.path()).unwrap();
        for cut in cuts {
            fs::write(&path, &whole[..cut]).unwrap();
            let before = statuses(&fold);
            fold.refresh().unwrap();
            for (run, status) in before {
                prop_assert!(status != Status::Finished || fold.runs[&run].status() == Status::Finished);
            }
        }
        fs::write(&path, &whole).unwrap();
        fold.refresh().unwrap();
        prop_assert_eq!(&fold.problems, &expected.problems);
        prop_assert_eq!(statuses(&fold), statuses(&expected));
        let numbers = |fold: &Fold| -> Vec<usize> { fold.runs.values().map(|run| run.metrics().unwrap().len()).collect() };
        prop_assert_eq!(numbers(&fold), numbers(&expected));
    }

    #[test]
    fn the_order_of_segments_does_not_matter(names in Just(["p", "q", "r", "s"]).prop_shuffle()) {
        let histories = [
            vec![started("a", 1), metrics("a", 1, &[(1, "loss", 1.0)])],
            vec![assigned("a", 1, names[0]), lost("a", 1), assigned("a", 2, names[2])],
            vec![started("a", 2), ended("a", 2, Outcome::Finished, 0.5)],
            vec![started("a", 3), ended("a", 3, Outcome::Interrupted, 0.5)],
        ];
        let dir = TempDir::new().unwrap();
        for (name, history) in names.iter().zip(&histories) {
            write(dir.path(), name, history);
        }
        let fold = Fold::read(dir.path()).unwrap();
        let run = &fold.runs[&RunId::of("a")];
        prop_assert_eq!(run.status(), Status::Finished);
        prop_assert_eq!(run.counted().map(|attempt| attempt.number), Some(2));
        let attempts: Vec<Status> = run.attempts.iter().map(journal::AttemptState::status).collect();
        prop_assert_eq!(attempts, [Status::Failed, Status::Finished, Status::Interrupted]);
    }
}

#[test]
fn compaction_keeps_every_word_and_leaves_living_writers_alone() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "worker", &worker_events());
    write(dir.path(), "driver", &[assigned("a", 1, "worker"), lost("c", 1)]);
    let alive = write(dir.path(), "alive", &[started("d", 1)]);
    let damaged = write(dir.path(), "damaged", &[started("e", 1), started("f", 1)]);
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() - 300;
    bytes[middle] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let mut before = Fold::read(dir.path()).unwrap();
    let expected = said(dir.path());
    let done = compact(dir.path(), "snapshot-1", &|name| name != "alive").unwrap();
    assert_eq!((done.segments, done.damaged), (2, vec![damaged]));
    assert!(alive.exists() && done.snapshot.unwrap().exists());
    assert_eq!(said(dir.path()), expected);

    before.refresh().unwrap();
    let gone = before.runs[&RunId::of("a")].metrics().unwrap_err();
    assert!(gone.is_gone(), "{gone}");

    write(dir.path(), "later", &[started("g", 1)]);
    let expected = said(dir.path());
    let again = compact(dir.path(), "snapshot-2", &|name| name != "alive").unwrap();
    assert_eq!(again.segments, 2);
    assert_eq!(said(dir.path()), expected);
    let nothing = compact(dir.path(), "snapshot-3", &|name| name != "alive").unwrap();
    assert_eq!((nothing.segments, nothing.snapshot), (0, None));
}

#[test]
fn segments_that_were_cut_off_before_they_began_are_compacted_away() {
    let dir = TempDir::new().unwrap();
    let whole = write(dir.path(), "worker", &worker_events());
    let header = fs::read(&whole).unwrap();
    for bytes in [0, 1, 16, 19] {
        fs::write(dir.path().join(format!("cut-{bytes}.journal")), &header[..bytes]).unwrap();
    }
    let runs = |fold: Fold| statuses(&fold);
    let expected = runs(Fold::read(dir.path()).unwrap());
    let done = compact(dir.path(), "snapshot", &|_| true).unwrap();
    assert_eq!((done.segments, done.damaged), (5, Vec::new()));
    assert_eq!(runs(Fold::read(dir.path()).unwrap()), expected);

    fs::write(dir.path().join("other.journal"), "not ours").unwrap();
    let again = compact(dir.path(), "again", &|_| true).unwrap();
    assert_eq!(again.damaged, [dir.path().join("other.journal")]);
}

#[test]
fn writers_that_begin_during_compactions_lose_nothing() {
    const WRITERS: usize = 400;
    let dir = TempDir::new().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let begin = |from: usize| {
            for number in (from..WRITERS).step_by(2) {
                let name = format!("w{number}");
                write(dir.path(), &name, &[started(&name, 1)]);
            }
        };
        let writing = [scope.spawn(move || begin(0)), scope.spawn(move || begin(1))];
        let compacting = scope.spawn(|| {
            let mut turns = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                compact(dir.path(), &format!("snapshot-{turns}"), &|_| true).unwrap();
                turns += 1;
            }
            turns
        });
        for writer in writing {
            writer.join().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(compacting.join().unwrap() > 1);
    });
    let fold = Fold::read(dir.path()).unwrap();
    assert_eq!((fold.runs.len(), fold.writers.len()), (WRITERS, WRITERS));
    assert!(fold.problems.is_empty(), "{:?}", fold.problems);
}

fn removed(name: &str, worker: &str) -> Event {
    let run = RunId::of(name);
    let runs = vec![RemovedRun { run, attempts: vec![(1, worker.into())], blocked: None }];
    Event::Removed(Removed { runs, at: 9.0 })
}

#[test]
fn removed_attempts_are_forgotten_wherever_they_stand() {
    // Segments are read in the order of their names.
    for remover in ["a-remover", "z-remover"] {
        let dir = TempDir::new().unwrap();
        write(dir.path(), "driver", &[assigned("a", 1, "worker"), assigned("b", 1, "worker")]);
        let of_b = [started("b", 1), metrics("b", 1, &[(1, "loss", 2.0)])];
        let of_a = [started("a", 1), metrics("a", 1, &[(1, "loss", 1.0)])];
        let ends = [ended("a", 1, Outcome::Finished, 0.5), ended("b", 1, Outcome::Finished, 0.25)];
        write(dir.path(), "worker", &[&of_a[..], &of_b, &ends].concat());
        write(dir.path(), remover, &[removed("a", "worker")]);
        let fold = Fold::read(dir.path()).unwrap();
        assert_eq!(statuses(&fold), [(RunId::of("b"), Status::Finished)]);
        assert_eq!(fold.removed().collect::<Vec<_>>(), [(RunId::of("a"), [1].into())]);
        assert!(fold.problems.is_empty(), "{:?}", fold.problems);

        // What is attempted again counts.
        write(dir.path(), "later", &[started("a", 1), ended("a", 1, Outcome::Finished, 0.75)]);
        let fold = Fold::read(dir.path()).unwrap();
        assert_eq!(fold.runs[&RunId::of("a")].results()["loss"], 0.75);
        assert_eq!(fold.runs[&RunId::of("a")].attempts.len(), 1);
        assert_eq!(fold.removed().count(), 0);
    }
}

#[test]
fn what_was_removed_is_left_out_of_a_compacted_journal() {
    let dir = TempDir::new().unwrap();
    let values: Vec<(u64, &str, f64)> = (0..1000).map(|step| (step, "loss", 0.5)).collect();
    for name in ["a", "b"] {
        let events =
            [started(name, 1), metrics(name, 1, &values), ended(name, 1, Outcome::Finished, 0.5)];
        write(dir.path(), &format!("worker-{name}"), &events);
    }
    assert_eq!(compact(dir.path(), "whole", &|_| true).unwrap().left_out, 0);
    let bytes = || -> u64 {
        fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let before = bytes();
    write(dir.path(), "remover", &[removed("a", "worker-a")]);
    let done = compact(dir.path(), "part", &|_| true).unwrap();
    assert_eq!(done.left_out, 3);
    assert!(bytes() < before * 6 / 10, "{before} bytes, and {} after it", bytes());
    let fold = Fold::read(dir.path()).unwrap();
    assert_eq!(statuses(&fold), [(RunId::of("b"), Status::Finished)]);
    assert_eq!(fold.runs[&RunId::of("b")].metrics().unwrap().len(), 1000);
    assert!(fold.problems.is_empty(), "{:?}", fold.problems);
    // There is nothing more to leave out.
    let again = compact(dir.path(), "again", &|_| true).unwrap();
    assert_eq!((again.left_out, again.snapshot), (0, None));
}
