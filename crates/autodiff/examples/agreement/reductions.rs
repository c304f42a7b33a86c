//! Sums, maxima, and what normalises the exponentials or the moments of rows.

use autodiff::{Error, Var};
use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

type AxisWise = for<'g> fn(Var<'g>, usize) -> Result<Var<'g>, Error>;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let shape = &[5, 17, 3, 33][..];
    let runs: [(&[usize], bool); 6] = [
        (&[0], false),
        (&[3], false),
        (&[1, 2], true),
        (&[0, 2], false),
        (&[1, 3], true),
        (&[0, 1, 2, 3], false),
    ];
    for (axes, keep) in runs {
        let parameters = json!({ "axes": axes, "keep": keep });
        let detail = format!("axes {axes:?} of {shape:?}");
        let axes = axes.to_vec();
        let axes2 = axes.clone();
        let axes3 = axes.clone();
        let of = [
            case("sum", &detail, move |_, x| Ok(vec![x[0].sum(&axes, keep)?])).of(
                "x",
                shape,
                Draw::Positive,
            ),
            case("mean", &detail, move |_, x| Ok(vec![x[0].mean(&axes2, keep)?])).of(
                "x",
                shape,
                Draw::Positive,
            ),
            case("max", &detail, move |_, x| Ok(vec![x[0].max(&axes3, keep)?])).of(
                "x",
                shape,
                Draw::Distinct,
            ),
        ];
        cases.extend(of.map(|case| case.with(parameters.clone())));
    }
    cases.extend([
        case("max", "with ties", |_, x| Ok(vec![x[0].max(&[1], false)?]))
            .of("x", &[31, 57], Draw::Small)
            .with(json!({ "axes": [1], "keep": false })),
        case("sum_all", "[100003]", |_, x| Ok(vec![x[0].sum_all()])).of(
            "x",
            &[100_003],
            Draw::Positive,
        ),
        case("mean_all", "[301, 333]", |_, x| Ok(vec![x[0].mean_all()])).of(
            "x",
            &[301, 333],
            Draw::Positive,
        ),
        case("sum", "axes [1] of [301, 333]", |_, x| Ok(vec![x[0].sum(&[1], false)?]))
            .of("x", &[301, 333], Draw::Normal(1.0))
            .with(json!({ "axes": [1], "keep": false })),
        case("sum", "axes [0] of [301, 333]", |_, x| Ok(vec![x[0].sum(&[0], false)?]))
            .of("x", &[301, 333], Draw::Normal(1.0))
            .with(json!({ "axes": [0], "keep": false })),
    ]);
    cases.extend(exponentials());
    cases.extend(moments());
    cases
}

fn exponentials() -> Vec<Case> {
    let functions: [(&str, AxisWise); 4] = [
        ("softmax", |x, axis| x.softmax(axis)),
        ("log_softmax", |x, axis| x.log_softmax(axis)),
        ("log_sum_exp", |x, axis| x.log_sum_exp(axis, false)),
        ("log_sum_exp_kept", |x, axis| x.log_sum_exp(axis, true)),
    ];
    let mut cases = Vec::new();
    for (reference, f) in functions {
        for (shape, axis) in
            [(&[4, 7, 13][..], 2), (&[4, 7, 13], 1), (&[9, 2111], 1), (&[1201, 19], 1)]
        {
            let along = case(reference, format!("axis {axis} of {shape:?}"), move |_, x| {
                Ok(vec![f(x[0], axis)?])
            });
            cases.push(along.of("x", shape, Draw::Normal(2.0)).with(json!({ "axis": axis })));
        }
    }
    for shape in [&[4, 7, 13][..], &[33, 1500]] {
        let detail = format!("{shape:?}");
        let classes = shape[shape.len() - 1];
        let targets = Draw::Index { rows: classes as u32, holes: true };
        let lead = &shape[..shape.len() - 1];
        cases.extend([
            case("masked_softmax", &detail, |_, x| Ok(vec![x[0].masked_softmax(x[1])?]))
                .of("x", shape, Draw::Normal(2.0))
                .fixed("mask", shape, Draw::Mask),
            case("cross_entropy", &detail, |_, x| Ok(vec![x[0].cross_entropy(x[1])?]))
                .of("x", shape, Draw::Normal(2.0))
                .of("targets", lead, targets),
            case("pick", &detail, |_, x| Ok(vec![x[0].pick(x[1])?]))
                .of("x", shape, Draw::Normal(2.0))
                .of("indices", lead, targets),
        ]);
    }
    cases
}

fn moments() -> Vec<Case> {
    let epsilon = 1e-3;
    let rows = [&[33, 70][..], &[5, 1031], &[4, 3, 9, 130], &[70, 513]].map(|shape| {
        case("layer_norm", format!("{shape:?}"), move |_, x| Ok(vec![x[0].layer_norm(epsilon)?]))
            .of("x", shape, Draw::Positive)
    });
    let channels = [&[29, 5][..], &[4, 7, 11, 13], &[3, 20, 61], &[8, 20, 17, 19]].map(|shape| {
        case("batch_norm", format!("{shape:?}"), move |_, x| Ok(vec![x[0].batch_norm(epsilon)?]))
            .of("x", shape, Draw::Normal(1.5))
    });
    rows.into_iter().chain(channels).map(|c| c.with(json!({ "epsilon": epsilon }))).collect()
}
