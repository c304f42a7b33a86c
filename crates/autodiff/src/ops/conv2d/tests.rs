//! Convolutions against their definition, their derivatives, and each other.

use super::form::result;
use super::*;
use crate::check::testing::{check, eval, eval_near};
use crate::{Buffer, DType, Device, Graph};
use kernels::convolution::Geometry;

/// The definition, element by element.
fn direct(conv: Conv2d, x: &[f64], w: &[f64], geometry: &Geometry) -> Vec<f64> {
    let Geometry { batch, channels, filters, input, kernel, output, .. } = *geometry;
    let mut y = Vec::new();
    for at in 0..batch * conv.groups * filters * output[0] * output[1] {
        let (column, at) = (at % output[1], at / output[1]);
        let (row, at) = (at % output[0], at / output[0]);
        let (filter, n) = (at % (conv.groups * filters), at / (conv.groups * filters));
        let group = filter / filters;
        let mut sum = 0.0;
        for tap in 0..channels * kernel[0] * kernel[1] {
            let (j, rest) = (tap % kernel[1], tap / kernel[1]);
            let (i, c) = (rest % kernel[0], rest / kernel[0]);
            let down = row * conv.stride[0] + i * conv.dilation[0];
            let right = column * conv.stride[1] + j * conv.dilation[1];
            let (Some(down), Some(right)) =
                (down.checked_sub(conv.padding[0]), right.checked_sub(conv.padding[1]))
            else {
                continue;
            };
            if down < input[0] && right < input[1] {
                let plane = (n * conv.groups + group) * channels + c;
                sum += x[(plane * input[0] + down) * input[1] + right]
                    * w[filter * channels * kernel[0] * kernel[1] + tap];
            }
        }
        y.push(sum);
    }
    y
}

fn numbers(len: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 37 + 11) % 23) as f64 / 8.0 - 1.0).collect()
}

const DIRECT: ConvMethod = ConvMethod::Direct;
const CONVS: [Conv2d; 5] = [
    Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, method: DIRECT },
    Conv2d { stride: [2, 1], padding: [0, 2], dilation: [1, 1], groups: 2, method: DIRECT },
    Conv2d { stride: [1, 1], padding: [0, 1], dilation: [2, 1], groups: 2, method: DIRECT },
    Conv2d { stride: [3, 2], padding: [2, 1], dilation: [1, 2], groups: 1, method: DIRECT },
    // Padded beyond what the kernel reaches.
    Conv2d { stride: [1, 1], padding: [3, 0], dilation: [1, 1], groups: 4, method: DIRECT },
];

#[test]
fn equals_the_definition() {
    let sizes: [([usize; 4], usize, [usize; 2]); 3] =
        [([2, 4, 5, 6], 8, [3, 2]), ([1, 4, 17, 40], 4, [3, 3]), ([1, 48, 20, 40], 8, [3, 3])];
    for conv in CONVS {
        for (x, f, [kh, kw]) in sizes {
            let w = [f, x[1] / conv.groups, kh, kw];
            let geometry = conv.geometry("conv2d", &x, &w).unwrap();
            let (left, right) = (numbers(x.iter().product()), numbers(w.iter().product::<usize>()));
            let found = eval(&[(&x, &left), (&w, &right)], |_, v| v[0].conv2d(v[1], conv));
            let wanted = direct(conv, &left, &right, &geometry);
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-11, "{conv:?}");
            }
        }
    }
}

#[test]
fn by_hand() {
    let x = (&[1, 1, 2, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
    let w = (&[1, 1, 2, 2][..], &[1.0, 10.0, 100.0, 1000.0][..]);
    let y = eval(&[x, w], |_, v| v[0].conv2d(v[1], Conv2d::default()));
    assert_eq!(y, [5421.0, 6532.0]);
    let g = (&[1, 1, 1, 2][..], &[1.0, 2.0][..]);
    let dx = eval(&[g, w], |_, v| v[0].conv2d_transposed(v[1], Conv2d::default(), [2, 3]));
    assert_eq!(dx, [1.0, 12.0, 20.0, 100.0, 1200.0, 2000.0]);
}

#[test]
fn pointwise_is_a_product() {
    let x = (&[1, 2, 1, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
    let w = (&[1, 2, 1, 1][..], &[10.0, 1.0][..]);
    assert_eq!(eval(&[x, w], |_, v| v[0].conv2d(v[1], Conv2d::default())), [14.0, 25.0, 36.0]);
}

#[test]
fn gradients() {
    for conv in CONVS {
        let w: &[usize] = &[4, 4 / conv.groups, 3, 2];
        check(&[&[2, 4, 5, 5], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.tanh()));
    }
    // Two taps more than blocks of columns hold.
    check(&[&[1, 43, 3, 3], &[2, 43, 3, 3]], |_, v| {
        let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
        Ok(v[0].conv2d(v[1], same)?.mul_scalar(0.05).tanh())
    });
}

#[test]
fn gradients_of_the_gradients() {
    for conv in CONVS {
        let (x, w) = ([1, 4, 4, 4], [4, 4 / conv.groups, 2, 2]);
        let y = result(&conv.geometry("conv2d", &x, &w).unwrap());
        check(&[&y, &w], |_, v| Ok(v[0].conv2d_transposed(v[1], conv, [4, 4])?.tanh()));
        check(&[&x, &y], |g, v| {
            Ok(g.apply(ConvolutionWeight { conv, kernel: [2, 2], winograd: false }, v)?
                .mul_scalar(0.3)
                .tanh())
        });
    }
}

fn same(padding: [usize; 2], groups: usize, method: ConvMethod) -> Conv2d {
    Conv2d { padding, groups, method, ..Conv2d::default() }
}

/// Images, filters and groups: odd extents, several images a block, several blocks an image,
/// channels and filters that blocks do not divide.
const TILED: [([usize; 4], usize, [usize; 2], usize); 8] = [
    ([1, 70, 9, 11], 67, [1, 1], 1),
    ([1, 3, 5, 7], 4, [1, 1], 1),
    ([3, 8, 13, 13], 16, [1, 1], 2),
    ([2, 9, 4, 3], 5, [2, 0], 1),
    ([1, 16, 33, 70], 40, [0, 2], 2),
    ([11, 4, 6, 6], 12, [2, 2], 1),
    ([1, 2, 3, 300], 2, [0, 1], 1),
    ([2, 2, 41, 9], 33, [1, 0], 1),
];

#[test]
fn tiles_give_what_the_definition_does() {
    for (x, f, padding, groups) in TILED {
        tiles_agree(x, f, padding, groups, 3);
        if x[2] + 2 * padding[0] >= 5 && x[3] + 2 * padding[1] >= 5 {
            tiles_agree(x, f, padding, groups, 5);
        }
    }
}

fn tiles_agree(x: [usize; 4], f: usize, padding: [usize; 2], groups: usize, taps: usize) {
    let conv = same(padding, groups, ConvMethod::Winograd);
    let w = [f, x[1] / groups, taps, taps];
    let geometry = conv.geometry("conv2d", &x, &w).unwrap();
    let (left, right) = (numbers(x.iter().product()), numbers(w.iter().product::<usize>()));
    let (images, filters) = ((&x[..], &left[..]), (&w[..], &right[..]));
    let found = eval_near(&[images, filters], |_, v| v[0].conv2d(v[1], conv));
    near(&found, &direct(conv, &left, &right, &geometry));
    // The adjoint, by the same transformed filters.
    let y = result(&geometry);
    let g = numbers(y.iter().product());
    let (gradient, extent) = ((&y[..], &g[..]), [x[2], x[3]]);
    let of = |method| {
        let conv = same(padding, groups, method);
        eval_near(&[gradient, filters], move |_, v| v[0].conv2d_transposed(v[1], conv, extent))
    };
    near(&of(ConvMethod::Winograd), &of(ConvMethod::Direct));
    let of = |method| {
        let conv = same(padding, groups, method);
        eval_near(&[images, gradient], move |g, v| {
            let winograd = method == ConvMethod::Winograd;
            g.apply(ConvolutionWeight { conv, kernel: [taps, taps], winograd }, v)
        })
    };
    near(&of(ConvMethod::Winograd), &of(ConvMethod::Direct));
}

fn near(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let off = norm(&mut found.iter().zip(wanted).map(|(a, b)| a - b));
    let all = norm(&mut wanted.iter().copied());
    assert!(off <= 1e-13 * all, "{off} of {all}");
}

#[test]
fn tiles_differentiate() {
    for (padding, groups) in [([1, 1], 1), ([0, 2], 2)] {
        let conv = same(padding, groups, ConvMethod::Winograd);
        let w: &[usize] = &[4, 4 / groups, 3, 3];
        check(&[&[2, 4, 5, 6], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.mul_scalar(0.2).tanh()));
        let w: &[usize] = &[2, 4 / groups, 5, 5];
        check(&[&[1, 4, 6, 5], w], |_, v| Ok(v[0].conv2d(v[1], conv)?.mul_scalar(0.05).tanh()));
    }
}

#[test]
fn a_bias_and_a_rectifier_follow() {
    for method in [ConvMethod::Direct, ConvMethod::Winograd] {
        let conv = same([1, 1], 2, method);
        let shapes: &[&[usize]] = &[&[2, 4, 5, 6], &[6, 2, 3, 3], &[6]];
        let (x, w, b) = (numbers(240), numbers(108), numbers(6));
        let given = [(shapes[0], &x[..]), (shapes[1], &w[..]), (shapes[2], &b[..])];
        let one = eval_near(&given, |_, v| v[0].conv2d_relu(v[1], Some(v[2]), conv));
        let many = eval_near(&given, |_, v| {
            Ok(v[0].conv2d(v[1], conv)?.add(v[2].reshape(&[6, 1, 1])?)?.relu())
        });
        near(&one, &many);
        assert!(one.contains(&0.0));
        check(shapes, |_, v| Ok(v[0].conv2d_relu(v[1], Some(v[2]), conv)?.square()));
        check(&shapes[..2], |_, v| Ok(v[0].conv2d_relu(v[1], None, conv)?.square()));
    }
}

/// Filters that a program does not assign are transformed when they were written, and only then.
#[test]
fn fixed_filters_are_transformed_once() {
    let conv = same([1, 1], 1, ConvMethod::Winograd);
    let graph = Graph::new(DType::F32);
    let (x, w) = (graph.input("x", &[1, 2, 8, 8]), graph.input("w", &[3, 2, 3, 3]));
    let mut program = graph.compile(&[x.conv2d(w, conv).unwrap()]).unwrap();
    let buffer = |len: usize, scale: f64| {
        let values: Vec<f32> = numbers(len).iter().map(|&x| (x * scale) as f32).collect();
        Buffer::from_slice(Device::cpu(), &values).unwrap()
    };
    let (mut x, mut w) = (buffer(128, 1.0), buffer(54, 1.0));
    let mut run = |w: &mut Buffer| {
        program.run(&mut [&mut x, w]).unwrap();
        program.output(0).to_vec::<f32>().unwrap()
    };
    let first = run(&mut w);
    assert_eq!(run(&mut w), first);
    // Another buffer, and another content.
    let mut twice = buffer(54, 2.0);
    let doubled: Vec<f32> = first.iter().map(|y| 2.0 * y).collect();
    assert_eq!(run(&mut twice), doubled);
    assert_eq!(run(&mut w), first);
    w.write(0, &twice.to_vec::<f32>().unwrap()).unwrap();
    assert_eq!(run(&mut w), doubled);
    w.update(|w: &mut [f32]| w.iter_mut().for_each(|w| *w /= 2.0)).unwrap();
    assert_eq!(run(&mut w), first);
}

/// Filters that a program assigns are transformed in every run.
#[test]
fn assigned_filters_are_transformed_again() {
    let conv = same([1, 1], 1, ConvMethod::Winograd);
    let graph = Graph::new(DType::F32);
    let (x, w) = (graph.input("x", &[1, 2, 8, 8]), graph.input("w", &[3, 2, 3, 3]));
    let y = x.conv2d(w, conv).unwrap();
    graph.assign(w, w.mul_scalar(2.0)).unwrap();
    let mut program = graph.compile(&[y]).unwrap();
    let values = |len| numbers(len).iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let [mut x, mut w] =
        [128, 54].map(|len| Buffer::from_slice(Device::cpu(), &values(len)).unwrap());
    let mut run = || {
        program.run(&mut [&mut x, &mut w]).unwrap();
        program.output(0).to_vec::<f32>().unwrap()
    };
    let first = run();
    assert_eq!(run(), first.iter().map(|y| 2.0 * y).collect::<Vec<f32>>());
}

#[test]
fn tiles_want_a_stride_of_one() {
    let graph = Graph::new(DType::F32);
    let (x, w) = (graph.input("x", &[1, 2, 8, 8]), graph.input("w", &[3, 2, 3, 3]));
    let strided = Conv2d { stride: [2, 2], ..same([1, 1], 1, ConvMethod::Winograd) };
    assert!(matches!(x.conv2d(w, strided), Err(Error::Shapes { op: "conv2d", .. })));
}

#[test]
fn misfits_are_named() {
    let graph = Graph::new(DType::F32);
    let (x, w) = (graph.input("x", &[1, 3, 4, 4]), graph.input("w", &[2, 2, 3, 3]));
    assert_eq!(
        x.conv2d(w, Conv2d::default()).unwrap_err().to_string(),
        "conv2d: shapes [1, 3, 4, 4] and [2, 2, 3, 3] do not fit, wanted c / groups channels a \
         filter, and filters that groups divide"
    );
    let w = graph.input("w", &[2, 3, 5, 5]);
    let error = x.conv2d(w, Conv2d::default()).unwrap_err().to_string();
    assert!(error.ends_with("wanted a kernel inside the padded image"), "{error}");
    let error = x.conv2d(w, Conv2d { groups: 0, ..Conv2d::default() }).unwrap_err();
    assert!(matches!(error, Error::Shape { op: "conv2d", .. }));
    let padded = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let error = x.conv2d_transposed(w, padded, [4, 4]).unwrap_err();
    assert!(matches!(error, Error::Shapes { op: "conv2d_input", .. }));
}
