//! Optimisers and parameter groups against loops in f64 over the same gradients.

use autodiff::{DType, Error, Var};
use experiment::Stream;
use learn::{Batch, BatchVars, Group, Groups, Init, Layout, Objective, Optimizer, Stepper};

const STEPS: u64 = 5;
const RATE: f64 = 0.05;

/// `sum c (w - t)^2 / 2` over two tensors, whose gradients are `c (w - t)`.
struct Valley {
    layout: Layout,
}

const CURVATURE: [f64; 5] = [0.5, 2.0, 1.0, 3.0, 0.25];
const TARGET: [f64; 5] = [1.0, -1.0, 0.5, 2.0, -0.75];

impl Valley {
    fn new() -> Self {
        let normal = Init::Normal { std: 1.0 };
        Self {
            layout: Layout::new().with("encoder.weight", &[3], normal).with(
                "decoder.weight",
                &[2],
                normal,
            ),
        }
    }
}

impl Objective for Valley {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn loss<'g>(&self, params: &[Var<'g>], _batch: &BatchVars<'g>) -> Result<Var<'g>, Error> {
        let w = params[0].graph().concat(params, 0)?;
        let fixed = |values: &[f64]| w.graph().constant(values, &[5]);
        let off = w.sub(fixed(&TARGET)?)?;
        Ok(off.square().mul(fixed(&CURVATURE)?)?.sum_all().mul_scalar(0.5))
    }

    fn fill(&self, _stream: &Stream, _index: u64, _batch: &mut Batch) {}
}

fn stepper(optimizer: Optimizer, groups: &Groups) -> Result<Stepper, Error> {
    Stepper::new(&Valley::new(), optimizer, groups, None, DType::F64, &Stream::new(1, "init"))
}

/// Parameters after a few steps.
fn found(optimizer: Optimizer, groups: &Groups) -> Vec<f64> {
    let mut stepper = stepper(optimizer, groups).unwrap();
    let mut batch = Batch::of(&Valley::new(), DType::F64).unwrap();
    for step in 0..STEPS {
        stepper.step(step, RATE, &mut batch).unwrap();
    }
    stepper.params().to_vec().unwrap()
}

fn start() -> Vec<f64> {
    Valley::new().layout.initial(&Stream::new(1, "init"))
}

/// The same, element by element; `rule` gets the step from 1, weight, gradient and two numbers to keep.
fn wanted(rule: impl Fn(usize, i32, f64, f64, &mut [f64; 2]) -> f64) -> Vec<f64> {
    let run = |(i, start): (usize, f64)| {
        let (mut w, mut kept) = (start, [0.0; 2]);
        for step in 1..=STEPS as i32 {
            w = rule(i, step, w, CURVATURE[i] * (w - TARGET[i]), &mut kept);
        }
        w
    };
    start().into_iter().enumerate().map(run).collect()
}

fn close(found: &[f64], wanted: &[f64]) {
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() < 1e-13, "{found:?}, wanted {wanted:?}");
    }
}

fn descent(
    momentum: f64,
    nesterov: bool,
    decay: f64,
    rate: f64,
) -> impl Fn(f64, f64, &mut [f64; 2]) -> f64 {
    move |w, gradient, kept| {
        let g = gradient + decay * w;
        kept[0] = momentum * kept[0] + g;
        let step = if nesterov { g + momentum * kept[0] } else { kept[0] };
        w - rate * step
    }
}

/// Adam as its paper writes it, with the corrected moments.
fn adam(step: i32, g: f64, kept: &mut [f64; 2]) -> f64 {
    kept[0] = 0.9 * kept[0] + 0.1 * g;
    kept[1] = 0.999 * kept[1] + 0.001 * g * g;
    let (m, v) = (kept[0] / (1.0 - 0.9f64.powi(step)), kept[1] / (1.0 - 0.999f64.powi(step)));
    m / (v.sqrt() + 1e-8)
}

#[test]
fn descent_with_momentum_nesterov_and_decay() {
    for momentum in [0.0, 0.9] {
        for nesterov in [false, true] {
            for decay in [0.0, 0.2] {
                let rule = descent(momentum, nesterov, decay, RATE);
                let optimizer = Optimizer::Sgd { momentum, nesterov, decay };
                let wanted = wanted(|_, _, w, g, kept| rule(w, g, kept));
                close(&found(optimizer, &Groups::default()), &wanted);
            }
        }
    }
}

#[test]
fn decay_is_coupled_in_adam_and_decoupled_in_adamw() {
    let coupled = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.2 };
    let with_penalty = wanted(|_, t, w, g, kept| w - RATE * adam(t, g + 0.2 * w, kept));
    close(&found(coupled, &Groups::default()), &with_penalty);
    let decoupled = wanted(|_, t, w, g, kept| w - RATE * (adam(t, g, kept) + 0.2 * w));
    close(&found(Optimizer::adamw(0.2), &Groups::default()), &decoupled);
    let plain = found(Optimizer::adam(), &Groups::default());
    assert_eq!(found(Optimizer::adamw(0.0), &Groups::default()), plain);
}

#[test]
fn groups_have_their_own_rate_and_decay() {
    let groups = Groups(vec![Group::of(&["decoder.*"]).with_rate(0.25).with_decay(0.1)]);
    let rate = |i| if i < 3 { RATE } else { 0.25 * RATE };
    let decay = |i| if i < 3 { 0.2 } else { 0.1 };
    let descended = wanted(|i, _, w, g, kept| descent(0.9, false, decay(i), rate(i))(w, g, kept));
    let sgd = Optimizer::Sgd { momentum: 0.9, nesterov: false, decay: 0.2 };
    close(&found(sgd, &groups), &descended);
    let adapted = wanted(|i, t, w, g, kept| w - rate(i) * (adam(t, g, kept) + decay(i) * w));
    close(&found(Optimizer::adamw(0.2), &groups), &adapted);
}

#[test]
fn frozen_tensors_stand_still_and_have_no_state() {
    let groups = Groups(vec![Group::of(&["encoder.weight"]).frozen()]);
    for optimizer in [Optimizer::sgd(0.9), Optimizer::adamw(0.1)] {
        let (frozen, all) = (found(optimizer, &groups), found(optimizer, &Groups::default()));
        assert_eq!(frozen[..3], start()[..3]);
        assert_eq!(frozen[3..], all[3..], "the others are trained as before");
        let mut stepper = stepper(optimizer, &groups).unwrap();
        assert_eq!(stepper.state_len(), 2 * optimizer.states());
        let mut batch = Batch::of(&Valley::new(), DType::F64).unwrap();
        let norm = stepper.step(0, RATE, &mut batch).unwrap().gradient_norm;
        let g = |i: usize| CURVATURE[i] * (start()[i] - TARGET[i]);
        assert!((norm - g(3).hypot(g(4))).abs() < 1e-14, "the norm is that of the others");
    }
}

#[test]
fn a_group_of_nothing_is_an_error_of_the_step() {
    let groups = Groups(vec![Group::of(&["encoder"])]);
    let error = stepper(Optimizer::default(), &groups).err().unwrap().to_string();
    let wanted = r#"groups: group "encoder": no tensor has such a name, there are encoder.weight, decoder.weight"#;
    assert_eq!(error, wanted);
}

#[test]
fn serialised_forms_stay_as_they_are() {
    for (text, optimizer) in [
        (r#"{"name":"sgd","momentum":0.9}"#, Optimizer::sgd(0.9)),
        (r#"{"name":"adam","beta1":0.9,"beta2":0.999,"epsilon":1e-8}"#, Optimizer::adam()),
        (
            r#"{"name":"adamw","beta1":0.9,"beta2":0.999,"epsilon":1e-8,"decay":0.01}"#,
            Optimizer::adamw(0.01),
        ),
        (
            r#"{"name":"sgd","momentum":0.9,"nesterov":true,"decay":0.5}"#,
            Optimizer::Sgd { momentum: 0.9, nesterov: true, decay: 0.5 },
        ),
    ] {
        assert_eq!(serde_json::from_str::<Optimizer>(text).unwrap(), optimizer);
        assert_eq!(serde_json::to_string(&optimizer).unwrap(), text);
    }
    let short: Optimizer = serde_json::from_str(r#"{"name":"adamw"}"#).unwrap();
    assert_eq!(short, Optimizer::adamw(0.01));
}
