//! Pooling, normalisation across channels, and dropout.

use autodiff::{LocalResponseNorm, Pool2d};
use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let windows = [
        ([2, 5, 13, 17], Pool2d::of(2)),
        ([2, 5, 13, 17], Pool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1] }),
        ([3, 4, 9, 11], Pool2d { kernel: [3, 2], stride: [1, 3], padding: [1, 0] }),
        ([1, 16, 55, 55], Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0] }),
    ];
    for (shape, pool) in windows {
        let Pool2d { kernel, stride, padding } = pool;
        let detail = format!("{kernel:?} of {shape:?}, stride {stride:?}, padding {padding:?}");
        let parameters = json!({ "kernel": kernel, "stride": stride, "padding": padding });
        let of = [
            case("avg_pool2d", &detail, move |_, x| Ok(vec![x[0].avg_pool2d(pool)?])).of(
                "x",
                &shape,
                Draw::Normal(1.0),
            ),
            case("max_pool2d", &detail, move |_, x| Ok(vec![x[0].max_pool2d(pool)?])).of(
                "x",
                &shape,
                Draw::Distinct,
            ),
        ];
        cases.extend(of.map(|case| case.with(parameters.clone())));
    }
    let norms = [
        (&[2, 11, 7, 9][..], LocalResponseNorm::default()),
        (&[2, 11, 7, 9], LocalResponseNorm { size: 3, alpha: 0.8, beta: 0.6, k: 2.0 }),
        (&[1, 33, 37, 31], LocalResponseNorm { size: 5, alpha: 1.0, beta: 0.75, k: 1.0 }),
    ];
    for (shape, norm) in norms {
        let LocalResponseNorm { size, alpha, beta, k } = norm;
        let detail = format!("{shape:?}, size {size}, alpha {alpha}, beta {beta}");
        let normed = case("local_response_norm", detail, move |_, x| {
            Ok(vec![x[0].local_response_norm(norm)?])
        });
        let parameters = json!({ "size": size, "alpha": alpha, "beta": beta, "k": k });
        cases.push(normed.of("x", shape, Draw::Normal(1.0)).with(parameters));
    }
    for (shape, rate) in [(&[33, 65][..], 0.5), (&[40_009], 0.3)] {
        // Ones show the mask.
        let dropped = case("dropout", format!("{shape:?}, rate {rate}"), move |graph, x| {
            let ones = graph.full(1.0, &x[0].shape());
            Ok(vec![x[0].dropout(rate, x[1])?, ones.dropout(rate, x[1])?])
        });
        let dropped = dropped.of("x", shape, Draw::Normal(1.0)).of("key", &[4], Draw::Words);
        cases.push(dropped.with(json!({ "rate": rate })));
    }
    cases
}
