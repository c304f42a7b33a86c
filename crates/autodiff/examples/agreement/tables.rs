//! Rows and elements at indices.

use serde_json::json;

use crate::case::{Case, case};
use crate::draw::Draw;

const NORMAL: Draw = Draw::Normal(1.0);

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, width, indices) in [(37, 13, &[4, 9][..]), (5000, 33, &[301]), (3, 70, &[2, 3, 50])]
    {
        let at = Draw::Index { rows: rows as u32, holes: true };
        let detail = format!("{indices:?} of [{rows}, {width}]");
        cases.push(
            case("gather", &detail, |_, x| Ok(vec![x[0].gather(x[1])?]))
                .of("table", &[rows, width], NORMAL)
                .of("indices", indices, at),
        );
        let scattered =
            case("scatter_add", &detail, move |_, x| Ok(vec![x[0].scatter_add(x[1], rows)?]));
        let scattered = scattered.of("rows", &[indices, &[width]].concat(), NORMAL);
        cases.push(scattered.of("indices", indices, at).with(json!({ "rows": rows })));
    }
    cases.extend(bags());
    cases.push(row_sparse());
    for (shape, count) in [(&[13, 101][..], 7), (&[3, 5, 12], 12), (&[2, 3001], 1)] {
        let detail = format!("{count} of {shape:?}");
        let best = case("top_k", detail, move |_, x| {
            let (values, places) = x[0].top_k(count)?;
            Ok(vec![values, places])
        });
        cases.push(best.of("x", shape, Draw::Distinct).with(json!({ "count": count })));
    }
    let places = Draw::Index { rows: 11, holes: true };
    cases.push(
        case("take", "[3, 5, 8] of [3, 5, 11]", |_, x| Ok(vec![x[0].take(x[1])?]))
            .of("x", &[3, 5, 11], NORMAL)
            .of("indices", &[3, 5, 8], places),
    );
    cases
}

/// A small table that is copied first, a large one, long bags.
fn bags() -> Vec<Case> {
    let mut cases = Vec::new();
    let extents =
        [(30, 20, &[7, 5, 6][..]), (5000, 33, &[64, 40]), (101, 1, &[9, 3]), (200, 150, &[50, 11])];
    for (rows, width, indices) in extents {
        for padding in [None, Some(0)] {
            let at = Draw::Index { rows: rows as u32, holes: true };
            let detail = format!("{indices:?} of [{rows}, {width}], padding {padding:?}");
            let parameters = json!({ "rows": rows, "padding": padding });
            let sums = case("embedding_bag", &detail, move |_, x| {
                Ok(vec![x[0].embedding_bag(x[1], padding)?])
            });
            let sums = sums.of("table", &[rows, width], NORMAL).of("indices", indices, at);
            let lead = [&indices[..indices.len() - 1], &[width]].concat();
            let scattered = case("scatter_add_bag", &detail, move |_, x| {
                Ok(vec![x[0].scatter_add_bag(x[1], padding, rows)?])
            });
            let scattered = scattered.of("rows", &lead, NORMAL).of("indices", indices, at);
            cases.extend([sums, scattered].map(|case| case.with(parameters.clone())));
        }
    }
    cases
}

/// The gradient of a table that is read twice, as rows: what they are, and their derivative.
fn row_sparse() -> Case {
    let rows = case("row_sparse", "a gather and an embedding bag of [300, 7]", |graph, x| {
        let (table, indices, bags) = (x[0], x[1], x[2]);
        let one = table.gather(indices)?.square().mul(x[3])?.sum_all();
        let other = table.embedding_bag(bags, Some(0))?.square().mul(x[4])?.sum_all();
        let gradient = graph.grad(one.add(other)?, &[table])?[0];
        let wanted = "a gradient of gathers is a sum of rows";
        let sparse = graph
            .row_sparse(gradient)?
            .ok_or_else(|| autodiff::Error::Custom { op: "row_sparse", message: wanted.into() })?;
        Ok(vec![sparse.rows, sparse.indices])
    });
    let at = Draw::Index { rows: 300, holes: true };
    rows.of("table", &[300, 7], NORMAL)
        .of("indices", &[3, 11], at)
        .of("bags", &[9, 4], at)
        .of("u", &[3, 11, 7], NORMAL)
        .of("v", &[9, 7], NORMAL)
        .with(json!({ "padding": 0 }))
}
