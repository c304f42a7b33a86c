//! L-BFGS on functions whose minimum is known, and its continuation from bytes.

use autodiff::{Buffer, DType, Device, Graph};
use learn::{Bounds, Ending, Lbfgs, LbfgsSettings, Progress, ValueAndGradient};

use crate::problems::{PROBLEMS, Problem};

/// What SciPy 1.17.1 finds by L-BFGS-B with the same memory and tolerances: value and evaluations, as
/// `scripts/lbfgs_check.py` prints them without arguments.
const SCIPY: [(&str, f64, u32); 6] = [
    ("rosenbrock 2", 3.040318831811668e-22, 46),
    ("rosenbrock 100", 7.545783181321861e-14, 604),
    ("logistic", 0.1815845462838074, 21),
    ("rosenbrock 100, bounded", 95.0917350616395, 51),
    ("logistic, bounded", 0.3084946268329644, 14),
    ("logistic, non-negative", 0.5543348604542364, 12),
];

fn minimise(problem: &Problem, mut search: Lbfgs) -> Lbfgs {
    while search.advance(&mut |x, g| problem.evaluate(x, g)).unwrap().is_none() {}
    search
}

#[test]
fn the_minimum_is_scipys_after_as_many_evaluations() {
    for (problem, (name, value, evaluations)) in PROBLEMS.iter().zip(SCIPY) {
        assert_eq!(problem.name, name);
        let found = minimise(problem, problem.search());
        assert!(found.value() <= value + 1e-8, "{name}: {:e}, SciPy {value:e}", found.value());
        let ratio = found.evaluations() as f64 / f64::from(evaluations);
        assert!(ratio <= 1.2, "{name}: {} evaluations, SciPy {evaluations}", found.evaluations());
    }
}

#[test]
fn a_search_stopped_after_any_evaluation_goes_on_with_the_same_bits() {
    for problem in [PROBLEMS[0], PROBLEMS[2], PROBLEMS[4], PROBLEMS[5]] {
        let expected = minimise(&problem, problem.search());
        let mut stopped = problem.search();
        loop {
            // Everything that a stop leaves is the bytes; what follows goes by them alone.
            let bytes = stopped.to_bytes();
            assert_eq!(Lbfgs::from_bytes(&bytes).unwrap(), stopped);
            let resumed = minimise(&problem, Lbfgs::from_bytes(&bytes).unwrap());
            assert_eq!(resumed.to_bytes(), expected.to_bytes(), "{}", problem.name);
            stopped = Lbfgs::from_bytes(&bytes).unwrap();
            let progress = stopped.evaluate(&mut |x, g| problem.evaluate(x, g)).unwrap();
            if let Progress::Ended(_) = progress {
                break;
            }
        }
        assert_eq!(stopped, expected);
    }
}

#[test]
fn an_evaluation_that_fails_is_made_again() {
    let problem = &PROBLEMS[0];
    let mut search = problem.search();
    let mut calls = 0;
    loop {
        let progress = search.evaluate(&mut |x, g| {
            calls += 1;
            if calls % 2 == 0 { Err("interrupted") } else { Ok(problem.evaluate(x, g).unwrap()) }
        });
        if let Ok(Progress::Ended(_)) = progress {
            break;
        }
    }
    assert_eq!(search, minimise(problem, problem.search()));
}

#[test]
fn the_memory_is_bounded() {
    let problem = &PROBLEMS[1];
    let settings = LbfgsSettings { history: 3, ..LbfgsSettings::default() };
    let mut search = Lbfgs::new(problem.search().point().to_vec(), settings);
    let mut largest = 0;
    for _ in 0..60 {
        assert_eq!(search.advance(&mut |x, g| problem.evaluate(x, g)).unwrap(), None);
        largest = largest.max(search.to_bytes().len());
    }
    // Point, gradient and three pairs, nine bytes a number.
    assert!(largest < 8 * 100 * 9 + 2000, "{largest} bytes");
}

#[test]
fn a_compiled_program_is_minimised_on_either_device_and_in_either_type() {
    // |A x - b|^2 with A = [[2, 1], [0, 1]] and b = (3, 1), whose minimum is (1, 1).
    for device in [Device::cpu(), reference::device()] {
        for dtype in [DType::F64, DType::F32] {
            let found = device.scope(|| {
                let graph = Graph::new(dtype);
                let (x, a) = (graph.input("x", &[2, 1]), graph.input("a", &[2, 2]));
                let b = graph.constant(&[3.0, 1.0], &[2, 1]).unwrap();
                let value = a.matmul(x).unwrap().sub(b).unwrap().square().sum_all();
                let a = match dtype {
                    DType::F64 => Buffer::from_slice(device, &[2.0, 1.0, 0.0, 1.0f64]),
                    _ => Buffer::from_slice(device, &[2.0, 1.0, 0.0, 1.0f32]),
                };
                let mut function =
                    ValueAndGradient::new(&graph, x, value, vec![a.unwrap()]).unwrap();
                let mut search = Lbfgs::new(vec![-4.0, 9.0], LbfgsSettings::default());
                while search.advance(&mut |x, g| function.at(x, g)).unwrap().is_none() {}
                search.point().to_vec()
            });
            let bound = if dtype == DType::F64 { 1e-5 } else { 1e-3 };
            assert!(
                found.iter().all(|x| (x - 1.0).abs() < bound),
                "{device:?} {dtype:?}: {found:?}"
            );
        }
    }
}

#[test]
fn searches_that_cannot_descend_end() {
    let ended = |f: &dyn Fn(&[f64], &mut [f64]) -> f64| {
        let mut search = Lbfgs::new(vec![1.0, 2.0], LbfgsSettings::default());
        let mut function = |x: &[f64], g: &mut [f64]| Ok::<_, ()>(f(x, g));
        loop {
            if let Some(ending) = search.advance(&mut function).unwrap() {
                assert_eq!(search.advance(&mut function).unwrap(), Some(ending));
                return (ending, search.evaluations());
            }
        }
    };
    assert_eq!(
        ended(&|_, g| {
            g.fill(1.0);
            f64::NAN
        }),
        (Ending::NoStep, 1)
    );
    assert_eq!(
        ended(&|_, g| {
            g.fill(0.0);
            5.0
        }),
        (Ending::Gradient, 1)
    );
    // A gradient of the wrong sign.
    let (ending, evaluations) = ended(&|x, g| {
        g.fill(1.0);
        -x[0] - x[1]
    });
    assert_eq!(ending, Ending::NoStep);
    assert!(evaluations <= 21, "{evaluations}");
}

#[test]
fn points_stay_within_their_bounds_and_damaged_states_are_told() {
    let problem = &PROBLEMS[3];
    let mut search = problem.search();
    assert!(search.point().iter().all(|x| (-0.5..=0.8).contains(x)), "the start is moved inside");
    while search
        .advance(&mut |x, g| {
            assert!(x.iter().all(|x| (-0.5..=0.8).contains(x)), "{x:?}");
            problem.evaluate(x, g)
        })
        .unwrap()
        .is_none()
    {}
    let bytes = search.to_bytes();
    for end in (0..bytes.len()).step_by(97) {
        let error = Lbfgs::from_bytes(&bytes[..end]).unwrap_err();
        assert!(error.starts_with("L-BFGS state: "), "{error}");
    }
    let crossed = Bounds::all(2, 1.0, 0.0);
    let error = Lbfgs::within(crossed, vec![0.0; 2], LbfgsSettings::default()).unwrap_err();
    assert!(error.starts_with("bounds: variable 0: wanted a lower bound"), "{error}");
}
