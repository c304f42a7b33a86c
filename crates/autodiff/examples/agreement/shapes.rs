//! Operations that move elements, and those that only differentiation sees.

use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

const NORMAL: Draw = Draw::Normal(1.0);

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("reshape", "[6, 35] to [7, 30]", |_, x| Ok(vec![x[0].reshape(&[7, 30])?]))
            .of("x", &[6, 35], NORMAL)
            .with(json!({ "shape": [7, 30] })),
        case("reshape_transposed", "[6, 35] to [7, 30]", |_, x| {
            Ok(vec![x[0].transpose(0, 1)?.reshape(&[7, 30])?])
        })
        .of("x", &[6, 35], NORMAL)
        .with(json!({ "shape": [7, 30] })),
        case("broadcast_to", "[5, 1, 7] to [3, 5, 11, 7]", |_, x| {
            Ok(vec![x[0].broadcast_to(&[3, 5, 11, 7])?])
        })
        .of("x", &[5, 1, 7], NORMAL)
        .with(json!({ "shape": [3, 5, 11, 7] })),
        case("stop_gradient", "within a product", |_, x| {
            Ok(vec![x[0].mul(x[0].tanh().stop_gradient())?])
        })
        .of("x", &[7, 131], NORMAL),
        case("tiles", "disjoint slices, joined again by differentiation", |_, x| {
            let (left, right) = (x[0].slice(1, 0..4)?, x[0].slice(1, 6..11)?);
            Ok(vec![left.tanh(), right.square()])
        })
        .of("x", &[9, 11, 3], NORMAL),
    ];
    for (a, b, shape) in
        [(0, 2, &[4, 5, 6][..]), (1, 2, &[4, 15, 26]), (0, 1, &[67, 129]), (0, 1, &[300, 301])]
    {
        let detail = format!("axes {a} and {b} of {shape:?}");
        let turned = case("transpose", detail, move |_, x| Ok(vec![x[0].transpose(a, b)?]));
        cases.push(turned.of("x", shape, NORMAL).with(json!({ "axes": [a, b] })));
    }
    for (axis, start, end) in [(0, 1, 4), (1, 3, 10), (2, 0, 2), (2, 2, 3)] {
        let detail = format!("axis {axis} from {start} to {end}");
        let part = case("slice", detail, move |_, x| Ok(vec![x[0].slice(axis, start..end)?]));
        let parameters = json!({ "axis": axis, "start": start, "end": end });
        cases.push(part.of("x", &[5, 11, 3], NORMAL).with(parameters));
    }
    for axis in 0..3 {
        let mut shapes = [[5, 7, 3]; 3];
        (shapes[1][axis], shapes[2][axis]) = (1, 13);
        let joined =
            case("concat", format!("axis {axis}"), move |g, x| Ok(vec![g.concat(x, axis)?]));
        let [a, b, c] = shapes;
        let joined = joined.of("a", &a, NORMAL).of("b", &b, NORMAL).of("c", &c, NORMAL);
        cases.push(joined.with(json!({ "axis": axis })));
    }
    cases
}
