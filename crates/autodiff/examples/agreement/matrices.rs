//! Products and systems, of extents that take each kernel.

use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

const NORMAL: Draw = Draw::Normal(1.0);

/// Extents of a product, m by k times k by n.
const PRODUCTS: [(&str, [usize; 3]); 14] = [
    ("loops", [5, 7, 3]),
    ("loops with a rest", [9, 21, 11]),
    ("loops, two vectors and a rest", [5, 40, 9]),
    ("loops, three vectors and a rest", [5, 50, 7]),
    ("loops, four vectors", [3, 64, 9]),
    ("a row", [1, 131, 67]),
    ("a column", [67, 131, 1]),
    ("BLAS", [67, 59, 131]),
    ("narrow", [133, 257, 37]),
    ("narrow, two columns", [65, 129, 2]),
    ("few rows by a large matrix", [7, 601, 503]),
    ("few terms, a large result", [601, 5, 503]),
    ("shared tiles", [301, 257, 131]),
    ("deep", [70, 2111, 67]),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, [m, k, n]) in PRODUCTS {
        for turned in [[false, false], [true, false], [false, true], [true, true]] {
            // By itself a transposed product says most where the shape is not special.
            if turned[0] && turned[1] && what != "BLAS" {
                continue;
            }
            let detail = format!("{what}: {m} x {k} x {n}{}", spelled(turned));
            let product = case("matmul", detail, move |_, x| {
                let a = if turned[0] { x[0].transpose(0, 1)? } else { x[0] };
                let b = if turned[1] { x[1].transpose(0, 1)? } else { x[1] };
                Ok(vec![a.matmul(b)?])
            });
            let side =
                |rows, columns, turned| if turned { [columns, rows] } else { [rows, columns] };
            let product = product.of("a", &side(m, k, turned[0]), NORMAL).of(
                "b",
                &side(k, n, turned[1]),
                NORMAL,
            );
            cases.push(product.with(json!({ "turned": turned })));
        }
    }
    cases.extend(batches());
    cases.extend(sums());
    cases.push(
        case("layers", "computed again for the gradient", |g, x| {
            let hidden = g.checkpointed(&[x[0], x[1]], |x| Ok(x[0].matmul(x[1])?.tanh()))?;
            Ok(vec![g.checkpointed(&[hidden, x[1]], |x| Ok(x[0].matmul(x[1])?.tanh()))?])
        })
        .of("x", &[9, 37], NORMAL)
        .of("w", &[37, 37], Draw::Normal(0.2)),
    );
    cases.extend(affine());
    for shape in [&[5, 7][..], &[3, 9, 70], &[150, 333], &[131, 17]] {
        let pairs = case("gram", format!("{shape:?}"), |_, x| Ok(vec![x[0].gram()?]));
        cases.push(pairs.of("x", shape, NORMAL));
    }
    cases.extend(systems());
    cases
}

fn spelled(turned: [bool; 2]) -> &'static str {
    match turned {
        [false, false] => "",
        [true, false] => ", left transposed",
        [false, true] => ", right transposed",
        [true, true] => ", both transposed",
    }
}

/// Products so small that they take a sum along.
fn sums() -> Vec<Case> {
    let shapes: [[&[usize]; 3]; 4] = [
        [&[32, 10, 1], &[32, 1, 50], &[32, 10, 50]],
        [&[5, 1, 70], &[5, 70, 19], &[5, 1, 19]],
        [&[5, 9, 50], &[5, 50, 1], &[5, 9, 1]],
        [&[3, 5, 130], &[3, 130, 2], &[3, 5, 2]],
    ];
    let sum = |[a, b, c]: [&'static [usize]; 3]| {
        let sum = case("product_and_sum", format!("{a:?} by {b:?}"), |_, x| {
            Ok(vec![x[2].add(x[0].matmul(x[1])?)?])
        });
        sum.of("a", a, NORMAL).of("b", b, NORMAL).of("c", c, NORMAL)
    };
    shapes.into_iter().map(sum).collect()
}

fn batches() -> Vec<Case> {
    let shapes: [[&[usize]; 2]; 5] = [
        [&[11, 5, 7], &[11, 7, 3]],
        [&[3, 1, 9, 21], &[2, 21, 11]],
        [&[6, 33, 65], &[6, 65, 40]],
        [&[4, 9, 17], &[17, 33]],
        [&[5, 1, 70], &[5, 70, 19]],
    ];
    let product = |[a, b]: [&'static [usize]; 2]| {
        let detail = format!("{a:?} by {b:?}");
        let product = case("matmul", detail, |_, x| Ok(vec![x[0].matmul(x[1])?]));
        product.of("a", a, NORMAL).of("b", b, NORMAL).with(json!({ "turned": [false, false] }))
    };
    shapes.map(product).into()
}

/// One panel, several passes over the inner axis, several blocks of rows.
fn affine() -> Vec<Case> {
    let extents: [(&[usize], usize, usize); 5] = [
        (&[5], 7, 3),
        (&[3, 11], 37, 65),
        (&[130], 331, 67),
        (&[1100], 30, 45),
        (&[40], 1031, 130),
    ];
    let mut cases = Vec::new();
    for (lead, k, n) in extents {
        let rows = [lead, &[k]].concat();
        let detail = format!("{rows:?} by [{k}, {n}]");
        let with = case("linear", &detail, |_, x| Ok(vec![x[0].linear(x[1], Some(x[2]))?]));
        let with = with.of("x", &rows, NORMAL).of("w", &[k, n], NORMAL).of("b", &[n], NORMAL);
        let without = format!("{detail}, no bias");
        let without = case("linear", without, |_, x| Ok(vec![x[0].linear(x[1], None)?]));
        cases.extend([with, without.of("x", &rows, NORMAL).of("w", &[k, n], NORMAL)]);
    }
    cases
}

/// Below a block of the factorisation, and above it.
fn systems() -> Vec<Case> {
    let mut cases = Vec::new();
    for (lead, n, m) in [(&[3, 2][..], 5, 4), (&[2], 70, 3), (&[], 131, 9)] {
        let (square, right) = ([lead, &[n, n]].concat(), [lead, &[n, m]].concat());
        let detail = format!("{square:?} and {right:?}");
        cases.extend([
            case("cholesky", format!("{square:?}"), |_, x| Ok(vec![x[0].cholesky()?])).of(
                "a",
                &square,
                Draw::Definite,
            ),
            case("solve", &detail, |_, x| Ok(vec![x[0].solve(x[1])?]))
                .of("a", &square, Draw::Definite)
                .of("b", &right, NORMAL),
        ]);
        for transposed in [false, true] {
            let detail = format!("{detail}{}", if transposed { ", transposed" } else { "" });
            let solved = case("triangular_solve", detail, move |_, x| {
                Ok(vec![x[0].triangular_solve(x[1], transposed)?])
            });
            let solved = solved.of("l", &square, Draw::Lower).of("b", &right, NORMAL);
            cases.push(solved.with(json!({ "transposed": transposed })));
        }
    }
    cases
}
