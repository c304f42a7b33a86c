//! Values that are no numbers, and rows of nothing but infinities.

use autodiff::{DType, Graph};

use crate::support::{agree, floats};

#[test]
fn no_number_and_infinities_stay_where_they_are() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let values = [
        [1.0, nan, 2.0, 0.0],
        [-inf, -inf, -inf, -inf],
        [inf, 1.0, -inf, 0.0],
        [-1.0, -0.0, 0.0, -inf],
        [nan, nan, inf, 3.0],
    ];
    for dtype in [DType::F32, DType::F64] {
        let graph = Graph::new(dtype);
        let x = graph.input("x", &[5, 4]);
        let y = x.transpose(0, 1).unwrap().reshape(&[5, 4]).unwrap();
        let rows = [
            x.softmax(1).unwrap(),
            x.log_softmax(1).unwrap(),
            x.log_sum_exp(1, false).unwrap(),
            x.max(&[1], false).unwrap(),
            x.max(&[0], false).unwrap(),
            x.sum(&[1], false).unwrap(),
        ];
        let elements = [
            x.relu(),
            x.tanh(),
            x.sigmoid(),
            x.exp(),
            x.step(),
            x.maximum(y).unwrap(),
            x.greater(y).unwrap(),
            x.equal(y).unwrap(),
        ];
        let (best, places) = x.top_k(3).unwrap();
        let outputs = [&rows[..], &elements, &[best, places]].concat();
        agree("no number", &graph, &outputs, &[floats(&values.concat(), dtype)]);
    }
}
