//! What a driver is asked for, in which order, and what happens where it fails.

use autodiff::{Buffer, DType, Device, Error, Graph, Program};
use cuda::Limits;

use crate::support::recording::{Call, Failing, Recording};
use crate::support::{devices, run, wide};

/// A device whose calls are recorded.
fn recorded(name: &'static str) -> (Device, Recording) {
    let recording = Recording::default();
    (cuda::device(name, Box::new(recording.clone()), Limits::default()), recording)
}

/// A step of descent on a table by the rows that indices name, or on its square.
fn step(indexed: bool) -> (Program, Vec<Buffer>) {
    let graph = Graph::new(DType::F64);
    let table = graph.input("table", &[3, 2]);
    let loss = match indexed {
        true => table.gather(graph.index_input("indices", &[4])).unwrap().square().sum_all(),
        false => table.matmul(table.transpose(0, 1).unwrap()).unwrap().square().sum_all(),
    };
    let gradient = graph.grad(loss, &[table]).unwrap()[0];
    graph.assign(table, table.sub(gradient.mul_scalar(0.01)).unwrap()).unwrap();
    let device = Device::current();
    let mut buffers = vec![Buffer::from_slice(device, &TABLE).unwrap()];
    if indexed {
        buffers.push(Buffer::from_slice(device, &[0u32, 2, u32::MAX, 2]).unwrap());
    }
    (graph.compile(&[loss]).unwrap(), buffers)
}

const TABLE: [f64; 6] = [1.0, -2.0, 3.0, 0.5, -1.5, 2.5];

/// The table after so many steps on the reference device.
fn wanted(indexed: bool, steps: usize) -> Vec<f64> {
    reference::device().scope(|| {
        let (mut program, mut buffers) = step(indexed);
        (0..steps).for_each(|_| run(&mut program, &mut buffers).unwrap());
        wide(&buffers[0])
    })
}

fn close(found: &[f64], wanted: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
    assert!(found.iter().zip(wanted).all(near), "{found:?}, wanted {wanted:?}");
}

#[test]
fn a_step_without_indices_waits_for_nothing() {
    let (device, recording) = recorded("a step without indices");
    let (mut program, mut buffers) = device.scope(|| step(false));
    recording.calls();
    run(&mut program, &mut buffers).unwrap();
    let first = recording.calls();
    let queued = |call: &Call| matches!(call, Call::Launch(_) | Call::Product);
    assert!(first.len() > 2 && first.iter().all(queued), "{first:?}");
    run(&mut program, &mut buffers).unwrap();
    let second = recording.calls();
    assert_eq!(second[0], Call::BeginCapture);
    assert_eq!(second[1..=first.len()], first);
    assert_eq!(second[first.len() + 1..], [Call::EndCapture, Call::Replay]);
    for _ in 0..2 {
        run(&mut program, &mut buffers).unwrap();
        assert_eq!(recording.calls(), [Call::Replay]);
    }
    close(&wide(&buffers[0]), &wanted(false, 4));
    // Another buffer makes the recording worthless.
    let mut other = [buffers[0].duplicate().unwrap()];
    recording.calls();
    run(&mut program, &mut other).unwrap();
    let calls = recording.calls();
    assert_eq!(calls[0], Call::Forget);
    assert_eq!(calls[1..], first);
}

#[test]
fn a_step_with_indices_reads_once_when_all_is_queued() {
    let (device, recording) = recorded("a step with indices");
    let (mut program, mut buffers) = device.scope(|| step(true));
    recording.calls();
    run(&mut program, &mut buffers).unwrap();
    let calls = recording.calls();
    let (last, before) = calls.split_last().unwrap();
    assert_eq!(*last, Call::Read(8));
    assert!(before.iter().all(|call| matches!(call, Call::Launch(_) | Call::Zero)), "{calls:?}");
    run(&mut program, &mut buffers).unwrap();
    recording.calls();
    run(&mut program, &mut buffers).unwrap();
    assert_eq!(recording.calls(), [Call::Replay, Call::Read(8)]);
    close(&wide(&buffers[0]), &wanted(true, 3));
}

#[test]
fn an_index_outside_its_table_is_an_error_and_assigns_nothing() {
    let (device, _) = recorded("an index outside");
    let (mut program, mut buffers) = device.scope(|| step(true));
    // Before, while, and after all is recorded.
    for steps in 0..4 {
        buffers[1].write(1, &[7u32, 3]).unwrap();
        let error = run(&mut program, &mut buffers).unwrap_err();
        // Of two, the one of the first step; of one step, the least.
        assert_eq!(error, Error::Index { op: "gather", index: 3, rows: 3 });
        close(&wide(&buffers[0]), &wanted(true, steps));
        buffers[1].write(1, &[2u32, u32::MAX]).unwrap();
        run(&mut program, &mut buffers).unwrap();
        close(&wide(&buffers[0]), &wanted(true, steps + 1));
    }
}

#[test]
fn rows_that_cannot_be_assigned_are_an_error() {
    let graph = Graph::new(DType::F32);
    let table = graph.input("table", &[3, 2]);
    let (rows, at) = (graph.input("rows", &[3, 2]), graph.index_input("at", &[3]));
    graph.assign_rows(table, at, rows.mul_scalar(2.0)).unwrap();
    for device in devices() {
        let mut program = device.scope(|| graph.compile(&[])).unwrap();
        let floats = |values: [f32; 6]| Buffer::from_slice(device, &values).unwrap();
        let mut buffers = vec![
            floats([0.0; 6]),
            floats([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            Buffer::from_slice(device, &[1u32, u32::MAX, 1]).unwrap(),
        ];
        run(&mut program, &mut buffers).unwrap();
        // Of two rows for one place the last stays.
        assert_eq!(wide(&buffers[0]), [0.0, 0.0, 10.0, 12.0, 0.0, 0.0]);
        buffers[2].write(0, &[0u32, 3, 2]).unwrap();
        let error = run(&mut program, &mut buffers).unwrap_err();
        assert_eq!(error, Error::Index { op: "assign_rows", index: 3, rows: 3 });
        assert_eq!(wide(&buffers[0]), [0.0, 0.0, 10.0, 12.0, 0.0, 0.0]);
    }
}

#[test]
fn a_command_that_fails_ends_the_run_and_the_next_one_is_right() {
    let (device, recording) = recorded("commands that fail");
    let (mut program, mut buffers) = device.scope(|| step(false));
    run(&mut program, &mut buffers).unwrap();
    let mut steps = 1;
    // In a run that is recorded (the second with the same buffers), and in one that is not.
    for again in [true, false] {
        for after in 0.. {
            if !again {
                buffers = buffers.iter().map(|buffer| buffer.duplicate().unwrap()).collect();
            }
            recording.fail(Failing::Command, after);
            let answer = run(&mut program, &mut buffers);
            if !recording.failed() {
                assert!(after > 2, "{after} commands in a step");
                answer.unwrap();
                steps += 1;
                break;
            }
            let error = answer.unwrap_err().to_string();
            assert_eq!(error, "commands that fail: launch: out of order");
            // The assignment is the last command: before it, nothing has changed.
            close(&wide(&buffers[0]), &wanted(false, steps));
            run(&mut program, &mut buffers).unwrap();
            steps += 1;
            close(&wide(&buffers[0]), &wanted(false, steps));
        }
    }
}

#[test]
fn what_a_driver_does_not_record_runs_step_by_step() {
    // To begin, and to end.
    for (name, after) in [("refused at first", 0), ("refused at last", 1)] {
        let (device, recording) = recorded(name);
        let (mut program, mut buffers) = device.scope(|| step(false));
        recording.calls();
        run(&mut program, &mut buffers).unwrap();
        let first = recording.calls();
        recording.fail(Failing::Capture, after);
        run(&mut program, &mut buffers).unwrap();
        assert!(recording.failed());
        let second = recording.calls();
        assert!(second.ends_with(&first), "{second:?}");
        assert!(!second.contains(&Call::Replay), "{second:?}");
        run(&mut program, &mut buffers).unwrap();
        assert_eq!(recording.calls(), first);
        close(&wide(&buffers[0]), &wanted(false, 3));
    }
}

#[test]
fn memory_that_is_not_there_is_an_error_and_nothing_is_lost() {
    let (device, recording) = recorded("no memory");
    let mut refused = 0;
    for after in 0.. {
        recording.fail(Failing::Allocation, after);
        let made = device.scope(|| {
            let graph = Graph::new(DType::F32);
            let x = graph.input("x", &[1 << 10, 1 << 8]);
            let buffer = Buffer::zeros(device, DType::F32, 1 << 18)?;
            Ok::<_, Error>((graph.compile(&[x.exp().sum_all(), x.tanh()])?, buffer))
        });
        let failed = recording.failed();
        match made {
            Err(error) => {
                assert!(failed && matches!(error, Error::Memory { device: "no memory", .. }));
                refused += 1;
            }
            Ok(_) if !failed => break,
            // What was kept has been given back, and then there was enough.
            Ok(_) => {}
        }
    }
    assert!(refused >= 2, "{refused} allocations");
}

#[test]
fn what_is_dropped_is_used_again() {
    let (device, recording) = recorded("used again");
    let once = || {
        let (mut program, mut buffers) = device.scope(|| step(true));
        run(&mut program, &mut buffers).unwrap();
    };
    once();
    let live = recording.live();
    recording.calls();
    (0..3).for_each(|_| once());
    let calls = recording.calls();
    let fresh = |call: &&Call| matches!(call, Call::Allocate(_) | Call::Free | Call::Load);
    assert_eq!(calls.iter().filter(fresh).count(), 0, "{calls:?}");
    assert_eq!(recording.live(), live);
}

#[test]
fn a_limit_holds_for_buffers_and_programs() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let device = cuda::device("limited", Box::new(Recording::default()), limits);
    let half = Buffer::zeros(device, DType::F32, 1 << 17).unwrap();
    let error = Buffer::zeros(device, DType::F32, 1 << 18).unwrap_err();
    assert_eq!(error, Error::Memory { device: "limited", bytes: 1 << 20 });
    let graph = Graph::new(DType::F32);
    let x = graph.input("x", &[1 << 18]);
    let error = device.scope(|| graph.compile(&[x.exp()])).unwrap_err();
    assert!(matches!(error, Error::Memory { .. }), "{error}");
    // What was dropped makes room.
    drop(half);
    Buffer::zeros(device, DType::F32, 1 << 18).unwrap();
    let error = Buffer::zeros(device, DType::F64, usize::MAX).unwrap_err();
    assert!(matches!(error, Error::Memory { .. }), "{error}");
}
