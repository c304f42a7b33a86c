//! Elementwise functions: a few numbers, and enough for several tasks.

use autodiff::{Derivative, Error, Function, Op, Signature, Var};
use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

const SHAPES: [&[usize]; 2] = [&[7, 131], &[40_009]];
const NORMAL: Draw = Draw::Normal(2.0);

type Unary = for<'g> fn(Var<'g>) -> Var<'g>;
type Binary = for<'g> fn(Var<'g>, Var<'g>) -> Result<Var<'g>, Error>;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let unary: [(&str, Draw, Unary); 11] = [
        ("neg", NORMAL, |x| x.neg()),
        ("exp", NORMAL, |x| x.exp()),
        ("exp", Draw::Normal(0.5), |x| x.exp()),
        ("log", Draw::Positive, |x| x.log()),
        ("sqrt", Draw::Positive, |x| x.sqrt()),
        ("tanh", NORMAL, |x| x.tanh()),
        ("sigmoid", NORMAL, |x| x.sigmoid()),
        ("relu", NORMAL, |x| x.relu()),
        ("relu", Draw::Small, |x| x.relu()),
        ("square", NORMAL, |x| x.square()),
        ("step", Draw::Small, |x| x.step()),
    ];
    for (reference, draw, f) in unary {
        for shape in SHAPES {
            let detail = format!("{shape:?}, {draw:?}");
            cases.push(case(reference, detail, move |_, x| Ok(vec![f(x[0])])).of("x", shape, draw));
        }
    }
    for value in [-2.5, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 2.7] {
        let exponent =
            case("powf", format!("exponent {value}"), move |_, x| Ok(vec![x[0].powf(value)]));
        cases.push(exponent.of("x", SHAPES[0], Draw::Positive).with(json!({ "value": value })));
    }
    let value = 0.7;
    let scalar = [
        case("add_scalar", "0.7", move |_, x| Ok(vec![x[0].add_scalar(value)])),
        case("mul_scalar", "0.7", move |_, x| Ok(vec![x[0].mul_scalar(value)])),
    ];
    cases.extend(scalar.map(|c| c.of("x", SHAPES[0], NORMAL).with(json!({ "value": value }))));
    cases.extend(binary());
    cases.extend([
        case("copy", "by an operation of the caller's", |g, x| Ok(vec![g.apply(Copied, x)?]))
            .of("x", SHAPES[0], NORMAL),
        case("chain", "nine steps fused", |_, x| {
            let gate = x[0].mul(x[1])?.add(x[2])?.sigmoid();
            Ok(vec![gate.mul(x[0].tanh())?.sub(x[1].square().mul_scalar(0.1))?.exp()])
        })
        .of("x", SHAPES[1], Draw::Normal(1.0))
        .of("y", SHAPES[1], Draw::Normal(1.0))
        .of("z", SHAPES[1], Draw::Normal(1.0)),
    ]);
    cases
}

fn binary() -> Vec<Case> {
    let functions: [(&str, Draw, Binary); 9] = [
        ("add", NORMAL, |x, y| x.add(y)),
        ("sub", NORMAL, |x, y| x.sub(y)),
        ("mul", NORMAL, |x, y| x.mul(y)),
        ("div", Draw::Positive, |x, y| x.div(y)),
        ("maximum", NORMAL, |x, y| x.maximum(y)),
        ("maximum", Draw::Small, |x, y| x.maximum(y)),
        ("pow", Draw::Positive, |x, y| x.pow(y)),
        ("greater", Draw::Small, |x, y| x.greater(y)),
        ("equal", Draw::Small, |x, y| x.equal(y)),
    ];
    let shapes: [[&[usize]; 2]; 4] =
        [[SHAPES[0]; 2], [SHAPES[1]; 2], [&[5, 1, 37], &[3, 1]], [&[513], &[67, 513]]];
    let mut cases = Vec::new();
    for (reference, draw, f) in functions {
        for [left, right] in shapes {
            let detail = format!("{left:?} and {right:?}, {draw:?}");
            let both = case(reference, detail, move |_, x| Ok(vec![f(x[0], x[1])?]));
            cases.push(both.of("x", left, draw).of("y", right, draw));
        }
    }
    cases
}

/// What the plan calls a copy, through the door that callers' operations enter by.
#[derive(Debug)]
struct Copied;

impl Op for Copied {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        match inputs {
            [one] => Ok(one.clone()),
            _ => Err(Error::Arity { op: self.name(), wanted: 1, found: inputs.len() }),
        }
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient)])
    }

    fn elementwise(&self) -> Option<Function> {
        Some(Function::Copy)
    }
}
