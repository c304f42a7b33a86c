//! Convolutions by their definition and by Winograd's tiles.

use autodiff::{Conv2d, ConvMethod};
use serde_json::{Value, json};

use crate::case::{Case, case};
use crate::draw::Draw;

const NORMAL: Draw = Draw::Normal(1.0);
const PLAIN: Conv2d = Conv2d {
    stride: [1, 1],
    padding: [0, 0],
    dilation: [1, 1],
    groups: 1,
    method: ConvMethod::Fastest,
};

/// Images `[n, c, h, w]` and filters `[f, c / groups, kh, kw]`.
struct Images {
    what: &'static str,
    x: [usize; 4],
    w: [usize; 4],
    conv: Conv2d,
}

impl Images {
    fn detail(&self) -> String {
        format!("{}: {:?} by {:?}", self.what, self.x, self.w)
    }

    fn parameters(&self) -> Value {
        let Conv2d { stride, padding, dilation, groups, method } = self.conv;
        let tiles = method != ConvMethod::Direct;
        json!({
            "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
            "tiles": tiles,
        })
    }
}

fn images(what: &'static str, x: [usize; 4], w: [usize; 4], conv: Conv2d) -> Images {
    Images { what, x, w, conv }
}

fn tiles(padding: [usize; 2], groups: usize) -> Conv2d {
    Conv2d { padding, groups, method: ConvMethod::Winograd, ..PLAIN }
}

fn direct(padding: [usize; 2]) -> Conv2d {
    Conv2d { padding, method: ConvMethod::Direct, ..PLAIN }
}

pub(crate) fn cases() -> Vec<Case> {
    let strided = Conv2d { stride: [2, 1], padding: [0, 2], groups: 2, ..PLAIN };
    let dilated = Conv2d { stride: [3, 2], padding: [2, 1], dilation: [1, 2], ..PLAIN };
    let plain = [
        images("odd", [2, 4, 9, 11], [6, 4, 3, 2], PLAIN),
        images("stride and groups", [2, 4, 13, 10], [6, 2, 3, 2], strided),
        images("stride and dilation", [2, 4, 15, 14], [5, 4, 3, 3], dilated),
        images("pointwise", [3, 19, 13, 17], [23, 19, 1, 1], PLAIN),
        images("more taps than a block", [1, 48, 15, 17], [10, 48, 3, 3], direct([1, 1])),
        images(
            "each channel apart",
            [2, 12, 15, 13],
            [12, 1, 3, 3],
            Conv2d { groups: 12, ..PLAIN },
        ),
        images("large kernel", [2, 3, 39, 43], [16, 3, 11, 11], Conv2d { stride: [4; 2], ..PLAIN }),
        images("several blocks", [1, 3, 61, 67], [9, 3, 5, 5], direct([2, 2])),
        images("padding beyond the kernel", [2, 5, 7, 6], [4, 5, 3, 3], direct([3, 3])),
        images("fastest", [2, 19, 23, 29], [33, 19, 3, 3], Conv2d { padding: [1; 2], ..PLAIN }),
        images("tiles", [1, 70, 14, 19], [67, 70, 3, 3], tiles([0, 0], 1)),
        images("tiles of groups", [1, 16, 33, 37], [40, 8, 3, 3], tiles([0, 2], 2)),
        images("tiles of small images", [11, 4, 6, 6], [12, 4, 3, 3], tiles([2, 2], 1)),
        images("tiles of 5 by 5", [2, 9, 13, 18], [17, 9, 5, 5], tiles([2, 2], 1)),
    ];
    let mut cases: Vec<Case> = plain.iter().map(plain_case).collect();
    cases.extend(rectified());
    cases.extend(transposed());
    cases
}

fn plain_case(of: &Images) -> Case {
    let conv = of.conv;
    case("conv2d", of.detail(), move |_, v| Ok(vec![v[0].conv2d(v[1], conv)?]))
        .of("x", &of.x, NORMAL)
        .of("w", &of.w, NORMAL)
        .with(of.parameters())
}

/// A convolution is a multiple of 1/64, the bias an odd multiple of 1/128; without a bias, padding or
/// an even number of taps the former is odd. No result is near the kink at zero.
fn rectified() -> Vec<Case> {
    let (unit, half) = (Draw::Odd(1.0 / 8.0), Draw::Odd(1.0 / 128.0));
    let strided = Conv2d { stride: [2, 2], padding: [1, 1], ..PLAIN };
    let biased = [
        images("stride", [2, 5, 13, 15], [7, 5, 3, 3], strided),
        images("tiles", [2, 9, 13, 15], [20, 9, 3, 3], tiles([1, 1], 1)),
        images("tiles of groups", [2, 34, 11, 9], [22, 17, 3, 3], tiles([1, 1], 2)),
    ];
    let bare = [
        images("no bias", [2, 5, 13, 15], [7, 5, 3, 3], direct([0, 0])),
        images("tiles, no bias", [2, 17, 13, 15], [20, 17, 3, 3], tiles([0, 0], 1)),
    ];
    let mut cases = Vec::new();
    for of in biased {
        let (conv, filters) = (of.conv, of.w[0]);
        let named = case("conv2d_relu", of.detail(), move |_, v| {
            Ok(vec![v[0].conv2d_relu(v[1], Some(v[2]), conv)?])
        });
        let named = named.of("x", &of.x, unit).of("w", &of.w, unit).of("b", &[filters], half);
        cases.push(named.with(of.parameters()));
    }
    for of in bare {
        let conv = of.conv;
        let named = case("conv2d_relu", of.detail(), move |_, v| {
            Ok(vec![v[0].conv2d_relu(v[1], None, conv)?])
        });
        cases.push(named.of("x", &of.x, unit).of("w", &of.w, unit).with(of.parameters()));
    }
    cases
}

/// The gradient of the result as input, and the extent of the images as parameter.
fn transposed() -> Vec<Case> {
    let strided = Conv2d { stride: [3, 2], padding: [1, 1], groups: 2, ..PLAIN };
    let all = [
        (images("stride and groups", [2, 6, 5, 7], [6, 2, 3, 4], strided), [14, 14]),
        (images("tiles", [2, 21, 12, 14], [21, 18, 3, 3], tiles([1, 1], 1)), [12, 14]),
    ];
    all.into_iter()
        .map(|(of, extent)| {
            let conv = of.conv;
            let mut parameters = of.parameters();
            parameters["extent"] = json!(extent);
            case("conv2d_transposed", of.detail(), move |_, v| {
                Ok(vec![v[0].conv2d_transposed(v[1], conv, extent)?])
            })
            .of("x", &of.x, NORMAL)
            .of("w", &of.w, NORMAL)
            .with(parameters)
        })
        .collect()
}
